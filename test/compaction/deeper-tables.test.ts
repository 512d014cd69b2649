import test from 'ava';
import { BaseLevel, GrandparentOverlap } from '../../src/compaction/deeper-tables.js';
import { entryOf } from '../support/entries.js';
import { oneIn, seededPrng } from '../support/random.js';
import { tableInfo } from '../support/versions.js';

const at = (key: string) => entryOf(key, { seqno: 1 });
const number = (i: number): string => String(i).padStart(3, '0');

test('a key is on the base level when no deeper table covers it: random tables, ascending keys', (t) => {
  const prng = seededPrng(t);
  for (let round = 0; round < 200; round++) {
    const deeper = Array.from({ length: prng.nextBelow(4) }, () => {
      const tables = [];
      for (let start = prng.nextBelow(20); start < 90; start += 1 + prng.nextBelow(20)) {
        const end = start + prng.nextBelow(10);
        tables.push(tableInfo(number(start), number(end)));
        start = end;
      }
      return tables;
    });
    const base = new BaseLevel(deeper);
    for (let i = 0; i < 120; i++) {
      if (oneIn(prng, 3)) continue;
      const text = number(i);
      const isCovered = deeper.some((tables) =>
        tables.some(
          ({ smallest, largest }) =>
            Buffer.from(smallest.key).toString() <= text && text <= Buffer.from(largest.key).toString(),
        ),
      );
      t.is(base.isBaseFor(at(text)), !isCovered);
    }
  }
});

test('tables of other collections cover nothing', (t) => {
  const other = tableInfo('a', 'z', {
    collections: [{ collection: 2, entries: 1, tombstones: 0, rawBytes: 1 }],
  });
  t.true(new BaseLevel([[other]]).isBaseFor(at('m')));
});

test('a table ends once what it passed below is more than the limit, and counts from there', (t) => {
  const below = ['b', 'd', 'f', 'h'].map((key) => tableInfo(key, key, { sizeBytes: 10 }));
  const overlap = new GrandparentOverlap(below, 15);
  t.deepEqual(
    ['a', 'c', 'e', 'g', 'i'].map((key) => overlap.endsBefore(at(key))),
    [false, false, true, false, true],
  );
});

test('what lies in front of the first key is not counted', (t) => {
  const below = ['a', 'b', 'c', 'x'].map((key) => tableInfo(key, key, { sizeBytes: 10 }));
  t.false(new GrandparentOverlap(below, 15).endsBefore(at('m')));
});

test('a table that ended for its size starts the count anew', (t) => {
  const below = ['b', 'd', 'f'].map((key) => tableInfo(key, key, { sizeBytes: 10 }));
  const overlap = new GrandparentOverlap(below, 15);
  overlap.endsBefore(at('a'));
  t.false(overlap.endsBefore(at('c')));
  overlap.startTable();
  t.false(overlap.endsBefore(at('e')));
});
