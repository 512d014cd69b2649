import test from 'ava';
import type { Prng } from '../../src/base/prng.js';
import type { Entry, EntryCursor } from '../../src/iter/entry-cursor.js';
import { MergingCursor } from '../../src/iter/merging-cursor.js';
import { ArrayCursor, allOf, compareEntries, describe, entryOf } from '../support/entries.js';
import { oneIn, pick, seededPrng } from '../support/random.js';
import { utf8 } from '../support/text.js';

const KEYS = Array.from({ length: 40 }, (_, i) => 'k'.repeat(i % 5) + String(i));

interface Sources {
  readonly sources: Entry[][];
  /** Each version once, as its newest source has it, in order. */
  readonly merged: Entry[];
}

/** Versions spread over sources; some are in two or three of them, with values that tell the copies apart. */
function someSources(prng: Prng, count: number, versions: number): Sources {
  const sources: Entry[][] = Array.from({ length: count }, () => []);
  const merged: Entry[] = [];
  for (let seqno = 1; seqno <= versions; seqno++) {
    const key = pick(prng, KEYS);
    const collection = 1 + prng.nextBelow(2);
    const places = new Set([prng.nextBelow(count)]);
    while (oneIn(prng, 3)) places.add(prng.nextBelow(count));
    const newest = Math.min(...places);
    for (const place of places) {
      const entry = entryOf(key, { collection, seqno, value: `copy in ${place}` });
      sources[place].push(entry);
      if (place === newest) merged.push(entry);
    }
  }
  return { sources, merged: merged.sort(compareEntries) };
}

const mergeOf = (sources: readonly Entry[][]): MergingCursor =>
  new MergingCursor(sources.map((entries) => new ArrayCursor(entries)));

for (const count of [1, 2, 3, 7, 12]) {
  test(`a merge of ${count} sources gives every version once, from its newest source`, (t) => {
    const { sources, merged } = someSources(seededPrng(t), count, 400);
    const cursor = mergeOf(sources);
    t.deepEqual(allOf(cursor).map(describe), merged.map(describe));
    const copies = sources.reduce((sum, entries) => sum + entries.length, 0);
    t.is(cursor.duplicatesSkipped, copies - merged.length);
  });

  test(`random moves in a merge of ${count} sources go where they go in one sorted array`, (t) => {
    const prng = seededPrng(t);
    const { sources, merged } = someSources(prng, count, 120);
    const cursor = mergeOf(sources);
    const model = new ArrayCursor(merged);
    for (let i = 0; i < 3000; i++) {
      const move = randomMove(prng, cursor, model);
      if (cursor.isValid !== model.isValid) t.fail(`${move}: valid ${cursor.isValid}`);
      if (model.isValid && describe(cursor) !== describe(model)) {
        t.fail(`${move}: ${describe(cursor)} not ${describe(model)}`);
      }
    }
    t.pass();
  });
}

/** Moves both the same way and says how. Steps back use the cursor's own key, which its move overwrites. */
function randomMove(prng: Prng, cursor: EntryCursor, model: EntryCursor): string {
  const choice = prng.nextBelow(10);
  if (choice < 4 && model.isValid) {
    cursor.next();
    model.next();
    return 'next';
  }
  if (choice < 8 && model.isValid) {
    cursor.seekBefore(cursor.collection, cursor.key, cursor.keyOffset, cursor.keyLength);
    model.seekBefore(model.collection, model.key, model.keyOffset, model.keyLength);
    return 'step back';
  }
  const collection = prng.nextBelow(4);
  const key = utf8(pick(prng, KEYS).slice(0, 1 + prng.nextBelow(6)));
  const move = oneIn(prng, 2) ? 'seek' : 'seekBefore';
  cursor[move](collection, key, 0, key.length);
  model[move](collection, key, 0, key.length);
  return `${move} ${collection}/${Buffer.from(key).toString()}`;
}

test('stepping back seeks only in the sources that have the key', (t) => {
  const a = new ArrayCursor([entryOf('a', { seqno: 1, value: 'x' })]);
  const b = new ArrayCursor(['b', 'c', 'd'].map((key, i) => entryOf(key, { seqno: 2 + i, value: 'x' })));
  const cursor = new MergingCursor([a, b]);
  cursor.seekBefore(2, utf8(''), 0, 0);
  t.is(a.seeks, 1);
  for (const expected of ['1/d', '1/c', '1/b', '1/a']) {
    t.is(describe(cursor).split('@')[0], expected);
    cursor.seekBefore(cursor.collection, cursor.key, cursor.keyOffset, cursor.keyLength);
  }
  t.false(cursor.isValid);
  t.is(a.seeks, 2, 'once to begin with, and once from its own key');
  t.is(b.seeks, 4);
});

test('a merge of empty sources is empty, and closing it closes all of them', (t) => {
  const sources = [new ArrayCursor([]), new ArrayCursor([])];
  const cursor = new MergingCursor(sources);
  cursor.seekToFirst();
  t.false(cursor.isValid);
  cursor.seekBefore(1, utf8('x'), 0, 1);
  t.false(cursor.isValid);
  cursor.close();
  t.deepEqual(
    sources.map(({ closed }) => closed),
    [1, 1],
  );
});
