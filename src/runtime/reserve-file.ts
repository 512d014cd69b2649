/**
 * Disk space held back for an emergency: `<data>/reserve`, a file of zeros. When the disk is full it is unlinked, and
 * deletes, flushes and compactions, which need space to free more, can go on. Main thread only.
 *
 * It is filled in small chunks, a while apart, so that no event loop notices. Nothing is synced: the space is taken as
 * soon as the bytes are written, and after a crash the file is measured and filled up. It must be written, not only
 * made long: a hole takes no space. File systems that compress (btrfs, zfs with compression on) keep zeros in almost no
 * space; there it holds nothing back, and storage.read_only_free_bytes is what protects.
 */
import { unlinkQuietly } from '../vfs/transfer.js';
import type { Vfs } from '../vfs/vfs.js';
import type { RepeatingTimer } from './repeating-timer.js';

export const RESERVE_FILE = 'reserve';
const CHUNK_BYTES = 1024 * 1024;
const CHUNK_INTERVAL_MS = 20;

/**
 * - `off`: no reserve is wanted.
 * - `absent`: wanted, not complete; the file may be there in part.
 * - `filling`: being written.
 * - `held`: complete.
 * - `released`: given up for an emergency.
 */
export type ReserveStatus = 'off' | 'absent' | 'filling' | 'held' | 'released';

export interface ReserveFileOptions {
  readonly vfs: Vfs;
  readonly dataDirectory: string;
  /** 0: none is wanted, and one that is there is removed. */
  readonly sizeBytes: number;
  readonly timer: RepeatingTimer;
  /** Told when filling failed; it starts again when fill() is called again. */
  readonly onFailed: (error: unknown) => void;
}

export class ReserveFile {
  private readonly path: string;
  private current: ReserveStatus;
  /** Bytes of the file. */
  private bytes: number;
  private owed = 0;
  private stopFilling: (() => void) | undefined;

  /** Takes over what an earlier run has left. */
  constructor(private readonly options: ReserveFileOptions) {
    const { vfs, dataDirectory, sizeBytes } = options;
    this.path = `${dataDirectory}/${RESERVE_FILE}`;
    this.bytes = vfs.exists(this.path) ? vfs.sizeOf(this.path) : 0;
    if (this.bytes > sizeBytes) this.remove();
    if (sizeBytes === 0) this.current = 'off';
    else this.current = this.bytes === sizeBytes ? 'held' : 'absent';
  }

  get status(): ReserveStatus {
    return this.current;
  }

  /** Bytes that release() would free. */
  get heldBytes(): number {
    return this.bytes;
  }

  /** Bytes that an emergency has borrowed from the reserve: free space that is not there for writes. */
  get owedBytes(): number {
    return this.owed;
  }

  /** Bytes of the complete file; 0 when none is wanted. */
  get sizeBytes(): number {
    return this.options.sizeBytes;
  }

  /** Starts to fill the file in the background, unless it is complete, under way or not wanted. */
  fill(): void {
    if (this.current !== 'absent' && this.current !== 'released') return;
    this.current = 'filling';
    this.stopFilling = this.options.timer(CHUNK_INTERVAL_MS, () => this.step());
  }

  /** Gives the space back; returns the bytes, 0 when none were held. Throws DbError('IO') if the file cannot be removed. */
  release(): number {
    this.close();
    const freed = this.bytes;
    if (freed === 0) return 0;
    this.remove();
    this.owed = freed;
    this.current = 'released';
    return freed;
  }

  /** Stops what is under way; the file stays. */
  close(): void {
    this.stop();
    if (this.current === 'filling') this.current = 'absent';
  }

  private step(): void {
    try {
      this.append();
      if (this.bytes < this.options.sizeBytes) return;
      this.stop();
      this.owed = 0;
      this.current = 'held';
    } catch (error) {
      this.close();
      this.giveUp();
      this.options.onFailed(error);
    }
  }

  /** A part of a reserve on a device that has no space, or fails, is in the way. */
  private giveUp(): void {
    unlinkQuietly(this.options.vfs, this.path);
    this.bytes = this.options.vfs.exists(this.path) ? this.options.vfs.sizeOf(this.path) : 0;
  }

  private append(): void {
    const { vfs, sizeBytes } = this.options;
    const length = Math.min(CHUNK_BYTES, sizeBytes - this.bytes);
    const file = vfs.open(this.path, vfs.exists(this.path) ? 'readwrite' : 'create');
    try {
      file.pwrite(new Uint8Array(length), 0, length, this.bytes);
      this.bytes += length;
    } finally {
      file.close();
    }
  }

  private remove(): void {
    const { vfs } = this.options;
    if (vfs.exists(this.path)) vfs.unlink(this.path);
    this.bytes = 0;
  }

  private stop(): void {
    this.stopFilling?.();
    this.stopFilling = undefined;
  }
}
