/** The dashboard's table of shards, and what holds writes back. Pure. */
import type { Figures, ShardFigures } from './figures.js';
import { harmless, type Line, piece, type Style, wrapped } from './line.js';
import { countText, sizeText } from './units.js';

interface Column {
  readonly title: string;
  readonly width: number;
  readonly text: (shard: ShardFigures) => string;
}

const COLUMNS: readonly Column[] = [
  { title: 'SHARD', width: 5, text: ({ shard }) => String(shard) },
  { title: 'OPS/S', width: 8, text: ({ operations_per_second: operations }) => countText(operations) },
  { title: 'MEMTABLE', width: 12, text: ({ memtable_bytes: bytes }) => sizeText(bytes) },
  { title: 'WAL', width: 12, text: ({ wal_bytes: bytes }) => sizeText(bytes) },
  { title: 'L0', width: 5, text: ({ l0_files: files }) => String(files) },
  { title: 'QUEUE', width: 12, text: ({ queue_bytes: bytes }) => sizeText(bytes) },
];

/** Writes are taken, only later. */
const SLOWDOWN = 'slowdown';
const READY = 'ready';

/** At most `rowsMax` shards; a last line says how many more there are. */
export function shardLines(shards: readonly ShardFigures[], rowsMax: number): Line[] {
  const head = `${COLUMNS.map(({ title, width }) => title.padStart(width)).join('')}  STALL`;
  const shown = shards.length <= rowsMax ? shards : shards.slice(0, Math.max(0, rowsMax - 1));
  const left = shards.length - shown.length;
  return [
    [piece(head, 'bold')],
    ...shown.map((shard) => [
      piece(COLUMNS.map(({ width, text }) => text(shard).padStart(width)).join('')),
      piece(`  ${shard.state === READY ? harmless(shard.stall_cause ?? '-') : shard.state}`, styleOf(shard)),
    ]),
    ...(left === 0 ? [] : [[piece(`      and ${left} more that do not fit`, 'dim')]]),
  ];
}

function styleOf({ state, stall_cause: cause, problem }: ShardFigures): Style {
  if (state !== READY || problem !== null || (cause !== null && cause !== SLOWDOWN)) return 'alarm';
  return cause === null ? 'plain' : 'warning';
}

/** Stalls, read-only mode and a shutdown, with their reasons in full. */
export function reasonLines(figures: Figures, width: number): Line[] {
  const stalls = figures.shards.flatMap(stallText);
  const { read_only: readOnly, draining } = figures;
  return [
    ...reason('Stalls: ', stalls.length === 0 ? 'none' : stalls.join('; '), stallStyle(figures), width),
    ...(readOnly === false
      ? reason('Read-only: ', 'no', 'plain', width)
      : reason(
          'Read-only: ',
          `since ${readOnly.since} by ${readOnly.by}: ${readOnly.reason}`,
          'alarm',
          width,
        )),
    ...(draining === null ? [] : reason('Shutting down: ', draining, 'warning', width)),
  ];
}

function stallText({ shard, state, stall_cause, stalled_seconds, problem }: ShardFigures): string[] {
  const waited = Object.entries(stalled_seconds).map(([cause, seconds]) => `${cause} ${seconds} s`);
  const notes = [
    ...(state === READY ? [] : [state]),
    // A cause that made writes wait is named with the time.
    ...(stall_cause === null || stall_cause in stalled_seconds ? [] : [stall_cause]),
    ...waited,
    ...(problem === null ? [] : [problem]),
  ];
  return notes.length === 0 ? [] : [`shard ${shard} ${notes.join(', ')}`];
}

function stallStyle({ shards }: Figures): Style {
  const styles = shards.map(styleOf);
  if (styles.includes('alarm')) return 'alarm';
  const hasWaited = shards.some(({ stalled_seconds }) => Object.keys(stalled_seconds).length > 0);
  return hasWaited || styles.includes('warning') ? 'warning' : 'plain';
}

function reason(label: string, text: string, style: Style, width: number): Line[] {
  const indent = ' '.repeat(label.length);
  return wrapped(harmless(text), width - label.length).map((line, index) => [
    piece(index === 0 ? label : indent),
    piece(line, style),
  ]);
}
