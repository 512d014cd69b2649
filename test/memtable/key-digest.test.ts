import test from 'ava';
import type { Prng } from '../../src/base/prng.js';
import { KeyDigest } from '../../src/memtable/key-digest.js';
import { pick, randomBytes, seededPrng } from '../support/random.js';
import { compareBytes, utf8 } from '../support/text.js';

const digestOf = (digest: KeyDigest, key: Uint8Array): number => digest.of(key, 0, key.length);

function tunedTo(a: Uint8Array, b: Uint8Array): KeyDigest {
  const digest = new KeyDigest();
  digest.retune(a, 0, a.length, b, 0, b.length);
  return digest;
}

/** A key that begins like one of the stems, or not at all. */
function hardKey(prng: Prng): Uint8Array {
  const stem = utf8(pick(prng, ['', 'user', 'user0000', 'user0000000', 'us\0', '\0\0']));
  return Buffer.concat([stem, randomBytes(prng, prng.nextBelow(12))]);
}

test('digests are ordered like the keys, whatever the prefix', (t) => {
  const prng = seededPrng(t);
  for (let round = 0; round < 50; round++) {
    const digest = tunedTo(hardKey(prng), hardKey(prng));
    const keys = Array.from({ length: 100 }, () => hardKey(prng)).sort(compareBytes);
    const digests = keys.map((key) => digestOf(digest, key));
    t.true(digests.every((value, i) => i === 0 || digests[i - 1] <= value));
  }
});

test('keys that differ in the six bytes behind the prefix have different digests', (t) => {
  const digest = tunedTo(utf8('user000000'), utf8('user000000999999'));
  t.is(digest.prefixLength, 10);
  const seen = new Set<number>();
  for (let i = 0; i < 1000; i++)
    seen.add(digestOf(digest, utf8(`user000000${String(i * 997).padStart(6, '0')}`)));
  t.is(seen.size, 1000);
});

test('a key without the prefix is at one end or the other', (t) => {
  const digest = tunedTo(utf8('mmm1'), utf8('mmm2'));
  for (const key of ['', 'a', 'mm', 'mml', 'mmlz']) t.is(digestOf(digest, utf8(key)), -Infinity, key);
  for (const key of ['mmn', 'n', 'z\xff']) t.is(digestOf(digest, utf8(key)), Infinity, key);
  t.true(Number.isFinite(digestOf(digest, utf8('mmm'))));
});

test('a prefix that fits already is not chosen again', (t) => {
  const digest = new KeyDigest();
  const choose = (a: string, b: string): boolean => digest.retune(utf8(a), 0, a.length, utf8(b), 0, b.length);
  t.false(choose('a', 'b'), 'no prefix at first');
  t.true(choose('user1', 'user2'));
  t.false(choose('user3', 'user8'));
  t.true(choose('user31', 'user38'));
  t.true(choose('item31', 'item38'), 'as long, but another one');
});
