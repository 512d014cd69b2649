import test from 'ava';
import type { Prng } from '../../src/base/prng.js';
import type { Entry } from '../../src/iter/entry-cursor.js';
import { MemtableCursor } from '../../src/memtable/memtable-cursor.js';
import { ArrayCursor, allOf, copyOf, describe, entryOf, restOf } from '../support/entries.js';
import { putBytes, putText, singleMemtable } from '../support/memtables.js';
import { oneIn, pick, randomBytes, seededPrng } from '../support/random.js';
import { utf8 } from '../support/text.js';

const COLLECTIONS = [1, 2, 70_000] as const;

/** Keys with shared prefixes longer than the skiplist's inline one, the empty key, and keys that end in zero bytes. */
function someKeys(prng: Prng): Uint8Array[] {
  const texts = ['', '\0', 'a', 'a\0', 'abcdefgh', 'abcdefgh\0', 'abcdefghi', '\x7f', '~~~~~~~~~~~~'];
  const random = Array.from({ length: 80 }, () => randomBytes(prng, prng.nextBelow(14)));
  return [...texts.map(utf8), ...random];
}

function filledMemtable(prng: Prng, writes: number) {
  const memtable = singleMemtable(1024 * 1024, prng.nextUint32());
  const keys = someKeys(prng);
  const entries: Entry[] = [];
  for (let seqno = 1; seqno <= writes; seqno++) {
    const collection = pick(prng, COLLECTIONS);
    const key = pick(prng, keys);
    const value = oneIn(prng, 4) ? undefined : `value ${seqno}`;
    const expiresAt = value !== undefined && oneIn(prng, 3) ? prng.nextUint32() : 0;
    putBytes(memtable, collection, key, seqno, value === undefined ? undefined : utf8(value), expiresAt);
    entries.push(entryOf(key, { collection, seqno, value, expiresAt }));
  }
  return { memtable, keys, entries };
}

test('a memtable gives all versions of all collections, newest first within a key', (t) => {
  const { memtable, entries } = filledMemtable(seededPrng(t), 2000);
  const found = allOf(new MemtableCursor(memtable.reader));
  t.deepEqual(found.map(describe), allOf(new ArrayCursor(entries)).map(describe));
  t.is(found.length, 2000);
});

test('seek and seekBefore go where they go in a sorted array', (t) => {
  const prng = seededPrng(t);
  const { memtable, keys, entries } = filledMemtable(prng, 300);
  const cursor = new MemtableCursor(memtable.reader);
  const model = new ArrayCursor(entries);
  for (let i = 0; i < 600; i++) {
    const collection = pick(prng, [0, 1, 2, 3, 70_000, 70_001]);
    const key = oneIn(prng, 2) ? pick(prng, keys) : randomBytes(prng, prng.nextBelow(12));
    const move = oneIn(prng, 2) ? 'seek' : 'seekBefore';
    cursor[move](collection, key, 0, key.length);
    model[move](collection, key, 0, key.length);
    const where = `${move} ${collection}/${Buffer.from(key).toString('hex')}`;
    t.is(cursor.isValid, model.isValid, where);
    if (model.isValid) t.is(describe(cursor), describe(model), where);
  }
});

test('an empty memtable has no first entry and nothing before any key', (t) => {
  const cursor = new MemtableCursor(singleMemtable(4096).reader);
  t.false(cursor.isValid);
  cursor.seekToFirst();
  t.false(cursor.isValid);
  cursor.seekBefore(9, utf8('x'), 0, 1);
  t.false(cursor.isValid);
});

test('stepping back with the own key visits every key once', (t) => {
  const { memtable, entries } = filledMemtable(seededPrng(t), 500);
  const cursor = new MemtableCursor(memtable.reader);
  const backward: Entry[] = [];
  cursor.seekBefore(80_000, utf8(''), 0, 0);
  while (cursor.isValid) {
    backward.push(copyOf(cursor));
    cursor.seekBefore(cursor.collection, cursor.key, cursor.keyOffset, cursor.keyLength);
  }
  const forward = allOf(new ArrayCursor(entries));
  const newest = forward.filter((entry, i) => i === 0 || keyOf(entry) !== keyOf(forward[i - 1]));
  t.deepEqual(backward.reverse().map(describe), newest.map(describe));
});

function keyOf({ collection, key, keyOffset, keyLength }: Entry): string {
  return `${collection}/${Buffer.from(key.subarray(keyOffset, keyOffset + keyLength)).toString('hex')}`;
}

test('a cursor that is overtaken by writes stays in order', (t) => {
  const memtable = singleMemtable(64 * 1024);
  putText(memtable, 'b', 1, 'one');
  putText(memtable, 'd', 2, 'two');
  const cursor = new MemtableCursor(memtable.reader);
  cursor.seekToFirst();
  putText(memtable, 'a', 3, 'behind');
  putText(memtable, 'b', 4, 'newer than what the cursor stands on');
  putText(memtable, 'c', 5, 'ahead');
  t.deepEqual(
    restOf(cursor).map((entry) => describe(entry).split(' ')[0]),
    ['1/b@1', '1/c@5', '1/d@2'],
  );
});
