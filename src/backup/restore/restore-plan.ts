/**
 * What a restore is going to do: to which seqno, by which pieces of the log, with which catalog. Reads backups and streams and
 * changes nothing. Any thread.
 */
import { DbError } from '../../base/errors.js';
import type { Chain } from '../manifest/chain.js';
import { type CatalogName, catalogName } from '../stream/stream-names.js';
import { findSeqno } from './find-seqno.js';
import { type LogRow, logRow } from './log-row.js';
import type { StreamSurvey } from './stream-survey.js';

/** To where: without any of them, to the seqno of the backup. */
export type RestorePoint =
  | { readonly kind: 'backup' }
  | { readonly kind: 'seqno'; readonly seqno: number }
  /** ms since 1970. */
  | { readonly kind: 'time'; readonly timeMs: number }
  /** All that the stream has. */
  | { readonly kind: 'latest' };

export interface RestorePlan {
  readonly chain: Chain;
  readonly stream: StreamSurvey | undefined;
  /** By shard. */
  readonly rows: readonly LogRow[];
  readonly seqno: number;
  /** The object of the stream whose catalog holds; undefined: that of the backup. */
  readonly catalog: string | undefined;
  /** What can be restored with this backup: from its tables to the end of what is known of all shards. */
  readonly reachable: { readonly from: number; readonly to: number; readonly untilMs: number };
}

export interface PlanOptions {
  readonly chain: Chain;
  readonly stream: StreamSurvey | undefined;
  readonly point: RestorePoint;
  readonly key?: Uint8Array;
  readonly signal?: AbortSignal;
}

/** Throws VALIDATION for a point that cannot be reached, saying what can; CORRUPT_BACKUP; what the stores throw. */
export async function planRestore(options: PlanOptions): Promise<RestorePlan> {
  const { chain, stream, point } = options;
  const { manifest } = chain[0];
  const rows = Array.from({ length: manifest.shards }, (_, shard) => logRow(chain, stream, shard));
  const to = Math.min(...rows.map(({ reach }) => reach));
  const from = Math.max(...rows.map(({ flushedSeqno }) => flushedSeqno));
  const takenAtMs = Date.parse(manifest.taken_at);
  const { head } = stream ?? {};
  const untilMs = head !== undefined && head.seqno <= to ? Math.max(head.takenAtMs, takenAtMs) : takenAtMs;
  const reachable = { from, to, untilMs };
  const plan = { chain, stream, rows, reachable };
  const catalogs = stream?.catalogs ?? [];
  switch (point.kind) {
    case 'backup':
      return { ...plan, seqno: manifest.seqno, catalog: undefined };
    case 'latest':
      return { ...plan, seqno: to, catalog: lastOf(catalogs) };
    case 'seqno': {
      const { seqno } = point;
      if (seqno < from) throw tooEarly(options, `seqno ${seqno}`, from);
      if (seqno > to) throw tooLate(rows, `seqno ${seqno}`, reachable);
      return { ...plan, seqno, catalog: lastOf(catalogs.filter((each) => each.seqno < seqno)) };
    }
    case 'time': {
      const { timeMs } = point;
      const { seqno, isBounded } = await findSeqno(rows, timeMs, to, options);
      const what = new Date(timeMs).toISOString();
      if (seqno < from) throw tooEarly(options, what, from);
      // Nothing later is known: then it must be known that nothing was written up to then.
      if (!isBounded && timeMs > untilMs) throw tooLate(rows, what, reachable);
      return { ...plan, seqno, catalog: lastOf(catalogs.filter(({ wallClockMs }) => wallClockMs <= timeMs)) };
    }
  }
}

function lastOf(catalogs: readonly CatalogName[]): string | undefined {
  const last = catalogs.at(-1);
  return last === undefined ? undefined : catalogName(last);
}

function tooEarly({ chain }: PlanOptions, what: string, from: number): DbError {
  const { name, manifest } = chain[0];
  return new DbError(
    'VALIDATION',
    `${what} lies before what backup ${name} can give back (its tables reach to seqno ${from}, it was taken at ` +
      `${manifest.taken_at}): take an earlier backup as the source`,
    { from, backup: name },
  );
}

function tooLate(rows: readonly LogRow[], what: string, { to, untilMs }: RestorePlan['reachable']): DbError {
  const until = `seqno ${to}, ${new Date(untilMs).toISOString()}`;
  const gap = rows.find(({ reach, goesOnAt }) => goesOnAt !== undefined && reach === to);
  if (gap === undefined) {
    return new DbError(
      'VALIDATION',
      `${what} lies behind the end of what is known (${until}): --to-latest takes all there is, --wal-source names a WAL stream`,
      { to },
    );
  }
  return new DbError(
    'VALIDATION',
    `${what} cannot be reached: the WAL stream of shard ${gap.shard} has a gap between seqno ${gap.reach} and ` +
      `${gap.goesOnAt ?? gap.reach}. This backup leads to ${until}; one that was taken behind the gap leads further`,
    { to, shard: gap.shard },
  );
}
