/**
 * Digests of keys: doubles that are ordered like the keys, so that most comparisons need not look at a key's bytes.
 *
 *   digest(key) = the first 8 bytes behind the prefix as a big-endian number, zero padded, rounded to a double
 *                 -Infinity   for a key that sorts before all keys with the prefix
 *                 +Infinity   for a key that sorts behind all of them
 *
 * a < b gives digest(a) <= digest(b): rounding and padding keep the order, but not all differences. Equal digests say
 * nothing; the keys themselves decide. The prefix is what keys have in common ("user0000"): digests that begin with it
 * would all be the same. Any prefix is right, a good one is fast. Keys of one collection; one thread.
 * The idea is that of "poor man's normalized keys" (Graefe and Larson, "B-tree indexes and CPU caches", 2001).
 */

const NO_BYTES = new Uint8Array(0);
const DIGEST_BYTES = 8;
const TWO_32 = 4294967296;

export class KeyDigest {
  private prefix: Uint8Array = NO_BYTES;

  get prefixLength(): number {
    return this.prefix.length;
  }

  /** Takes what two keys have in common as prefix. False when it already is. */
  retune(
    a: Uint8Array,
    aOffset: number,
    aLength: number,
    b: Uint8Array,
    bOffset: number,
    bLength: number,
  ): boolean {
    const shorter = Math.min(aLength, bLength);
    let length = 0;
    while (length < shorter && a[aOffset + length] === b[bOffset + length]) length++;
    if (length === this.prefix.length && this.sideOf(a, aOffset, aLength) === 0) return false;
    this.prefix = a.slice(aOffset, aOffset + length);
    return true;
  }

  of(bytes: Uint8Array, offset: number, length: number): number {
    const side = this.sideOf(bytes, offset, length);
    if (side !== 0) return side < 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
    const at = offset + this.prefix.length;
    const end = offset + length;
    if (at + DIGEST_BYTES > end) return paddedDigest(bytes, at, end);
    return bigEndian(bytes, at) * TWO_32 + bigEndian(bytes, at + 4);
  }

  /** Negative or positive when the key is on that side of all keys with the prefix, 0 when it has the prefix. */
  private sideOf(bytes: Uint8Array, offset: number, length: number): number {
    const { prefix } = this;
    const shared = Math.min(length, prefix.length);
    for (let i = 0; i < shared; i++) {
      const difference = bytes[offset + i] - prefix[i];
      if (difference !== 0) return difference;
    }
    return shared - prefix.length;
  }
}

function bigEndian(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}

function paddedDigest(bytes: Uint8Array, at: number, end: number): number {
  let digest = 0;
  for (let i = 0; i < DIGEST_BYTES; i++) digest = digest * 256 + (at + i < end ? bytes[at + i] : 0);
  return digest;
}
