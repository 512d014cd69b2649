import test from 'ava';
import { DbError } from '../../src/base/errors.js';
import { Durability } from '../../src/generated/lumadb/schema/durability.js';
import { put } from '../support/batches.js';
import { everyBatchAnsweredOnce, GROUP_INTERVAL_MS, TestEngine } from '../support/engines.js';

const ALWAYS = { durability: Durability.Always };
const GROUP = { durability: Durability.Group };
const OS = { durability: Durability.Os };

test('an `always` batch is answered after write and sync', (t) => {
  const made = new TestEngine();
  made.answers.onAnswer = () => t.deepEqual(made.log.calls, ['append', 'write', 'sync']);
  t.like(made.write([put('a', '1')], ALWAYS), { durability: Durability.Always });
  t.is(made.log.records().length, 1);
});

test('an `os` batch is answered after write, without sync', (t) => {
  const made = new TestEngine();
  made.answers.onAnswer = () => t.deepEqual(made.log.calls, ['append', 'write']);
  t.like(made.write([put('a', '1')], OS), { durability: Durability.Os });
  t.is(made.engine.syncDueInMs(), undefined, 'nobody waits for a sync');
});

test('a batch that names no level gets the default', (t) => {
  for (const defaultDurability of [Durability.Always, Durability.Os]) {
    const made = new TestEngine({ defaultDurability });
    t.like(made.write([put('a', '1')]), { durability: defaultDurability });
    t.is(made.meter.syncs, defaultDurability === Durability.Always ? 1 : 0);
  }
});

test('a `group` batch is visible once written and answered at the sync after it', (t) => {
  const made = new TestEngine();
  t.is(made.write([put('a', '1')], GROUP), undefined);
  t.is(made.get('a'), '1');
  t.is(made.engine.syncDueInMs(), GROUP_INTERVAL_MS);
  made.clock.advance(4);
  t.is(made.engine.syncDueInMs(), GROUP_INTERVAL_MS - 4);
  t.is(made.write([put('b', '1')], GROUP), undefined);
  t.is(made.engine.syncDueInMs(), GROUP_INTERVAL_MS - 4, 'the first of the group sets the time');
  made.engine.commit();
  t.is(made.meter.syncs, 0);
  made.clock.advance(GROUP_INTERVAL_MS);
  t.is(made.engine.syncDueInMs(), 0);
  made.engine.commit();
  t.is(made.meter.syncs, 1);
  t.deepEqual(made.answers.ids, [1, 2]);
  t.true(made.answers.all.every(({ durability }) => durability === Durability.Group));
  t.is(made.engine.syncDueInMs(), undefined);
  everyBatchAnsweredOnce(t, made);
});

test('the sync of an `always` batch answers the waiting `group` batches too', (t) => {
  const made = new TestEngine();
  made.write([put('a', '1')], GROUP);
  made.stage([put('b', '1')], GROUP);
  made.stage([put('c', '1')], ALWAYS);
  made.engine.commit();
  t.is(made.meter.syncs, 1);
  t.deepEqual([...made.answers.ids].sort(), [1, 2, 3]);
  t.is(made.engine.syncDueInMs(), undefined);
});

test('an answer of a `group` batch keeps its own statuses while others are applied', (t) => {
  const made = new TestEngine();
  made.write([put('a', '1'), put('a', '2'), put('b', '1')], GROUP);
  made.write([put('c', '1')], OS);
  made.write([put('a', '3')], OS);
  made.clock.advance(GROUP_INTERVAL_MS);
  made.engine.commit();
  t.like(made.answers.of(1), { statuses: [1, 2, 1], firstSeqno: 1 });
});

test('a jump of the wall clock moves no sync', (t) => {
  const made = new TestEngine();
  made.write([put('a', '1')], GROUP);
  made.clock.jumpWall(86_400_000);
  t.is(made.engine.syncDueInMs(), GROUP_INTERVAL_MS);
  made.clock.jumpWall(-2 * 86_400_000);
  t.is(made.engine.syncDueInMs(), GROUP_INTERVAL_MS);
});

test('one group is one write and one sync, however many batches it has', (t) => {
  const made = new TestEngine();
  for (let i = 0; i < 20; i++) made.stage([put(`k${i}`, '1')], i % 2 === 0 ? ALWAYS : OS);
  made.engine.commit();
  t.is(made.log.callCount('write'), 1);
  t.is(made.log.callCount('sync'), 1);
  t.like(made.meter, { commits: 1, batches: 20, operations: 20, syncs: 1 });
  t.deepEqual(made.answers.ids, made.stagedIds, 'answered in order');
});

test('committing nothing touches nothing', (t) => {
  const made = new TestEngine();
  made.engine.commit();
  t.deepEqual(made.log.calls, []);
});

test('flush makes every level durable and answers everything', (t) => {
  const made = new TestEngine();
  made.write([put('a', '1')], GROUP);
  made.write([put('b', '1')], OS);
  made.stage([put('c', '1')], OS);
  made.engine.flush();
  t.is(made.log.volatileCount, 0);
  t.is(made.log.records().length, 3);
  everyBatchAnsweredOnce(t, made);
});

test('flush answers what waits for a sync also when the log has failed since, outside of a group', (t) => {
  const made = new TestEngine();
  made.write([put('a', '1')], GROUP);
  made.log.failNextSync = true;
  t.throws(() => made.log.sync());
  made.engine.flush();
  everyBatchAnsweredOnce(t, made);
  t.is(made.answers.of(1)?.error?.code, 'WAL_POISONED');
});

for (const [what, breakLog] of [
  [
    'write',
    (made: TestEngine) => {
      made.log.failNextWrite = true;
    },
  ],
  [
    'sync',
    (made: TestEngine) => {
      made.log.failNextSync = true;
    },
  ],
] as const) {
  test(`a failed ${what} fails the whole group once, applies nothing of it and refuses what follows`, (t) => {
    const made = new TestEngine();
    made.write([put('kept', '1')], ALWAYS);
    made.write([put('waiting', '1')], GROUP);
    const before = made.visibleState([1]);
    made.stage([put('kept', '2')], ALWAYS);
    made.stage([put('b', '1')], OS);
    made.stage([put('c', '1')], GROUP);
    breakLog(made);
    made.engine.commit();

    everyBatchAnsweredOnce(t, made);
    for (const id of [2, 3, 4, 5]) t.is(made.answers.of(id)?.error?.code, 'WAL_POISONED', `batch ${id}`);
    t.true(made.answers.of(3)?.error?.message.includes('EIO'), 'the cause is named');
    t.deepEqual(made.visibleState([1]), before, 'nothing of the group is visible, reads go on');
    t.is(made.meter.poisons.length, 1);

    const calls = made.log.calls.length;
    const { result } = made.stage([put('d', '1')], OS);
    t.true(result instanceof DbError && result.code === 'WAL_POISONED');
    made.engine.commit();
    made.engine.flush();
    t.is(made.log.calls.length, calls, 'the log is left alone');
    t.is(made.engine.syncDueInMs(), undefined);
    everyBatchAnsweredOnce(t, made);
  });
}

test('a sync that fails when only `group` batches wait for it answers each of them with the failure', (t) => {
  const made = new TestEngine();
  made.write([put('a', '1')], GROUP);
  made.write([put('b', '1')], GROUP);
  made.log.failNextSync = true;
  made.clock.advance(GROUP_INTERVAL_MS);
  made.engine.commit();
  everyBatchAnsweredOnce(t, made);
  t.true(made.answers.all.every(({ error }) => error?.code === 'WAL_POISONED'));
});

test('a sync that fails in flush answers the waiting batches with the failure', (t) => {
  const made = new TestEngine();
  made.write([put('a', '1')], GROUP);
  made.log.failNextSync = true;
  made.engine.flush();
  everyBatchAnsweredOnce(t, made);
  t.is(made.answers.of(1)?.error?.code, 'WAL_POISONED');
  t.is(made.meter.poisons.length, 1);
});
