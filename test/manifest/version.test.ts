import test from 'ava';
import { AssertionError } from '../../src/base/assert.js';
import { LEVELS_MAX, Version } from '../../src/manifest/version.js';
import { utf8 } from '../support/text.js';
import { bound, edit, table } from './support.js';

const numbers = (tables: readonly { fileNumber: number }[]): number[] =>
  tables.map(({ fileNumber }) => fileNumber);

/** Two runs in level 0, three tables in level 1, one in level 3. */
const threeLevels = (): Version =>
  Version.empty().apply(
    edit({
      addedTables: [
        table(6, 'n', 'z', { level: 0, run: 2 }),
        table(1, 'd', 'f'),
        table(5, 'a', 'm', { level: 0, run: 2 }),
        table(4, 'a', 'z', { level: 0, run: 1 }),
        table(2, 'h', 'h'),
        table(3, 'k', 'q'),
        table(9, 'a', 'z', { level: 3 }),
      ],
    }),
  );

test('an empty version has all its levels and nothing in them', (t) => {
  const version = Version.empty();
  t.is(version.levels.length, LEVELS_MAX);
  t.is(version.tableCount, 0);
  t.deepEqual(version.runsNewestFirst(), []);
  t.is(version.levelBytes(0), 0);
});

test('runs of level 0 come newest first, then the deeper levels, each in key order', (t) => {
  const version = threeLevels();
  t.deepEqual(
    version.runsNewestFirst().map(({ tables }) => numbers(tables)),
    [[5, 6], [4], [1, 2, 3], [9]],
  );
  t.deepEqual(numbers(version.tables()), [5, 6, 4, 1, 2, 3, 9]);
});

test('totals add up over tables and levels', (t) => {
  const version = threeLevels();
  t.deepEqual(version.totals, { tables: 7, bytes: 730, entries: 300, tombstones: 30, rawBytes: 30_000 });
  t.is(version.levelBytes(1), 306);
  t.is(version.levelBytes(2), 0);
  t.is(version.levelTotals(0).tables, 3);
});

test('a run finds the one table that can hold a key, for every key in and between the tables', (t) => {
  const run = threeLevels().levels[1]?.[0];
  t.truthy(run);
  const expected: Record<string, number | undefined> = { d: 1, e: 1, f: 1, h: 2 };
  for (const letter of 'klmnopq') expected[letter] = 3;
  for (const letter of 'abcdefghijklmnopqrstuvwxyz') {
    const key = utf8(`__${letter}`);
    t.is(run?.find(1, key, 2, 1)?.fileNumber, expected[letter], letter);
    t.is(run?.find(2, key, 2, 1), undefined, 'another collection');
    t.is(run?.find(0, key, 2, 1), undefined, 'another collection');
  }
  t.is(run?.find(1, utf8('f0'), 0, 2), undefined, 'behind the last key of a table');
});

test('indexAtOrAfter is where a cursor starts to look', (t) => {
  const run = threeLevels().levels[1]?.[0];
  for (const [key, index] of [
    ['a', 0],
    ['f', 0],
    ['g', 1],
    ['i', 2],
    ['r', 3],
  ] as const) {
    t.is(run?.indexAtOrAfter(1, utf8(key), 0, 1), index, key);
  }
});

test('overlapping counts both ends of both ranges', (t) => {
  const run = threeLevels().levels[1]?.[0];
  const found = (from: string, to: string): number[] =>
    numbers(run?.overlapping(bound(from), bound(to)) ?? []);
  t.deepEqual(found('a', 'c'), []);
  t.deepEqual(found('a', 'd'), [1]);
  t.deepEqual(found('f', 'k'), [1, 2, 3]);
  t.deepEqual(found('g', 'i'), [2]);
  t.deepEqual(found('i', 'j'), []);
  t.deepEqual(found('q', 'z'), [3]);
  t.deepEqual(found('r', 'z'), []);
  t.deepEqual(numbers(run?.overlapping(bound('a', 0), bound('z', 2)) ?? []), [1, 2, 3]);
});

test('keys of a lower collection come first, whatever their bytes', (t) => {
  const version = Version.empty().apply(
    edit({
      addedTables: [
        table(2, 'a', 'b', { smallest: bound('a', 2), largest: bound('b', 2) }),
        table(1, 'y', 'z', { smallest: bound('y', 1), largest: bound('z', 1) }),
      ],
    }),
  );
  t.deepEqual(numbers(version.tables()), [1, 2]);
});

test('an edit shares the runs that it does not touch, and the old version stays as it was', (t) => {
  const before = threeLevels();
  const after = before.apply(edit({ removedTables: [5, 2], addedTables: [table(7, 'g', 'j')] }));
  t.deepEqual(
    after.runsNewestFirst().map(({ tables }) => numbers(tables)),
    [[6], [4], [1, 7, 3], [9]],
  );
  t.is(after.levels[0]?.[1], before.levels[0]?.[1]);
  t.is(after.levels[3]?.[0], before.levels[3]?.[0]);
  t.is(before.tableCount, 7);
});

test('a table moves to another level in one edit, and an emptied run is gone', (t) => {
  const before = threeLevels();
  const after = before.apply(edit({ removedTables: [9], addedTables: [table(9, 'a', 'z', { level: 4 })] }));
  t.deepEqual(after.levels[3], []);
  t.deepEqual(numbers(after.levels[4]?.[0]?.tables ?? []), [9]);
});

test('an edit of another version is an assertion, never a wrong version', (t) => {
  const version = threeLevels();
  const wrong: Array<[Parameters<Version['apply']>[0], RegExp]> = [
    [edit({ removedTables: [77] }), /1 are not there/],
    [edit({ removedTables: [4, 4] }), /removes a table twice/],
    [edit({ addedTables: [table(9, 'a', 'b', { level: 5 })] }), /adds table 9, which is there already/],
    [edit({ addedTables: [table(20, 'a', 'b'), table(20, 'x', 'y')] }), /adds a table twice/],
    [edit({ addedTables: [table(20, 'f', 'g')] }), /tables 1 and 20 of one run overlap/],
    [edit({ addedTables: [table(20, 'g', 'f', { level: 2 })] }), /begins behind its end/],
    [edit({ addedTables: [table(20, 'a', 'b', { level: LEVELS_MAX })] }), /has level 7/],
    [edit({ addedTables: [table(20, 'a', 'b', { level: 2, run: 1 })] }), /has run 1, not 0/],
  ];
  for (const [change, message] of wrong) {
    t.throws(() => version.apply(change), { instanceOf: AssertionError, message });
  }
  t.deepEqual(numbers(version.tables()), [5, 6, 4, 1, 2, 3, 9]);
});
