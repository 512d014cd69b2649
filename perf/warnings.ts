/** What a reader must know before believing the figures. */
import { ROW_TITLES, type Round, type Row } from './figures.js';
import type { Options } from './options.js';

/** Less than this part of the rate that was asked for means that something was saturated at half of the peak. */
const ACHIEVED_SHARE_MIN = 0.99;
/** A single-threaded load generator this busy is the bottleneck itself. */
const CLIENT_CORES_MAX = 0.95;
/** Rounds further apart than this were disturbed. */
const SPREAD_MAX = 1.5;

/** Runnable threads in the minute before; a run right after another one sees its own tail. */
const LOAD_AVERAGE_MAX = 1;

export interface Surroundings {
  readonly fileSystem: string;
  readonly loadAverage: number;
}

export function warningsOf(
  rounds: readonly Round[],
  options: Options,
  { fileSystem, loadAverage }: Surroundings,
): string[] {
  const warnings = new Set<string>();
  for (const round of rounds) {
    for (const [row, figures] of Object.entries(round) as [Row, NonNullable<Round[Row]>][]) {
      const { targetOpsPerSecond = 0, opsPerSecond, clientCores = 0 } = figures;
      if (opsPerSecond < targetOpsPerSecond * ACHIEVED_SHARE_MIN)
        warnings.add(`${title(row)}: the rate was not kept up with; its latency is that of a backlog`);
      if (clientCores > CLIENT_CORES_MAX)
        warnings.add(`${title(row)}: the load generator was saturated; the server could do more`);
    }
  }
  for (const row of Object.keys(ROW_TITLES) as Row[]) {
    const rates = rounds.flatMap((round) => round[row]?.opsPerSecond ?? []);
    if (Math.max(...rates) > SPREAD_MAX * Math.min(...rates))
      warnings.add(`${title(row)}: the rounds are far apart; something else ran on this machine`);
  }
  const left = options.rounds - rounds.length;
  if (rounds.length > 0 && left > 0)
    warnings.add(
      `the last ${left} of ${options.rounds} rounds did not fit into --limit-seconds and were left out`,
    );
  for (const warning of surroundingsWarnings(fileSystem, loadAverage, options.smoke)) warnings.add(warning);
  return [...warnings];
}

/** What holds for every harness. */
export function surroundingsWarnings(fileSystem: string, loadAverage: number, isSmoke: boolean): string[] {
  const warnings: string[] = [];
  if (loadAverage > LOAD_AVERAGE_MAX)
    warnings.push(`the machine was not idle before the run (load average ${loadAverage.toFixed(1)})`);
  if (fileSystem === 'tmpfs') warnings.push('the temporary directory is in memory: durable writes were not');
  if (isSmoke) warnings.push('a smoke run: the figures mean nothing');
  return warnings;
}

function title(row: Row): string {
  return ROW_TITLES[row].trim();
}
