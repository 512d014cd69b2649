import test from 'ava';
import { type ManualRequest, nextManualStep, planManual } from '../../src/compaction/manual-plan.js';
import { type CompactionChoice, inputTables } from '../../src/compaction/picker-state.js';
import type { TableInfo } from '../../src/manifest/table-info.js';
import type { Version } from '../../src/manifest/version.js';
import {
  pickerState,
  sideBySide,
  tableInfo,
  twoOverlappingL0Tables,
  versionOf,
} from '../support/versions.js';

const numbers = (tables: readonly TableInfo[]): number[] => tables.map(({ fileNumber }) => fileNumber);

/** Carries out a plan by moving the inputs down as they are, which keeps what the next step looks at. */
function choicesOf(version: Version, request: ManualRequest): CompactionChoice[] {
  const choices: CompactionChoice[] = [];
  let plan = planManual(version, request);
  let current = version;
  for (;;) {
    const step = nextManualStep(pickerState(current), plan);
    if (step.kind !== 'choice') return choices;
    choices.push(step.choice);
    plan = step.plan;
    const inputs = inputTables(step.choice);
    const [first, ...rest] = inputs;
    const merged = { ...first, smallest: step.choice.smallest, largest: step.choice.largest };
    const removedTables = numbers([first, ...rest]);
    current = current.apply({
      addedTables: [{ ...merged, level: step.choice.outputLevel, run: 0 }],
      removedTables,
    });
  }
}

const ofCollection = (collection: number, level: number): TableInfo =>
  tableInfo('a', 'z', { level, collections: [{ collection, entries: 10, tombstones: 0, rawBytes: 10 }] });

test('a whole shard ends up in its deepest level, level by level', (t) => {
  const { newer, older } = twoOverlappingL0Tables();
  const version = versionOf(newer, older, tableInfo('x', 'z'), tableInfo('a', 'z', { level: 3 }));
  const choices = choicesOf(version, { levels: 'all', deleteTombstones: false });
  t.deepEqual(
    choices.map(({ outputLevel }) => outputLevel),
    [1, 2, 2, 3, 3],
  );
});

test('level 0 alone goes to level 1, and an empty shard needs nothing', (t) => {
  const { newer, older } = twoOverlappingL0Tables();
  const choices = choicesOf(versionOf(newer, older), { levels: 'all', deleteTombstones: false });
  t.deepEqual(
    choices.map(({ outputLevel }) => outputLevel),
    [1],
  );
  t.deepEqual(choicesOf(versionOf(), { levels: 'all', deleteTombstones: true }), []);
});

test('levels 0 to 2 end up in level 2, and what is deeper stays', (t) => {
  const { newer, older } = twoOverlappingL0Tables();
  const deep = tableInfo('a', 'z', { level: 4 });
  const choices = choicesOf(versionOf(newer, older, deep), {
    levels: { from: 0, to: 2 },
    deleteTombstones: false,
  });
  t.deepEqual(
    choices.map(({ outputLevel }) => outputLevel),
    [1, 2],
  );
  t.false(choices.some((choice) => inputTables(choice).includes(deep)));
});

test('a level by itself is written anew, table by table', (t) => {
  const tables = sideBySide(3, { level: 2 });
  const choices = choicesOf(versionOf(...tables), { levels: { from: 2, to: 2 }, deleteTombstones: false });
  t.deepEqual(
    choices.map(({ kind, outputLevel }) => `${kind} ${outputLevel}`),
    ['merge 2', 'merge 2', 'merge 2'],
  );
});

test('one collection: tables without its entries are left alone', (t) => {
  const mine = ofCollection(7, 1);
  const others = ofCollection(8, 1);
  const choices = choicesOf(versionOf(mine, others, ofCollection(8, 2), ofCollection(7, 2)), {
    levels: 'all',
    collection: 7,
    deleteTombstones: false,
  });
  t.is(choices.length, 1);
  t.false(inputTables(choices[0]).includes(others));
});

test('an emergency also writes the bottom level anew where it has tombstones or expired documents', (t) => {
  const [clean, deleting, expiring] = sideBySide(3, { level: 5 });
  const tables = [clean, { ...deleting, tombstones: 1 }, { ...expiring, earliestExpiry: 9_999 }];
  const choices = choicesOf(versionOf(...tables), { levels: 'all', deleteTombstones: true });
  t.deepEqual(
    choices.map((choice) => numbers(inputTables(choice))),
    [[deleting.fileNumber], [expiring.fileNumber]],
  );
});

test('runs that were flushed after the plan was made are not its business', (t) => {
  const { newer, older } = twoOverlappingL0Tables();
  const plan = planManual(versionOf(older), { levels: 'all', deleteTombstones: false });
  const later = versionOf({ ...newer, level: 0, run: 9 }, { ...older, level: 1, run: 0 });
  t.is(nextManualStep(pickerState(later), plan).kind, 'done');
});

test('a plan waits for a job that has its next table, and then goes on from there', (t) => {
  const tables = sideBySide(2, { level: 1 });
  const version = versionOf(...tables, tableInfo('m', 'n', { level: 2 }));
  const plan = planManual(version, { levels: 'all', deleteTombstones: false });
  const waiting = nextManualStep(pickerState(version, { busy: new Set([tables[0].fileNumber]) }), plan);
  if (waiting.kind !== 'blocked') return t.fail(waiting.kind);
  const step = nextManualStep(pickerState(version), waiting.plan);
  t.is(step.kind === 'choice' ? step.choice.inputs[0].tables[0] : undefined, tables[0]);
  return undefined;
});
