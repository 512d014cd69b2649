import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { pino } from 'pino';
import { systemClock } from '../../src/base/clock.js';
import { defaultConfig } from '../../src/config/schema.js';
import { BackupHistory, type BackupJob } from '../../src/runtime/backup-schedule/history.js';
import { BackupScheduler, missedJobs } from '../../src/runtime/backup-schedule/scheduler.js';
import { RealVfs } from '../../src/vfs/real.js';
import { temporaryDirectory } from '../cli/run-cli.js';
import { until } from '../support/time.js';

const at = (local: string): number => new Date(local).getTime();
// A Thursday, in local time as the schedule is.
const NOW = at('2026-11-26T03:00:00');
const SCHEDULE = {
  ...defaultConfig()['backup.schedule'],
  full: '0 2 * * 0',
  incremental: '0 2 * * 1-6',
  restore_drill: '0 4 1 * *',
};

function missed(ran: Partial<Record<BackupJob, string>>, schedule = SCHEDULE): string[] {
  const lastRunMs = (job: BackupJob): number | undefined => (job in ran ? at(ran[job] ?? '') : undefined);
  return missedJobs(schedule, { lastRunMs }, NOW);
}

test('missed is what ran before and has not run since its time', (t) => {
  const onTime = {
    full: '2026-11-22T02:00:00',
    incremental: '2026-11-26T02:00:00.010',
    restore_drill: '2026-11-01T04:00:00',
  };
  t.deepEqual(missed({}), [], 'what was never done is new');
  t.deepEqual(missed(onTime), []);
  t.deepEqual(missed({ ...onTime, incremental: '2026-11-25T02:00:00' }), ['incremental']);
  t.deepEqual(missed({ ...onTime, restore_drill: '2026-10-01T04:00:00' }), ['restore_drill']);
  t.deepEqual(missed({ ...onTime, full: '2026-11-15T02:00:00' }), ['full']);
  t.deepEqual(missed({ full: '2026-11-15T02:00:00', incremental: '2026-11-20T02:00:00' }), ['full']);
  t.deepEqual(
    missed({ ...onTime, full: '2026-11-26T02:30:00', incremental: '2026-11-20T02:00:00' }),
    [],
    'a full one has made up for it',
  );
  const without = { ...SCHEDULE, incremental: '' };
  t.deepEqual(missed({ incremental: '2026-11-20T02:00:00' }, without), [], 'it is not scheduled any more');
});

test('what was missed is made up for once after a start, unless that is switched off', async (t) => {
  const dataDirectory = temporaryDirectory(t);
  const history = new BackupHistory(new RealVfs(), dataDirectory, () => {});
  const run = { seconds: 1, outcome: 'ok', backup: null, message: null } as const;
  history.add({ ...run, job: 'full', started_at: '2026-01-04T02:00:00.000Z' });
  const lines: string[] = [];
  const logger = pino({}, { write: (line: string) => lines.push(line) });
  const start = (catch_up: boolean): BackupScheduler => {
    const schedule = { ...SCHEDULE, destination: temporaryDirectory(t), full: '0 2 1 * *', catch_up };
    const config = { ...defaultConfig(), 'backup.schedule': schedule };
    const options = { config, dataDirectory, history, clock: systemClock, logger, catchUpAfterMs: 1 };
    const scheduler = new BackupScheduler(options);
    scheduler.start();
    return scheduler;
  };
  await start(false).close();
  t.deepEqual(lines, []);
  const scheduler = start(true);
  t.regex(lines.join(''), /missed while the server was down/);
  // There is no database, which the command says: that it ran is what counts here.
  await until('the job has run', () => history.runs[0].outcome === 'failed');
  t.is(history.runs[0].job, 'full');
  await scheduler.close();
  lines.length = 0;
  await start(true).close();
  t.deepEqual(lines, [], 'it has run since its time');
});

test('what the schedule does before it is made up for is done once', async (t) => {
  const dataDirectory = temporaryDirectory(t);
  const history = new BackupHistory(new RealVfs(), dataDirectory, () => {});
  const run = { seconds: 1, outcome: 'ok', backup: null, message: null } as const;
  history.add({ ...run, job: 'full', started_at: '2026-01-04T02:00:00.000Z' });
  const schedule = { ...SCHEDULE, destination: temporaryDirectory(t), full: '0 2 1 * *', incremental: '' };
  const config = { ...defaultConfig(), 'backup.schedule': schedule };
  const logger = pino({ level: 'silent' });
  const scheduler = new BackupScheduler({
    config,
    dataDirectory,
    history,
    clock: systemClock,
    logger,
    catchUpAfterMs: 20,
  });
  scheduler.start();
  scheduler.request('full');
  t.true(scheduler.isRunning);
  await delay(60);
  t.like(scheduler.report(), { running: 'full', waiting: [] });
  await until('the job has run', () => history.runs.length === 2);
  await scheduler.close();
});
