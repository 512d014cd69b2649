/** Counts what a shard does in its shared-memory block. Shard thread only. */
import type { DbError, DbErrorCode } from '../base/errors.js';
import type { EngineMeter } from '../engine/shard-engine.js';
import type { MemtablePool } from '../memtable/pool.js';
import {
  recordDuration,
  SHARD_BATCHES,
  SHARD_COMMITS,
  SHARD_FSYNC,
  SHARD_MEMTABLE_BYTES,
  SHARD_MEMTABLES,
  SHARD_OPERATIONS,
  SHARD_POISONED,
  SHARD_REFUSED_DISK,
  SHARD_REFUSED_MEMTABLES_FULL,
  SHARD_REFUSED_WAL_POISONED,
  SHARD_RING_BYTES,
  SHARD_SEQNO,
  SHARD_STALL,
  SHARD_WAL_BYTES,
  STALL_DISK,
  STALL_MEMTABLES_FULL,
  STALL_NONE,
  STALL_WAL_POISONED,
} from '../shm/stats-format.js';

export class ShardMeter implements EngineMeter {
  readonly cells: Float64Array;

  constructor(
    block: SharedArrayBuffer,
    private readonly memtables: MemtablePool,
    private readonly onFirstPoison: (error: DbError) => void,
  ) {
    this.cells = new Float64Array(block);
    this.cells[SHARD_POISONED] = 0;
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

  onSync(durationMs: number): void {
    recordDuration(this.cells, SHARD_FSYNC, durationMs);
  }

  onPoisoned(error: DbError): void {
    if (this.cells[SHARD_POISONED] === 1) return;
    this.cells[SHARD_POISONED] = 1;
    this.onFirstPoison(error);
  }

  onRefused(code: DbErrorCode): void {
    const { cells } = this;
    if (code === 'MEMTABLES_FULL') {
      cells[SHARD_REFUSED_MEMTABLES_FULL]++;
      cells[SHARD_STALL] = STALL_MEMTABLES_FULL;
    } else if (code === 'WAL_POISONED') {
      cells[SHARD_REFUSED_WAL_POISONED]++;
      cells[SHARD_STALL] = STALL_WAL_POISONED;
    } else if (code === 'DISK_FULL') {
      cells[SHARD_REFUSED_DISK]++;
      cells[SHARD_STALL] = STALL_DISK;
    }
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
