/** Counts what a shard does in its shared-memory block. Shard thread only. */
import type { DbError, DbErrorCode } from '../base/errors.js';
import type { EngineMeter } from '../engine/shard-engine.js';
import type { TableCache } from '../engine/table-cache.js';
import type { Version } from '../manifest/version.js';
import type { MemtablePool } from '../memtable/pool.js';
import {
  recordDuration,
  SHARD_BATCHES,
  SHARD_COMMITS,
  SHARD_FSYNC,
  SHARD_INDEX_BYTES,
  SHARD_L0_RUNS,
  SHARD_MANIFEST_POISONED,
  SHARD_MEMTABLE_BYTES,
  SHARD_MEMTABLES,
  SHARD_OPEN_TABLES,
  SHARD_OPERATIONS,
  SHARD_POISONED,
  SHARD_PRESSURE,
  SHARD_REFUSED_DISK,
  SHARD_REFUSED_L0_STOP,
  SHARD_REFUSED_MANIFEST_POISONED,
  SHARD_REFUSED_MEMTABLES_FULL,
  SHARD_REFUSED_READ_ONLY,
  SHARD_REFUSED_WAL_POISONED,
  SHARD_RING_BYTES,
  SHARD_SEQNO,
  SHARD_STALL,
  SHARD_STALL_MS,
  SHARD_SYNCING,
  SHARD_TABLE_BYTES,
  SHARD_TABLES,
  SHARD_WAL_BYTES,
  SHARD_WAL_DISK_BYTES,
  SHARD_WAL_RECORD_BYTES,
  SHARD_WAL_SEGMENTS,
  STALL_DISK,
  STALL_L0_STOP,
  STALL_MANIFEST_POISONED,
  STALL_MEMTABLES_FULL,
  STALL_NONE,
  STALL_READ_ONLY,
  STALL_WAL_POISONED,
} from '../shm/stats-format.js';
import type { WalCounters } from '../wal/writer.js';

const REFUSED_CELLS: ReadonlyMap<DbErrorCode, number> = new Map([
  ['MEMTABLES_FULL', SHARD_REFUSED_MEMTABLES_FULL],
  ['L0_STOP', SHARD_REFUSED_L0_STOP],
  ['WAL_POISONED', SHARD_REFUSED_WAL_POISONED],
  ['MANIFEST_POISONED', SHARD_REFUSED_MANIFEST_POISONED],
  ['DISK_FULL', SHARD_REFUSED_DISK],
  ['READ_ONLY', SHARD_REFUSED_READ_ONLY],
]);

const STALLS: ReadonlyMap<DbErrorCode, number> = new Map([
  ['MEMTABLES_FULL', STALL_MEMTABLES_FULL],
  ['L0_STOP', STALL_L0_STOP],
  ['WAL_POISONED', STALL_WAL_POISONED],
  ['MANIFEST_POISONED', STALL_MANIFEST_POISONED],
  ['DISK_FULL', STALL_DISK],
  ['READ_ONLY', STALL_READ_ONLY],
]);

/** Which of STALL_* an error of the engine stands for. */
export function stallOf(code: DbErrorCode): number {
  return STALLS.get(code) ?? STALL_NONE;
}

export class ShardMeter implements EngineMeter {
  readonly cells: Float64Array;
  /** Of the log, as of the last look. */
  private logBytes = 0;

  constructor(
    block: SharedArrayBuffer,
    private readonly memtables: MemtablePool,
    private readonly onFirstPoison: (error: DbError) => void,
    private readonly onDiskFull: () => unknown = () => {},
  ) {
    this.cells = new Float64Array(block);
    this.cells[SHARD_POISONED] = 0;
    this.cells[SHARD_SYNCING] = 0;
    this.cells[SHARD_MANIFEST_POISONED] = 0;
    this.refreshMemtables();
  }

  onCommit(batches: number, operations: number, logBytes: number, lastSeqno: number): void {
    const { cells } = this;
    cells[SHARD_STALL] = STALL_NONE;
    cells[SHARD_COMMITS]++;
    cells[SHARD_BATCHES] += batches;
    cells[SHARD_OPERATIONS] += operations;
    cells[SHARD_WAL_BYTES] += logBytes;
    cells[SHARD_SEQNO] = lastSeqno;
    this.refreshMemtables();
  }

  onSyncBegins(): void {
    this.cells[SHARD_SYNCING] = 1;
  }

  onSync(durationMs: number): void {
    this.cells[SHARD_SYNCING] = 0;
    recordDuration(this.cells, SHARD_FSYNC, durationMs);
  }

  onPoisoned(error: DbError): void {
    this.cells[SHARD_SYNCING] = 0;
    if (this.cells[SHARD_POISONED] === 1) return;
    this.cells[SHARD_POISONED] = 1;
    this.onFirstPoison(error);
  }

  onRefused(code: DbErrorCode): void {
    const cell = REFUSED_CELLS.get(code);
    if (cell !== undefined) this.cells[cell]++;
    this.cells[SHARD_STALL] = stallOf(code);
    if (code === 'DISK_FULL') this.onDiskFull();
  }

  /** Writes have begun to wait for what `code` names. */
  onStalled(code: DbErrorCode): void {
    this.cells[SHARD_STALL] = stallOf(code);
  }

  /** They have waited for `durationMs`. */
  onWaited(stall: number, durationMs: number): void {
    this.cells[SHARD_STALL_MS + stall] += durationMs;
  }

  onVersion({ levels, totals }: Version): void {
    this.cells[SHARD_L0_RUNS] = levels[0].length;
    this.cells[SHARD_TABLES] = totals.tables;
    this.cells[SHARD_TABLE_BYTES] = totals.bytes;
  }

  /** `pressure`: see write-throttle.ts. */
  onStore(tables: TableCache, pressure: number): void {
    this.cells[SHARD_INDEX_BYTES] = tables.memoryBytes;
    this.cells[SHARD_OPEN_TABLES] = tables.openCount;
    this.cells[SHARD_PRESSURE] = pressure;
  }

  onLog({ segmentsRetained, bytesAppended }: WalCounters, segmentBytes: number): void {
    const { cells } = this;
    cells[SHARD_WAL_SEGMENTS] = segmentsRetained;
    cells[SHARD_WAL_DISK_BYTES] = segmentsRetained * segmentBytes;
    // The log counts from its opening on, the cell from the start of the process.
    cells[SHARD_WAL_RECORD_BYTES] += bytesAppended - this.logBytes;
    this.logBytes = bytesAppended;
  }

  onRound(ringBytes: number): void {
    this.cells[SHARD_RING_BYTES] = ringBytes;
  }

  onApplied(seqno: number): void {
    this.cells[SHARD_SEQNO] = seqno;
    this.refreshMemtables();
  }

  private refreshMemtables(): void {
    const { cells, memtables } = this;
    let bytes = 0;
    for (let position = 0; position < memtables.chainLength; position++) {
      bytes += memtables.writerAt(position).reader.arenaUsedBytes();
    }
    cells[SHARD_MEMTABLE_BYTES] = bytes;
    cells[SHARD_MEMTABLES] = memtables.chainLength;
  }
}
