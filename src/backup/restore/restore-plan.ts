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
  | { readonly kind: 'latest' }
  /** As an interrupted run of the same restore has found it. */
  | { readonly kind: 'decided'; readonly seqno: number; readonly catalog: string | undefined };

export interface RestorePlan {
  readonly chain: Chain;
  readonly stream: StreamSurvey | undefined;
  /** By shard. */
  readonly rows: readonly LogRow[];
  readonly seqno: number;
  /** The object of the stream whose catalog holds; undefined: that of the backup. */
  readonly catalog: string | undefined;
  /** For people: why the stream leads no further, when it should; null when it does not end early. */
  readonly shortfall: string | null;
  /** What can be restored with this backup: from its tables to the end of what is known of all shards. */
  readonly reachable: { readonly from: number; readonly to: number; readonly untilMs: number };
}

export interface PlanOptions {
  readonly chain: Chain;
  readonly stream: StreamSurvey | undefined;
  readonly point: RestorePoint;
  /** Names of earlier backups that can give a seqno or a time back, for the message that this one cannot. */
  readonly earlier?: (wanted: { readonly seqno: number } | { readonly timeMs: number }) => Promise<string[]>;
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
  const plan = { chain, stream, rows, reachable, shortfall: shortfallOf(rows, to) };
  switch (point.kind) {
    case 'backup':
      return { ...plan, seqno: manifest.seqno, catalog: undefined };
    case 'latest':
      return { ...plan, seqno: to, catalog: chooseCatalog(options, to, ({ seqno }) => seqno <= to) };
    case 'seqno': {
      const { seqno } = point;
      if (seqno < from) throw await tooEarly(options, `seqno ${seqno}`, from, { seqno });
      if (seqno > to) throw tooLate(rows, `seqno ${seqno}`, reachable);
      return { ...plan, seqno, catalog: chooseCatalog(options, seqno, (each) => each.seqno < seqno) };
    }
    case 'time': {
      const { timeMs } = point;
      const { seqno, isBounded, lastWallClockMs } = await findSeqno(rows, timeMs, to, options);
      const what = new Date(timeMs).toISOString();
      // At the very seqno of the tables nothing says when their last operations were, but that they were there for the backup.
      const isKnown = seqno > from || from === 0 || timeMs >= takenAtMs;
      if (seqno < from || !isKnown) throw await tooEarly(options, what, from, { timeMs });
      // Nothing later is known: then it must be known that nothing was written up to then.
      if (!isBounded && timeMs > untilMs)
        throw tooLate(rows, what, { ...reachable, untilMs: Math.max(untilMs, lastWallClockMs) });
      // By its seqno, and by its time only where nothing was written behind it: clocks may have gone back.
      const isInForce = (each: CatalogName): boolean =>
        each.seqno < seqno || (each.seqno === seqno && each.wallClockMs <= timeMs);
      return { ...plan, seqno, catalog: chooseCatalog(options, seqno, isInForce) };
    }
    case 'decided': {
      const { seqno, catalog } = point;
      if (seqno > to) throw tooLate(rows, `seqno ${seqno}`, reachable);
      return { ...plan, seqno, catalog };
    }
  }
}

/**
 * The last catalog of the stream that was in force at `seqno`; undefined: that of the backup, which is the newer one when the stream
 * has none from behind it. The stream need not have seen what the backup has: it may have been off then.
 */
function chooseCatalog(
  { chain, stream }: PlanOptions,
  seqno: number,
  isInForce: (catalog: CatalogName) => boolean,
): string | undefined {
  const last = stream?.catalogs.filter(isInForce).at(-1);
  if (last === undefined) return undefined;
  const ofBackup = chain[0].manifest.seqno;
  return seqno >= ofBackup && last.seqno < ofBackup ? undefined : catalogName(last);
}

async function tooEarly(
  { chain, earlier }: PlanOptions,
  what: string,
  from: number,
  wanted: { readonly seqno: number } | { readonly timeMs: number },
): Promise<DbError> {
  const { name, manifest } = chain[0];
  const names = (await earlier?.(wanted)) ?? [];
  const such = names.length === 0 ? '' : `, such as ${names.join(' or ')}`;
  return new DbError(
    'VALIDATION',
    `${what} lies before what backup ${name} can give back (its tables reach to seqno ${from}, it was taken at ` +
      `${manifest.taken_at}): take an earlier backup as the source${such}`,
    { from, backup: name },
  );
}

function tooLate(rows: readonly LogRow[], what: string, { to, untilMs }: RestorePlan['reachable']): DbError {
  const until = `seqno ${to}, ${new Date(untilMs).toISOString()}`;
  const why = shortfallOf(rows, to);
  const message =
    why === null
      ? `${what} lies behind the end of what is known (${until}): --to-latest takes all there is, --wal-source names a WAL stream`
      : `${what} cannot be reached: ${why}. This backup leads to ${until}; one that was taken behind it leads further`;
  return new DbError('VALIDATION', message, { to });
}

function shortfallOf(rows: readonly LogRow[], to: number): string | null {
  for (const { shard, reach, goesOnAt, lostThrough } of rows) {
    if (reach !== to) continue;
    if (goesOnAt !== undefined)
      return `the WAL stream of shard ${shard} has a gap between seqno ${reach} and ${goesOnAt}`;
    if (lostThrough !== undefined)
      return `the WAL stream of shard ${shard} has lost its end: it went to seqno ${lostThrough} and ends at ${reach}`;
  }
  return null;
}
