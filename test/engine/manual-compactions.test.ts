/** The queue of manual compactions alone: turns, waiting for flushes, failures, progress. Steps move tables, merge nothing. */
import test from 'ava';
import { DbError } from '../../src/base/errors.js';
import type { ManualRequest } from '../../src/compaction/manual-plan.js';
import { type CompactionChoice, inputTables } from '../../src/compaction/picker-state.js';
import {
  ManualCompactions,
  type ManualFigures,
  type ManualOptions,
} from '../../src/engine/manual-compactions.js';
import type { Version } from '../../src/manifest/version.js';
import { MIB, pickerState, sideBySide, tableInfo, versionOf } from '../support/versions.js';

const EVERYTHING: ManualRequest = { levels: 'all', deleteTombstones: false };
const DISK_FULL = new DbError('IO', 'no space', { errno: 'ENOSPC' });

/** A shard that carries steps out by moving their first table to where the step leads. */
class Bench {
  readonly manual = new ManualCompactions();
  readonly ended: Array<{ name: string; error: DbError | undefined; figures: ManualFigures }> = [];
  flushedSeqno = 0;

  constructor(public version: Version) {}

  ask(name: string, options: ManualOptions = {}, request = EVERYTHING) {
    return this.manual.add(request, (error, figures) => this.ended.push({ name, error, figures }), options);
  }

  next(isLevelZeroFull = false): CompactionChoice | undefined {
    return this.manual.next(pickerState(this.version), this.flushedSeqno, isLevelZeroFull);
  }

  carryOut(choice: CompactionChoice): void {
    const inputs = inputTables(choice);
    const { smallest, largest, outputLevel } = choice;
    this.version = this.version.apply({
      addedTables: [{ ...inputs[0], smallest, largest, level: outputLevel, run: 0 }],
      removedTables: inputs.map(({ fileNumber }) => fileNumber),
    });
    this.manual.onCarriedOut(choice, undefined);
  }

  /** Until nothing is left; returns how many steps that took. */
  run(): number {
    let steps = 0;
    for (let choice = this.next(); choice !== undefined; choice = this.next()) {
      this.carryOut(choice);
      steps++;
    }
    return steps;
  }

  get names(): string[] {
    return this.ended.map(({ name }) => name);
  }
}

/** Two tables of level 1 above one of level 2. */
const twoAboveOne = (): Version =>
  versionOf(...sideBySide(2, { level: 1 }), tableInfo('a', 'z', { level: 2 }));

test('requests are carried out in turn, and each is told what it did', (t) => {
  const bench = new Bench(twoAboveOne());
  bench.ask('first');
  bench.ask('second');
  t.is(bench.run(), 2);
  t.deepEqual(bench.names, ['first', 'second']);
  t.like(bench.ended[0].figures, { steps: 2, doneBytes: 2 * MIB });
  t.like(bench.ended[1].figures, { steps: 0, doneBytes: 0 });
  t.is(bench.manual.length, 0);
});

test('an urgent request goes before those that wait, behind urgent ones, and goes on where level 0 holds others back', (t) => {
  const bench = new Bench(twoAboveOne());
  bench.ask('patient');
  bench.ask('urgent', { isUrgent: true });
  bench.ask('also urgent', { isUrgent: true });
  const choice = bench.next(true);
  t.truthy(choice);
  if (choice !== undefined) bench.carryOut(choice);
  bench.run();
  t.deepEqual(bench.names, ['urgent', 'also urgent', 'patient']);
});

test('a request waits while level 0 is full', (t) => {
  const bench = new Bench(twoAboveOne());
  bench.ask('patient');
  t.is(bench.next(true), undefined);
  t.truthy(bench.next(false));
});

test('a request begins when what was written before it is in tables', (t) => {
  const bench = new Bench(twoAboveOne());
  const handle = bench.ask('later', { afterSeqno: 10 });
  t.is(bench.run(), 0);
  t.is(handle.progress(pickerState(bench.version)).waitsFor, 'flush');
  bench.version = bench.version.apply({
    addedTables: [tableInfo('a', 'z', { level: 0, run: 5 })],
    removedTables: [],
  });
  bench.flushedSeqno = 10;
  t.true(bench.run() > 0);
  t.deepEqual(bench.names, ['later']);
  t.is(bench.version.levels[0].length, 0, 'the flushed table is part of it');
});

test('a flush that fails fails the requests that wait for it, except urgent ones, which go on without it', (t) => {
  const bench = new Bench(twoAboveOne());
  bench.ask('waits', { afterSeqno: 10 });
  bench.ask('urgent', { afterSeqno: 10, isUrgent: true });
  bench.ask('has nothing to wait for');
  bench.manual.onFlushFailed(DISK_FULL, 5);
  t.deepEqual(bench.names, ['waits']);
  t.is(bench.ended[0].error, DISK_FULL);
  t.is(bench.run(), 2);
  t.deepEqual(bench.names, ['waits', 'urgent', 'has nothing to wait for']);
});

test('a step that fails ends its request; the next one is not touched', (t) => {
  const bench = new Bench(twoAboveOne());
  bench.ask('fails');
  bench.ask('next');
  bench.next();
  bench.manual.onFailure(DISK_FULL);
  t.deepEqual(bench.names, ['fails']);
  t.is(bench.run(), 2);
  t.is(bench.ended[1].error, undefined);
});

test('a failure of an automatic compaction is nothing to a request that has not begun', (t) => {
  const bench = new Bench(twoAboveOne());
  bench.ask('asked');
  bench.manual.onFailure(DISK_FULL);
  t.is(bench.ended.length, 0);
  t.is(bench.run(), 2);
});

test('an urgent step is tried again from where it was, a few times', (t) => {
  const bench = new Bench(twoAboveOne());
  bench.ask('urgent', { isUrgent: true });
  const first = bench.next();
  bench.manual.onFailure(DISK_FULL);
  const again = bench.next();
  t.deepEqual(again?.inputs, first?.inputs);
  for (let failures = 2; failures <= 3; failures++) {
    bench.manual.onFailure(DISK_FULL);
    t.truthy(bench.next());
  }
  bench.manual.onFailure(DISK_FULL);
  t.is(bench.ended[0].error, DISK_FULL);
});

test('progress counts tables that have left their place, and reaches its total', (t) => {
  const bench = new Bench(twoAboveOne());
  const handle = bench.ask('watched');
  const progress = () => handle.progress(pickerState(bench.version));
  t.like(progress(), { doneBytes: 0, totalBytes: 2 * MIB });
  const choice = bench.next();
  t.like(progress(), { doneBytes: 0, totalBytes: 2 * MIB, waitsFor: undefined });
  if (choice !== undefined) bench.carryOut(choice);
  t.like(progress(), { doneBytes: MIB, totalBytes: 2 * MIB });
  bench.run();
  t.like(bench.ended[0].figures, { doneBytes: 2 * MIB });
});

test('a plan through several levels counts each level that a table passes', (t) => {
  const bench = new Bench(versionOf(tableInfo('a', 'b', { level: 1 }), tableInfo('a', 'z', { level: 3 })));
  const handle = bench.ask('deep');
  t.like(handle.progress(pickerState(bench.version)), { totalBytes: 2 * MIB });
  bench.run();
  t.is(bench.ended[0].figures.doneBytes, 2 * MIB);
});

test('requests of other collections do not count tables that they leave alone', (t) => {
  const bench = new Bench(twoAboveOne());
  const handle = bench.ask('other', {}, { ...EVERYTHING, collection: 77 });
  t.like(handle.progress(pickerState(bench.version)), { totalBytes: 0 });
  t.is(bench.run(), 0);
  t.deepEqual(bench.names, ['other']);
});

test('the end of the shard ends every request', (t) => {
  const bench = new Bench(twoAboveOne());
  bench.ask('running');
  bench.ask('waiting');
  bench.next();
  bench.manual.close();
  t.deepEqual(bench.names, ['running', 'waiting']);
  t.true(bench.ended.every(({ error }) => error?.code === 'DRAINING'));
});
