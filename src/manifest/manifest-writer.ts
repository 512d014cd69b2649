/**
 * Appends version edits to the manifest of one shard, and starts a new manifest when the old one has grown far beyond
 * what it says. Shard thread only. A failed write or sync of an edit is final: the writer refuses from then on.
 */
import { DbError } from '../base/errors.js';
import type { Vfs, VfsFile } from '../vfs/vfs.js';
import { ByteWriter } from './byte-writer.js';
import type { ManifestContents, ManifestState } from './manifest-contents.js';
import { createManifestFile, type ManifestDirectory, pointCurrentAt } from './manifest-file.js';
import { encodeRecord, encodeSeal, SEAL_BYTES } from './manifest-format.js';
import { CURRENT, decodeCurrent, manifestName } from './manifest-names.js';
import { successorSnapshot } from './manifest-snapshot.js';
import type { Version } from './version.js';
import type { VersionEdit } from './version-edit.js';
import { encodeVersionEdit } from './version-edit-encoder.js';

/** A manifest smaller than this is never rewritten. */
export const REWRITE_BYTES_MIN = 4 * 1024 * 1024;
/** Nor is one that is not this many times as large as the snapshot it began with. */
export const REWRITE_FACTOR = 4;
/** Space is taken in steps of this size. */
const ROOM_BYTES = 64 * 1024;

/** Where a manifest goes on: its last record was synced. */
export interface ManifestContinuation {
  readonly number: number;
  /** Sequence number of the last record. */
  readonly sequence: number;
  /** Where the next record goes. */
  readonly end: number;
  /** Where the first record ends: the size of a manifest that says the same and nothing twice. */
  readonly snapshotEnd: number;
}

export interface ManifestWriterOptions {
  readonly place: ManifestDirectory;
  readonly contents: ManifestContents;
  readonly continuation: ManifestContinuation;
  /** The number for the next manifest: above that of every file in the directory. */
  readonly nextNumber: number;
  /** Default REWRITE_BYTES_MIN; smaller in tests. */
  readonly rewriteBytesMin?: number;
}

export class ManifestWriter {
  private readonly place: ManifestDirectory;
  private readonly vfs: Vfs;
  private readonly contents: ManifestContents;
  private readonly rewriteBytesMin: number;
  private readonly payload = new ByteWriter();
  private file: VfsFile;
  private number: number;
  private sequence: number;
  private end: number;
  private roomEnd: number;
  private snapshotEnd: number;
  private rewriteAt: number;
  private nextNumber: number;
  private poison: DbError | undefined;
  private rewriteFailure: DbError | undefined;

  /** Opens the file that the continuation is about. Throws DbError('IO'). */
  constructor(options: ManifestWriterOptions) {
    const { place, continuation } = options;
    this.place = place;
    this.vfs = place.vfs;
    this.contents = options.contents;
    this.rewriteBytesMin = options.rewriteBytesMin ?? REWRITE_BYTES_MIN;
    this.nextNumber = options.nextNumber;
    this.number = continuation.number;
    this.sequence = continuation.sequence;
    this.end = continuation.end;
    this.snapshotEnd = continuation.snapshotEnd;
    this.file = this.vfs.open(this.pathOf(continuation.number), 'readwrite');
    this.roomEnd = this.file.size();
    this.rewriteAt = this.nextRewriteAt();
  }

  /** The version after the last edit. */
  get version(): Version {
    return this.contents.version;
  }

  /** The state after the last edit. Copies the remembered operations: not for every write. */
  get state(): ManifestState {
    return this.contents.state();
  }

  /** One edit that says all of it: what a manifest of a copy begins with. Copies the remembered operations. */
  snapshot(): VersionEdit {
    return this.contents.snapshot();
  }

  /** Number of the manifest that takes the edits. */
  get manifestNumber(): number {
    return this.number;
  }

  /** Bytes of the manifest in use. */
  get sizeBytes(): number {
    return this.end;
  }

  /** Why this manifest takes no more edits, if that is so. */
  poisonedBy(): DbError | undefined {
    return this.poison;
  }

  /** Why the manifest could not be rewritten when it was time, if that is so. Harmless but for its size. */
  rewriteFailedBy(): DbError | undefined {
    return this.rewriteFailure;
  }

  /**
   * Makes the edit durable, together with the names of the tables it adds, and returns the version it leads to.
   *
   * Throws DbError('IO'): when there is no space, with nothing changed, so that the same edit can be tried again; after
   * any other failure nobody knows whether the edit is stored, and this and all later calls throw the same error.
   */
  append(edit: VersionEdit): Version {
    if (this.poison !== undefined) throw this.poison;
    const version = this.contents.versionAfter(edit);
    this.payload.clear();
    encodeVersionEdit(edit, this.payload);
    const place = { manifest: this.number, offset: this.end };
    const record = encodeRecord(place, this.sequence + 1, this.payload.written());
    this.takeRoom(record.length);
    this.orPoison(() => {
      // A table must not be named by a manifest before its own name is sure to survive a power cut.
      if (edit.addedTables.length > 0) this.vfs.syncDirectory(this.place.directory);
      this.file.pwrite(record, 0, record.length, this.end);
      this.file.fdatasync();
    });
    this.end += record.length;
    this.sequence++;
    this.contents.apply(edit, version);
    // The edit is durable. What fails from here on is the next caller's trouble.
    this.seal();
    if (this.poison === undefined && this.end > this.rewriteAt) this.rewrite();
    return version;
  }

  /** Closes the file; there is nothing left to sync. */
  close(): void {
    this.poison ??= new DbError('IO', `the manifest of shard ${this.place.shard} is closed`, {
      shard: this.place.shard,
    });
    this.file.close();
  }

  /**
   * Writes zeros ahead until record and seal fit. None of these bytes mean anything yet, so a failure here leaves
   * the manifest as it was.
   */
  private takeRoom(recordBytes: number): void {
    const needed = this.end + recordBytes + SEAL_BYTES;
    if (needed <= this.roomEnd) return;
    const roomEnd = Math.ceil(needed / ROOM_BYTES) * ROOM_BYTES;
    const zeros = new Uint8Array(roomEnd - this.roomEnd);
    this.file.pwrite(zeros, 0, zeros.length, this.roomEnd);
    this.roomEnd = roomEnd;
  }

  /** Leaves a witness that all of the file was synced. Not synced itself: the next record's sync would be too late. */
  private seal(): void {
    const seal = encodeSeal({ manifest: this.number, offset: this.end });
    try {
      this.file.pwrite(seal, 0, seal.length, this.end);
    } catch (error) {
      this.poisonWith(error);
    }
  }

  /** Starts a new manifest. Until CURRENT names it the old one counts, and a failure only postpones the attempt. */
  private rewrite(): void {
    const number = this.nextNumber++;
    const old = { path: this.pathOf(this.number), file: this.file };
    try {
      const snapshot = successorSnapshot(this.place, this.contents);
      const created = createManifestFile(this.place, number, this.sequence + 1, snapshot);
      this.file = this.switchTo(number, created.path);
      this.number = number;
      this.sequence++;
      this.end = created.end;
      this.snapshotEnd = created.end;
      this.roomEnd = created.sizeBytes;
      this.rewriteAt = this.nextRewriteAt();
      this.rewriteFailure = undefined;
    } catch (error) {
      this.rewriteAt = this.end + this.rewriteBytesMin;
      this.noteFailure(error);
      return;
    }
    this.discard(old.path, old.file);
  }

  private switchTo(number: number, path: string): VfsFile {
    // Opened first: once CURRENT names it, it must not fail any more.
    const file = this.vfs.open(path, 'readwrite');
    try {
      pointCurrentAt(this.place, number);
    } catch (error) {
      // Where the switch may have happened, both manifests have to stay, and this one can be told from neither.
      if (this.currentNumber() === this.number) this.discard(path, file);
      else this.poisonWith(error);
      throw error;
    }
    return file;
  }

  /** Removes a manifest that does not count. Left behind, it is one that start-up moves to quarantine. */
  private discard(path: string, file: VfsFile): void {
    try {
      file.close();
      this.vfs.unlink(path);
      this.vfs.syncDirectory(this.place.directory);
    } catch (error) {
      this.noteFailure(error);
    }
  }

  /** A failure around a rewrite: harmless, unless later syncs of the directory could hide that this one failed. */
  private noteFailure(error: unknown): void {
    if (!(error instanceof DbError)) throw error;
    this.rewriteFailure = error;
    if (error.details?.['operation'] === 'syncDirectory') this.poisonWith(error);
  }

  /** The manifest that CURRENT names, as far as it can be read. */
  private currentNumber(): number | undefined {
    try {
      return decodeCurrent(this.vfs.readFile(`${this.place.directory}/${CURRENT}`));
    } catch {
      // Whoever asks treats "unknown" as "maybe the new one".
      return undefined;
    }
  }

  private nextRewriteAt(): number {
    return Math.max(this.rewriteBytesMin, REWRITE_FACTOR * this.snapshotEnd);
  }

  private pathOf(number: number): string {
    return `${this.place.directory}/${manifestName(number)}`;
  }

  /** After a failed write or sync nobody knows what is there, and a second sync proves nothing: see WalWriter. */
  private orPoison(action: () => void): void {
    try {
      action();
    } catch (error) {
      throw this.poisonWith(error);
    }
  }

  private poisonWith(cause: unknown): DbError {
    const { shard } = this.place;
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `the manifest of shard ${shard} takes no more edits until it is reopened: ${reason}`;
    const details = cause instanceof DbError ? cause.details : undefined;
    this.poison ??= new DbError('IO', message, { ...details, shard }, { cause });
    return this.poison;
  }
}
