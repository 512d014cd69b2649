/**
 * The checkpoint that a backup is made of: lent by the server that has the database open, and renewed while it is needed; or
 * made here when no server has it open.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CHECKPOINT_FILE } from '../../backup/checkpoint/checkpoint-file.js';
import { DbError } from '../../base/errors.js';
import { answerMessage, type ConnectionOptions, call, resolveTarget, type Target } from '../connection.js';
import { CliError } from '../output.js';

export interface Lease {
  /** Absolute. */
  readonly path: string;
  /** Aborted, with the reason, when the server has taken it back. */
  readonly lost: AbortSignal;
  /** Gives it back. Never throws: it would go by itself. */
  end(): Promise<void>;
}

const LEASE_SECONDS = 60;
const RENEW_MS = 10_000;

/** `dataDirectory`: of the database. Throws CliError and DbError. */
export async function takeLease(options: ConnectionOptions, dataDirectory: string): Promise<Lease> {
  if (options.host !== undefined || options.port !== undefined) return borrow(await resolveTarget(options));
  const { readAnnouncement } = await import('../../runtime/data-directory.js');
  const ofDirectory = { ...options, dataDir: dataDirectory };
  // A server that is there is asked at once; whoever waits for the lock of its directory waits for nothing.
  if (readAnnouncement(dataDirectory) !== null) return borrow(await resolveTarget(ofDirectory));
  const { leaseOffline } = await import('../../runtime/backup/offline-lease.js');
  try {
    const { path, release } = leaseOffline(dataDirectory);
    return { path, lost: new AbortController().signal, end: async () => release() };
  } catch (error) {
    if (!(error instanceof DbError) || error.code !== 'DATA_DIRECTORY_LOCKED') throw error;
    if (readAnnouncement(dataDirectory) === null) throw error;
    return borrow(await resolveTarget(ofDirectory));
  }
}

/** From a running server. */
async function borrow(to: Target): Promise<Lease> {
  const timeoutMs = 60_000;
  const answer = await call(to, '/admin/checkpoints', {
    method: 'POST',
    body: { lease_seconds: LEASE_SECONDS },
    timeoutMs,
  });
  if (answer.status !== 201) throw new CliError(answerMessage(answer));
  const { id, path } = answer.body as { readonly id: string; readonly path: string };
  const lost = new AbortController();
  const route = `/admin/checkpoints/${encodeURIComponent(id)}`;
  const timer = setInterval(() => void renew(to, route, lost), RENEW_MS);
  const end = async (): Promise<void> => {
    clearInterval(timer);
    await call(to, route, { method: 'DELETE' }).catch(() => {});
  };
  if (existsSync(join(path, CHECKPOINT_FILE))) return { path, lost: lost.signal, end };
  await end();
  throw new CliError(
    `${to.url} has made a checkpoint in ${path}, and it is not to be seen here: run the backup on the server's machine, as a user ` +
      'who may read its data directory',
  );
}

/** A server that does not answer now may do so the next time; a checkpoint that is gone is gone. */
async function renew(to: Target, route: string, lost: AbortController): Promise<void> {
  try {
    const { status } = await call(to, `${route}/renew`, { method: 'POST', body: {} });
    if (status === 404) lost.abort(new CliError('the server has taken the checkpoint back: it had expired'));
  } catch {
    // The lease outlasts several of these.
  }
}
