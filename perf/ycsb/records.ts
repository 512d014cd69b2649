/**
 * The records of YCSB: key `user<hash of the number>`, ten fields of 100 random printable characters. As JSON a document
 * without its `_id`, which the server adds; `"` and `\` are left out so that every document has the same size.
 */
import { createPrng, type Prng } from '../../src/base/prng.js';
import { Fnv64 } from './fnv.js';

export const COLLECTION = 'usertable';
export const COLLECTION_PATH = `/api/v1/${COLLECTION}`;
export const FIELDS = 10;
export const FIELD_BYTES = 100;

const POOL_BYTES = 1024 * 1024;
const PRINTABLE = Array.from({ length: 0x7f - 0x20 }, (_, i) => 0x20 + i).filter(
  (code) => code !== 0x22 && code !== 0x5c,
);
const TEMPLATE = `{${Array.from({ length: FIELDS }, (_, i) => `"field${i}":"${'x'.repeat(FIELD_BYTES)}"`).join(',')}}`;
/** What a client sends. */
export const BODY_BYTES = TEMPLATE.length;
const FIELD_STARTS = Array.from({ length: FIELDS }, (_, i) =>
  TEMPLATE.indexOf('x', TEMPLATE.indexOf(`field${i}`)),
);

/** Keys have 5 to 23 bytes; nearly all have 22 or 23. */
const KEY_BYTES_USUAL = 23;
/** What the server keeps for a record, about: key, and document with `_id`. */
export const STORED_BYTES = KEY_BYTES_USUAL + BODY_BYTES + `"_id":"",`.length + KEY_BYTES_USUAL;

const fnv = new Fnv64();

export function keyOf(number: number): string {
  return `user${fnv.hash(number)}`;
}

/** Makes bodies: slices of a pool of random text, so that one costs ten copies and not a thousand draws. */
export class BodyMaker {
  private readonly pool = Buffer.alloc(POOL_BYTES);
  private readonly template = Buffer.from(TEMPLATE);
  private readonly prng: Prng;

  constructor(seed: number) {
    this.prng = createPrng(seed);
    for (let i = 0; i < POOL_BYTES; i++) this.pool[i] = PRINTABLE[this.prng.nextBelow(PRINTABLE.length)];
  }

  /** Writes a body of BODY_BYTES to `target` at `offset`. */
  writeTo(target: Buffer, offset: number): void {
    this.template.copy(target, offset);
    for (const start of FIELD_STARTS) {
      const from = this.prng.nextBelow(POOL_BYTES - FIELD_BYTES);
      this.pool.copy(target, offset + start, from, from + FIELD_BYTES);
    }
  }

  make(): Buffer {
    const body = Buffer.allocUnsafe(BODY_BYTES);
    this.writeTo(body, 0);
    return body;
  }
}

/** Size of the document that the server keeps under a key. */
export function documentBytes(key: string): number {
  return BODY_BYTES + `"_id":"${key}",`.length;
}

/** What is wrong with a document that was read under a key, or undefined. */
export function documentFault(key: string, text: string): string | undefined {
  const isRight = text.length === documentBytes(key) && text.includes(`"_id":"${key}"`);
  return isRight ? undefined : `key ${key} gave ${text.length} bytes: ${text.slice(0, 200)}`;
}
