/** When the stall watch speaks, and that threads which really stand still are seen. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { StallWatch, type WatchedThread } from '../../src/runtime/stall-watch.js';
import { startInProcess } from '../support/in-process.js';
import { ManualTimers } from '../support/manual-timer.js';
import { TestServer } from '../support/server.js';
import { until } from '../support/time.js';
import { straceMissing, Trace } from '../support/trace.js';
import { evaluateInWorker } from '../support/worker-evaluation.js';

const STANDS = 'the event loop of a thread stands still';
const TURNS = 'the event loop of a thread turns again';

/** A watch of one thread, whose clock and pulse the test moves. */
function watched(t: ExecutionContext, thread: Partial<WatchedThread> = {}) {
  const timers = new ManualTimers();
  const now = { ms: 1000 };
  const state = { lastBeatMs: 1000, isAsleep: false };
  const lines: Array<{ level: string; message: string; fields: object }> = [];
  const limits = { stallMs: 1000, backgroundStallMs: 10_000 };
  const watch = new StallWatch({
    threads: () => [
      { name: 'front-0', isBackground: false, cause: () => ({ cause: 'a test' }), ...thread, ...state },
    ],
    limits: () => limits,
    nowMs: () => now.ms,
    timer: timers.timer,
    log: (level, fields, message) => lines.push({ level, message, fields }),
  });
  watch.start();
  t.teardown(() => watch.close());
  /** Lets time pass in steps of the watch; the thread beats in each unless it stands. */
  const pass = (ms: number, beats: boolean): void => {
    for (let passed = 0; passed < ms; passed += 250) {
      now.ms += 250;
      if (beats) state.lastBeatMs = now.ms;
      timers.advance(250);
    }
  };
  return { watch, pass, state, lines, now, timers, limits };
}

test('a thread that stands has one warning with its cause, and one line when it is over', (t) => {
  const { watch, pass, lines } = watched(t);
  pass(5000, true);
  t.deepEqual(lines, []);
  pass(1250, false);
  t.deepEqual(lines, [], 'it may have beaten up to one interval before it stopped');
  pass(3000, false);
  const begin = { level: 'warn', message: STANDS, fields: { thread: 'front-0', ms: 1500, cause: 'a test' } };
  t.deepEqual(lines, [begin]);
  pass(1000, true);
  t.deepEqual(lines.slice(1), [{ level: 'info', message: TURNS, fields: { thread: 'front-0', ms: 4500 } }]);
  t.like(
    watch.figures().find(({ thread }) => thread === 'front-0'),
    { stalls: 1, seconds: 4.5 },
  );
});

test('a thread that stands again and again has a report a minute, which counts the others', (t) => {
  const { watch, pass, lines } = watched(t);
  for (let i = 0; i < 20; i++) {
    pass(2000, false);
    pass(2000, true);
  }
  pass(2000, false);
  const warnings = lines.filter(({ level }) => level === 'warn');
  t.is(warnings.length, 2);
  t.like(warnings[1].fields, { unreported: 14 });
  t.is(lines.filter(({ message }) => message === TURNS).length, 2);
  t.is(watch.figures().find(({ thread }) => thread === 'front-0')?.stalls, 21);
});

test('nothing is expected of a thread that sleeps, has not begun, has ended, or has no limit', (t) => {
  const { pass, state, lines, limits } = watched(t);
  state.isAsleep = true;
  pass(5000, false);
  state.isAsleep = false;
  pass(1000, false);
  t.deepEqual(lines, [], 'its time counts from when it woke');
  state.lastBeatMs = 0;
  pass(5000, false);
  t.deepEqual(lines, []);
  pass(250, true);
  limits.stallMs = 0;
  pass(5000, false);
  t.deepEqual(lines, []);
});

test('threads that work in one piece have the longer limit', (t) => {
  const { pass, lines } = watched(t, { isBackground: true });
  pass(9000, false);
  t.deepEqual(lines, []);
  pass(3000, false);
  t.is(lines.length, 1);
});

test('a watch that has stood itself blames the main thread and nobody else', (t) => {
  const { lines, now, timers, pass } = watched(t);
  now.ms += 7250;
  timers.advance(250);
  t.like(lines, [{ level: 'warn', fields: { thread: 'main', ms: 7000 } }]);
  pass(1000, true);
  t.is(lines.length, 1);
});

test.serial('a front, a shard and the main thread that compute without end are in the log', async (t) => {
  // A busy machine holds threads up for less than this by itself, and each thread has one report a minute.
  const env = { LUMADB_LOGGING__STALL_MS: '2000', LUMADB_LOGGING__FORMAT: 'json' };
  const { supervisor, http, dataDir } = await startInProcess(t, env);
  const linesOf = (thread: string) =>
    readFileSync(join(dataDir, 'logs', 'server.log'), 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line))
      .filter((line) => line.thread === thread);
  await http.request('PUT', '/api/v1/c/1', { body: {} });
  const compute = 'for (const end = Date.now() + 5000; Date.now() < end; );';
  const threads = [
    ['front-0', supervisor.fronts[0].thread?.worker],
    ['shard-0', supervisor.shards[0].incarnation?.thread.worker],
  ] as const;
  for (const [name, worker] of threads) {
    if (worker === undefined) throw new Error(`there is no ${name}`);
    await evaluateInWorker(worker, compute);
    await until(`${name} turns again`, () => linesOf(name).some(({ msg }) => msg === TURNS));
    const [begin, end] = linesOf(name);
    t.like(begin, { level: 40, msg: STANDS, cause: 'it computes, or waits for a core' });
    t.true(begin.ms >= 2000 && end.ms >= 4500 && end.ms >= begin.ms, JSON.stringify([begin, end]));
  }
  await delay(1000);
  for (const end = Date.now() + 4000; Date.now() < end; );
  await until('the main thread is named', () => linesOf('main').length > 0);
  t.true(linesOf('main')[0].ms >= 3000);
  const metrics = await http.request('GET', '/metrics');
  for (const name of ['front-0', 'shard-0', 'main'])
    t.regex(metrics.text, new RegExp(`lumadb_thread_stalls_total\\{thread="${name}"\\} [1-9]`));
  t.regex(metrics.text, /lumadb_thread_stall_seconds_total\{thread="front-0"\} [4-9]/);
});

test.serial(
  'a long statement is named by its request id, and a slow disk by what waits for it',
  async (t) => {
    const missing = straceMissing();
    const env = { LUMADB_LOGGING__STALL_MS: '2000', LUMADB_LOGGING__BACKGROUND_STALL_MS: '4000' };
    const server = await TestServer.start({ env });
    t.teardown(() => server.close());
    const query = "SELECT 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!' ~ '^(a+)+\\1$'";
    // Its time starts when it is sent: the thread is there by then.
    const warmUp = { query: 'SELECT count(*) FROM c', timeout_ms: 100_000 };
    await server.put('/api/v1/c/1', {});
    t.is((await server.request('POST', '/api/v1/query', { body: warmUp })).status, 200);
    // It does not stop when it should: the thread is ended later.
    const asked = server.request('POST', '/api/v1/query', { body: { query, timeout_ms: 1000 } });
    await server.untilLogged(/stands still thread=query-0 ms=\d+ cause="a long statement" request_id=\S+/);
    const id = /cause="a long statement" request_id=(\S+)/.exec(server.log)?.[1];
    const { queries } = (await server.get('/admin/queries')).json;
    t.is(queries[0].id, id);
    if (missing === undefined) {
      await server.put('/api/v1/c/1', {});
      const trace = await Trace.attach(t, server, 'fdatasync:delay_enter=6000000:when=1');
      t.true((await server.put('/api/v1/c/1', {})).status < 300);
      await server.untilLogged(/stands still thread=shard-0 ms=\d+ cause="fdatasync of the WAL"/);
      await server.untilLogged(/turns again thread=shard-0 ms=\d+/);
      await trace.detach();
    } else t.log(`without a slow disk: ${missing}`);
    t.is((await asked).status, 408);
  },
);

test.serial('a query thread that has nothing to do is not taken for one that stands', async (t) => {
  const env = { LUMADB_LOGGING__BACKGROUND_STALL_MS: '2000' };
  const server = await TestServer.start({ env });
  t.teardown(() => server.close());
  await server.put('/api/v1/c/1', {});
  const body = { query: 'SELECT v, count(*) FROM c GROUP BY v' };
  for (let i = 0; i < 2; i++) {
    t.is((await server.request('POST', '/api/v1/query', { body })).status, 200);
    await delay(5000);
  }
  t.notRegex(server.log, /stands still thread=query/);
});
