/**
 * Decides whether a batch may be written at all, before anything of it happens. A shard's engine asks it once a batch;
 * recovery does not, because what the log holds has been acknowledged. Any thread that stages batches.
 */
import type { DbError } from '../base/errors.js';
import type { WriteBatchView } from '../batch/write-batch-view.js';
import { OperationKind } from '../generated/lumadb/schema/operation-kind.js';
import { READ_ONLY_DISK, READ_ONLY_OFF } from '../shm/read-only-format.js';
import { ReadOnlyReader } from '../shm/read-only-reader.js';

export interface WriteGate {
  /** The error that refuses the whole batch, or undefined. */
  refusal(view: WriteBatchView): DbError | undefined;
}

/** Lets through what the process-wide read-only state allows: one atomic load a batch while all writes are taken. */
export class SharedWriteGate implements WriteGate {
  private readonly reader: ReadOnlyReader;

  /** `block`: see shm/read-only-format.ts. */
  constructor(block: SharedArrayBuffer) {
    this.reader = new ReadOnlyReader(block);
  }

  refusal(view: WriteBatchView): DbError | undefined {
    const { state } = this.reader;
    if (state === READ_ONLY_OFF) return undefined;
    if (state === READ_ONLY_DISK && hasDeletesOnly(view)) return undefined;
    return this.reader.refusal();
  }
}

/** A batch is applied as a whole: one operation that needs space makes it one that needs space. */
function hasDeletesOnly(view: WriteBatchView): boolean {
  for (let index = 0; index < view.count; index++) {
    const kind = view.kind(index);
    if (kind !== OperationKind.Delete && kind !== OperationKind.Expire) return false;
  }
  return true;
}
