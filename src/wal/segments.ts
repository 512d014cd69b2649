/**
 * The files of one WAL directory that are not being read: allocation ahead of need, activation as a segment,
 * recycling. Threads meet only in file names: the shard thread alone activates and releases; `prepareSpare` may be
 * called by any thread through a pool of its own. Nothing here knows what is inside a record.
 */
import { assert } from '../base/assert.js';
import type { SegmentNumber } from '../base/brand.js';
import { DbError } from '../base/errors.js';
import { ioErrorFromErrno, isIoError } from '../vfs/io-error.js';
import { unlinkQuietly } from '../vfs/transfer.js';
import type { Vfs, VfsFile } from '../vfs/vfs.js';
import {
  decodeSegmentHeader,
  encodeSegmentHeader,
  SEGMENT_BYTES_MIN,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
} from './format.js';
import { classifyName, recycledName, segmentName, spareName, temporaryName } from './segment-names.js';

export interface SegmentPoolOptions {
  readonly vfs: Vfs;
  readonly directory: string;
  /** Size of a normal segment, a multiple of 4096. */
  readonly segmentBytes: number;
  /** Spares kept for reuse; released segments beyond it are unlinked. */
  readonly sparesMax: number;
}

/** Space that is certain to be there, not yet part of the log. Its owner activates or closes it. */
export interface ReservedSegment {
  /** Open for writing already, so that running out of file handles is noticed before anything changes. */
  readonly file: VfsFile;
  readonly sizeBytes: number;
}

const PREALLOCATION_CHUNK_BYTES = 1024 * 1024;
const NAME_ATTEMPTS_MAX = 10_000;

export class SegmentPool {
  readonly directory: string;
  readonly segmentBytes: number;
  private readonly vfs: Vfs;
  private readonly sparesMax: number;

  constructor(options: SegmentPoolOptions) {
    assert(
      options.segmentBytes >= SEGMENT_BYTES_MIN,
      'WAL segments must not be smaller than SEGMENT_BYTES_MIN',
    );
    assert(options.segmentBytes % SEGMENT_HEADER_BYTES === 0, 'a WAL segment must be whole 4096-byte pages');
    this.vfs = options.vfs;
    this.directory = options.directory;
    this.segmentBytes = options.segmentBytes;
    this.sparesMax = options.sparesMax;
  }

  pathOf(number: SegmentNumber): string {
    return this.path(segmentName(number));
  }

  /**
   * Once at start-up, before other threads use the directory: creates it if need be, removes temporaries that a crash
   * left behind, spares of another size, and those beyond the limit, but for one that alone tells the highest number used.
   * Files with other names are not touched. Returns the removed names.
   */
  prepareDirectory(): string[] {
    this.vfs.makeDirectory(this.directory);
    const names = this.vfs.list(this.directory);
    const highest = highestNumber(names);
    const useless = names.filter((name) => {
      const classified = classifyName(name);
      const { kind } = classified;
      if (kind === 'temporary') return true;
      if (kind === 'recycled' && classified.number === highest) return false;
      return (kind === 'spare' || kind === 'recycled') && this.sizeOf(this.path(name)) !== this.segmentBytes;
    });
    for (const name of useless) this.vfs.unlink(this.path(name));
    return [...useless, ...this.removeSurplus()];
  }

  /** Names of the spares at hand. */
  spares(): string[] {
    return this.vfs.list(this.directory).filter((name) => isSpare(name));
  }

  /** Allocates one spare unless enough are there. Returns true if it did. Any thread. */
  prepareSpare(): boolean {
    const isWanted = (): boolean => this.spares().length < this.sparesMax;
    // Asked again once the space is there: the shard thread may have released segments meanwhile.
    return isWanted() && this.preallocate(this.segmentBytes, isWanted) !== undefined;
  }

  /**
   * Finds a spare or allocates one, synchronously, and opens it. Throws DbError('IO'), with errno ENOSPC if there is
   * no space, and nothing that matters has changed. Shard thread only.
   */
  reserve(sizeBytes: number): ReservedSegment {
    if (sizeBytes === this.segmentBytes) {
      for (const name of this.spares()) {
        // A checkpoint has linked it while it was a segment: its bytes are not ours alone.
        if (this.vfs.linkCount(this.path(name)) > 1) continue;
        const file = this.vfs.open(this.path(name), 'readwrite');
        if (file.size() === sizeBytes) return { file, sizeBytes };
        file.close();
      }
    }
    const path = this.preallocate(sizeBytes, () => true);
    assert(path !== undefined, 'space that is wanted is not given up');
    return { file: this.vfs.open(path, 'readwrite'), sizeBytes };
  }

  /**
   * Turns reserved space into segment `header.number`, durably, and opens it under its new name. The header is synced
   * before the file gets that name, so a file with a segment's name has had a whole header. Shard thread only.
   */
  activate({ file }: ReservedSegment, header: SegmentHeader): VfsFile {
    const target = this.pathOf(header.number);
    try {
      this.requireReplaceable(target);
      // The name the space has now must be durable first. Otherwise a crash could bring a recycled file back under
      // its old segment name, but with the new header inside.
      this.vfs.syncDirectory(this.directory);
      const bytes = encodeSegmentHeader(header);
      file.pwrite(bytes, 0, bytes.length, 0);
      file.fsync();
      this.vfs.rename(file.path, target);
      this.vfs.syncDirectory(this.directory);
    } finally {
      file.close();
    }
    return this.vfs.open(target, 'readwrite');
  }

  /** `reserve` and `activate` in one step, at the normal size. */
  take(header: SegmentHeader): VfsFile {
    return this.activate(this.reserve(this.segmentBytes), header);
  }

  /**
   * Gives a segment back whose records are all in SSTables: it becomes a spare, or goes away if there are enough.
   * Segments are released in order of their numbers; each release is durable before the next one starts, or a crash
   * could leave a gap. `isNewest`: no later segment exists, so its name alone says which numbers were used: it stays as
   * a recycled file, whatever its size, and another spare goes if there are enough. Shard thread only.
   */
  release(number: SegmentNumber, isNewest: boolean): void {
    const path = this.pathOf(number);
    const reusable =
      this.spares().length < this.sparesMax &&
      this.sizeOf(path) === this.segmentBytes &&
      // A checkpoint that has linked it keeps its bytes as they are.
      this.vfs.linkCount(path) === 1;
    if (reusable || isNewest) this.vfs.rename(path, this.path(recycledName(number)));
    else this.vfs.unlink(path);
    this.vfs.syncDirectory(this.directory);
    // Only now: until its new name is durable, one of the others may be what tells the highest number.
    if (isNewest) this.removeSurplus();
  }

  /** Spares beyond the limit, but for the one that tells the highest number used. Returns their names. Shard thread only. */
  private removeSurplus(): string[] {
    const highest = highestNumber(this.vfs.list(this.directory));
    const spares = this.spares();
    const dispensable = spares.filter((name) => {
      const classified = classifyName(name);
      return classified.kind !== 'recycled' || classified.number !== highest;
    });
    const surplus = dispensable.slice(0, Math.max(0, spares.length - this.sparesMax));
    for (const name of surplus) this.vfs.unlink(this.path(name));
    return surplus;
  }

  /**
   * Zero-fills a new spare under a temporary name, syncs it, then gives it its name, unless it is no longer wanted. Returns
   * its path.
   */
  private preallocate(sizeBytes: number, isWanted: () => boolean): string | undefined {
    const free = this.vfs.freeBytes(this.directory);
    // Known beforehand, so that a full disk is not filled to the last byte with every refused write.
    if (free < sizeBytes) throw this.noSpace(sizeBytes, free);
    const { index, file } = this.createTemporary();
    try {
      try {
        const zeros = new Uint8Array(Math.min(PREALLOCATION_CHUNK_BYTES, sizeBytes));
        for (let at = 0; at < sizeBytes; at += zeros.length) {
          file.pwrite(zeros, 0, Math.min(zeros.length, sizeBytes - at), at);
        }
        file.fsync();
      } finally {
        file.close();
      }
      if (!isWanted()) {
        this.vfs.unlink(file.path);
        return undefined;
      }
      this.vfs.rename(file.path, this.path(spareName(index)));
    } catch (error) {
      unlinkQuietly(this.vfs, file.path);
      throw error;
    }
    this.vfs.syncDirectory(this.directory);
    return this.path(spareName(index));
  }

  /** Holding `spare-<n>.tmp`, created exclusively, is what entitles a thread to the name `spare-<n>.wal`. */
  private createTemporary(): { index: number; file: VfsFile } {
    for (let index = 0; index < NAME_ATTEMPTS_MAX; index++) {
      if (this.vfs.exists(this.path(spareName(index)))) continue;
      let file: VfsFile;
      try {
        file = this.vfs.open(this.path(temporaryName(index)), 'create');
      } catch (error) {
        if (isIoError(error, 'EEXIST')) continue;
        throw error;
      }
      // Another thread may have finished with this number between the two steps above.
      if (!this.vfs.exists(this.path(spareName(index)))) return { index, file };
      file.close();
      this.vfs.unlink(file.path);
    }
    throw ioErrorFromErrno('open', this.path(temporaryName(NAME_ATTEMPTS_MAX)), 'EEXIST');
  }

  /** Only a file without a header (see recovery.ts: it holds no record) may be replaced by a new segment. */
  private requireReplaceable(target: string): void {
    if (!this.vfs.exists(target)) return;
    if (readSegmentHeader(this.vfs, target).kind === 'blank') return;
    throw new DbError('CORRUPT_WAL', `a WAL segment named ${target} already exists`, {
      file: target,
      offset: 0,
    });
  }

  private noSpace(neededBytes: number, freeBytes: number): DbError {
    return new DbError(
      'IO',
      `no space for a WAL segment in ${this.directory} (ENOSPC): ${neededBytes} bytes needed, ${freeBytes} free`,
      { file: this.directory, operation: 'preallocate', errno: 'ENOSPC', neededBytes, freeBytes },
    );
  }

  private sizeOf(path: string): number {
    const file = this.vfs.open(path, 'read');
    try {
      return file.size();
    } finally {
      file.close();
    }
  }

  private path(name: string): string {
    return `${this.directory}/${name}`;
  }
}

/** Reads and decodes the header of the segment file at `path`. */
export function readSegmentHeader(vfs: Vfs, path: string): ReturnType<typeof decodeSegmentHeader> {
  const file = vfs.open(path, 'read');
  try {
    const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
    const count = file.pread(bytes, 0, bytes.length, 0);
    return decodeSegmentHeader(bytes.subarray(0, count));
  } finally {
    file.close();
  }
}

/** Of all segments and recycled files; 0 if there are none. */
function highestNumber(names: readonly string[]): number {
  return names.reduce((max, name) => {
    const classified = classifyName(name);
    return 'number' in classified ? Math.max(max, classified.number) : max;
  }, 0);
}

function isSpare(name: string): boolean {
  const { kind } = classifyName(name);
  return kind === 'spare' || kind === 'recycled';
}
