import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { auditLedger, Load } from '../support/load.js';
import { TestServer } from '../support/server.js';
import { futureTablesOf, manifestOf, SMALL_LSM, shardDirectory } from '../support/small-lsm.js';
import { straceMissing, Trace } from '../support/trace.js';

const missing = straceMissing();
/** More than are written before strace is there, however fast the disk. */
const FUTURE_TABLES = 1000;
const FUTURE_SEGMENTS = 500;
const REASON = 'the device reported an error';

function isSkipped(t: ExecutionContext): boolean {
  if (missing === undefined) return false;
  t.log(`SKIPPED: ${missing}`);
  t.pass();
  return true;
}

interface Running {
  readonly server: TestServer;
  readonly load: Load;
  readonly idle: Promise<void>;
}

/** A server under load that has flushed already. */
async function loaded(t: ExecutionContext): Promise<Running> {
  const server = await TestServer.start({ env: SMALL_LSM });
  t.teardown(() => server.close());
  const load = new Load(t, 'always,group,os', { goesOn: true });
  const idle = load.startOn(server);
  await server.until('tables are written', async () => (await flushes(server)) > 0);
  return { server, load, idle };
}

const flushes = (server: TestServer) => server.metric('lumadb_memtable_flushes_total{shard="0"}');

async function jobFailures({ text }: { text: string }): Promise<number> {
  return Number(/^lumadb_storage_job_failures_total\{shard="0"\} (\d+)$/m.exec(text)?.[1]);
}

async function allIsThereAfterKill({ server, load, idle }: Running): Promise<string[]> {
  await server.kill9();
  await idle;
  await server.restart();
  return auditLedger(server, load.ledger);
}

for (const call of ['fsync', 'pwrite64']) {
  test.serial(
    `a table whose ${call} fails is never used: the flush is done again with other files, and nothing is lost`,
    async (t) => {
      if (isSkipped(t)) return;
      const running = await loaded(t);
      const { server, load } = running;
      const trace = await Trace.attach(
        t,
        server,
        `${call}:error=EIO`,
        futureTablesOf(server.dataDir, FUTURE_TABLES),
      );
      await server.until(
        'flushes or compactions have failed twice',
        async () => (await jobFailures(await server.get('/metrics'))) >= 2,
      );
      await server.untilLogged(
        new RegExp(
          `(flush|compaction) failed, nothing was changed: ${call === 'fsync' ? call : 'pwrite'} failed on [^ ]*\\.sst\\.tmp: EIO`,
        ),
      );
      t.is(await server.metric('lumadb_wal_poisoned{shard="0"}'), 0);
      t.is((await server.get('/ready')).status, 200);
      t.true((await server.get('/api/v1/ledger?limit=5')).status === 200);
      await trace.detach();
      const before = await flushes(server);
      const acknowledged = load.ledger.count;
      await server.until('flushes succeed again', async () => (await flushes(server)) > before + 1);
      await server.until('writes go on', () => load.ledger.count > acknowledged + 200);
      t.deepEqual(await allIsThereAfterKill(running), []);
    },
  );
}

test.serial(
  'a manifest whose fdatasync fails is final: the cause is in /status and in every refusal, reads go on, a restart has everything',
  async (t) => {
    if (isSkipped(t)) return;
    const running = await loaded(t);
    const { server, load } = running;
    const manifest = manifestOf(server.dataDir);
    const trace = await Trace.attach(t, server, 'fdatasync:error=EIO', [manifest]);
    const isStopped = async () => (await server.get('/status')).json.shards[0].writes_refused !== null;
    await server.until('/status names the cause', isStopped);
    // The device works again; the shard must not believe it.
    await trace.detach();
    const refused = async () =>
      (await server.put('/api/v1/other/k', { pad: 'x'.repeat(100_000) })).status === 503;
    await server.until('writes are refused', refused);
    const answer = await server.put('/api/v1/other/k', { pad: 'x'.repeat(100_000) });
    t.is(answer.status, 503);
    t.is(answer.json.error.code, 'UNAVAILABLE');
    t.regex(answer.json.error.message, /manifest.*fdatasync.*MANIFEST-\d+: EIO/);
    t.truthy(answer.headers['retry-after']);
    const status = (await server.get('/status')).json.shards[0];
    t.regex(status.writes_refused, new RegExp(`manifest.*MANIFEST-\\d+: EIO \\(${REASON}\\)`));
    const health = await server.get('/health');
    t.is(health.status, 503);
    t.regex(health.text, /MANIFEST-\d+: EIO/);
    await server.untilLogged(/manifest of shard 0 takes no more edits until it is reopened/);
    t.is(await server.metric('lumadb_wal_poisoned{shard="0"}'), 0, 'the log is sound');
    t.is(await server.metric('lumadb_manifest_poisoned{shard="0"}'), 1);
    // What was acknowledged before may still be on its way from the process that writes: each writer's next refusal is behind it.
    await load.untilAllAreRefused();
    const { count } = load.ledger;
    await load.untilAllAreRefused();
    t.is(load.ledger.count, count, 'nothing is acknowledged any more');
    await server.stop();
    await running.idle;
    await server.restart();
    t.deepEqual(await auditLedger(server, load.ledger), []);
    t.true((await server.put('/api/v1/other/k', {})).status < 300);
    t.is((await server.get('/health')).status, 200);
  },
);

test.serial(
  'a log on a file system that became read-only refuses writes by that name, reads go on, and nothing is lost',
  async (t) => {
    if (isSkipped(t)) return;
    const running = await loaded(t);
    const { server, load } = running;
    const directory = join(shardDirectory(server.dataDir), 'wal');
    const segments = Array.from(
      { length: FUTURE_SEGMENTS },
      (_, i) => i + Math.min(...readdirSync(directory).map(segmentNumber)),
    );
    const paths = segments.map((number) => join(directory, `${String(number).padStart(20, '0')}.wal`));
    await Trace.attach(t, server, 'pwrite64,fdatasync:error=EROFS', paths);
    const isRefused = async () => (await server.put('/api/v1/other/k', {})).status === 503;
    await server.until('writes are refused', isRefused);
    const answer = await server.put('/api/v1/other/k', {});
    t.regex(answer.json.error.message, /EROFS \(the file system is mounted read-only\)/);
    t.regex((await server.get('/status')).json.shards[0].writes_refused, /EROFS/);
    t.is((await server.get('/health')).status, 503);
    t.is((await server.get('/api/v1/ledger?limit=5')).status, 200);
    await server.kill9();
    await running.idle;
    await server.restart();
    t.deepEqual(await auditLedger(server, load.ledger), []);
  },
);

const segmentNumber = (name: string): number =>
  /^\d+\.wal$/.test(name) ? Number.parseInt(name, 10) : Number.POSITIVE_INFINITY;

test.serial(
  'on a disk that takes half a second per sync flushes and writes are slow, hot reads are not, and nothing is lost',
  async (t) => {
    if (isSkipped(t)) return;
    const running = await loaded(t);
    const { server, load } = running;
    await server.put('/api/v1/hot/k', { n: 1 });
    const hot = await server.get('/api/v1/hot/k');
    t.is(hot.status, 200);
    const trace = await Trace.attach(t, server, 'fdatasync,fsync:delay_enter=500000');
    const before = load.ledger.count;
    const timesMs: number[] = [];
    for (
      const end = performance.now() + 4000;
      performance.now() < end || timesMs.length < 40;
      await delay(20)
    ) {
      const start = performance.now();
      t.is((await server.get('/api/v1/hot/k')).status, 200);
      timesMs.push(performance.now() - start);
    }
    // Reads that wait for the disk take half a second one after the other; on a busy machine many may take long.
    timesMs.sort((a, b) => a - b);
    const quartile = timesMs[Math.floor(timesMs.length / 4)];
    t.true(quartile < 250, `most reads take longer than ${quartile} ms`);
    await server.until('writes are acknowledged, late', () => load.ledger.count > before);
    await trace.detach();
    t.deepEqual(await allIsThereAfterKill(running), []);
  },
);
