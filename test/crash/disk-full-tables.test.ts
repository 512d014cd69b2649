import test, { type ExecutionContext } from 'ava';
import { TestServer } from '../support/server.js';
import { freeAgain, leaveFree, smallFileSystem } from '../support/small-file-system.js';
import {
  hasAllSpares,
  MIB,
  NO_COMPACTION,
  noiseFaults,
  SMALL_LSM,
  tablesOf,
  writeNoise,
} from '../support/small-lsm.js';

/** Of a MiB each. */
const RUNS = 9;

/** Writes go on to the last byte: these tests are about what happens there. */
const env = {
  ...SMALL_LSM,
  LUMADB_MEMORY__MEMTABLES_MAX: '8',
  LUMADB_STORAGE__READ_ONLY_FREE_BYTES: '0',
  LUMADB_STORAGE__DISK_CHECK_INTERVAL_MS: '100',
};

/** A server on 64 MiB of disk. */
async function started(
  t: ExecutionContext,
  more: Record<string, string> = {},
): Promise<TestServer | undefined> {
  const dataDir = smallFileSystem(t, 64);
  if (dataDir === undefined) {
    t.pass();
    return undefined;
  }
  const server = await TestServer.start({ dataDir, env: { ...env, ...more } });
  t.teardown(() => server.close());
  return server;
}

const shardMetric = (server: TestServer, name: string) => server.metric(`lumadb_${name}{shard="0"}`);

/** The database is read-only with the disk as its reason, takes deletes, reads, and returns by itself once there is space. */
async function isReadOnlyUntilThereIsSpace(t: ExecutionContext, server: TestServer): Promise<void> {
  const isReadOnly = async () => (await server.get('/status')).json.read_only !== false;
  await server.until('the database is read-only', isReadOnly);
  t.like((await server.get('/status')).json.read_only, { enabled: true, by: 'disk' });
  const refused = await server.put('/api/v1/c/new', {});
  t.is(refused.status, 503);
  t.regex(refused.json.error.message, /other than deletes are refused.*no space on the disk/);
  t.is((await server.request('DELETE', '/api/v1/c/k0')).status, 200);
  t.is((await server.get('/api/v1/c/k0')).status, 404);
  t.is((await server.get('/api/v1/c/k1')).status, 200);
  t.is((await server.get('/health')).status, 503);
  freeAgain(server.dataDir);
  await server.until('writes are taken again', async () => !(await isReadOnly()));
  t.true((await server.put('/api/v1/c/k0', { pad: '' })).status < 300);
}

test.serial(
  'a flush that finds no space makes the database read-only, and is done once there is some',
  async (t) => {
    const server = await started(t);
    if (server === undefined) return;
    await writeNoise(server, 200);
    // The segments of the log are there already; what a memtable needs is not.
    await server.until('the log has its spare segments', () => hasAllSpares(server.dataDir));
    leaveFree(server.dataDir, 300 * 1024);
    const failures = () => shardMetric(server, 'storage_job_failures_total');
    // More than the memtable takes, and less than the log has room for: it is the flush that finds no space.
    for (let written = 200; written < 900 && (await failures()) === 0; written += 50)
      await writeNoise(server, 50, { prefix: `w${written}-` }).catch(() => {});
    await server.until('a flush has failed', async () => (await failures()) > 0);
    await server.untilLogged(/flush failed, nothing was changed: [^\n]*ENOSPC/);
    await isReadOnlyUntilThereIsSpace(t, server);
    const flushes = await shardMetric(server, 'memtable_flushes_total');
    await server.until('the memtable is flushed', async () => (await shardMetric(server, 'memtables')) === 1);
    t.true((await shardMetric(server, 'memtable_flushes_total')) >= Math.max(1, flushes));
    await server.kill9();
    await server.restart();
    const faults = await noiseFaults(server, 200);
    t.deepEqual(
      faults.filter((fault) => !fault.startsWith('k0:')),
      [],
    );
  },
);

test.serial(
  'a compaction that finds no space makes the database read-only, keeps its inputs, and is done once there is some',
  async (t) => {
    const server = await started(t, NO_COMPACTION);
    if (server === undefined) return;
    // Runs that wait for a server that compacts.
    const flushes = () => shardMetric(server, 'memtable_flushes_total');
    let documents = 0;
    for (; (await flushes()) < RUNS; documents += 50)
      await writeNoise(server, 50, { prefix: `n${documents}-` });
    await writeNoise(server, 2, { prefix: 'k' });
    t.is((await server.stop()).code, 0);
    // Room for segments of the log, and for nothing of the size of all runs.
    leaveFree(server.dataDir, 3 * MIB);
    await server.restart({ env: { LUMADB_COMPACTION__L0_COMPACT: String(RUNS) } });
    await server.untilLogged(/compaction failed, nothing was changed: [^\n]*ENOSPC/);
    const inputs = tablesOf(server.dataDir);
    t.true(inputs.length >= RUNS);
    await isReadOnlyUntilThereIsSpace(t, server);
    await server.until('it is compacted', async () => (await shardMetric(server, 'compactions_total')) > 0);
    for (let from = 0; from < documents; from += 50)
      t.deepEqual(await noiseFaults(server, 50, { prefix: `n${from}-` }), []);
    t.is((await server.stop()).code, 0);
    await server.restart();
    t.deepEqual(await noiseFaults(server, 50, { prefix: 'n0-' }), []);
  },
);
