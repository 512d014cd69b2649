/**
 * WAL writer of one shard. Owns the active segment and the group being collected. Shard thread only. It opens its
 * first segment when there is something to write, and never appends to a segment of an earlier run: bytes of a torn
 * tail can then never end up behind a good record. A failed write or sync is final (see `poison`).
 */
import { assert } from '../base/assert.js';
import {
  asMillis,
  asSegmentNumber,
  asSeqno,
  type Epoch,
  type Millis,
  type SegmentNumber,
  type Seqno,
  type ShardId,
} from '../base/brand.js';
import type { Clock } from '../base/clock.js';
import { DbError } from '../base/errors.js';
import type { Vfs, VfsFile } from '../vfs/vfs.js';
import {
  asSegmentOffset,
  type CommitLog,
  type RecordInfo,
  type WalPosition,
  type WalRecord,
} from './commit-log.js';
import {
  encodeRecord,
  RECORD_PAYLOAD_BYTES_MAX,
  recordSpan,
  SEGMENT_HEADER_BYTES,
  seqnosTaken,
} from './format.js';
import { readLog } from './reader.js';
import type { RetainedSegment, WalContinuation } from './recovery-report.js';
import type { ReservedSegment, SegmentPool } from './segments.js';
import { StagingBuffer } from './staging.js';

export interface WalWriterOptions {
  readonly vfs: Vfs;
  readonly pool: SegmentPool;
  readonly clock: Clock;
  readonly shard: ShardId;
  /** At least the last epoch of the log. */
  readonly epoch: Epoch;
  /** From the report of recoverWal over the same directory. */
  readonly continuation: WalContinuation;
  /** Bytes of segments to keep although all they hold is in SSTables: for archiving. Whole segments; 0 unless given. */
  readonly keepReleasedBytes?: number;
  /** See retainAbove. */
  readonly retained?: RetainedOperations;
}

export interface WalCounters {
  /** Bytes of records appended, headers and padding included. */
  readonly bytesAppended: number;
  readonly recordsAppended: number;
  /** Syncs that made records durable; those of segment headers are not counted. */
  readonly syncs: number;
  readonly segmentsOpened: number;
  /** Segments of the log on disk, the active one included. */
  readonly segmentsRetained: number;
  /** Share of the active segment that is used, 0 to 1; 0 before the first segment. */
  readonly activeSegmentFill: number;
}

/** Operations that somebody has not copied yet. */
export interface RetainedOperations {
  /** All up to this seqno have been copied. */
  readonly copiedThrough: number;
  /** Of segments that are kept for the rest, at most. */
  readonly bytesMax: number;
}

/** Some of the log on disk: from the first record of segment `first` up to `end`. */
export interface LogInterval {
  readonly first: SegmentNumber;
  readonly end: WalPosition;
}

interface ActiveSegment {
  readonly number: SegmentNumber;
  readonly file: VfsFile;
  readonly sizeBytes: number;
}

const REWRITE_CHUNK_BYTES = 1024 * 1024;

export class WalWriter implements CommitLog {
  private readonly vfs: Vfs;
  private readonly pool: SegmentPool;
  private readonly clock: Clock;
  private readonly shard: ShardId;
  private readonly epoch: Epoch;
  private readonly staging = new StagingBuffer();
  private readonly sealed: RetainedSegment[];
  private readonly keepReleasedBytes: number;
  private retained: RetainedOperations | undefined;
  /** How many ask that no segment goes. */
  private holds = 0;
  private nextSegment: SegmentNumber;
  private previousSegment: SegmentNumber;
  private previousEnd: number;
  private lastSeqno: number;
  private active: ActiveSegment | undefined;
  /** Offsets in the active segment: synced up to, written up to. Staged records follow. */
  private durableEnd = 0;
  private writtenEnd = 0;
  private poison: DbError | undefined;
  private lastSyncDuration = 0;
  private bytesAppended = 0;
  private recordsAppended = 0;
  private syncs = 0;
  private segmentsOpened = 0;

  /**
   * Goes on where recovery ended. Throws DbError('IO') if the end of the log cannot be made durable. Takes no space:
   * that happens in the first ensureRoom or append.
   */
  constructor(options: WalWriterOptions) {
    const { continuation } = options;
    assert(options.epoch >= continuation.lastEpoch, 'the epoch of a WAL must not go backwards');
    this.vfs = options.vfs;
    this.pool = options.pool;
    this.clock = options.clock;
    this.shard = options.shard;
    this.epoch = options.epoch;
    this.sealed = [...continuation.segments];
    this.keepReleasedBytes = options.keepReleasedBytes ?? 0;
    this.retained = options.retained;
    this.nextSegment = continuation.nextSegment;
    this.previousSegment = continuation.previousSegment;
    this.previousEnd = continuation.previousEnd;
    this.lastSeqno = continuation.lastSeqno;
    if (continuation.previousSegment !== 0) {
      secureEnd(this.vfs, this.pool.pathOf(continuation.previousSegment), continuation);
    }
  }

  ensureRoom(payloadBytes: number): void {
    this.requireHealthy();
    assert(payloadBytes <= RECORD_PAYLOAD_BYTES_MAX, 'a batch is larger than a WAL record can be');
    const span = recordSpan(payloadBytes);
    if (this.active !== undefined && this.stagedEnd() + span <= this.active.sizeBytes) return;
    // The space comes first. If there is none, nothing has changed and the caller may try again later.
    const reserved = this.pool.reserve(this.segmentSizeFor(span));
    this.rotateInto(reserved);
  }

  append(batch: Uint8Array, info: RecordInfo): WalPosition {
    this.ensureRoom(batch.length);
    assert(info.firstSeqno > this.lastSeqno, () => `seqno ${info.firstSeqno} is not above ${this.lastSeqno}`);
    assert(info.operationCount >= 0, 'a batch cannot have a negative number of operations');
    const active = this.requireActive();
    const offset = asSegmentOffset(this.stagedEnd());
    const { staging } = this;
    const at = staging.extend(recordSpan(batch.length));
    const span = encodeRecord(
      staging.bytes,
      staging.view,
      at,
      {
        segment: active.number,
        operationCount: info.operationCount,
        epoch: this.epoch,
        firstSeqno: info.firstSeqno,
        wallClockMs: info.wallClockMs,
        durableEnd: asSegmentOffset(this.durableEnd),
      },
      batch,
    );
    this.lastSeqno = info.firstSeqno + seqnosTaken(info.operationCount) - 1;
    this.bytesAppended += span;
    this.recordsAppended++;
    return { segment: active.number, offset };
  }

  write(): void {
    this.requireHealthy();
    const { staging } = this;
    if (staging.length === 0) return;
    const { file } = this.requireActive();
    this.orPoison(() => file.pwrite(staging.bytes, 0, staging.length, this.writtenEnd));
    this.writtenEnd += staging.length;
    staging.clear();
  }

  sync(): void {
    this.requireHealthy();
    if (this.active === undefined || this.durableEnd === this.writtenEnd) return;
    const { file } = this.active;
    const start = this.clock.monotonicMs();
    this.orPoison(() => file.fdatasync());
    this.lastSyncDuration = this.clock.monotonicMs() - start;
    this.durableEnd = this.writtenEnd;
    this.syncs++;
  }

  read(from: WalPosition): Iterable<WalRecord> {
    const until = this.durablePosition();
    if (until === undefined) return [];
    return readLog({ vfs: this.vfs, directory: this.pool.directory, from, until });
  }

  /** Where the durable part of the log ends; undefined if it holds no segment. */
  durablePosition(): WalPosition | undefined {
    if (this.active !== undefined) {
      return { segment: this.active.number, offset: asSegmentOffset(this.durableEnd) };
    }
    if (this.previousSegment === 0) return undefined;
    return { segment: this.previousSegment, offset: asSegmentOffset(this.previousEnd) };
  }

  /** Where the log begins on disk, for `read`; undefined if it holds no segment. */
  firstPosition(): WalPosition | undefined {
    const number = this.sealed[0]?.number ?? this.active?.number;
    return number === undefined
      ? undefined
      : { segment: number, offset: asSegmentOffset(SEGMENT_HEADER_BYTES) };
  }

  poisonedBy(): DbError | undefined {
    return this.poison;
  }

  /** How long the last sync of records took. */
  get lastSyncMs(): Millis {
    return asMillis(this.lastSyncDuration);
  }

  counters(): WalCounters {
    return {
      bytesAppended: this.bytesAppended,
      recordsAppended: this.recordsAppended,
      syncs: this.syncs,
      segmentsOpened: this.segmentsOpened,
      segmentsRetained: this.sealed.length + (this.active === undefined ? 0 : 1),
      activeSegmentFill: this.active === undefined ? 0 : this.stagedEnd() / this.active.sizeBytes,
    };
  }

  /**
   * Gives back the segments whose operations are all at or below `seqno`, which the caller knows to be in SSTables
   * and in the manifest, durably. Oldest first; the newest of them stay as far as `keepReleasedBytes` asks for it, the
   * active one always. Returns how many went. Throws DbError('IO') when one resists: the next call goes on with it, if it
   * still is a segment, or behind it. A failed sync of the directory poisons the log.
   */
  releaseThrough(seqno: Seqno): number {
    // What is held goes with a later flush.
    if (this.holds > 0) return 0;
    const needed = this.sealed.findIndex(({ lastSeqno }) => lastSeqno > seqno);
    const flushed = needed < 0 ? this.sealed.length : needed;
    const released = Math.min(this.beforeKept(flushed), this.beforeRetained());
    for (let i = 0; i < released; i++) this.releaseFirst();
    return released;
  }

  /**
   * Gives back the oldest segment, which must be `number` and hold nothing above `seqno`, although it would be kept: it
   * has been archived. Throws DbError('CONFLICT') while somebody needs it.
   */
  releaseOldest(number: SegmentNumber, seqno: Seqno): void {
    if (this.holds > 0) {
      const message = `segment ${number} of shard ${this.shard} is needed by a checkpoint that is being made: try again`;
      throw new DbError('CONFLICT', message, { shard: this.shard, segment: number });
    }
    if (this.beforeRetained() === 0) {
      const message = `segment ${number} of shard ${this.shard} has not arrived in the WAL stream yet: try again`;
      throw new DbError('CONFLICT', message, { shard: this.shard, segment: number });
    }
    const oldest = this.sealed[0];
    assert(
      oldest?.number === number && oldest.lastSeqno <= seqno,
      () => `segment ${number} cannot be released: the oldest is ${oldest?.number}`,
    );
    this.releaseFirst();
  }

  /**
   * What lies above `copiedThrough` stays for whoever copies the log, although it is in SSTables, as long as it takes no more
   * than `bytesMax`: then the oldest goes. Undefined: nobody does.
   */
  retainAbove(retained: RetainedOperations | undefined): void {
    this.retained = retained;
  }

  /** From now on no segment goes, until the function returned is called; it may be called more than once. */
  hold(): () => void {
    this.holds++;
    let isHeld = true;
    return () => {
      if (isHeld) this.holds--;
      isHeld = false;
    };
  }

  /** Where the durable operations above `seqno` lie; undefined when no segment holds any, as far as is known. */
  intervalAbove(seqno: Seqno): LogInterval | undefined {
    const end = this.durablePosition();
    const first = this.sealed.find(({ lastSeqno }) => lastSeqno > seqno)?.number ?? this.active?.number;
    return end === undefined || first === undefined || this.lastSeqno <= seqno ? undefined : { first, end };
  }

  /** Writes and syncs what is staged, unless the log is poisoned, and closes the file. */
  close(): void {
    try {
      if (this.poison === undefined) {
        this.write();
        this.sync();
      }
    } finally {
      this.poison ??= new DbError('WAL_POISONED', `the WAL of shard ${this.shard} is closed`, {
        shard: this.shard,
      });
      this.active?.file.close();
    }
  }

  /** Of the first `flushed` segments, how many are in front of those that are kept for archiving. */
  private beforeKept(flushed: number): number {
    let keptBytes = 0;
    for (let index = flushed; index > 0; index--) {
      keptBytes += this.sealed[index - 1].sizeBytes;
      if (keptBytes > this.keepReleasedBytes) return index;
    }
    return 0;
  }

  /** How many segments are in front of those that somebody has not copied yet, as far as there is room for them. */
  private beforeRetained(): number {
    const { sealed, retained } = this;
    if (retained === undefined) return sealed.length;
    let bytes = 0;
    for (let index = sealed.length; index > 0; index--) {
      bytes += sealed[index - 1].sizeBytes;
      if (sealed[index - 1].lastSeqno <= retained.copiedThrough || bytes > retained.bytesMax) return index;
    }
    return 0;
  }

  private releaseFirst(): void {
    const { number } = this.sealed[0];
    try {
      this.pool.release(number, this.active === undefined && this.sealed.length === 1);
    } catch (error) {
      if (isSyncFailure(error)) {
        // Its name is gone: there is nothing left to release. But a name that may come back must not be followed by others
        // that may not: no sync is repeated.
        this.sealed.shift();
        this.orPoison(() => rethrow(error));
      }
      // Somebody else has removed it.
      if (!this.vfs.exists(this.pool.pathOf(number))) this.sealed.shift();
      throw error;
    }
    this.sealed.shift();
  }

  /** Ends the active segment and goes on in the reserved space. What is staged belongs to the old one. */
  private rotateInto(reserved: ReservedSegment): void {
    if (this.active !== undefined) {
      try {
        this.write();
        // The new header vouches for every byte of this segment, so the bytes must be durable before it is.
        this.sync();
      } catch (error) {
        reserved.file.close();
        throw error;
      }
      this.active.file.close();
      const { number, sizeBytes } = this.active;
      this.sealed.push({ number, sizeBytes, lastSeqno: asSeqno(this.lastSeqno) });
      this.previousSegment = this.active.number;
      this.previousEnd = this.writtenEnd;
      this.active = undefined;
    }
    const number = this.nextSegment;
    const file = this.orPoison(() =>
      this.pool.activate(reserved, {
        shard: this.shard,
        number,
        epoch: this.epoch,
        firstSeqno: asSeqno(this.lastSeqno + 1),
        previousSegment: this.previousSegment,
        previousEnd: asSegmentOffset(this.previousEnd),
        createdWallMs: asMillis(this.clock.wallMs()),
      }),
    );
    this.nextSegment = asSegmentNumber(number + 1);
    this.active = { number, file, sizeBytes: reserved.sizeBytes };
    this.durableEnd = SEGMENT_HEADER_BYTES;
    this.writtenEnd = SEGMENT_HEADER_BYTES;
    this.segmentsOpened++;
  }

  /** The normal size, or whole pages enough for one record that needs more. */
  private segmentSizeFor(span: number): number {
    const needed = SEGMENT_HEADER_BYTES + span;
    if (needed <= this.pool.segmentBytes) return this.pool.segmentBytes;
    return Math.ceil(needed / SEGMENT_HEADER_BYTES) * SEGMENT_HEADER_BYTES;
  }

  private stagedEnd(): number {
    return this.writtenEnd + this.staging.length;
  }

  private requireActive(): ActiveSegment {
    assert(this.active !== undefined, 'the WAL has no active segment');
    return this.active;
  }

  private requireHealthy(): void {
    if (this.poison !== undefined) throw this.poison;
  }

  /**
   * After a failed write nobody knows which bytes are there; after a failed sync the kernel may have dropped the
   * dirty pages and report success next time (the "fsyncgate" of PostgreSQL, 2018). So the first failure is the last:
   * the call that failed and all later ones throw the same WAL_POISONED.
   */
  private orPoison<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      const details = error instanceof DbError ? error.details : undefined;
      const cause = error instanceof Error ? error.message : String(error);
      const message = `the WAL of shard ${this.shard} takes no more writes until it is reopened: ${cause}`;
      this.poison = new DbError('WAL_POISONED', message, { ...details, shard: this.shard }, { cause: error });
      throw this.poison;
    }
  }
}

function isSyncFailure(error: unknown): boolean {
  return error instanceof DbError && error.details?.['operation'] === 'syncDirectory';
}

function rethrow(error: unknown): never {
  throw error;
}

/**
 * Makes the end that recovery found durable before anything is built on it. The bytes may be only in the page cache:
 * of a process that was killed before its sync, or whose sync failed, after which the kernel takes the pages for
 * clean and a sync alone would do nothing. Writing the same bytes again makes them dirty.
 */
function secureEnd(vfs: Vfs, path: string, { previousDurableEnd, previousEnd }: WalContinuation): void {
  if (previousDurableEnd >= previousEnd) return;
  const file = vfs.open(path, 'readwrite');
  try {
    const chunk = new Uint8Array(Math.min(REWRITE_CHUNK_BYTES, previousEnd - previousDurableEnd));
    for (let at: number = previousDurableEnd; at < previousEnd; at += chunk.length) {
      const count = file.pread(chunk, 0, Math.min(chunk.length, previousEnd - at), at);
      file.pwrite(chunk, 0, count, at);
    }
    file.fdatasync();
  } finally {
    file.close();
  }
}
