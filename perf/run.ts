/** A whole run: the rounds, one after the other, and the record of them. */
import { type IdleFigures, MEASUREMENTS, type Measurement, type Round } from './figures.js';
import { measure, measureIdle } from './measurements.js';
import type { Options } from './options.js';
import { ProgressLine } from './progress.js';
import { judge } from './ratios.js';
import { type PerfRecord, recordHead } from './record.js';
import { warningsOf } from './warnings.js';

/**
 * Alternating: what disturbs the machine for a while (a neighbour, heat) falls on all measurements of a round alike, and
 * ratios within the round stay true.
 */
export async function runRounds(options: Options, command: string): Promise<PerfRecord> {
  const chosen = MEASUREMENTS.filter((name) => options.only.includes(name));
  const perRound = chosen.filter((name): name is Exclude<Measurement, 'idle'> => name !== 'idle');
  const isIdleChosen = chosen.includes('idle');
  const progress = new ProgressLine(perRound.length * options.rounds + (isIdleChosen ? 1 : 0));
  const head = recordHead(command);
  const startMs = performance.now();
  let idle: IdleFigures | undefined;
  if (isIdleChosen) {
    progress.next('idle');
    idle = await measureIdle(options);
  }
  const rounds: Round[] = [];
  let longestMs = 0;
  for (let number = 1; perRound.length > 0 && number <= options.rounds; number++) {
    const roundStartMs = performance.now();
    if (roundStartMs + longestMs > startMs + options.limitSeconds * 1000) break;
    const round: Round = {};
    for (const name of perRound) {
      progress.next(`round ${number} of ${options.rounds}: ${name}`);
      await measure(name, options, round);
    }
    rounds.push(round);
    longestMs = Math.max(longestMs, performance.now() - roundStartMs);
  }
  progress.clear();
  const { json, history, profile, ...configuration } = options;
  const surroundings = { fileSystem: head.machine.fileSystem, loadAverage: head.loadAverage };
  return {
    ...head,
    configuration,
    ratios: judge(rounds, idle),
    warnings: warningsOf(rounds, options, surroundings),
    idle,
    rounds,
  };
}
