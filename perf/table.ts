/** Prints a record for people. */
import Table from 'cli-table3';
import pc from 'picocolors';
import { type Figures, median, ROW_TITLES, type Row } from './figures.js';
import { type Ratio, verdict } from './ratios.js';
import type { PerfRecord } from './record.js';

const PLAIN_STYLE = { head: [], border: [] };
const BORDERS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: ' ',
};

/** A table without borders; the `rightAligned` columns after the first are numbers. */
export function newTable(head: readonly string[], rightAligned: number): InstanceType<typeof Table> {
  const colAligns = head.map((_, i) => (i > 0 && i <= rightAligned ? ('right' as const) : ('left' as const)));
  return new Table({ head: head.map(pc.bold), colAligns, style: PLAIN_STYLE, chars: BORDERS });
}

const count = (value: number): string => Math.round(value).toLocaleString('en-US');
const ms = (value: number): string => value.toFixed(value < 10 ? 3 : 1);

function figuresTable(record: PerfRecord): string {
  const head = ['', 'ops/s', 'min–max', 'p50 ms', 'p99 ms', 'p99.9 ms', 'server cores', 'client cores'];
  const table = newTable(head, head.length);
  for (const row of Object.keys(ROW_TITLES) as Row[]) {
    const all = record.rounds.flatMap((round) => round[row] ?? []);
    if (all.length === 0) continue;
    const of = (field: (figures: Figures) => number): number => median(all.map(field));
    const rates = all.map(({ opsPerSecond }) => opsPerSecond);
    table.push([
      ROW_TITLES[row],
      count(of((figures) => figures.opsPerSecond)),
      `${count(Math.min(...rates))}–${count(Math.max(...rates))}`,
      ms(of((figures) => figures.p50Ms)),
      ms(of((figures) => figures.p99Ms)),
      ms(of((figures) => figures.p999Ms)),
      of((figures) => figures.serverCores).toFixed(2),
      all[0].clientCores === undefined ? '' : of((figures) => figures.clientCores ?? 0).toFixed(2),
    ]);
  }
  return table.toString();
}

export function ratiosTable(ratios: readonly Ratio[]): string {
  const table = newTable(['', 'median', 'min–max', 'goal', ''], 3);
  for (const ratio of ratios) {
    const { value, min, max, unit, goal, isFloor, isReached } = ratio;
    const text = verdict(ratio);
    table.push([
      ratio.name,
      `${value.toFixed(2)} ${unit}`,
      min === max ? '' : `${min.toFixed(2)}–${max.toFixed(2)}`,
      `${isFloor ? '≥' : '<'} ${goal} ${unit}`,
      isReached ? pc.green(text) : pc.red(text),
    ]);
  }
  return table.toString();
}

export function renderRecord(record: PerfRecord): string {
  const { machine, configuration, rounds } = record;
  const { connections, keys, documentBytes, seconds, frameOperations, window } = configuration;
  const lines = [
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.fileSystem}, Node ${machine.node}`,
    `${rounds.length} rounds of ${seconds} s, ${connections} connections, ${count(keys)} documents of ${documentBytes} bytes; ` +
      `WebSocket: ${frameOperations} operations a frame, ${window} frames under way per connection`,
  ];
  if (rounds.some((round) => Object.keys(round).length > 0)) lines.push('', figuresTable(record));
  if (record.ratios.length > 0) lines.push('', ratiosTable(record.ratios));
  for (const warning of record.warnings) lines.push(pc.yellow(`Note: ${warning}.`));
  return lines.join('\n');
}
