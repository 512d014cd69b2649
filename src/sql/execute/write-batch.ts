/** What the three kinds of writes have in common: batches, and how often a write that met another one is tried again. */
import { sqlError } from '../errors.js';
import type { Row } from '../types/values.js';
import type { MemoryAccount } from './memory-budget.js';
import type { DocumentWrite, DocumentWriter, WriteResult } from './source.js';
import type { TargetReader } from './target-reader.js';

/** Writes of one call of the writer: each call waits for the disk once. */
export const WRITES_PER_BATCH = 1000;
/** Texts that wait for their batch, in UTF-16 units. */
export const BATCH_TEXT_MAX = 8 * 1024 * 1024;
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
  /** Absent without RETURNING. */
  readonly target: TargetReader | undefined;
  /** A document was written; the row is the target's. */
  done(row: Row | undefined): void;
}

/** Writes that wait, each with what has to be known of it when its result comes. */
export class WriteBatch<T> {
  private writes: DocumentWrite[] = [];
  private items: T[] = [];
  private textUnits = 0;

  constructor(
    private readonly writer: DocumentWriter,
    private readonly collection: string,
    private readonly settle: (item: T, write: DocumentWrite, result: WriteResult) => void,
  ) {}

  add(write: DocumentWrite, item: T): void {
    this.writes.push(write);
    this.items.push(item);
    this.textUnits += write.text?.length ?? 0;
    if (this.writes.length >= WRITES_PER_BATCH || this.textUnits >= BATCH_TEXT_MAX) this.flush();
  }

  flush(): void {
    if (this.writes.length === 0) return;
    const { writes, items } = this;
    this.writes = [];
    this.items = [];
    this.textUnits = 0;
    const results = this.writer.write(this.collection, writes);
    for (const [i, write] of writes.entries()) this.settle(items[i], write, results[i]);
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
