/**
 * The order in which a shard is opened: the manifest is read, the log is replayed on top of it, and only when that has
 * shown that nothing lies between the two are files judged that the manifest does not name. Shard thread, at start.
 */
import { DbError } from '../base/errors.js';
import type { WritableManifest } from './open-manifest.js';
import type { SettledStray } from './stray-files.js';

/** What is looked at of the report of a replay. */
interface Replayed {
  /** Empty when all that was synced was there. */
  readonly damage: readonly unknown[];
}

export interface ReplayedAndSettled<Report> {
  readonly replayed: Report;
  readonly strays: readonly SettledStray[];
}

/**
 * When `replay` throws, no file has been moved or removed; if the log does not reach back to where the tables end, the
 * error says what that means for tables without a name. When it got over damage, such tables stay where they are.
 */
export function settleAfterReplay<Report extends Replayed>(
  manifest: WritableManifest,
  directory: string,
  replay: () => Report,
): ReplayedAndSettled<Report> {
  let replayed: Report;
  try {
    replayed = replay();
  } catch (error) {
    throw withAdvice(error, manifest, directory);
  }
  return { replayed, strays: manifest.settleStrays({ keepTables: replayed.damage.length > 0 }) };
}

function withAdvice(error: unknown, { report, state }: WritableManifest, directory: string): unknown {
  if (!(error instanceof DbError) || error.code !== 'CORRUPT_WAL') return error;
  const { reason, seqnoBefore } = error.details ?? {};
  const isGap = reason === 'the segment is missing' && seqnoBefore === state.flushedSeqno;
  const orphans = report.strays.filter(({ kind }) => kind === 'orphan table').length;
  if (!isGap || orphans === 0) return error;
  const advice =
    `The manifest ends at seqno ${state.flushedSeqno} and does not name ${orphans} tables in ${directory}: it may have lost ` +
    `its last edits. No file was moved or removed. Stop the server, copy the data directory, and run ` +
    `'lumadb repair --collection all', which takes these tables into account`;
  return new DbError(
    error.code,
    `${error.message}. ${advice}`,
    { ...error.details, orphanTables: orphans },
    { cause: error },
  );
}
