/** The errors by which the write path of a shard refuses a batch. */
import { DbError } from '../base/errors.js';
import type { WriteBatchView } from '../batch/write-batch-view.js';
import type { MemtablePool } from '../memtable/pool.js';
import { PatchBound } from './patch-bound.js';
import type { TablesBelow } from './tables-below.js';

export interface WriteRefusalsOptions {
  readonly shard: number;
  readonly memtables: MemtablePool;
  readonly tables?: TablesBelow;
}

export class WriteRefusals {
  constructor(private readonly options: WriteRefusalsOptions) {}

  unreadable({ code, details }: DbError): DbError {
    const { shard } = this.options;
    const message = `shard ${shard}: the stored version of a document cannot be read (see the server log); nothing was written`;
    return new DbError(code, message, { ...details, shard });
  }

  /** The log has no room for a batch. Out of space is a state of the disk that passes; anything else is what it is. */
  noRoom(error: unknown): DbError {
    const cause = error instanceof DbError ? error : new DbError('IO', String(error));
    const errno = cause.details?.['errno'];
    const code = errno === 'ENOSPC' || errno === 'EDQUOT' ? 'DISK_FULL' : cause.code;
    return new DbError(code, `shard ${this.options.shard}: ${cause.message}`, cause.details);
  }

  batchTooLarge(batch: WriteBatchView, bytes: number): DbError {
    const { shard, memtables } = this.options;
    const limitBytes = memtables.active.capacityBytes;
    if (batch.count > 1 && !batch.allOrNothing && PatchBound.hasPatches(batch)) {
      // Each of these writes may fit: it is their company that does not, and a retry travels in another one.
      return new DbError(
        'OVERLOADED',
        `shard ${shard}: the patches sent together may need ${bytes} bytes, more than one memtable holds (${limitBytes})`,
      );
    }
    return new DbError(
      'PAYLOAD_TOO_LARGE',
      `this write may need ${bytes} bytes, more than one memtable holds (${limitBytes}, memory.memtable_size)`,
      { neededBytes: bytes, limitBytes },
    );
  }

  memtablesFull(): DbError {
    const { shard, memtables, tables } = this.options;
    const failure = tables?.flushError;
    return new DbError(
      'MEMTABLES_FULL',
      `shard ${shard}: all ${memtables.memtablesMax} memtables are full and wait to be flushed ` +
        '(memory.memtable_size, memory.memtables_max)' +
        (failure === undefined ? '' : `; the last flush failed: ${failure.message}`),
      { shard, memtables: memtables.memtablesMax },
    );
  }

  writesRefused(poison: DbError): DbError {
    return new DbError(
      'WAL_POISONED',
      `shard ${this.options.shard} takes no writes: ${poison.message}`,
      poison.details,
    );
  }

  outcomeUnknown(poison: DbError): DbError {
    return new DbError(
      'WAL_POISONED',
      `shard ${this.options.shard} could not make this write durable, its outcome is unknown: ${poison.message}`,
      poison.details,
    );
  }
}
