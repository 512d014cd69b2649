/**
 * Backups by cron expressions ([backup.schedule]), one after the other, each in a process of its own; a full or incremental one is
 * verified at once, then what need not be kept is removed. Main thread only.
 */
import { join, resolve } from 'node:path';
import { Cron } from 'croner';
import type { Logger } from 'pino';
import type { Clock } from '../../base/clock.js';
import { DbError } from '../../base/errors.js';
import type { Config } from '../../config/schema.js';
import { type CommandResult, type RunningCommand, runCommand } from './command.js';
import type { BackupHistory, BackupJob } from './history.js';

export interface SchedulerOptions {
  readonly config: Config;
  /** Absolute. */
  readonly dataDirectory: string;
  readonly history: BackupHistory;
  readonly clock: Clock;
  readonly logger: Logger;
  /** From the start until what was missed is made up for; absent: a minute. */
  readonly catchUpAfterMs?: number;
}

const CATCH_UP_AFTER_MS = 60_000;

type ScheduledJob = 'full' | 'incremental' | 'restore_drill';
const SCHEDULED: readonly ScheduledJob[] = ['full', 'incremental', 'restore_drill'];

/** Throws DbError('CONFIG') for an expression that is none, and for a schedule without a destination. */
export function checkSchedule(config: Config): void {
  const schedule = config['backup.schedule'];
  for (const job of SCHEDULED) {
    const expression = schedule[job];
    if (expression === '') continue;
    if (schedule.destination === '') {
      throw new DbError(
        'CONFIG',
        `backup.schedule.${job} is set, and backup.schedule.destination is not: where to?`,
      );
    }
    try {
      new Cron(expression, { paused: true }).stop();
    } catch (error) {
      const reason = (error as Error).message;
      throw new DbError(
        'CONFIG',
        `backup.schedule.${job} is no cron expression (${JSON.stringify(expression)}): ${reason}`,
      );
    }
  }
}

export class BackupScheduler {
  private crons: Cron[] = [];
  private running: { readonly job: BackupJob; readonly command: RunningCommand } | undefined;
  private waiting: ScheduledJob[] = [];
  private isClosed = false;
  private catchUp: NodeJS.Timeout | undefined;

  constructor(private readonly options: SchedulerOptions) {}

  start(): void {
    const schedule = this.options.config['backup.schedule'];
    this.crons = SCHEDULED.filter((job) => schedule[job] !== '').map(
      (job) => new Cron(schedule[job], { unref: true }, () => this.request(job)),
    );
    if (schedule.catch_up) this.makeUp();
  }

  private makeUp(): void {
    const { logger, catchUpAfterMs = CATCH_UP_AFTER_MS } = this.options;
    const missed = this.missed();
    if (missed.length === 0) return;
    logger.warn({ jobs: missed }, 'scheduled backup jobs were missed while the server was down');
    this.catchUp = setTimeout(() => {
      // The schedule, or somebody by hand, may have been faster.
      for (const job of this.missed()) if (this.running?.job !== job) this.request(job);
    }, catchUpAfterMs).unref();
  }

  private missed(): ScheduledJob[] {
    const { history, config, clock } = this.options;
    return missedJobs(config['backup.schedule'], history, clock.wallMs());
  }

  /** What runs now, and when what comes next. */
  report(): Record<string, unknown> {
    const schedule = this.options.config['backup.schedule'];
    return {
      destination: schedule.destination,
      running: this.running?.job ?? null,
      waiting: this.waiting,
      next: SCHEDULED.filter((job) => schedule[job] !== '').map((job, index) => ({
        job,
        cron: schedule[job],
        at: this.crons[index]?.nextRun()?.toISOString() ?? null,
      })),
    };
  }

  get isRunning(): boolean {
    return this.running !== undefined;
  }

  /** Behind what runs; a job that waits already waits once. */
  request(job: ScheduledJob): void {
    if (this.isClosed || this.waiting.includes(job)) return;
    this.waiting.push(job);
    if (this.running === undefined) void this.work();
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.waiting = [];
    clearTimeout(this.catchUp);
    for (const cron of this.crons) cron.stop();
    this.running?.command.stop();
    await this.running?.command.done;
  }

  private async work(): Promise<void> {
    for (let job = this.waiting.shift(); job !== undefined; job = this.waiting.shift()) {
      if (job === 'restore_drill') await this.drill();
      else await this.backUp(job);
    }
  }

  private async backUp(type: 'full' | 'incremental'): Promise<void> {
    const { config, clock } = this.options;
    const { destination, keep } = config['backup.schedule'];
    const name = folderName(clock.wallMs());
    const location = below(destination, name);
    const made = await this.run(type, name, [
      'backup',
      '--destination',
      location,
      '--type',
      type,
      '--no-note',
    ]);
    if (!made) return;
    if (!(await this.run('verify', name, ['backup', 'verify', '--source', location, '--no-note']))) return;
    if (keep !== '')
      await this.run('prune', null, ['backup', 'prune', '--source', destination, '--keep', keep]);
  }

  /** Of the newest backup there is. */
  private async drill(): Promise<void> {
    const { config, dataDirectory } = this.options;
    const { destination, scratch } = config['backup.schedule'];
    const name = await this.newest(destination);
    if (name === undefined) return;
    const directory = scratch === '' ? join(dataDirectory, 'drill') : resolve(scratch);
    const source = ['--source', below(destination, name)];
    await this.run('restore_drill', name, [
      'backup',
      'verify',
      ...source,
      '--restore-test',
      '--scratch',
      directory,
      '--no-note',
    ]);
  }

  private async newest(destination: string): Promise<string | undefined> {
    const { json, code, lastLine } = await this.command('restore_drill', [
      'backup',
      'list',
      '--source',
      destination,
    ]);
    const { backups = [] } = (json ?? {}) as {
      backups?: { name: string; state: string; taken_at: string | null }[];
    };
    const complete = backups
      .filter(({ state }) => state === 'complete')
      .sort((a, b) => (b.taken_at ?? '').localeCompare(a.taken_at ?? ''));
    if (complete.length > 0) return complete[0].name;
    const message = code === 0 ? `there is no complete backup in ${destination}` : lastLine;
    this.note('restore_drill', this.options.clock.wallMs(), null, message);
    return undefined;
  }

  private async run(job: BackupJob, backup: string | null, args: readonly string[]): Promise<boolean> {
    const { clock, logger } = this.options;
    const startedMs = clock.wallMs();
    logger.info({ job, backup }, 'scheduled backup job begins');
    const { code, lastLine } = await this.command(job, args);
    const failure = code === 0 ? null : lastLine || `it ended with ${code ?? 'a signal'}`;
    this.note(job, startedMs, backup, failure);
    return failure === null;
  }

  private note(job: BackupJob, startedMs: number, backup: string | null, failure: string | null): void {
    const { clock, logger, history } = this.options;
    const seconds = Math.max(0, (clock.wallMs() - startedMs) / 1000);
    if (failure === null) logger.info({ job, backup, seconds }, 'scheduled backup job done');
    else logger.error({ job, backup, seconds }, `scheduled backup job failed: ${failure}`);
    const started_at = new Date(startedMs).toISOString();
    try {
      history.add({
        job,
        started_at,
        seconds,
        outcome: failure === null ? 'ok' : 'failed',
        backup,
        message: failure,
      });
    } catch (error) {
      logger.error(`the history of backups cannot be written: ${(error as Error).message}`);
    }
  }

  private async command(job: BackupJob, args: readonly string[]): Promise<CommandResult> {
    if (this.isClosed) return { code: null, json: null, lastLine: 'the server is shutting down' };
    const command = runCommand(args, environmentOf(this.options));
    this.running = { job, command };
    try {
      return await command.done;
    } finally {
      this.running = undefined;
    }
  }
}

/**
 * Jobs whose last time has passed without a run, of those that ran before: what was never done is new, not missed. A full backup
 * makes up for the incremental one too.
 */
export function missedJobs(
  schedule: Config['backup.schedule'],
  history: Pick<BackupHistory, 'lastRunMs'>,
  nowMs: number,
): ScheduledJob[] {
  const missed = SCHEDULED.filter((job) => {
    const ranMs = history.lastRunMs(job);
    if (schedule[job] === '' || ranMs === undefined) return false;
    const doneMs = job === 'incremental' ? Math.max(ranMs, history.lastRunMs('full') ?? 0) : ranMs;
    const [due] = new Cron(schedule[job], { paused: true }).previousRuns(1, new Date(nowMs));
    return due !== undefined && doneMs < due.getTime();
  });
  return missed.includes('full') ? missed.filter((job) => job !== 'incremental') : missed;
}

/** `20260102_030405`, as the manual's script names them; in local time, like the schedule. */
function folderName(wallMs: number): string {
  const at = new Date(wallMs);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${at.getFullYear()}${two(at.getMonth() + 1)}${two(at.getDate())}`;
  return `${day}_${two(at.getHours())}${two(at.getMinutes())}${two(at.getSeconds())}`;
}

const below = (folder: string, name: string): string => `${folder.replace(/\/+$/, '')}/${name}`;

/** What the command must know of this server's configuration, whatever file it finds. */
function environmentOf({ config, dataDirectory }: SchedulerOptions): Record<string, string> {
  const { endpoint, region, path_style } = config['backup.s3'];
  return {
    LUMADB_STORAGE__DATA_DIR: dataDirectory,
    LUMADB_BACKUP__ENCRYPT_KEY_FILE: config.backup.encrypt_key_file,
    LUMADB_BACKUP__COMPRESSION: config.backup.compression,
    LUMADB_BACKUP__RATE_LIMIT: String(config.backup.rate_limit),
    LUMADB_BACKUP_S3__ENDPOINT: endpoint,
    LUMADB_BACKUP_S3__REGION: region,
    LUMADB_BACKUP_S3__PATH_STYLE: String(path_style),
    LUMADB_BACKUP_WAL_STREAM__DESTINATION: config['backup.wal_stream'].destination,
  };
}
