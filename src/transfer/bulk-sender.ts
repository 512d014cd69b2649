/**
 * Sends a batch until every document in it is written or rejected. What the server cannot take for the moment (503,
 * 429, no answer) is sent again: a document is put under its `_id`, so twice is once. Only with createOnly does a
 * second attempt find the first one's document: a conflict that may be that is looked up, and a document that is
 * there byte for byte counts as written. One sender serves many batches at a time.
 */
import { LumaDbError } from '../client/error.js';
import type { DurabilityLevel } from '../client/types.js';
import type { Batch } from './batch.js';
import type { Patience } from './patience.js';
import { rejectOf } from './reject-file.js';
import type { BulkItemAnswer, TransferServer } from './server.js';
import { rowsOf } from './snapshot-rows.js';

const LATER: ReadonlySet<string> = new Set(['UNAVAILABLE', 'RATE_LIMITED', 'TIMEOUT']);
/** No document is at fault when the whole import may not be, or cannot be. */
const HOPELESS: ReadonlySet<string> = new Set(['UNAUTHORIZED', 'FORBIDDEN']);
const CONFLICT = 409;

export interface BulkSenderOptions {
  readonly collection: string;
  readonly createOnly: boolean;
  readonly durability: DurabilityLevel | undefined;
  /** An earlier run may have sent these records already. */
  readonly isResumed: boolean;
}

export class BulkSender {
  constructor(
    private readonly server: TransferServer,
    private readonly options: BulkSenderOptions,
    private readonly patience: Patience,
    private readonly signal: AbortSignal,
  ) {}

  /** Throws what ends the import: an error that waiting does not cure, or too much waiting. */
  async send(batch: Batch): Promise<void> {
    let pending: readonly number[] = batch.ids.map((_, index) => index);
    let mayHaveHappened = this.options.isResumed;
    for (let attempt = 0; pending.length > 0; attempt++) {
      const answers = await this.attempt(batch.bodyOf(pending));
      let error: unknown = answers;
      if (!(answers instanceof LumaDbError)) {
        const { later, conflicts } = this.settle(batch, pending, answers);
        await this.settleConflicts(batch, conflicts, mayHaveHappened);
        if (later.length === 0) {
          this.patience.succeeded();
          return;
        }
        if (later.length < pending.length) {
          this.patience.succeeded();
          attempt = 0;
        }
        error = laterError(answers);
        pending = later;
      }
      mayHaveHappened = true;
      await this.patience.wait(error, attempt);
    }
  }

  private async attempt(body: Uint8Array): Promise<readonly BulkItemAnswer[] | LumaDbError> {
    const { collection, createOnly, durability } = this.options;
    try {
      return await this.server.bulk({ collection, body, createOnly, durability }, this.signal);
    } catch (error) {
      if (error instanceof LumaDbError) return error;
      throw error;
    }
  }

  private settle(
    batch: Batch,
    pending: readonly number[],
    answers: readonly BulkItemAnswer[],
  ): { later: number[]; conflicts: number[] } {
    if (answers.length !== pending.length) {
      const message = `the server answered for ${answers.length} documents of ${pending.length}`;
      throw new LumaDbError('INTERNAL_ERROR', message);
    }
    const later: number[] = [];
    const conflicts: number[] = [];
    for (let at = 0; at < pending.length; at++) {
      const index = pending[at];
      const { status, error } = answers[at];
      if (status < 300) batch.written++;
      else if (LATER.has(error?.code ?? '')) later.push(index);
      else if (HOPELESS.has(error?.code ?? '')) {
        throw new LumaDbError(
          error?.code === 'FORBIDDEN' ? 'FORBIDDEN' : 'UNAUTHORIZED',
          error?.message ?? '',
        );
      } else if (status === CONFLICT && this.options.createOnly) conflicts.push(index);
      else reject(batch, index, error?.code ?? `STATUS_${status}`, error?.message ?? '');
    }
    return { later, conflicts };
  }

  private async settleConflicts(
    batch: Batch,
    conflicts: readonly number[],
    mayHaveHappened: boolean,
  ): Promise<void> {
    if (conflicts.length === 0) return;
    const ours: ReadonlySet<number> = mayHaveHappened ? await this.findOurs(batch, conflicts) : new Set();
    for (const index of conflicts) {
      if (ours.has(index)) {
        batch.written++;
        batch.found++;
      } else
        reject(
          batch,
          index,
          'CONFLICT',
          `a document with the _id ${JSON.stringify(batch.ids[index])} exists`,
        );
    }
  }

  /** Those of the documents that are stored exactly as they were sent. None, where we may not look. */
  private async findOurs(batch: Batch, conflicts: readonly number[]): Promise<ReadonlySet<number>> {
    const byId = new Map(conflicts.map((index) => [batch.ids[index], index]));
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.lookUp(batch, byId);
      } catch (error) {
        if (error instanceof LumaDbError && !error.retryable) return new Set();
        await this.patience.wait(error, attempt);
      }
    }
  }

  private async lookUp(batch: Batch, byId: ReadonlyMap<string, number>): Promise<Set<number>> {
    const ours = new Set<number>();
    const selection = { ids: [...byId.keys()] };
    for await (const rows of rowsOf(this.server, this.options.collection, selection, this.signal)) {
      for (const { id, document } of rows) {
        const index = byId.get(id());
        if (index !== undefined && document.equals(batch.document(index))) ours.add(index);
      }
    }
    return ours;
  }
}

function reject(batch: Batch, index: number, code: string, message: string): void {
  batch.rejects.push(rejectOf(batch.places[index], code, message, batch.document(index)));
}

function laterError(answers: readonly BulkItemAnswer[]): LumaDbError {
  const error = answers.find((answer) => LATER.has(answer.error?.code ?? ''))?.error;
  return new LumaDbError('UNAVAILABLE', error?.message ?? 'the server takes no writes');
}
