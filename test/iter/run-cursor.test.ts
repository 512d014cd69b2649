import test from 'ava';
import type { Prng } from '../../src/base/prng.js';
import type { Entry } from '../../src/iter/entry-cursor.js';
import { type KeyRanged, RunCursor } from '../../src/iter/run-cursor.js';
import { ArrayCursor, allOf, compareEntries, copyOf, describe, entryOf } from '../support/entries.js';
import { oneIn, pick, seededPrng } from '../support/random.js';
import { utf8 } from '../support/text.js';

interface TestTable extends KeyRanged {
  readonly entries: readonly Entry[];
}

const boundOf = ({ collection, key }: Entry) => ({ collection, key });

function tableOf(entries: readonly Entry[]): TestTable {
  return { entries, smallest: boundOf(entries[0]), largest: boundOf(entries[entries.length - 1]) };
}

/** A run of tables, and the cursors that were opened over them. */
function openRun(tables: readonly TestTable[]) {
  const opened: ArrayCursor[] = [];
  const released: TestTable[] = [];
  const cursor = new RunCursor(
    tables,
    (table) => {
      opened.push(new ArrayCursor(table.entries));
      return opened[opened.length - 1];
    },
    (table) => released.push(table),
  );
  return { cursor, opened, released };
}

const stillOpen = (opened: readonly ArrayCursor[]): number =>
  opened.filter(({ closed }) => closed === 0).length;

function someTables(prng: Prng): { tables: TestTable[]; entries: Entry[] } {
  const entries: Entry[] = [];
  for (let i = 0; i < 60; i++) {
    const versions = 1 + prng.nextBelow(3);
    for (let v = 0; v < versions; v++) {
      const key = `key-${String(i * 2).padStart(4, '0')}`;
      entries.push(entryOf(key, { collection: i < 30 ? 1 : 3, seqno: 1 + i * 10 + v, value: `v${v}` }));
    }
  }
  entries.sort(compareEntries);
  const tables: TestTable[] = [];
  let pending: Entry[] = [];
  entries.forEach((entry, index) => {
    pending.push(entry);
    const next = entries[index + 1];
    const isLastOfKey = next === undefined || describeKey(next) !== describeKey(entry);
    if (next === undefined || (isLastOfKey && oneIn(prng, 6))) {
      tables.push(tableOf(pending));
      pending = [];
    }
  });
  return { tables, entries };
}

const describeKey = (entry: Entry): string => describe(entry).split('@')[0];

test('a run gives the entries of its tables, and has one of them open at a time', (t) => {
  const { tables, entries } = someTables(seededPrng(t));
  const { cursor, opened, released } = openRun(tables);
  const found: Entry[] = [];
  for (cursor.seekToFirst(); cursor.isValid; cursor.next()) {
    found.push(copyOf(cursor));
    t.is(stillOpen(opened), 1);
  }
  t.deepEqual(found.map(describe), entries.map(describe));
  cursor.close();
  t.is(stillOpen(opened), 0);
  t.deepEqual(released, tables);
});

test('random moves over a run go where they go in one sorted array', (t) => {
  const prng = seededPrng(t);
  const { tables, entries } = someTables(prng);
  const { cursor, opened } = openRun(tables);
  const model = new ArrayCursor(entries);
  for (let i = 0; i < 2000; i++) {
    const choice = prng.nextBelow(4);
    if (choice === 0 && model.isValid) {
      cursor.next();
      model.next();
    } else if (choice === 1 && model.isValid) {
      // The own key lies in the table that is left when the step crosses into another one.
      cursor.seekBefore(cursor.collection, cursor.key, cursor.keyOffset, cursor.keyLength);
      model.seekBefore(model.collection, model.key, model.keyOffset, model.keyLength);
    } else {
      const collection = prng.nextBelow(5);
      const key = utf8(`key-${String(prng.nextBelow(125)).padStart(4, '0')}`);
      const move = pick(prng, ['seek', 'seekBefore'] as const);
      cursor[move](collection, key, 0, key.length);
      model[move](collection, key, 0, key.length);
    }
    if (cursor.isValid !== model.isValid) t.fail(`move ${i}: valid ${cursor.isValid}`);
    if (model.isValid && describe(cursor) !== describe(model)) t.fail(`move ${i}: ${describe(cursor)}`);
    if (stillOpen(opened) > 1) t.fail(`move ${i}: ${stillOpen(opened)} tables are open`);
  }
  t.pass();
});

test('a seek opens the one table that can have the key', (t) => {
  const tables = ['b', 'd', 'f'].map((key, i) => tableOf([entryOf(key, { seqno: i + 1, value: key })]));
  const { cursor, opened } = openRun(tables);
  cursor.seek(1, utf8('e'), 0, 1);
  t.is(describe(cursor), describe(tables[2].entries[0]));
  t.is(opened.length, 1);
  cursor.seek(1, utf8('g'), 0, 1);
  t.false(cursor.isValid);
  cursor.seekBefore(1, utf8('b'), 0, 1);
  t.false(cursor.isValid);
  t.is(opened.length, 1, 'beyond the ends there is nothing to open');
});

test('a table that cannot be opened is an error, and the run can be used and closed afterwards', (t) => {
  const tables = ['b', 'd'].map((key, i) => tableOf([entryOf(key, { seqno: i + 1, value: key })]));
  const opened: ArrayCursor[] = [];
  let isBroken = true;
  const cursor = new RunCursor(tables, (table) => {
    if (table === tables[1] && isBroken) throw new Error('no such table');
    opened.push(new ArrayCursor(table.entries));
    return opened[opened.length - 1];
  });
  cursor.seekToFirst();
  t.throws(() => cursor.next(), { message: 'no such table' });
  t.false(cursor.isValid);
  isBroken = false;
  t.is(allOf(cursor).length, 2);
  cursor.close();
  t.is(stillOpen(opened), 0);
});

test('a table that fails in the middle leaves the cursor nowhere', (t) => {
  const entries = ['a', 'b'].map((key, i) => entryOf(key, { seqno: i + 1, value: key }));
  const inner = new ArrayCursor(entries);
  const cursor = new RunCursor([tableOf(entries)], () => inner);
  cursor.seekToFirst();
  t.true(cursor.isValid);
  inner.next = () => {
    throw new Error('a damaged block');
  };
  t.throws(() => cursor.next(), { message: 'a damaged block' });
  t.false(cursor.isValid);
});
