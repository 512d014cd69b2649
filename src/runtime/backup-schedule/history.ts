/**
 * `backup-history.json` of a data directory: when backups, checks of backups and restore drills last went well, and how the last
 * ones ended, whoever made them. It is what alerts go by, also after a restart. Main thread only.
 *
 *   {"format_version":1,"last_success_ms":{"full":1790000000000},"last_verified_ms":1790000000000,
 *    "runs":[{"job":"full","started_at":"…","seconds":1.5,"outcome":"ok","backup":"20260102_020000","message":null}]}
 */
import { join } from 'node:path';
import { z } from 'zod';
import type { Vfs } from '../../vfs/vfs.js';

export const HISTORY_FILE = 'backup-history.json';
const RUNS_MAX = 50;
const MESSAGE_LENGTH_MAX = 1000;

export const BACKUP_JOBS = ['full', 'incremental', 'restore_drill', 'verify', 'prune'] as const;
export type BackupJob = (typeof BACKUP_JOBS)[number];

const job = z.enum(BACKUP_JOBS);
const ms = z.number().min(0);
const run = z.strictObject({
  job,
  started_at: z.iso.datetime(),
  seconds: z.number().min(0),
  outcome: z.enum(['ok', 'failed']),
  backup: z.string().nullable(),
  message: z.string().nullable(),
});
const history = z.strictObject({
  format_version: z.literal(1),
  last_success_ms: z.partialRecord(job, ms),
  last_verified_ms: ms.nullable(),
  runs: z.array(run),
});

export type BackupRun = z.output<typeof run>;
type Contents = z.output<typeof history>;

const NONE: Contents = { format_version: 1, last_success_ms: {}, last_verified_ms: null, runs: [] };

export class BackupHistory {
  private contents: Contents;
  /** Since this start; the file does not count. */
  readonly counts = new Map<string, number>();

  /** A file that cannot be understood is set aside by the next run, and `warn` is told. */
  constructor(
    private readonly vfs: Vfs,
    private readonly dataDirectory: string,
    warn: (message: string) => void,
  ) {
    this.contents = this.read(warn);
  }

  lastSuccessMs(of: BackupJob): number | undefined {
    return this.contents.last_success_ms[of];
  }

  /** When it last began, well or not, as far as is known. */
  lastRunMs(of: BackupJob): number | undefined {
    const last = this.contents.runs.find(({ job: ran }) => ran === of);
    return last === undefined ? this.lastSuccessMs(of) : Date.parse(last.started_at);
  }

  get lastVerifiedMs(): number | undefined {
    return this.contents.last_verified_ms ?? undefined;
  }

  /** Newest first. */
  get runs(): readonly BackupRun[] {
    return this.contents.runs;
  }

  /** Throws DbError('IO') when it cannot be stored; it counts until the restart all the same. */
  add(entry: BackupRun): void {
    const { contents } = this;
    const key = `${entry.job} ${entry.outcome}`;
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
    const atMs = Date.parse(entry.started_at) + 1000 * entry.seconds;
    const isOk = entry.outcome === 'ok';
    const proves = isOk && (entry.job === 'verify' || entry.job === 'restore_drill');
    const kept = { ...entry, message: entry.message?.slice(0, MESSAGE_LENGTH_MAX) ?? null };
    this.contents = {
      ...contents,
      last_success_ms: isOk ? { ...contents.last_success_ms, [entry.job]: atMs } : contents.last_success_ms,
      last_verified_ms: proves ? atMs : contents.last_verified_ms,
      runs: [kept, ...contents.runs].slice(0, RUNS_MAX),
    };
    this.vfs.writeFileAtomic(this.path, Buffer.from(`${JSON.stringify(this.contents, null, 1)}\n`));
  }

  private get path(): string {
    return join(this.dataDirectory, HISTORY_FILE);
  }

  private read(warn: (message: string) => void): Contents {
    const { vfs, path } = this;
    if (!vfs.exists(path)) return NONE;
    try {
      return history.parse(JSON.parse(Buffer.from(vfs.readFile(path)).toString()));
    } catch (error) {
      warn(
        `${path} cannot be read, nothing is known of earlier backups: ${(error as Error).message.slice(0, 200)}`,
      );
      return NONE;
    }
  }
}
