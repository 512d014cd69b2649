/** What the three kinds of writes have in common: batches, and how often a write that met another one is tried again. */
import { sqlError } from '../errors.js';
import type { Row } from '../types/values.js';
import type { MemoryAccount } from './memory-budget.js';
import type { DocumentWrite, DocumentWriter, WriteResult } from './source.js';
import type { TargetReader } from './target-reader.js';

/** Writes of one call of the writer: each call waits for the disk once. */
export const WRITES_PER_BATCH = 1000;
/** What waits for its batch: texts in UTF-16 units, and bytes of rows. */
export const BATCH_SIZE_MAX = 8 * 1024 * 1024;
/** Rows that wait take no more than one part in so many of what the statement may hold. */
const BUDGET_SHARE = 4;
/** Tries after the first one. */
export const RETRIES_MAX = 10;

const SERIALIZATION_FAILURE = '40001';

export interface Modifier {
  add(row: Row): void;
  flush(): void;
}

export interface ModifyContext {
  readonly writer: DocumentWriter;
  readonly account: MemoryAccount;
  /** What the whole statement may hold. */
  readonly memoryLimitBytes: number;
  /** Absent without RETURNING. */
  readonly target: TargetReader | undefined;
  /** A document was written; the row is the target's, with the row of the input that it comes from behind it. */
  done(row: Row | undefined): void;
}

/** Writes that wait, each with what has to be known of it when its result comes. */
export class WriteBatch<T> {
  private writes: DocumentWrite[] = [];
  private items: T[] = [];
  private textUnits = 0;
  private itemBytes = 0;
  private readonly sizeMax: number;

  constructor(
    private readonly context: ModifyContext,
    private readonly collection: string,
    private readonly settle: (item: T, write: DocumentWrite, result: WriteResult) => void,
  ) {
    this.sizeMax = Math.min(BATCH_SIZE_MAX, context.memoryLimitBytes / BUDGET_SHARE);
  }

  /** `bytes`: what the item holds, charged until its result has come. */
  add(write: DocumentWrite, item: T, bytes = 0): void {
    this.context.account.charge(bytes);
    this.writes.push(write);
    this.items.push(item);
    this.itemBytes += bytes;
    this.textUnits += write.text?.length ?? 0;
    if (this.writes.length >= WRITES_PER_BATCH || this.textUnits + this.itemBytes >= this.sizeMax)
      this.flush();
  }

  flush(): void {
    if (this.writes.length === 0) return;
    const { writes, items, itemBytes } = this;
    this.writes = [];
    this.items = [];
    this.textUnits = 0;
    this.itemBytes = 0;
    const results = this.context.writer.write(this.collection, writes);
    for (const [i, write] of writes.entries()) this.settle(items[i], write, results[i]);
    this.context.account.release(itemBytes);
  }
}

/** `attempt` returns false when it met another write. */
export function retry(id: string, attempt: () => boolean): void {
  for (let tries = 0; tries < RETRIES_MAX; tries++) if (attempt()) return;
  throw sqlError(
    SERIALIZATION_FAILURE,
    `could not serialize access due to concurrent update of document ${JSON.stringify(id)}`,
  );
}
