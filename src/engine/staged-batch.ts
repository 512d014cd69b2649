/** Batches between stage() and their answers. Shard thread only. */
import type { Seqno } from '../base/brand.js';
import type { WriteBatchView } from '../batch/write-batch-view.js';
import type { OperationFaults, WriteOutcome } from '../batch/write-reply.js';
import type { Durability } from '../generated/lumadb/schema/durability.js';
import type { BatchAnswer } from './shard-engine.js';

export class StagedBatch {
  constructor(
    readonly view: WriteBatchView,
    readonly answer: BatchAnswer,
    readonly firstSeqno: Seqno,
    readonly durability: Durability,
    /** Of operations that have been refused. */
    readonly faults: OperationFaults | undefined,
  ) {}
}

/** An applied `group` batch whose answer waits for an fdatasync. */
export interface UnsyncedBatch {
  readonly batchId: number;
  readonly answer: BatchAnswer;
  readonly firstSeqno: Seqno;
  readonly outcome: WriteOutcome;
}
