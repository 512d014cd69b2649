/** The shards of /status for people: a table of at most 100 columns, and lines for what is unusual about a shard. Pure. */
import { bytesText } from './offline.js';
import { clean, type Fields, isFields, plainTable } from './render.js';
import { wrapped } from './top/line.js';

const WIDTH_MAX = 100;

interface Column {
  readonly title: string;
  readonly text: (shard: Fields) => string;
}

/** `-` for what a server of another version does not tell. */
const plain = (value: unknown): string =>
  value === null || value === undefined ? '-' : clean(String(value));
const size = (value: unknown): string => (typeof value === 'number' ? bytesText(value) : plain(value));
/** A number of things and how large they are together. */
const sized = (count: string, bytes: unknown): string =>
  bytes === undefined ? count : `${count}: ${size(bytes)}`;

const COLUMNS: readonly Column[] = [
  { title: 'shard', text: ({ shard }) => plain(shard) },
  { title: 'state', text: ({ state }) => plain(state) },
  { title: 'seqno', text: ({ seqno }) => plain(seqno) },
  {
    title: 'memtables',
    text: ({ memtables, memtables_max: max, memtable_bytes: bytes }) =>
      sized(`${plain(memtables)} of ${plain(max)}`, bytes),
  },
  {
    title: 'wal',
    text: ({ wal_segments: segments, wal_bytes: bytes }) => sized(plain(segments), bytes),
  },
  { title: 'l0', text: ({ l0_files: files }) => plain(files) },
  { title: 'tables', text: ({ tables, table_bytes: bytes }) => sized(plain(tables), bytes) },
];

/** What is said about a shard only where there is something to say. */
const NOTES: ReadonlyArray<readonly [field: string, label: string]> = [
  ['cause', 'does not serve'],
  ['stall_cause', 'writes are held back'],
  ['writes_refused', 'writes are refused'],
  ['flush_error', 'the last flush failed'],
];

export function shardStatus(shards: readonly Fields[]): string {
  const table = plainTable(
    COLUMNS.map(({ title }) => title),
    shards.map((shard) => COLUMNS.map(({ text }) => text(shard))),
  );
  return [table, ...shards.flatMap(noteLines)].join('\n');
}

function noteLines(shard: Fields): string[] {
  const { pending_compaction_bytes: pending, restarts } = shard;
  const told = NOTES.filter(([field]) => typeof shard[field] === 'string');
  const notes = told.map(([field, label]) => `${label}: ${shard[field]}`);
  if (typeof pending === 'number' && pending > 0) notes.push(`${bytesText(pending)} wait for compaction`);
  if (typeof restarts === 'number' && restarts > 0) notes.push(`restarts: ${restarts}`);
  if (notes.length === 0) return [];
  const label = `shard ${plain(shard['shard'])}  `;
  const lines = wrapped(clean(notes.join('; ')).replaceAll(/[\n\t]/g, ' '), WIDTH_MAX - label.length);
  return lines.map((line, index) => `${index === 0 ? label : ' '.repeat(label.length)}${line}`);
}

/** The shards of a status, if it has any in the form that we know. */
export function shardsOf(status: Fields): readonly Fields[] {
  const { shards } = status;
  return Array.isArray(shards) ? shards.filter(isFields) : [];
}
