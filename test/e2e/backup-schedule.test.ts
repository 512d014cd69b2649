import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { LATER_METRICS } from '../../deploy/generate/alert-rules.js';
import { runCli, temporaryDirectory } from '../cli/run-cli.js';
import { TestServer } from '../support/server.js';

interface Report {
  readonly last_success: Readonly<Record<string, string | null>>;
  readonly last_verified_at: string | null;
  readonly schedule: { readonly next: readonly { job: string; at: string | null }[] };
  readonly wal_stream: { readonly seqno: number; readonly error: string | null } | null;
  readonly runs: readonly { job: string; outcome: string; backup: string | null; message: string | null }[];
}

const reportOf = async (server: TestServer): Promise<Report> =>
  (await server.get('/admin/backups')).json as unknown as Report;

test('backups by schedule are made, verified, restored in a drill, remembered and measured', async (t) => {
  const folder = temporaryDirectory(t);
  const env = {
    LUMADB_BACKUP_SCHEDULE__DESTINATION: join(folder, 'backups'),
    // With a field for seconds: every two of them.
    LUMADB_BACKUP_SCHEDULE__FULL: '*/2 * * * * *',
    LUMADB_BACKUP_SCHEDULE__RESTORE_DRILL: '*/3 * * * * *',
    LUMADB_BACKUP_SCHEDULE__SCRATCH: join(folder, 'scratch'),
    LUMADB_BACKUP_WAL_STREAM__DESTINATION: join(folder, 'wal'),
    LUMADB_BACKUP_WAL_STREAM__INTERVAL: '200',
  };
  const server = await TestServer.start({ env });
  t.teardown(() => server.close());
  for (let n = 0; n < 20; n++) await server.put(`/api/v1/c/k${n}`, { n });
  await server.until(
    'a backup and a drill',
    async () => {
      const { last_success } = await reportOf(server);
      return [last_success['full'], last_success['verify'], last_success['restore_drill']].every(
        (at) => typeof at === 'string',
      );
    },
    120_000,
  );
  const report = await reportOf(server);
  t.deepEqual(
    report.runs.filter(({ outcome, job }) => outcome === 'failed' && job !== 'restore_drill'),
    [],
  );
  t.true(report.schedule.next.every(({ at }) => at !== null));
  t.is(report.wal_stream?.error, null);
  const made = report.runs.find(({ job, outcome }) => job === 'full' && outcome === 'ok')?.backup ?? '';
  t.regex(made, /^\d{8}_\d{6}$/);
  t.true(existsSync(join(folder, 'backups', made, 'backup.json')));
  t.deepEqual(readdirSync(join(folder, 'scratch')), [], 'a drill leaves nothing behind');
  const { text } = await server.get('/metrics');
  for (const metric of LATER_METRICS) t.true(text.includes(`\n${metric}`), metric);
  await server.until(
    'the stream is complete',
    async () => (await server.metric('lumadb_backup_wal_lag_seconds')) === 0,
  );
  t.is((await server.stop()).code, 0);
  await server.restart({
    env: { LUMADB_BACKUP_SCHEDULE__FULL: '', LUMADB_BACKUP_SCHEDULE__RESTORE_DRILL: '' },
  });
  t.is((await reportOf(server)).last_success['full'] === null, false, 'it is remembered across restarts');
});

test('a backup by hand is told to the server, and so is a failed check of one', async (t) => {
  const folder = temporaryDirectory(t);
  const server = await TestServer.start({});
  t.teardown(() => server.close());
  await server.put('/api/v1/c/a', { n: 1 });
  const env = { LUMADB_STORAGE__DATA_DIR: server.dataDir };
  const destination = join(folder, 'one');
  const made = await runCli(['backup', '--destination', destination, '--type', 'incremental'], {
    cwd: folder,
    env,
  });
  t.is(made.code, 0, made.stderr);
  t.regex(made.stderr, /a full backup was made, and no incremental one/);
  const drill = await runCli(['backup', 'verify', '--source', destination, '--restore-test'], {
    cwd: folder,
    env,
  });
  t.is(drill.code, 0, drill.stderr);
  t.regex(drill.stdout, /restored to seqno 1 .* 1 documents; removed again\nok/);
  const { last_success, last_verified_at, runs } = await reportOf(server);
  t.truthy(last_success['full']);
  t.truthy(last_verified_at);
  t.deepEqual(
    runs.map(({ job, outcome, backup }) => [job, outcome, backup]),
    [
      ['restore_drill', 'ok', 'one'],
      ['full', 'ok', 'one'],
    ],
  );
});

test('a schedule that cannot work stops the start, and says what is wrong with it', async (t) => {
  const folder = temporaryDirectory(t);
  const start = (env: Record<string, string>) =>
    runCli(['start', '--data-dir', join(folder, 'data'), '--port', '0'], { cwd: folder, env });
  const nowhere = await start({ LUMADB_BACKUP_SCHEDULE__FULL: '0 2 * * 0' });
  t.is(nowhere.code, 1);
  t.regex(nowhere.stderr, /backup\.schedule\.full is set, and backup\.schedule\.destination is not/);
  const destination = join(folder, 'b');
  const wrong = await start({
    LUMADB_BACKUP_SCHEDULE__FULL: '61 2 * * 0',
    LUMADB_BACKUP_SCHEDULE__DESTINATION: destination,
  });
  t.is(wrong.code, 1);
  t.regex(wrong.stderr, /backup\.schedule\.full is no cron expression \("61 2 \* \* 0"\)/);
});
