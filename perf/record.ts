/** One run, as it is printed and as it is kept in perf/history.ndjson. */
import { appendFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import type { IdleFigures, Round } from './figures.js';
import type { OutputOptions } from './flags.js';
import { describeMachine, describeSource, type Machine, type SourceState } from './machine.js';
import type { Options } from './options.js';
import { HISTORY_FILE } from './package-root.js';
import type { Ratio } from './ratios.js';

/** What every record begins with, whichever harness wrote it. Those of `npm run perf` have no `kind`. */
export interface RecordHead {
  readonly date: string;
  readonly command: string;
  readonly source: SourceState;
  readonly machine: Machine;
  /** Of the minute before the run. */
  readonly loadAverage: number;
}

/** To be taken when the run begins. */
export function recordHead(command: string): RecordHead {
  const [loadAverage] = loadavg();
  return {
    date: new Date().toISOString(),
    command,
    source: describeSource(),
    machine: describeMachine(),
    loadAverage,
  };
}

export interface PerfRecord extends RecordHead {
  readonly configuration: Omit<Options, 'json' | 'history' | 'profile'>;
  readonly ratios: readonly Ratio[];
  readonly warnings: readonly string[];
  readonly idle: IdleFigures | undefined;
  readonly rounds: readonly Round[];
}

const DIGITS = 5;

/** Figures are good to a few digits; the rest would only make lines long. */
export function recordLine(record: RecordHead): string {
  return JSON.stringify(record, (_name, value: unknown) =>
    typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(DIGITS)) : value,
  );
}

/** One write of one line: a run that is cut off leaves no half of it. */
export function appendRecord(record: RecordHead, file: string): void {
  appendFileSync(file, `${recordLine(record)}\n`);
}

/** Prints the record, as one line or as `render` shows it, and keeps it when it is to be kept. */
export function publishRecord<T extends RecordHead>(
  record: T,
  { json, history }: Pick<OutputOptions, 'json' | 'history'>,
  render: (record: T) => string,
): void {
  console.log(json ? recordLine(record) : render(record));
  if (history) appendRecord(record, HISTORY_FILE);
}
