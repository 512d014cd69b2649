/**
 * Bloom filter of a table: says of a key's hash "not in this table" or "perhaps". This file is the specification of the
 * filter block's payload, which is never compressed:
 *
 *   offset size field
 *        0    4 probes: bits that each key sets, 1 to 30
 *        4    4 number of lines, at least 1
 *        8   64 per line: 512 bits; bit b of a line is bit (b mod 8) of its byte (b div 8)
 *
 * A key's 32-bit hash (src/base/hash.ts) also routes keys to shards and addresses memtables, so it is mixed anew first.
 * The mixed hash h picks one line, floor(h * lines / 2^32), and all bits of the key are in that line: one cache miss per
 * lookup instead of one per probe. Probe i takes the top nine bits of g * 0x9e3779b9^i (mod 2^32), where g is h mixed
 * once more: successive products behave better within a line than the arithmetic progression of double hashing.
 * (Cache-line filters: Putze, Sanders, Singler, "Cache-, Hash- and Space-Efficient Bloom Filters", 2007; the probe
 * sequence is that of RocksDB's FastLocalBloom.)
 *
 * Every distinct key of the table is in the filter once, whatever its versions are.
 */
import { assert } from '../base/assert.js';
import { readU32, writeU32 } from './coding.js';

export const BLOOM_BITS_PER_KEY_MAX = 64;

const HEADER_BYTES = 8;
const LINE_BYTES = 64;
const LINE_BITS = 8 * LINE_BYTES;
const BIT_SHIFT = 23;
const PROBES_MAX = 30;
const GOLDEN = 0x9e3779b9;

assert(LINE_BITS === 1 << (32 - BIT_SHIFT), 'a probe addresses exactly one line');

function mix(hash: number): number {
  let h = Math.imul(hash ^ 0x5bd1e995, 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return h ^ (h >>> 16);
}

function lineOf(mixed: number, lines: number): number {
  return Math.floor(((mixed >>> 0) * lines) / 4294967296);
}

const firstProbe = (mixed: number): number => Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);

/** The payload of the filter block for these distinct keys' hashes. `bitsPerKey` is 1 to 64. */
export function buildBloomFilter(hashes: Int32Array, count: number, bitsPerKey: number): Uint8Array {
  const lines = Math.max(1, Math.ceil((count * bitsPerKey) / LINE_BITS));
  const probes = Math.min(PROBES_MAX, Math.max(1, Math.round(bitsPerKey * Math.LN2)));
  const bytes = new Uint8Array(HEADER_BYTES + lines * LINE_BYTES);
  writeU32(bytes, 0, probes);
  writeU32(bytes, 4, lines);
  for (let i = 0; i < count; i++) {
    const mixed = mix(hashes[i]);
    const lineAt = HEADER_BYTES + lineOf(mixed, lines) * LINE_BYTES;
    let probe = firstProbe(mixed);
    for (let k = 0; k < probes; k++) {
      const bit = probe >>> BIT_SHIFT;
      bytes[lineAt + (bit >>> 3)] |= 1 << (bit & 7);
      probe = Math.imul(probe, GOLDEN);
    }
  }
  return bytes;
}

export class BloomFilter {
  private constructor(
    private readonly bytes: Uint8Array,
    private readonly probes: number,
    private readonly lines: number,
  ) {}

  /** Undefined when the payload is not a filter. Keeps the bytes. */
  static decode(bytes: Uint8Array): BloomFilter | undefined {
    if (bytes.length < HEADER_BYTES) return undefined;
    const probes = readU32(bytes, 0);
    const lines = readU32(bytes, 4);
    if (probes < 1 || probes > PROBES_MAX) return undefined;
    if (lines < 1 || bytes.length !== HEADER_BYTES + lines * LINE_BYTES) return undefined;
    return new BloomFilter(bytes, probes, lines);
  }

  get memoryBytes(): number {
    return this.bytes.length;
  }

  /** False only when no key with this hash is in the table. */
  mayContain(hash: number): boolean {
    const { bytes, probes } = this;
    const mixed = mix(hash);
    const lineAt = HEADER_BYTES + lineOf(mixed, this.lines) * LINE_BYTES;
    let probe = firstProbe(mixed);
    for (let k = 0; k < probes; k++) {
      const bit = probe >>> BIT_SHIFT;
      if ((bytes[lineAt + (bit >>> 3)] & (1 << (bit & 7))) === 0) return false;
      probe = Math.imul(probe, GOLDEN);
    }
    return true;
  }
}

/** Collects the hashes of a table's keys while it is written. */
export class HashList {
  private hashes = new Int32Array(1024);
  count = 0;

  push(hash: number): void {
    if (this.count === this.hashes.length) {
      const larger = new Int32Array(2 * this.count);
      larger.set(this.hashes);
      this.hashes = larger;
    }
    this.hashes[this.count++] = hash;
  }

  buildFilter(bitsPerKey: number): Uint8Array {
    return buildBloomFilter(this.hashes, this.count, bitsPerKey);
  }
}
