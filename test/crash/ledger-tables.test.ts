import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { runCli } from '../cli/run-cli.js';
import { auditLedger, Load } from '../support/load.js';
import { seededPrng } from '../support/random.js';
import { TestServer } from '../support/server.js';
import { SMALL_LSM, shardDirectory, unfinishedTablesOf } from '../support/small-lsm.js';
import { until } from '../support/time.js';

const SHARDS = 2;

async function sumOf(server: TestServer, metric: string): Promise<number> {
  let sum = 0;
  for (let shard = 0; shard < SHARDS; shard++) sum += await server.metric(`${metric}{shard="${shard}"}`);
  return sum;
}

/** Segments of the log, as numbers. */
const segmentsOf = (server: TestServer): number[] =>
  readdirSync(join(shardDirectory(server.dataDir), 'wal'))
    .filter((name) => /^\d+\.wal$/.test(name))
    .map((name) => Number.parseInt(name, 10));

const isWritingTable = ({ dataDir }: TestServer): boolean =>
  [0, 1].some((shard) => unfinishedTablesOf(dataDir, shard).length > 0);

/** Stops the server, for good, while it writes a table: what is seen being written may be finished when the signal arrives. */
async function stopInJob(server: TestServer): Promise<void> {
  const isStopped = (): boolean => /^State:\s+T/m.test(readFileSync(`/proc/${server.pid}/status`, 'utf8'));
  await until(
    'a table is being written by a server that stands still',
    async () => {
      if (!isWritingTable(server)) return false;
      server.signal('SIGSTOP');
      await until('it stands still', isStopped, { pollMs: 1 });
      if (isWritingTable(server)) return true;
      server.signal('SIGCONT');
      return false;
    },
    { pollMs: 1 },
  );
}

/** Kills a server again and again while memtables of 1 MiB are flushed, tables compacted and log segments released. */
async function killRepeatedly(t: ExecutionContext, kills: number, levels: string): Promise<void> {
  const prng = seededPrng(t);
  const env = {
    ...SMALL_LSM,
    LUMADB_SHARDING__SHARDS: String(SHARDS),
    LUMADB_COMPACTION__L0_COMPACT: '2',
  };
  const server = await TestServer.start({ env });
  t.teardown(() => server.close());
  const load = new Load(t, levels, { goesOn: true });
  let flushes = 0;
  let compactions = 0;
  let killsInJobs = 0;
  for (let kill = 1; kill <= kills; kill++) {
    const idle = load.startOn(server);
    const before = load.ledger.count;
    await server.until('the load runs', () => load.ledger.count > before + 300);
    flushes += await sumOf(server, 'lumadb_memtable_flushes_total');
    compactions += await sumOf(server, 'lumadb_compactions_total');
    // Every other time in the middle of a flush or a compaction, otherwise at any moment.
    if (kill % 2 === 0) await stopInJob(server);
    else await delay(prng.nextBelow(300));
    await server.kill9();
    await idle;
    killsInJobs += isWritingTable(server) ? 1 : 0;
    if (kill % 3 === 0) {
      // Once more, in the middle of the recovery or shortly after it.
      await server.restart({ waitUntilReady: false });
      await delay(150 + prng.nextBelow(600));
      await server.kill9();
    }
    await server.restart();
    t.deepEqual(await auditLedger(server, load.ledger), [], `after kill ${kill}`);
  }
  const { count } = load.ledger;
  t.log(
    `${count} acknowledged writes survived ${kills} kills, ${killsInJobs} of them in the middle of a job`,
  );
  t.log(`at least ${flushes} flushes and ${compactions} compactions`);
  t.true(killsInJobs >= 1, 'kills in the middle of a job');
  // On a slow machine every kill may come before the first flush or compaction of its round has ended: what they left is
  // flushed, compacted and released under one more load.
  const idle = load.startOn(server);
  await server.until('memtables are flushed', async () => {
    return flushes + (await sumOf(server, 'lumadb_memtable_flushes_total')) >= 1;
  });
  await server.until('tables are compacted', async () => {
    return compactions + (await sumOf(server, 'lumadb_compactions_total')) >= 1;
  });
  await server.until('the log lets go of what is in tables', () => Math.min(...segmentsOf(server)) > 1);
  t.is((await server.stop()).code, 0);
  await idle;
  const checked = await runCli(['fsck', '--data-dir', server.dataDir], { cwd: server.dataDir });
  t.is(checked.code, 0, checked.stdout);
  await server.restart();
  t.deepEqual(await auditLedger(server, load.ledger), [], 'after an orderly stop');
}

test.serial(
  'every durable write survives 6 times kill -9 amid flushes, compactions and releases of the log',
  (t) => killRepeatedly(t, 6, 'always'),
);

test.serial('so do writes of all durabilities', (t) => killRepeatedly(t, 2, 'always,group,os'));
