/** One run of the SQL comparison, as it is kept in perf/history.ndjson, its ratios, and what its reader must know. */
import { type Goal, type Ratio, ratioOf } from '../ratios.js';
import type { RecordHead } from '../record.js';
import { surroundingsWarnings } from '../warnings.js';
import { COMPARISON_NAMES, COMPARISONS } from './comparisons.js';
import { type InterferenceFigures, isPoint, type SqlFigures, type SqlRound } from './figures.js';
import type { SqlOptions } from './options.js';
import type { PeerName } from './peer.js';

export interface SqlRecord extends RecordHead {
  readonly kind: 'sql';
  readonly configuration: Omit<SqlOptions, 'json' | 'history' | 'profile'>;
  readonly loadSeconds: Partial<Record<PeerName, number>>;
  /** Answers that were compared and found equal, before anything was timed; 0 without PostgreSQL. */
  readonly comparedAnswers: number;
  readonly rounds: readonly SqlRound[];
  readonly ratios: readonly Ratio[];
  readonly interference: InterferenceFigures | undefined;
  readonly warnings: readonly string[];
}

/** The longest that a p99 may be while a query runs. */
const PUT_P99_MS_MAX = 10;
/** A single-threaded load generator this busy is the bottleneck itself. */
const CLIENT_CORES_MAX = 0.95;
const ACHIEVED_SHARE_MIN = 0.99;

/** How many times as fast LumaDB was. */
function speedUp(luma: SqlFigures, postgres: SqlFigures): number {
  if (isPoint(luma) && isPoint(postgres)) return luma.opsPerSecond / postgres.opsPerSecond;
  if (isPoint(luma) || isPoint(postgres)) throw new Error('figures of different kinds');
  return postgres.medianMs / luma.medianMs;
}

export function sqlRatios(
  rounds: readonly SqlRound[],
  interference: InterferenceFigures | undefined,
  cores: number,
): Ratio[] {
  const ratios: Ratio[] = [];
  for (const name of COMPARISON_NAMES) {
    const values = rounds.flatMap((round) => {
      const { lumadb, postgres } = round[name] ?? {};
      return lumadb === undefined || postgres === undefined ? [] : speedUp(lumadb, postgres);
    });
    const { title, goal } = COMPARISONS[name];
    if (values.length > 0) ratios.push(ratioOf({ name: title, unit: '×', goal, isFloor: true }, values));
  }
  if (interference !== undefined) ratios.push(...interferenceRatios(interference, cores));
  return ratios;
}

function interferenceRatios(figures: InterferenceFigures, cores: number): Ratio[] {
  const { putsAlone, putsBeside, streamBeside, queryCores } = figures;
  const share: Goal = {
    name: 'PUT throughput beside a query / alone',
    unit: '×',
    // What is left of the machine when the query has the cores that it takes.
    goal: Number(Math.max(0, 1 - queryCores / cores).toFixed(2)),
    isFloor: true,
  };
  const wait: Goal = { name: 'PUT p99 beside a query', unit: 'ms', goal: PUT_P99_MS_MAX, isFloor: false };
  return [
    ratioOf(share, [putsBeside.opsPerSecond / putsAlone.opsPerSecond]),
    ratioOf(wait, [streamBeside.p99Ms]),
  ];
}

export function sqlWarnings(
  head: RecordHead,
  options: SqlOptions,
  rounds: readonly SqlRound[],
  interference: InterferenceFigures | undefined,
): string[] {
  const warnings = surroundingsWarnings(head.machine.fileSystem, head.loadAverage, options.smoke);
  if (options.peers.length === 1) warnings.push(`only ${options.peers[0]} was measured: there are no ratios`);
  for (const name of options.only) {
    for (const peer of options.peers) {
      const isSaturated = rounds.some((round) => {
        const figures = round[name]?.[peer];
        return figures !== undefined && isPoint(figures) && figures.clientCores > CLIENT_CORES_MAX;
      });
      if (isSaturated)
        warnings.push(`${name} on ${peer}: the load generator was saturated; the server could do more`);
    }
  }
  if (interference !== undefined) {
    const { streamAlone, streamBeside } = interference;
    for (const { opsPerSecond } of [streamAlone, streamBeside])
      if (opsPerSecond < options.putRate * ACHIEVED_SHARE_MIN)
        warnings.push('the stream of PUTs was not kept up with; its latency is that of a backlog');
  }
  return [...new Set(warnings)];
}
