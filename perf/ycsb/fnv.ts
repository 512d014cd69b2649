/** FNV-1a over the eight bytes of a number, as YCSB's Utils.fnvhash64: spreads record numbers over keys. No BigInt. */

const OFFSET_HIGH = 0xcbf29ce4;
const OFFSET_LOW = 0x84222325;
/** The prime is 2 ** 40 + 0x1b3. */
const PRIME_LOW = 0x1b3;
const PRIME_SHIFT = 40 - 32;
const TWO_32 = 2 ** 32;
const BYTES = 8;
/** remainder() multiplies two numbers below `count`, exactly. */
export const COUNT_MAX = 90_000_000;

export class Fnv64 {
  private high = 0;
  private low = 0;

  /** Hashes a whole number from 0 to 2 ** 53. The result is what remainder() and toString() tell about. */
  hash(value: number): this {
    let rest = value;
    let high = OFFSET_HIGH;
    let low = OFFSET_LOW;
    for (let i = 0; i < BYTES; i++) {
      const next = Math.floor(rest / 256);
      low = (low ^ (rest - next * 256)) >>> 0;
      rest = next;
      const product = low * PRIME_LOW;
      high = (Math.imul(high, PRIME_LOW) + Math.floor(product / TWO_32) + (low << PRIME_SHIFT)) >>> 0;
      low = product >>> 0;
    }
    // Java's Math.abs of a signed number.
    if (high >= 0x80000000) {
      low = -low >>> 0;
      high = (~high + (low === 0 ? 1 : 0)) >>> 0;
    }
    this.high = high;
    this.low = low;
    return this;
  }

  /** The hash modulo `count`, which is at most COUNT_MAX. */
  remainder(count: number): number {
    return ((this.high % count) * (TWO_32 % count) + this.low) % count;
  }

  toString(): string {
    return ((BigInt(this.high) << 32n) | BigInt(this.low)).toString();
  }
}
