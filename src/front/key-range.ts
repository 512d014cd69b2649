/**
 * Conditions on `_id` as a range of keys: what `filter={"_id":{"$gte":"a","$lt":"b"}}` and `?_id=a` mean to a scan. The
 * order is that of keys, UTF-8 bytes, which is the order in which filters compare strings as well. Pure.
 */
import { KEY_BYTES_MAX } from '../base/limits.js';
import type { ScanBound, ScanRange } from '../router/document-reader.js';

export const ID_FIELD = '_id';
const encoder = new TextEncoder();
const OPERATORS: ReadonlySet<string> = new Set(['$gt', '$gte', '$lt', '$lte']);

/** Both ends of a range under construction; undefined is open. */
export class KeyBounds {
  from: ScanBound | undefined;
  to: ScanBound | undefined;

  /**
   * Narrows to what a condition on `_id` lets through. False when it is more than a range (`$in`, `$ne`, a value that is
   * no text): then nothing was narrowed, and it has to be asked of every document.
   */
  narrowBy(condition: unknown): boolean {
    if (typeof condition === 'string') {
      if (!condition.isWellFormed()) return false;
      this.narrow('$gte', condition);
      this.narrow('$lte', condition);
      return true;
    }
    if (typeof condition !== 'object' || condition === null || Array.isArray(condition)) return false;
    const tests = Object.entries(condition);
    const isRange = tests.every(
      ([operator, value]) => OPERATORS.has(operator) && typeof value === 'string' && value.isWellFormed(),
    );
    if (!isRange || tests.length === 0) return false;
    for (const [operator, value] of tests) this.narrow(operator, value as string); // checked above
    return true;
  }

  /** Continues after `key` in the direction of the scan. */
  continueAfter(key: Uint8Array, backward: boolean): void {
    if (backward) this.lower({ key, inclusive: false });
    else this.raise({ key, inclusive: false });
  }

  range(backward: boolean): ScanRange {
    return { from: this.from, to: this.to, backward };
  }

  private narrow(operator: string, text: string): void {
    const key = encoder.encode(text);
    const isLower = operator.startsWith('$gt');
    // No key is as long as that: all keys up to its first bytes are below it, all others above.
    const bound =
      key.length > KEY_BYTES_MAX
        ? { key: key.slice(0, KEY_BYTES_MAX), inclusive: !isLower }
        : { key, inclusive: operator.endsWith('e') };
    if (isLower) this.raise(bound);
    else this.lower(bound);
  }

  private raise(bound: ScanBound): void {
    if (this.from === undefined || isTighter(bound, this.from, 1)) this.from = bound;
  }

  private lower(bound: ScanBound): void {
    if (this.to === undefined || isTighter(bound, this.to, -1)) this.to = bound;
  }
}

/** `direction`: 1 for lower ends, where the greater key is the tighter one, -1 for upper ends. */
function isTighter(bound: ScanBound, than: ScanBound, direction: 1 | -1): boolean {
  const order = Buffer.compare(bound.key, than.key) * direction;
  return order > 0 || (order === 0 && !bound.inclusive);
}
