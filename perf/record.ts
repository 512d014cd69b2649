/** One run, as it is printed and as it is kept in perf/history.ndjson. */
import { appendFileSync } from 'node:fs';
import type { IdleFigures, Round } from './figures.js';
import type { Machine, SourceState } from './machine.js';
import type { Options } from './options.js';
import type { Ratio } from './ratios.js';

export interface PerfRecord {
  readonly date: string;
  readonly command: string;
  readonly source: SourceState;
  readonly machine: Machine;
  /** Of the minute before the run. */
  readonly loadAverage: number;
  readonly configuration: Omit<Options, 'json' | 'history' | 'profile'>;
  readonly ratios: readonly Ratio[];
  readonly warnings: readonly string[];
  readonly idle: IdleFigures | undefined;
  readonly rounds: readonly Round[];
}

const DIGITS = 5;

/** Figures are good to a few digits; the rest would only make lines long. */
export function recordLine(record: PerfRecord): string {
  return JSON.stringify(record, (_name, value: unknown) =>
    typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(DIGITS)) : value,
  );
}

/** One write of one line: a run that is cut off leaves no half of it. */
export function appendRecord(record: PerfRecord, file: string): void {
  appendFileSync(file, `${recordLine(record)}\n`);
}
