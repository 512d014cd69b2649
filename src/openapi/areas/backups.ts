/** What the server knows of backups, its own and those that it is told of. */
import { z } from 'zod';
import type { Area } from '../operation.js';
import { count, timestamp } from '../values.js';

const job = z.enum(['full', 'incremental', 'restore_drill', 'verify', 'prune']);
const seconds = z.number().nonnegative();
const outcome = z.enum(['ok', 'failed']);

const run = z
  .object({
    job,
    started_at: timestamp,
    seconds,
    outcome,
    backup: z.string().nullable(),
    message: z.string().nullable(),
  })
  .meta({ id: 'BackupRun' });

const schedule = z.object({
  destination: z.string().meta({ description: 'Empty: there is none.' }),
  running: z.string().nullable(),
  waiting: z.array(z.string()),
  next: z.array(z.object({ job: z.string(), cron: z.string(), at: timestamp.nullable() })),
});

const stream = z
  .object({ seqno: count, lag_seconds: seconds, gaps: count, error: z.string().nullable() })
  .nullable()
  .meta({ description: 'Null: none is configured.' });

const backupReport = z
  .object({
    last_success: z.record(z.string(), timestamp.nullable()).meta({ description: 'By job.' }),
    last_verified_at: timestamp.nullable(),
    schedule,
    wal_stream: stream,
    runs: z.array(run),
  })
  .meta({ id: 'BackupReport' });

const notedBackup = z
  .strictObject({
    job: job.exclude(['prune']),
    started_at: timestamp,
    seconds,
    outcome,
    backup: z.string().nullable().optional(),
    message: z.string().nullable().optional(),
  })
  .meta({ id: 'NotedBackup' });

const STORAGE = 'admin:storage';

export const backups: Area = {
  tag: 'Backups',
  description: 'When backups last went well, whoever made them.',
  operations: [
    {
      method: 'get',
      path: '/admin/backups',
      operationId: 'backupReport',
      summary: 'See when backups last went well, the schedule and the WAL stream',
      needs: STORAGE,
      answers: { 200: { description: 'The report.', body: backupReport } },
    },
    {
      method: 'post',
      path: '/admin/backups',
      operationId: 'noteBackup',
      summary: 'Tell of a backup that was made or checked',
      description: 'What `lumadb backup` does, so that alerts know.',
      needs: STORAGE,
      body: { schema: notedBackup },
      answers: { 201: { description: 'It is noted.', body: z.object({ noted: z.literal(true) }) } },
    },
  ],
};
