import test from 'ava';
import { ManualClock } from '../../src/base/clock.js';
import { DbError } from '../../src/base/errors.js';
import { TASKS_MAX, TASKS_RUNNING_MAX, TaskBook, type TaskReport } from '../../src/runtime/tasks.js';

/** A task that ends when the test says so. */
function controlled() {
  const controls: { finish(result: unknown): void; fail(error: unknown): void } = {
    finish: () => {},
    fail: () => {},
  };
  const work = new Promise<unknown>((resolve, reject) => {
    controls.finish = resolve;
    controls.fail = reject;
  });
  return { ...controls, run: () => work };
}

function book(clock = new ManualClock()): TaskBook {
  let last = 0;
  return new TaskBook(clock, () => `t${++last}`);
}

const START = { kind: 'test', request: { all: true }, shards: 2 };
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a task runs, then is done with its result', async (t) => {
  const clock = new ManualClock();
  const tasks = book(clock);
  const { run, finish } = controlled();
  const ends: TaskReport[] = [];
  const task = tasks.start({ ...START, run }, (report) => ends.push(report));
  t.like(task.report(), {
    id: 't1',
    kind: 'test',
    state: 'running',
    finished_at: null,
    request: { all: true },
  });
  t.deepEqual(
    task.report().shards.map(({ state }) => state),
    ['waiting', 'waiting'],
  );
  clock.advance(1500);
  finish({ bytes: 7 });
  await settled();
  const report = await tasks.report('t1');
  t.like(report, { state: 'done', result: { bytes: 7 } });
  t.is(Date.parse(report.finished_at ?? '') - Date.parse(report.started_at), 1500);
  t.deepEqual(ends, [report]);
});

test('a task that throws has failed, with the reason', async (t) => {
  const tasks = book();
  const { run, fail } = controlled();
  tasks.start({ ...START, run });
  fail(new DbError('IO', 'the disk is gone'));
  await settled();
  const report = await tasks.report('t1');
  t.like(report, { state: 'failed', error: 'the disk is gone' });
  t.false('result' in report);
});

test('progress is brought up to date when somebody looks, while the task runs', async (t) => {
  const tasks = book();
  const { run, finish } = controlled();
  let looks = 0;
  const refresh = async (task: { progress: unknown }): Promise<void> => {
    task.progress = { done: ++looks, total: 9, unit: 'bytes' };
  };
  tasks.start({ ...START, run, refresh });
  t.is((await tasks.report('t1')).progress.done, 1);
  t.is((await tasks.reports())[0].progress.done, 2);
  finish(undefined);
  await settled();
  t.is((await tasks.report('t1')).progress.done, 2);
});

test('the last hundred tasks are remembered, newest first, and running ones are never forgotten', async (t) => {
  const tasks = book();
  const { run } = controlled();
  tasks.start({ ...START, run });
  for (let i = 0; i < TASKS_MAX + 20; i++) {
    tasks.start({ ...START, run: async () => i });
    await settled();
  }
  const reports = await tasks.reports();
  t.is(reports.length, TASKS_MAX);
  t.is(reports[0].id, `t${TASKS_MAX + 21}`);
  t.is(reports.at(-1)?.id, 't1');
  await t.throwsAsync(tasks.report('t2'), { code: 'NOT_FOUND', message: /no task "t2"/ });
});

test('too many tasks at a time are refused', (t) => {
  const tasks = book();
  for (let i = 0; i < TASKS_RUNNING_MAX; i++) tasks.start({ ...START, run: controlled().run });
  t.throws(() => tasks.start({ ...START, run: controlled().run }), { code: 'OVERLOADED' });
});
