import test from 'ava';
import { hashKey } from '../../src/base/hash.js';
import { createWriteStamps, WriteStamps } from '../../src/cache/write-stamps.js';
import { utf8 } from '../support/text.js';

test('a bump is seen by every view of the same stamps, and only by keys of the bucket', (t) => {
  const sab = createWriteStamps(1 << 16);
  const writer = new WriteStamps(sab);
  const reader = new WriteStamps(sab);
  const hashes = Array.from({ length: 1000 }, (_, i) => hashKey(1, utf8(`key-${i}`), 0, `key-${i}`.length));
  t.is(reader.load(hashes[0]), 0);
  writer.bump(hashes[0]);
  writer.bump(hashes[0]);
  t.is(reader.load(hashes[0]), 2);
  const alsoBumped = hashes.slice(1).filter((hash) => reader.load(hash) !== 0).length;
  t.true(alsoBumped <= 1, `${alsoBumped} of 999 other keys in 65,536 buckets`);
});

test('keys spread evenly over the buckets', (t) => {
  const buckets = 256;
  const keys = 256 * 100;
  const sab = createWriteStamps(buckets);
  const stamps = new WriteStamps(sab);
  for (let i = 0; i < keys; i++) {
    const key = utf8(`user-${i}`);
    stamps.bump(hashKey(1, key, 0, key.length));
  }
  const counts = [...new Int32Array(sab)];
  t.is(
    counts.reduce((sum, count) => sum + count),
    keys,
  );
  t.true(
    Math.min(...counts) > 50 && Math.max(...counts) < 160,
    `${Math.min(...counts)} to ${Math.max(...counts)}`,
  );
});

test('a counter wraps around and goes on', (t) => {
  const sab = createWriteStamps(2);
  const stamps = new WriteStamps(sab);
  new Int32Array(sab).fill(0x7fffffff);
  stamps.bump(5);
  t.is(stamps.load(5), -0x80000000);
  stamps.bump(5);
  t.is(stamps.load(5), -0x7fffffff);
});

test('extreme hashes fall into buckets, whatever the number of these', (t) => {
  for (const count of [2, 4, 1 << 10, 1 << 20]) {
    const stamps = new WriteStamps(createWriteStamps(count));
    for (const hash of [0, -1, 1, 0x7fffffff, -0x80000000]) {
      const before = stamps.load(hash);
      stamps.bump(hash);
      t.is(stamps.load(hash), before + 1);
    }
  }
});

test('a number of buckets that is no power of two is a mistake', (t) => {
  for (const count of [0, 1, 3, 1000, 2.5, -4, 2 ** 31, Number.NaN]) {
    t.throws(() => createWriteStamps(count), { message: /not a power of two in range/ });
  }
});
