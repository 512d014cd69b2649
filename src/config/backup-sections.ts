/** The sections of the configuration that are about backups (schema.ts puts all sections together). */
import { z } from 'zod';
import { choice, flag, GIB, integer, MIB, text } from './keys.js';

const TIB = 1024 * GIB;

export const backup = z
  .strictObject({
    encrypt_key_file: text(
      '',
      { empty: true },
      'File with the key (32 bytes or 64 hexadecimal digits) that scheduled backups and the WAL stream are encrypted with; keep a copy elsewhere.',
    ),
    compression: choice(
      ['zstd', 'lz4', 'none'],
      'zstd',
      'Compression of scheduled backups and of the WAL stream, on top of that of the tables. "none" saves CPU and costs space.',
    ),
    rate_limit: integer(
      { default: 0, min: 0, max: TIB, unit: 'bytes/s' },
      'Most bytes a second that a scheduled backup reads. 0 = no limit: backups are quicker and cost reads more.',
    ),
  })
  .prefault({})
  .describe('What all backups that the server makes by itself have in common.');

export const backupS3 = z
  .strictObject({
    endpoint: text(
      '',
      { empty: true },
      'URL of an S3 server other than that of AWS. Credentials come from the environment (AWS_ACCESS_KEY_ID and so on) or ~/.aws.',
    ),
    region: text(
      'us-east-1',
      { empty: false },
      'Region of the bucket. A wrong one costs every request its signature.',
    ),
    path_style: flag(
      true,
      'Whether the bucket is named in the path of a request and not in the host. Most servers other than AWS need it.',
    ),
  })
  .prefault({})
  .describe('Where s3:// destinations are.');

export const walStream = z
  .strictObject({
    destination: text(
      '',
      { empty: true },
      'Directory or s3://bucket/prefix that the log is copied to all the time, for point-in-time restores; empty = off. Costs the writes once more.',
    ),
    interval: integer(
      { default: 10_000, min: 100, max: 3_600_000, unit: 'ms' },
      'How often what was written since is copied: at most this much is lost with the machine. Shorter makes more, smaller objects.',
    ),
    lag_max: integer(
      { default: GIB, min: 16 * MIB, max: TIB, unit: 'bytes' },
      'Log of one shard that is kept for a destination that cannot be reached. Beyond it the stream has a gap, loudly.',
    ),
  })
  .prefault({})
  .describe('The log, copied elsewhere as it grows.');

export const backupSchedule = z
  .strictObject({
    destination: text(
      '',
      { empty: true },
      'Directory or s3://bucket/prefix in which each scheduled backup makes a folder of its own; empty = no backups by schedule.',
    ),
    full: text(
      '',
      { empty: true },
      'Cron expression of full backups, as in "0 2 * * 0"; empty = none. Each costs a copy of all data.',
    ),
    incremental: text(
      '',
      { empty: true },
      'Cron expression of incremental backups, as in "0 2 * * 1-6"; empty = none. Each costs a copy of what is new.',
    ),
    restore_drill: text(
      '',
      { empty: true },
      'Cron expression of drills that restore the newest backup into scratch space and check it; empty = none. Costs that space and CPU.',
    ),
    scratch: text(
      '',
      { empty: true },
      'Directory for restore drills, on a disk with room for all data; empty means <data_dir>/drill.',
    ),
    keep: text(
      'full=4w,incremental=2w,wal=7d',
      { empty: true },
      'What is kept when old backups are removed after each scheduled one; empty = everything, which costs ever more space.',
    ),
    catch_up: flag(
      true,
      'Whether a job whose time passed while the server was down is done a minute after its start. Costs reads at a time that nobody chose.',
    ),
  })
  .prefault({})
  .describe('Backups by the clock of the server, in its local time.');
