/**
 * Writes the batches of a row into a new log of a shard, each under the seqno and with the time that it had, up to a seqno. What
 * opens the shard then replays them like after a crash. One thread; nobody else has the directory.
 */
import { assert } from '../../base/assert.js';
import { asEpoch, asMillis, asSeqno, asShardId } from '../../base/brand.js';
import type { Clock } from '../../base/clock.js';
import { alignedBatch, WriteBatchView } from '../../batch/write-batch-view.js';
import type { ShardPlace } from '../../tools/shard-place.js';
import { seqnosTaken } from '../../wal/format.js';
import { recoverWal } from '../../wal/recovery.js';
import { SegmentPool } from '../../wal/segments.js';
import { WalWriter } from '../../wal/writer.js';
import type { PieceRecord } from '../log-piece/piece-format.js';
import { firstOperations } from './cut-batch.js';
import type { LogRow } from './log-row.js';
import { readRow } from './read-row.js';

export interface WriteLogOptions {
  readonly place: ShardPlace;
  readonly segmentBytes: number;
  readonly clock: Clock;
  /** Nothing behind it is written. */
  readonly through: number;
  readonly key?: Uint8Array;
  readonly signal?: AbortSignal;
  readonly onBytes?: (bytes: number) => void;
}

export interface WrittenLog {
  readonly records: number;
  readonly operations: number;
  /** Of the last one; 0 without one. */
  readonly lastSeqno: number;
  readonly lastWallClockMs: number;
  /** The latest database time that a batch was written at, seconds; 0 without one. */
  readonly databaseSeconds: number;
  /** That were read and found to be what the source says: each by its checksums and its chain. */
  readonly pieces: number;
  /** Of the last of them. */
  readonly chain: string;
}

/** Staged records are written when they are this many bytes. */
const GROUP_BYTES = 4 * 1024 * 1024;

/** The directory of the log is empty or missing. Durable when it resolves. */
export async function writeLog(row: LogRow, options: WriteLogOptions): Promise<WrittenLog> {
  const log = new NewLog(options);
  try {
    const { chain, pieces } = await readRow(row, {
      key: options.key,
      signal: options.signal,
      through: options.through,
      onRecord: (record) => log.add(record),
    });
    return { ...log.finish(), chain, pieces };
  } finally {
    log.close();
  }
}

class NewLog {
  private readonly writer: WalWriter;
  private stagedBytes = 0;
  private records = 0;
  private operations = 0;
  private lastSeqno = 0;
  private lastWallClockMs = 0;
  private databaseSeconds = 0;
  private readonly view = new WriteBatchView();

  constructor(private readonly options: WriteLogOptions) {
    const { place, segmentBytes, clock } = options;
    const { vfs, walDirectory: directory } = place;
    const pool = new SegmentPool({ vfs, directory, segmentBytes, sparesMax: 1 });
    pool.prepareDirectory();
    const shard = asShardId(place.shard);
    const { continuation } = recoverWal({ vfs, directory, shard, onDamage: 'stop', onRecord: () => {} });
    assert(continuation.previousSegment === 0, 'a log is restored into an empty directory');
    this.writer = new WalWriter({
      vfs,
      pool,
      clock,
      shard,
      epoch: asEpoch(continuation.lastEpoch + 1),
      continuation,
    });
  }

  /** False when nothing behind it is wanted either. */
  add(record: PieceRecord): boolean {
    const { firstSeqno, operationCount, wallClockMs } = record;
    const wanted = this.options.through - firstSeqno + 1;
    if (wanted <= 0) return false;
    const taken = seqnosTaken(operationCount);
    const payload = alignedBatch(record.payload);
    if (wanted >= taken) {
      this.append(record, payload, operationCount);
      this.lastSeqno = firstSeqno + taken - 1;
    } else {
      const first = firstOperations(payload, wanted);
      if (first === undefined) return false;
      this.append(record, first, wanted);
      this.lastSeqno = firstSeqno + wanted - 1;
    }
    this.lastWallClockMs = wallClockMs;
    this.databaseSeconds = Math.max(this.databaseSeconds, this.view.open(payload).writtenAt);
    return wanted > taken;
  }

  finish(): Omit<WrittenLog, 'chain' | 'pieces'> {
    this.writer.write();
    this.writer.sync();
    const { records, operations, lastSeqno, lastWallClockMs, databaseSeconds } = this;
    return { records, operations, lastSeqno, lastWallClockMs, databaseSeconds };
  }

  close(): void {
    this.writer.close();
  }

  private append(
    { firstSeqno, wallClockMs }: PieceRecord,
    payload: Uint8Array,
    operationCount: number,
  ): void {
    this.writer.append(payload, {
      firstSeqno: asSeqno(firstSeqno),
      operationCount,
      wallClockMs: asMillis(wallClockMs),
    });
    this.records++;
    this.operations += operationCount;
    this.stagedBytes += payload.length;
    this.options.onBytes?.(payload.length);
    if (this.stagedBytes < GROUP_BYTES) return;
    this.writer.write();
    this.stagedBytes = 0;
  }
}
