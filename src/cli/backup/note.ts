/** Tells the server of a backup that was made or checked, for its history, metrics and alerts. A courtesy: it never fails. */

import { resolve } from 'node:path';
import { systemClock } from '../../base/clock.js';
import type { Config } from '../../config/schema.js';
import { type ConnectionOptions, call, resolveTarget } from '../connection.js';

export interface NotedRun {
  readonly job: 'full' | 'incremental' | 'verify' | 'restore_drill';
  readonly startedMs: number;
  readonly outcome: 'ok' | 'failed';
  /** Name of the backup. */
  readonly backup: string | null;
  readonly message: string | null;
}

/** `options.note === false`: somebody else tells it. */
export async function noteRun(
  options: ConnectionOptions & { readonly note?: boolean },
  config: Config,
  { startedMs, ...run }: NotedRun,
): Promise<void> {
  if (options.note === false) return;
  try {
    const dataDirectory = resolve(config.storage.data_dir);
    const { readAnnouncement } = await import('../../runtime/data-directory.js');
    const isNamed = options.host !== undefined || options.port !== undefined;
    if (!isNamed && readAnnouncement(dataDirectory) === null) return;
    const target = await resolveTarget(isNamed ? options : { ...options, dataDir: dataDirectory });
    const seconds = (systemClock.wallMs() - startedMs) / 1000;
    const body = { ...run, started_at: new Date(startedMs).toISOString(), seconds };
    await call(target, '/admin/backups', { method: 'POST', body });
  } catch {
    // Nobody is there who wants to know.
  }
}
