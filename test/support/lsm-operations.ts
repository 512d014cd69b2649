/** Random documents and operations for the model tests of a shard. Everything comes from one generator. */
import { EXPIRES_NEVER, EXPIRES_UNSET } from '../../src/base/expiry.js';
import type { Prng } from '../../src/base/prng.js';
import { ConditionKind } from '../../src/generated/lumadb/schema/condition-kind.js';
import { type Operation, operationId, patch, put, remove } from './batches.js';
import { oneIn, pick } from './random.js';

const FIELDS = ['a', 'b', 'c', 'd', 'e'] as const;
const { None, IfAbsent, IfPresent, IfMatchSeqno } = ConditionKind;
const CONDITIONS = [None, None, None, None, IfAbsent, IfPresent, IfMatchSeqno];
/** Late batches are this many seconds old at most, less than a shard allows for. */
const LATE_SECONDS_MAX = 50;

/**
 * Keys that share prefixes, are prefixes of each other, differ in their last byte only, are long, or are not ASCII. None
 * has surrogates, so their order as text is that of their bytes.
 */
export function keyUniverse(count: number): string[] {
  const keys: string[] = [];
  for (let i = 0; keys.length < count; i++) {
    const number = String(i).padStart(5, '0');
    keys.push(`user-${number}`);
    if (i % 3 === 0) keys.push(`user-${number}\u0000`, `user-${number}-settings`);
    if (i % 5 === 0) keys.push(`ключ-${number}`, 'k'.repeat(1 + i));
    if (i % 31 === 0) keys.push(`${'long-'.repeat(60)}${number}`);
  }
  return keys.slice(0, count);
}

export interface OperationSource {
  readonly prng: Prng;
  readonly keys: readonly string[];
  readonly collections: readonly number[];
  /** Largest filling of a document, in bytes. */
  readonly padBytesMax: number;
  readonly nowSeconds: () => number;
  /** Seqno of the newest version of a key, 0 if it has none. */
  readonly seqnoOf: (collection: number, key: string) => number;
}

/** Makes operations; now and then the retry of an earlier one, or a misuse of its id. */
export class RandomOperations {
  private readonly earlier: Operation[] = [];
  private nextFingerprint = 1;

  constructor(private readonly source: OperationSource) {}

  next(): Operation {
    const { prng, keys, collections, seqnoOf, nowSeconds } = this.source;
    const retry = this.retry();
    if (retry !== undefined && collections.includes(retry.collection)) return retry;
    const collection = pick(prng, collections);
    const key = this.key(keys);
    const id = oneIn(prng, 12) ? operationId(prng.nextUint32() | 1, ++this.nextFingerprint) : undefined;
    const extras = {
      collection,
      condition: pick(prng, CONDITIONS),
      expectedSeqno: oneIn(prng, 4) ? 1 + prng.nextBelow(1000) : seqnoOf(collection, key),
      operationId: id,
      expiresAt: this.expiry(nowSeconds()),
    };
    const choice = prng.nextBelow(20);
    const made =
      choice < 11
        ? put(key, this.document(key), extras)
        : choice < 16
          ? patch(key, JSON.stringify(this.fields(true)), extras)
          : remove(key, { ...extras, expiresAt: EXPIRES_UNSET });
    if (id !== undefined) this.remember(made);
    return made;
  }

  /** Database time of a batch: now, or a little ago when it was held up on its way. */
  writtenAt(): number {
    const { prng, nowSeconds } = this.source;
    return nowSeconds() - (oneIn(prng, 5) ? prng.nextBelow(LATE_SECONDS_MAX) : 0);
  }

  /** Half of the work goes to a few keys. */
  key(keys: readonly string[]): string {
    const { prng } = this.source;
    return oneIn(prng, 2) ? pick(prng, keys) : keys[Math.floor(keys.length * prng.nextFloat() ** 3)];
  }

  private retry(): Operation | undefined {
    const { prng } = this.source;
    if (this.earlier.length === 0 || !oneIn(prng, 20)) return undefined;
    const again = pick(prng, this.earlier);
    if (!oneIn(prng, 4) || again.operationId === undefined) return again;
    return { ...again, operationId: operationId(again.operationId[0], ++this.nextFingerprint) };
  }

  private remember(operation: Operation): void {
    if (this.earlier.length < 200) this.earlier.push(operation);
    else this.earlier[this.source.prng.nextBelow(200)] = operation;
  }

  private expiry(nowSeconds: number): number {
    const { prng } = this.source;
    const choice = prng.nextBelow(12);
    if (choice === 0) return EXPIRES_NEVER;
    if (choice === 1) return nowSeconds + 1 + prng.nextBelow(5);
    if (choice === 2) return nowSeconds + prng.nextBelow(200);
    return choice === 3 ? nowSeconds + 3600 + prng.nextBelow(100_000) : EXPIRES_UNSET;
  }

  private document(key: string): string {
    return JSON.stringify({ _id: key, ...this.fields(false), pad: this.pad() });
  }

  private fields(withNulls: boolean): Record<string, unknown> {
    const { prng } = this.source;
    const object: Record<string, unknown> = {};
    for (let left = prng.nextBelow(4); left > 0; left--) {
      const choice = prng.nextBelow(withNulls ? 6 : 5);
      const value = [
        prng.nextUint32(),
        'ü'.repeat(prng.nextBelow(9)),
        [1, null, 'x'],
        { x: choice },
        true,
        null,
      ];
      object[pick(prng, FIELDS)] = value[choice];
    }
    return object;
  }

  /** Mostly short, sometimes a fair part of a memtable; half of it hardly compresses. */
  private pad(): string {
    const { prng, padBytesMax } = this.source;
    const choice = prng.nextBelow(200);
    const length =
      choice < 120 ? choice >> 3 : choice < 196 ? prng.nextBelow(300) : prng.nextBelow(padBytesMax);
    if (oneIn(prng, 2)) return 'x'.repeat(length);
    const parts: string[] = [];
    for (let bytes = 0; bytes < length; bytes += 7)
      parts.push(prng.nextUint32().toString(36).padStart(7, '0'));
    return parts.join('').slice(0, length);
  }
}
