import test from 'ava';
import { levelScore, levelTargetBytes, pickCompaction } from '../../src/compaction/picker.js';
import { type CompactionChoice, inputTables } from '../../src/compaction/picker-state.js';
import type { TableInfo } from '../../src/manifest/table-info.js';
import { utf8 } from '../support/text.js';
import {
  fourRunsOverEverything,
  MIB,
  PICKER_OPTIONS,
  pickerState,
  sideBySide,
  tableInfo,
  twoOverlappingL0Tables,
  versionOf,
} from '../support/versions.js';

const numbers = (tables: readonly TableInfo[]): number[] =>
  tables.map(({ fileNumber }) => fileNumber).sort((a, b) => a - b);

const inputNumbers = (choice: CompactionChoice | undefined): number[] =>
  choice === undefined ? [] : numbers(inputTables(choice));

const eager = { ...PICKER_OPTIONS, l0RunsTrigger: 1 };

test('an empty shard and one within its limits need no compaction', (t) => {
  t.is(pickCompaction(pickerState(versionOf())), undefined);
  const { newer, older } = twoOverlappingL0Tables();
  t.is(pickCompaction(pickerState(versionOf(newer, older, ...sideBySide(9)))), undefined);
});

test('four runs in level 0 go down together with what they overlap', (t) => {
  const runs = fourRunsOverEverything();
  const below = sideBySide(3);
  const elsewhere = tableInfo('a', 'z', {
    collections: [{ collection: 2, entries: 1, tombstones: 0, rawBytes: 1 }],
  });
  const choice = pickCompaction(pickerState(versionOf(...runs, ...below, elsewhere)));
  t.is(choice?.reason, 'l0-runs');
  t.is(choice?.kind, 'merge');
  t.is(choice?.outputLevel, 1);
  t.deepEqual(inputNumbers(choice), numbers([...runs, ...below]));
  t.deepEqual(
    choice?.inputs.map(({ level, run }) => [level, run]),
    [
      [0, 4],
      [0, 3],
      [0, 2],
      [0, 1],
      [1, 0],
    ],
    'newest first',
  );
  t.is(choice?.inputBytes, 7 * MIB);
});

test('a newer table of level 0 never goes down without the older one it overlaps', (t) => {
  const { newer, older } = twoOverlappingL0Tables();
  const version = versionOf(newer, older);
  const tight = { ...eager, maxJobBytes: 1.5 * MIB };
  const alone = pickCompaction(pickerState(version, { options: tight }));
  t.deepEqual(inputNumbers(alone), [older.fileNumber], 'the older one may go alone');
  const both = pickCompaction(pickerState(version, { options: eager }));
  t.deepEqual(inputNumbers(both), numbers([newer, older]));
});

test('overlaps in level 0 are followed through: a table pulls in what its own partner overlaps', (t) => {
  const chain = [
    tableInfo('a', 'c', { level: 0, run: 1 }),
    tableInfo('b', 'e', { level: 0, run: 2 }),
    tableInfo('d', 'g', { level: 0, run: 3 }),
  ];
  const apart = tableInfo('m', 'p', { level: 0, run: 3, sizeBytes: 1 });
  const choice = pickCompaction(pickerState(versionOf(...chain, apart), { options: eager }));
  t.deepEqual(inputNumbers(choice), numbers(chain));
});

test('a level 0 that is too much for one job is split by keys where its tables allow it', (t) => {
  const runs = [1, 2, 3, 4].flatMap((run) =>
    ['a', 'f', 'k', 'p'].map((first) => {
      const last = String.fromCharCode(first.charCodeAt(0) + 4);
      return tableInfo(first, last, { level: 0, run });
    }),
  );
  const options = { ...PICKER_OPTIONS, maxJobBytes: 5 * MIB };
  const choice = pickCompaction(pickerState(versionOf(...runs), { options }));
  t.is(inputNumbers(choice).length, 4, 'one table of each run, all over the same keys');
  t.true((choice?.inputBytes ?? 0) <= options.maxJobBytes);
});

test('when nothing fits into a job, the oldest run goes alone', (t) => {
  const runs = fourRunsOverEverything(100 * MIB);
  const choice = pickCompaction(pickerState(versionOf(...runs, tableInfo('a', 'z'))));
  t.deepEqual(choice?.inputs[0], { level: 0, run: 1, tables: [runs[3]] });
});

test('a table of level 0 that overlaps nothing changes its level without being read', (t) => {
  const runs = [1, 2, 3, 4].map((run) => {
    const letter = String.fromCharCode(96 + run);
    return tableInfo(`${letter}0`, `${letter}9`, { level: 0, run });
  });
  const choice = pickCompaction(pickerState(versionOf(...runs)));
  t.is(choice?.kind, 'move');
  t.is(inputNumbers(choice).length, 1);
});

test('targets grow by the multiplier, and the last level has none', (t) => {
  t.is(levelTargetBytes(PICKER_OPTIONS, 1), 10 * MIB);
  t.is(levelTargetBytes(PICKER_OPTIONS, 3), 1000 * MIB);
  const full = pickerState(versionOf(tableInfo('a', 'z', { level: 6, sizeBytes: 1e15 })));
  t.is(levelScore(full, 6), 0);
  t.is(pickCompaction(full), undefined);
});

test('the level that is furthest above its limit goes first', (t) => {
  const runs = fourRunsOverEverything();
  const level1 = sideBySide(20, { sizeBytes: MIB });
  const choice = pickCompaction(pickerState(versionOf(...runs, ...level1)));
  t.is(choice?.reason, 'level-size', 'level 1 is at 2.0, level 0 at 1.0');
});

test('tables of a level take turns: each choice starts behind the one before and comes around', (t) => {
  const tables = sideBySide(12);
  const picked: string[] = [];
  let cursors = pickerState(versionOf()).cursors;
  for (let i = 0; i < 13; i++) {
    const choice = pickCompaction(pickerState(versionOf(...tables), { cursors }));
    if (choice?.cursor === undefined) return t.fail('no choice');
    picked.push(Buffer.from(choice.smallest.key).toString());
    cursors = [choice.cursor];
  }
  t.deepEqual(
    picked,
    [...'abcdefghijkl', 'a'].map((letter) => `${letter}0`),
  );
  return undefined;
});

test('a table of a running job is never picked, nor one that overlaps it below', (t) => {
  const upper = sideBySide(12);
  const lower = tableInfo('a5', 'b5', { level: 2 });
  const state = pickerState(versionOf(...upper, lower), { busy: new Set([lower.fileNumber]) });
  t.deepEqual(inputNumbers(pickCompaction(state)), [upper[2].fileNumber]);
  const allBusy = pickerState(versionOf(...upper, lower), { busy: new Set(numbers(upper)) });
  t.is(pickCompaction(allBusy), undefined);
});

test('a table that is mostly tombstones moves towards what it deletes', (t) => {
  const deleting = tableInfo('a', 'c', { tombstones: 600 });
  const below = tableInfo('b', 'd', { level: 2 });
  const choice = pickCompaction(pickerState(versionOf(deleting, below)));
  t.is(choice?.reason, 'tombstones');
  t.is(choice?.outputLevel, 2);
  t.deepEqual(inputNumbers(choice), numbers([deleting, below]));
});

test('on the base level such a table is written anew, once every snapshot sees the deletions', (t) => {
  const deleting = tableInfo('a', 'c', { level: 3, tombstones: 600, maxSeqno: 500 });
  const version = versionOf(deleting, tableInfo('x', 'z', { level: 4 }));
  const choice = pickCompaction(pickerState(version));
  t.is(choice?.kind, 'merge');
  t.is(choice?.outputLevel, 3);
  t.deepEqual(inputNumbers(choice), [deleting.fileNumber]);
  t.is(pickCompaction(pickerState(version, { oldestSnapshot: 499 })), undefined);
  t.is(pickCompaction(pickerState(version, { oldestSnapshot: 500 }))?.reason, 'tombstones');
});

test('a table that holds much of what was dropped is written anew where it is, whatever snapshots there are', (t) => {
  const share = (collection: number, rawBytes: number) => ({
    collection,
    entries: 1,
    tombstones: 0,
    rawBytes,
  });
  const mixed = (dropped: number) =>
    tableInfo('a', 'c', {
      level: 3,
      rawBytes: 1000,
      collections: [share(1, 1000 - dropped), share(7, dropped)],
    });
  const pick = (dropped: number, ids: readonly number[]) =>
    pickCompaction(pickerState(versionOf(mixed(dropped)), { dropped: new Set(ids), oldestSnapshot: 1 }));
  t.is(pick(100, [7])?.reason, 'dropped');
  t.is(pick(100, [7])?.outputLevel, 3);
  t.is(pick(99, [7]), undefined, 'a little waits for the next merge');
  t.is(pick(900, [8]), undefined);
  t.is(pick(900, []), undefined);
});

test('a few tombstones are left alone', (t) => {
  t.is(pickCompaction(pickerState(versionOf(tableInfo('a', 'c', { tombstones: 499 })))), undefined);
});

test('a table is rewritten when a document in it expired longer ago than the grace time', (t) => {
  const table = tableInfo('a', 'c', { level: 6, earliestExpiry: 5000 });
  const at = (nowSeconds: number) => pickCompaction(pickerState(versionOf(table), { nowSeconds }));
  t.is(at(5599), undefined);
  t.is(at(5600)?.reason, 'expired');
  t.is(at(5600)?.outputLevel, 6);
});

test('a table is not rewritten again and again for husks that wait for the sweeper', (t) => {
  const table = tableInfo('a', 'c', { level: 6, earliestExpiry: 5000 });
  const at = (nowSeconds: number, writtenAt: number) => {
    const writtenAtSeconds = new Map([[table.fileNumber, writtenAt]]);
    return pickCompaction(pickerState(versionOf(table), { nowSeconds, writtenAtSeconds }));
  };
  t.is(at(6599, 6000), undefined);
  t.is(at(6600, 6000)?.reason, 'expired');
  const afterRestart = pickerState(versionOf(table), { nowSeconds: 6599, openedAtSeconds: 6000 });
  t.is(pickCompaction(afterRestart), undefined);
});

test('a choice says which keys its outputs can have', (t) => {
  const upper = tableInfo('c', 'e', { tombstones: 1000 });
  const below = [tableInfo('a', 'c', { level: 2 }), tableInfo('d', 'k', { level: 2 })];
  const choice = pickCompaction(pickerState(versionOf(upper, ...below)));
  t.deepEqual(choice?.smallest, { collection: 1, key: utf8('a') });
  t.deepEqual(choice?.largest, { collection: 1, key: utf8('k') });
});
