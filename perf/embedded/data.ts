/**
 * Keys and values of the embedded comparison: 16-byte keys that sort like their numbers, JSON documents of an exact size
 * that compress about as well as real ones. All engines get the same bytes in the same order. Making an entry costs
 * some 100 ns, which every write figure contains.
 */
import { createPrng, type Prng } from '../../src/base/prng.js';
import type { Entry } from './embedded-store.js';

const KEY_PREFIX = 'user';
const KEY_DIGITS = 12;
export const KEY_BYTES = KEY_PREFIX.length + KEY_DIGITS;
const ID_START = '{"_id":"'.length;
/** Documents that differ in everything but `_id`. A block of a table holds a few dozen, so that few repeat in one. */
const BODIES = 8192;
const ASCII_ZERO = 0x30;

const FIRST_NAMES = [
  'Anna',
  'Ben',
  'Clara',
  'David',
  'Elif',
  'Finn',
  'Greta',
  'Hugo',
  'Ida',
  'Jonas',
  'Kim',
  'Lea',
];
const LAST_NAMES = [
  'Berger',
  'Costa',
  'Dubois',
  'Eriksen',
  'Fischer',
  'Gruber',
  'Haas',
  'Ito',
  'Jensen',
  'Kaya',
];
const CITIES = ['Berlin', 'Lisbon', 'Oslo', 'Paris', 'Vienna', 'Zurich', 'Osaka', 'Lagos', 'Lima', 'Quito'];
const WORDS =
  'order paid late ship gift note call open card bonus north south red blue new old trial vip'.split(' ');

/** Smallest value: what a document is without its padding, at its longest. */
export const VALUE_BYTES_MIN = 120;

function pick<T>(prng: Prng, from: readonly T[]): T {
  return from[prng.nextBelow(from.length)];
}

/** A document of exactly `bytes` bytes under key 0. */
function documentText(prng: Prng, bytes: number): string {
  const id = KEY_PREFIX + '0'.repeat(KEY_DIGITS);
  const name = `${pick(prng, FIRST_NAMES)} ${pick(prng, LAST_NAMES)}`;
  const facts = `"age":${18 + prng.nextBelow(70)},"city":"${pick(prng, CITIES)}","score":${prng.nextBelow(100_000)}`;
  const head = `{"_id":"${id}","name":"${name}",${facts},"active":${prng.nextBelow(2) === 1},"note":"`;
  let text = head;
  while (text.length < bytes) text += `${pick(prng, WORDS)} `;
  return `${text.slice(0, bytes - 2)}"}`;
}

function writeNumber(target: Uint8Array, offset: number, number: number): void {
  let rest = number;
  for (let at = offset + KEY_DIGITS - 1; at >= offset; at--) {
    const next = Math.floor(rest / 10);
    target[at] = ASCII_ZERO + (rest - next * 10);
    rest = next;
  }
}

/** Makes entries into the same few buffers over and over. */
export class EntryMaker {
  private readonly bodies: Buffer;
  private readonly key = Buffer.from(KEY_PREFIX + '0'.repeat(KEY_DIGITS));
  private readonly entries: { key: Buffer; value: Buffer }[] = [];

  constructor(
    readonly valueBytes: number,
    batchEntries: number,
    seed: number,
  ) {
    const prng = createPrng(seed);
    const texts = Array.from({ length: BODIES }, () => documentText(prng, valueBytes));
    this.bodies = Buffer.from(texts.join(''), 'latin1');
    for (let i = 0; i < batchEntries; i++)
      this.entries.push({ key: Buffer.from(this.key), value: Buffer.alloc(valueBytes) });
  }

  /** The key of record `index`; valid until the next call. */
  keyOf(index: number): Uint8Array {
    writeNumber(this.key, KEY_PREFIX.length, index);
    return this.key;
  }

  /** Fills the first slots with these records; `round` makes the documents of an overwrite other ones. */
  batch(indexes: Uint32Array, round: number): readonly Entry[] {
    for (let i = 0; i < indexes.length; i++) {
      const { key, value } = this.entries[i];
      const index = indexes[i];
      writeNumber(key, KEY_PREFIX.length, index);
      const body = (Math.imul(index, 0x9e3779b1) + Math.imul(round, 0x85ebca6b)) >>> 0;
      this.bodies.copy(value, 0, (body % BODIES) * this.valueBytes, ((body % BODIES) + 1) * this.valueBytes);
      key.copy(value, ID_START);
    }
    return indexes.length === this.entries.length ? this.entries : this.entries.slice(0, indexes.length);
  }

  /** What is wrong with a value that was read under record `index`, or undefined. */
  fault(index: number, value: Uint8Array | undefined): string | undefined {
    if (value === undefined) return `record ${index} is missing`;
    const key = this.keyOf(index);
    const isRight = value.length === this.valueBytes && key.every((byte, i) => value[ID_START + i] === byte);
    return isRight ? undefined : `record ${index} gave ${Buffer.from(value).toString('latin1')}`;
  }
}

/** 0 to count − 1, each once, in random order (Fisher and Yates). */
export function permutation(count: number, prng: Prng): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = prng.nextBelow(i + 1);
    const kept = order[i];
    order[i] = order[j];
    order[j] = kept;
  }
  return order;
}
