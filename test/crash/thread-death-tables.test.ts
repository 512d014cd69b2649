import test, { type ExecutionContext } from 'ava';
import { type InProcessServer, startInProcess } from '../support/in-process.js';
import { parsePrometheus } from '../support/prometheus.js';
import {
  MIB,
  NO_COMPACTION,
  noiseFaults,
  SMALL_LSM,
  tablesOf,
  unfinishedTablesOf,
  writeNoise,
} from '../support/small-lsm.js';
import { until, WAIT_MS_MAX } from '../support/time.js';

async function metric({ http }: InProcessServer, name: string): Promise<number> {
  const families = parsePrometheus((await http.request('GET', '/metrics')).text);
  return families.get(name)?.samples[0].value ?? Number.NaN;
}

/** Resolves in the same turn of the event loop in which a table is seen being written. */
async function untilTableIsWritten(dataDir: string, known: ReadonlySet<string>): Promise<void> {
  for (const end = performance.now() + WAIT_MS_MAX; ; await new Promise((resolve) => setImmediate(resolve))) {
    if (unfinishedTablesOf(dataDir).some((path) => !known.has(path))) return;
    if (performance.now() > end) throw new Error('no table is written');
  }
}

/** Kills the compactor as soon as it writes a table. Returns whether it left a part of one behind. */
async function killCompactorAtWork({ supervisor, dataDir }: InProcessServer): Promise<boolean> {
  const { compactor } = supervisor.shards[0];
  await until('the compactor runs', () => compactor.thread !== undefined);
  const before = new Set(unfinishedTablesOf(dataDir));
  await untilTableIsWritten(dataDir, before);
  await compactor.thread?.worker.terminate();
  return unfinishedTablesOf(dataDir).some((path) => !before.has(path));
}

const isReady = ({ http }: InProcessServer): Promise<boolean> =>
  http.request('GET', '/ready').then(
    ({ status }) => status === 200,
    () => false,
  );

async function nothingFailed(t: ExecutionContext, running: InProcessServer): Promise<void> {
  t.is((await running.http.request('GET', '/health')).status, 200);
  t.is((await running.http.request('GET', '/status')).json.shards[0].state, 'ready');
}

test.serial(
  'a compactor that dies in the middle of a flush: the memtable is flushed by the next one',
  async (t) => {
    const running = await startInProcess(t, {
      ...SMALL_LSM,
      ...NO_COMPACTION,
      LUMADB_MEMORY__MEMTABLE_SIZE: String(8 * MIB),
      LUMADB_MEMORY__MEMTABLES_MAX: '8',
    });
    const { http } = running;
    const caller = { request: http.request.bind(http) };
    let deaths = 0;
    let written = 0;
    for (let round = 0; deaths < 2 && round < 60; round++) {
      // All keys anew each time: enough for one rotation, not for so many that none is left to write to.
      const killed = killCompactorAtWork(running);
      await writeNoise({ request: http.request.bind(http) }, 4000, { version: round });
      written = round;
      if (await killed) deaths++;
      await until('the memtables are flushed', async () => (await metric(running, 'lumadb_memtables')) === 1);
    }
    t.is(deaths, 2, 'flushes that were cut short');
    t.true((await metric(running, 'lumadb_storage_job_failures_total')) >= 2);
    t.true((await metric(running, 'lumadb_memtable_flushes_total')) >= 2);
    t.deepEqual(await noiseFaults(caller, 4000, { version: written }), []);
    await nothingFailed(t, running);
  },
);

/** Four runs in level 0, and a compactor that takes half a minute for them: far longer than the test needs to look at it. */
async function compactingSlowly(t: ExecutionContext): Promise<InProcessServer> {
  const running = await startInProcess(t, { ...SMALL_LSM, LUMADB_COMPACTION__RATE_LIMIT: String(MIB / 8) });
  const { http, dataDir } = running;
  await writeNoise({ request: http.request.bind(http) }, 2300);
  await until(
    'all but one memtable are flushed',
    async () => (await metric(running, 'lumadb_memtables')) === 1,
  );
  await until('a compaction is under way', () => unfinishedTablesOf(dataDir).length > 0, { pollMs: 1 });
  return running;
}

/** An emergency compaction lifts the limit, also from the job that is under way. */
async function withoutRateLimit({ http }: InProcessServer): Promise<void> {
  const { status } = await http.request('POST', '/admin/compaction', { body: { emergency: true } });
  if (status !== 202) throw new Error(`no emergency compaction: ${status}`);
}

test.serial(
  'a compactor that dies in the middle of a compaction: its inputs stay, and the next one compacts them',
  async (t) => {
    const running = await compactingSlowly(t);
    const { http, supervisor, dataDir } = running;
    const caller = { request: http.request.bind(http) };
    t.is(await metric(running, 'lumadb_compactions_total'), 0);
    const inputs = tablesOf(dataDir);
    await supervisor.shards[0].compactor.thread?.worker.terminate();
    t.true(unfinishedTablesOf(dataDir).length > 0, 'it was cut short');
    t.deepEqual(tablesOf(dataDir), inputs);
    t.deepEqual(await noiseFaults(caller, 2300), []);
    await writeNoise(caller, 100, { prefix: 'new' });
    await withoutRateLimit(running);
    await until(
      'the compaction is done',
      async () => (await metric(running, 'lumadb_compactions_total')) >= 1,
    );
    t.true((await metric(running, 'lumadb_storage_job_failures_total')) >= 1);
    t.deepEqual(await noiseFaults(caller, 2300), []);
    t.deepEqual(await noiseFaults(caller, 100, { prefix: 'new' }), []);
    await nothingFailed(t, running);
  },
);

test.serial(
  'a shard that dies while its compactor works has its tables back, and no file of the old job is left',
  async (t) => {
    const running = await compactingSlowly(t);
    const { http, supervisor, dataDir } = running;
    const caller = { request: http.request.bind(http) };
    for (let death = 0; death < 2; death++) {
      const incarnation = supervisor.shards[0].incarnation;
      await incarnation?.thread.worker.terminate();
      await until(
        'the shard serves again',
        async () => supervisor.shards[0].incarnation !== incarnation && isReady(running),
      );
      t.deepEqual(await noiseFaults(caller, 2300), [], `after death ${death}`);
      await writeNoise(caller, 700, { prefix: `d${death}-` });
    }
    await withoutRateLimit(running);
    await until(
      'the compaction is done',
      async () => (await metric(running, 'lumadb_compactions_total')) >= 1,
    );
    await until('all is quiet', async () => {
      const isIdle = unfinishedTablesOf(dataDir).length === 0;
      return isIdle && (await metric(running, 'lumadb_tables')) === tablesOf(dataDir).length;
    });
    t.is(await metric(running, 'lumadb_storage_job_failures_total'), 0, 'nobody was in the way of another');
    t.deepEqual(await noiseFaults(caller, 2300), []);
    for (const prefix of ['d0-', 'd1-']) t.deepEqual(await noiseFaults(caller, 700, { prefix }), []);
    await nothingFailed(t, running);
  },
);
