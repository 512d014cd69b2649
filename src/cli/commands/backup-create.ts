/** `lumadb backup`: makes a backup of a running server's database, or of a stopped one. */

import { setPriority } from 'node:os';
import { resolve } from 'node:path';
import type { BackupReport } from '../../backup/create/create-backup.js';
import { parseLocation } from '../../backup/store/locations.js';
import { systemClock } from '../../base/clock.js';
import type { Config } from '../../config/schema.js';
import { listenForInterruption } from '../backup/interruption.js';
import type { Lease } from '../backup/lease.js';
import { noteRun } from '../backup/note.js';
import { type BackupStoreOptions, keyOf, required } from '../backup/options.js';
import type { ConnectionOptions } from '../connection.js';
import { bytesText, configOf } from '../offline.js';
import { EXIT_OK, print, printError, printJson } from '../output.js';
import { startByteBar } from '../progress.js';

export interface CreateCliOptions extends ConnectionOptions, BackupStoreOptions {
  readonly destination?: string;
  readonly type: 'full' | 'incremental';
  readonly parent?: string;
  readonly compression?: Config['backup']['compression'];
  readonly collections?: readonly string[];
  /** False for --no-nice. */
  readonly nice: boolean;
  /** False for --no-note. */
  readonly note: boolean;
}

const NICE = 10;

export async function create(options: CreateCliOptions): Promise<number> {
  const destination = required(options.destination, '--destination');
  const config = await configOf(options);
  const dataDirectory = resolve(config.storage.data_dir);
  const { requireOutside } = await import('../../runtime/outside-directory.js');
  const place = parseLocation(destination);
  if (place.kind === 'local') requireOutside(place.path, dataDirectory);
  if (options.nice) lowerPriority();
  const interruption = listenForInterruption('the same command again goes on where this one ended');
  try {
    const startedMs = systemClock.wallMs();
    const { takeLease } = await import('../backup/lease.js');
    const lease = await takeLease(options, dataDirectory);
    try {
      const report = await backUp(options, config, destination, lease, interruption.signal);
      if (options.json) printJson(jsonOf(report, destination));
      else printReport(report, destination);
      const { type: job, name: backup } = report;
      await noteRun(options, config, { job, startedMs, outcome: 'ok', backup, message: null });
      return EXIT_OK;
    } finally {
      await lease.end();
    }
  } finally {
    interruption.stop();
  }
}

async function backUp(
  options: CreateCliOptions,
  config: Config,
  location: string,
  lease: Lease,
  interrupted: AbortSignal,
): Promise<BackupReport> {
  const { makeBackup } = await import('../../runtime/backup/make-backup.js');
  const bar = await startByteBar('backing up');
  try {
    return await makeBackup({
      config,
      checkpointDirectory: lease.path,
      location,
      type: options.type,
      parent: options.parent,
      compression: options.compression ?? config.backup.compression,
      key: keyOf(options, config),
      collections: options.collections,
      threads: options.parallel ?? 1,
      bytesPerSecond: options.rateLimit ?? (config.backup.rate_limit || undefined),
      signal: AbortSignal.any([interrupted, lease.lost]),
      onProgress: (done, total) => bar.update(done, total),
    });
  } finally {
    bar.stop();
  }
}

/** The server comes first. */
function lowerPriority(): void {
  try {
    setPriority(NICE);
  } catch {
    // It is a courtesy; where it is not allowed the backup is made all the same.
  }
}

const mibPerSecond = ({ rawBytes, seconds }: BackupReport): number =>
  rawBytes / 1e6 / Math.max(seconds, 0.001);

function jsonOf(report: BackupReport, destination: string): Record<string, unknown> {
  return {
    id: report.id,
    destination,
    name: report.name,
    type: report.type,
    parent: report.parent,
    full_because: report.fullBecause,
    seqno: report.seqno,
    taken_at: report.takenAt,
    files_copied: report.filesCopied,
    files_reused: report.filesReused,
    files_resumed: report.filesResumed,
    raw_bytes: report.rawBytes,
    stored_bytes: report.storedBytes,
    database_bytes: report.databaseBytes,
    seconds: Number(report.seconds.toFixed(3)),
    mb_per_second: Number(mibPerSecond(report).toFixed(1)),
  };
}

function printReport(report: BackupReport, destination: string): void {
  const { type, parent, fullBecause, seqno, takenAt, filesCopied, filesReused, filesResumed } = report;
  if (fullBecause !== null)
    printError(`note: a full backup was made, and no incremental one: ${fullBecause}`);
  const upon = parent === null ? '' : ` upon ${parent}`;
  print(`${type} backup ${report.id}${upon} in ${destination}`);
  print(`the database as of ${takenAt}, seqno ${seqno}: ${bytesText(report.databaseBytes)}`);
  const resumed = filesResumed === 0 ? '' : `, ${filesResumed} by an earlier run`;
  print(
    `${filesCopied} files copied${resumed}, ${filesReused} held by earlier backups; ${bytesText(report.rawBytes)} read, ` +
      `${bytesText(report.storedBytes)} stored; ${report.seconds.toFixed(1)} s, ${mibPerSecond(report).toFixed(1)} MB/s`,
  );
}
