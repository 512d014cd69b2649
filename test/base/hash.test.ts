import test from 'ava';
import { hashKey, shardOfHash } from '../../src/base/hash.js';
import { randomBytes, seededPrng } from '../support/random.js';
import { utf8 } from '../support/text.js';

const hashOf = (seed: number, text: string): number => {
  const bytes = utf8(text);
  return hashKey(seed, bytes, 0, bytes.length) >>> 0;
};

/** Published vectors of MurmurHash3_x86_32: seed, text, hash. */
const MURMUR3_VECTORS = [
  [0, '', 0],
  [1, '', 0x514e28b7],
  [0xffffffff, '', 0x81f16f39],
  [0, 'test', 0xba6bd213],
  [0x9747b28c, 'test', 0x704b81dc],
  [0, 'Hello, world!', 0xc0363e43],
  [0x9747b28c, 'Hello, world!', 0x24884cba],
  [0, 'The quick brown fox jumps over the lazy dog', 0x2e4ff723],
  [0x9747b28c, 'The quick brown fox jumps over the lazy dog', 0x2fa826cd],
  [0x9747b28c, 'aaaa', 0x5a97808a],
  [0x9747b28c, 'aaa', 0x283e0130],
  [0x9747b28c, 'aa', 0x5d211726],
  [0x9747b28c, 'a', 0x7fa09ea6],
  [0, '\0\0\0\0', 0x2362f9de],
] as const;

test('hashKey is MurmurHash3 x86 32-bit, seeded with the collection', (t) => {
  for (const [seed, text, expected] of MURMUR3_VECTORS)
    t.is(hashOf(seed, text), expected, `${seed} "${text}"`);
});

/**
 * Pinned, because they are stored in WAL records and route keys to shards: if one of these changes, existing data
 * directories become unreadable. Computed with the first version; collection, key, hash, its shard of 3 and of 16.
 */
const GOLDEN = [
  [1, '', 0x514e28b7, 2, 2],
  [1, 'a', 0x588adce8, 2, 13],
  [1, 'user-000123', 0x5ddf1336, 2, 1],
  [1, 'user-000124', 0x1f8824b4, 1, 2],
  [2, 'user-000123', 0x9f09d7e3, 1, 13],
  [4096, 'user-000123', 0x22473144, 0, 3],
  [1, '0', 0xb25d47eb, 2, 4],
  [1, '\0', 0x00000000, 0, 0],
  [3, 'пользователь-1', 0x888cf35b, 0, 15],
  [1, 'x'.repeat(1024), 0xa3a5111f, 2, 1],
  [70000, 'orders/2024/11/23', 0x848fc367, 2, 12],
] as ReadonlyArray<readonly [number, string, number, number, number]>;

test('the hashes and shards of stored keys never change', (t) => {
  for (const [collection, key, hash, ofThree, ofSixteen] of GOLDEN) {
    t.is(hashOf(collection, key), hash, `${collection} "${key}"`);
    t.is(shardOfHash(hash | 0, 3), ofThree);
    t.is(shardOfHash(hash | 0, 16), ofSixteen);
  }
});

test('the hash depends on the key bytes only, not on where they lie', (t) => {
  const prng = seededPrng(t);
  for (let length = 0; length <= 64; length++) {
    const key = randomBytes(prng, length);
    const expected = hashKey(5, key, 0, length);
    for (const offset of [0, 1, 2, 3, 7]) {
      const around = randomBytes(prng, length + 16);
      around.set(key, offset);
      t.is(hashKey(5, around, offset, length), expected);
    }
  }
});

test('shards get equal shares of sequential and of random keys', (t) => {
  const prng = seededPrng(t);
  const keys = 60_000;
  const families = [
    (i: number): Uint8Array => utf8(`user-${i}`),
    (i: number): Uint8Array => utf8(String(i).padStart(12, '0')),
    (): Uint8Array => randomBytes(prng, 16),
  ];
  for (const family of families) {
    for (const shards of [1, 2, 3, 7, 16]) {
      const counts = new Array<number>(shards).fill(0);
      for (let i = 0; i < keys; i++) {
        const key = family(i);
        counts[shardOfHash(hashKey(1, key, 0, key.length), shards)]++;
      }
      const expected = keys / shards;
      // Six standard deviations of a binomial share: chance alone gets there once in 5e8.
      const tolerance = 6 * Math.sqrt(expected);
      for (const count of counts) t.true(Math.abs(count - expected) <= tolerance, `${counts} of ${shards}`);
    }
  }
});

test('the keys of one shard differ in the low bits of their hashes', (t) => {
  const low = new Set<number>();
  for (let i = 0; low.size < 1024 && i < 200_000; i++) {
    const key = utf8(`key-${i}`);
    const hash = hashKey(1, key, 0, key.length);
    if (shardOfHash(hash, 16) === 3) low.add(hash & 0x3ff);
  }
  t.is(low.size, 1024);
});
