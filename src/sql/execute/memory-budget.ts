/**
 * How much memory a query may hold. Every operator that keeps rows has an account and charges what it keeps; the sizes are
 * estimates of what V8 needs, on the safe side for small values. One thread.
 */
import { OUT_OF_MEMORY, sqlError } from '../errors.js';
import type { Row, SqlValue } from '../types/values.js';

/** Name of the limit in the configuration, for the error. */
const LIMIT_KEY = 'query.memory_limit';

const ROW_BYTES = 32;
export const SLOT_BYTES = 8;
const STRING_BYTES = 24;
const OBJECT_BYTES = 40;
const BIGINT_BYTES = 24;
const DOUBLE_BYTES = 16;
/** One entry of a Map or Set beside its key and value. */
export const HASH_ENTRY_BYTES = 48;

export class MemoryBudget {
  usedBytes = 0;
  peakBytes = 0;

  constructor(readonly limitBytes: number) {}

  /** Throws 53200 when the limit would be passed. */
  charge(bytes: number): void {
    const used = this.usedBytes + bytes;
    if (used > this.limitBytes) {
      throw sqlError(
        OUT_OF_MEMORY,
        `the query needs more than ${this.limitBytes} bytes of memory; the limit is ${LIMIT_KEY}`,
      );
    }
    this.usedBytes = used;
    if (used > this.peakBytes) this.peakBytes = used;
  }

  release(bytes: number): void {
    this.usedBytes -= bytes;
  }
}

/** What one run of an operator holds; `close` gives all of it back, also after an error. */
export class MemoryAccount {
  private heldBytes = 0;
  peakBytes = 0;

  constructor(private readonly budget: MemoryBudget) {}

  charge(bytes: number): void {
    this.budget.charge(bytes);
    this.heldBytes += bytes;
    if (this.heldBytes > this.peakBytes) this.peakBytes = this.heldBytes;
  }

  release(bytes: number): void {
    this.budget.release(bytes);
    this.heldBytes -= bytes;
  }

  close(): void {
    this.release(this.heldBytes);
  }
}

export function rowBytes(row: Row): number {
  let bytes = ROW_BYTES + row.length * SLOT_BYTES;
  for (let i = 0; i < row.length; i++) bytes += valueBytes(row[i]);
  return bytes;
}

/** Beyond the slot that holds it. */
export function valueBytes(value: SqlValue): number {
  switch (typeof value) {
    case 'string':
      return STRING_BYTES + value.length;
    case 'number':
      return DOUBLE_BYTES;
    case 'bigint':
      return BIGINT_BYTES;
    case 'object':
      return value === null ? 0 : objectBytes(value);
    default:
      return 0;
  }
}

function objectBytes(value: Exclude<SqlValue, null | boolean | number | bigint | string>): number {
  if (!('kind' in value)) return rowBytes(value as Row);
  if (value.kind === 'json') return OBJECT_BYTES + STRING_BYTES + value.text.length;
  if (value.kind === 'record') return OBJECT_BYTES + rowBytes(value.values as Row);
  return OBJECT_BYTES;
}
