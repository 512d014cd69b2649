/**
 * A database in memory for tests of SQL: documents as JSON text, sorted by `_id`, in several shards, with indexes whose entries
 * are made by brute force. It is everything that the binder, the planner and the executor ask for: catalog, statistics,
 * snapshots to read and a writer. memory-sql.ts runs SQL text over it.
 */
import type { IndexColumn, IndexDefinition } from '../../../src/indexes/definition.js';
import { IndexEntry, IndexInUse } from '../../../src/indexes/index-entry.js';
import { extractorOf } from '../../../src/runtime/index-extractors.js';
import type { CheckConstraint, ColumnDeclaration } from '../../../src/sql/algebra/statement.js';
import type {
  CatalogView,
  StatisticsView,
  SystemTableView,
  TableView,
} from '../../../src/sql/catalog-view.js';
import type {
  DocumentPlace,
  DocumentSource,
  DocumentWrite,
  DocumentWriter,
  ScanCounters,
  ScanPartition,
  SystemRows,
  Visit,
  WriteResult,
} from '../../../src/sql/execute/source.js';
import type { SqlValue } from '../../../src/sql/types/values.js';

/** A document, or an index entry: `key` is then the encoded one. */
interface Entry {
  readonly key: Uint8Array;
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly length: number;
  readonly seqno: number;
}

/** By the bytes of their keys, per shard. Never changed: a write makes new arrays, so that snapshots stay as they are. */
type Shards = readonly (readonly Entry[])[];

interface Collection {
  readonly table: TableView;
  shards: Shards;
}

export interface CollectionOptions {
  readonly columns?: readonly ColumnDeclaration[];
  readonly checks?: readonly CheckConstraint[];
}

export interface IndexOptions {
  readonly include?: readonly (readonly string[])[];
  readonly unique?: boolean;
  /** SQL text; loadExtractors() has to be awaited before. */
  readonly where?: string;
}

export interface SystemTable extends SystemTableView {
  readonly rows: readonly Readonly<Record<string, SqlValue>>[];
}

const FIRST_INDEX_ID = 1000;

export class MemoryDatabase implements CatalogView, StatisticsView, DocumentWriter, SystemRows {
  readonly autoCreateCollections = true;
  private readonly collections = new Map<string, Collection>();
  private readonly systemTables = new Map<string, SystemTable>();
  private seqno = 0;
  private generatedIds = 0;
  private nextIndexId = FIRST_INDEX_ID;
  /** Called before each batch is written: a test may write something else in between. */
  beforeWrite: (() => void) | undefined;

  constructor(readonly shardCount = 3) {}

  createCollection(name: string, { columns = [], checks = [] }: CollectionOptions = {}): void {
    const table: TableView = { name, id: this.collections.size + 1, columns, checks, indexes: [] };
    this.collections.set(name, { table, shards: Array.from({ length: this.shardCount }, () => []) });
  }

  createIndex(
    name: string,
    collection: string,
    columns: readonly (Partial<IndexColumn> & { readonly path: readonly string[] })[],
    { include = [], unique = false, where }: IndexOptions = {},
  ): IndexDefinition {
    const found = this.collectionOf(collection);
    const definition: IndexDefinition = {
      id: this.nextIndexId++,
      name,
      collection,
      collectionId: found.table.id,
      columns: columns.map((column) => {
        const descending = column.descending ?? false;
        return { nullsFirst: descending, ...column, descending };
      }),
      include,
      where,
      unique,
      state: 'valid',
      createdAt: '2026-01-01T00:00:00.000Z',
    };
    const table = { ...found.table, indexes: [...found.table.indexes, definition] };
    this.collections.set(collection, { table, shards: found.shards });
    return definition;
  }

  addSystemTable(table: SystemTable): void {
    this.systemTables.set(table.name, table);
  }

  /** Documents as objects or as JSON text; each has an `_id`. */
  load(name: string, documents: readonly (string | Readonly<Record<string, unknown>>)[]): void {
    if (!this.collections.has(name)) this.createCollection(name);
    const writes = documents.map((document): DocumentWrite => {
      const text = typeof document === 'string' ? document : JSON.stringify(document);
      return { id: (JSON.parse(text) as { _id: string })._id, text, expects: 'any' };
    });
    this.apply(name, writes);
  }

  /** Text of all documents, by `_id`. */
  documents(name: string): string[] {
    return this.collectionOf(name)
      .shards.flat()
      .sort((a, b) => Buffer.compare(a.key, b.key))
      .map(textOf);
  }

  /** What there is now, for one statement. */
  snapshot(): DocumentSource {
    const byId = new Map<number, Shards>();
    for (const { table, shards } of this.collections.values()) {
      byId.set(table.id, shards);
      for (const index of table.indexes) byId.set(index.id, indexShards(index, shards));
    }
    return new MemorySnapshot(this.shardCount, byId, (id) => this.shardOf(id));
  }

  index(indexId: number): IndexDefinition & { readonly entries: number; readonly bytes: number } {
    for (const { table, shards } of this.collections.values()) {
      const found = table.indexes.find(({ id }) => id === indexId);
      if (found === undefined) continue;
      const entries = shards.flat().length;
      return { ...found, entries, bytes: entries * 40 };
    }
    throw new Error(`no index ${indexId}`);
  }

  // What the binder and the planner ask.

  table(name: string): TableView | undefined;
  table(collectionId: number): { readonly documents: number; readonly bytes: number } | undefined;
  table(
    which: string | number,
  ): TableView | { readonly documents: number; readonly bytes: number } | undefined {
    if (typeof which === 'string') return this.collections.get(which)?.table;
    const found = [...this.collections.values()].find(({ table }) => table.id === which);
    if (found === undefined) return undefined;
    const entries = found.shards.flat();
    return { documents: entries.length, bytes: entries.reduce((sum, { length }) => sum + length, 0) };
  }

  field(): undefined {
    return undefined;
  }

  systemTable(name: string): SystemTableView | undefined {
    return this.systemTables.get(name);
  }

  tableNames(): readonly string[] {
    return [...this.collections.keys()];
  }

  rows(table: string): readonly Readonly<Record<string, SqlValue>>[] {
    return this.systemTables.get(table)?.rows ?? [];
  }

  // DocumentWriter.

  write(collection: string, writes: readonly DocumentWrite[]): readonly WriteResult[] {
    this.beforeWrite?.();
    if (!this.collections.has(collection)) this.createCollection(collection);
    return this.apply(collection, writes);
  }

  current(collectionId: number, id: string): { readonly text: string; readonly seqno: number } | undefined {
    for (const { table, shards } of this.collections.values()) {
      if (table.id !== collectionId) continue;
      const key = Buffer.from(id);
      const entries = shards[this.shardOf(key)];
      const found = entries[lowerBound(entries, key)];
      if (found === undefined || Buffer.compare(found.key, key) !== 0) return undefined;
      return { text: textOf(found), seqno: found.seqno };
    }
    return undefined;
  }

  generatedId(): string {
    this.generatedIds++;
    return `generated-${String(this.generatedIds).padStart(6, '0')}`;
  }

  private collectionOf(name: string): Collection {
    const found = this.collections.get(name);
    if (found === undefined) throw new Error(`no collection ${name}`);
    return found;
  }

  private shardOf(key: Uint8Array): number {
    let hash = 7;
    for (const byte of key) hash = (Math.imul(hash, 31) + byte) | 0;
    return Math.abs(hash) % this.shardCount;
  }

  private apply(name: string, writes: readonly DocumentWrite[]): WriteResult[] {
    const collection = this.collectionOf(name);
    const maps = collection.shards.map(
      (entries) => new Map(entries.map((entry) => [Buffer.from(entry.key).toString('latin1'), entry])),
    );
    const results = writes.map(({ id, text, expects }): WriteResult => {
      const key = Buffer.from(id);
      const map = maps[this.shardOf(key)];
      const mapKey = key.toString('latin1');
      const there = map.get(mapKey);
      const isAsExpected =
        expects === 'any' || (expects === 'absent' ? there === undefined : there?.seqno === expects);
      if (!isAsExpected) return { status: 'conflict', seqno: there?.seqno ?? 0 };
      const seqno = ++this.seqno;
      if (text === undefined) map.delete(mapKey);
      else {
        JSON.parse(text);
        const bytes = Buffer.from(text);
        map.set(mapKey, { key, bytes, offset: 0, length: bytes.length, seqno });
      }
      return { status: 'written', seqno };
    });
    collection.shards = maps.map((map) =>
      packed([...map.values()].sort((a, b) => Buffer.compare(a.key, b.key))),
    );
    return results;
  }
}

const textOf = ({ bytes, offset, length }: Entry): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + offset, length).toString('utf8');

/** All texts of a shard in one buffer, as in a block: offsets are not 0, and there is something behind each text. */
function packed(entries: readonly Entry[]): Entry[] {
  const total = entries.reduce((sum, { length }) => sum + length, 0);
  const bytes = new Uint8Array(total + 16).fill(0x7d);
  let offset = 8;
  return entries.map((entry) => {
    bytes.set(entry.bytes.subarray(entry.offset, entry.offset + entry.length), offset);
    const moved = { ...entry, bytes, offset };
    offset += entry.length;
    return moved;
  });
}

function indexShards(index: IndexDefinition, shards: Shards): Shards {
  const inUse = new IndexInUse(index, extractorOf(index));
  const out = new IndexEntry();
  return shards.map((documents) =>
    documents
      .flatMap(({ key, bytes, offset, length, seqno }): Entry[] => {
        inUse.entryOf(bytes, offset, length, key, 0, key.length, out);
        if (!out.isPresent) return [];
        const value = out.value.bytes.slice(0, out.value.length);
        return [{ key: out.key.finish(), bytes: value, offset: 0, length: value.length, seqno }];
      })
      .sort((a, b) => Buffer.compare(a.key, b.key)),
  );
}

/** The first entry whose key is not below this one. */
function lowerBound(entries: readonly Entry[], key: Uint8Array): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (Buffer.compare(entries[middle].key, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

class MemorySnapshot implements DocumentSource {
  constructor(
    readonly shards: number,
    private readonly byId: ReadonlyMap<number, Shards>,
    private readonly shardOf: (key: Uint8Array) => number,
  ) {}

  scan(
    collectionId: number,
    { shard, lower, upper }: ScanPartition,
    backward: boolean,
    visit: Visit,
    counters?: ScanCounters[],
  ): void {
    const all = this.byId.get(collectionId) ?? [];
    const parts = all.map((entries, number) => {
      const start = lower === undefined ? 0 : lowerBound(entries, lower);
      const end = upper === undefined ? entries.length : lowerBound(entries, upper);
      return { number, entries: entries.slice(start, Math.max(start, end)) };
    });
    const chosen = parts.filter(({ number }) => shard < 0 || number === shard);
    const merged = chosen.flatMap(({ number, entries }) => entries.map((entry) => ({ number, entry })));
    if (shard < 0) merged.sort((a, b) => Buffer.compare(a.entry.key, b.entry.key));
    if (backward) merged.reverse();
    for (const { number, entry } of merged) {
      const counter = counters?.[number];
      if (counter !== undefined) counter.rows++;
      if (!visit(entry, entry.key, 0, entry.key.length)) return;
    }
  }

  get(collectionId: number, id: string, counters?: ScanCounters[]): DocumentPlace | undefined {
    const key = Buffer.from(id);
    return this.getByKey(collectionId, key, 0, key.length, counters);
  }

  getByKey(
    collectionId: number,
    key: Uint8Array,
    keyOffset: number,
    keyLength: number,
    counters?: ScanCounters[],
  ): DocumentPlace | undefined {
    const wanted = key.slice(keyOffset, keyOffset + keyLength);
    const shard = this.shardOf(wanted);
    const entries = this.byId.get(collectionId)?.[shard] ?? [];
    const found = entries[lowerBound(entries, wanted)];
    const counter = counters?.[shard];
    if (counter !== undefined) counter.rows++;
    return found !== undefined && Buffer.compare(found.key, wanted) === 0 ? found : undefined;
  }

  partitions(collectionId: number, count: number): readonly ScanPartition[] {
    const shards = this.byId.get(collectionId) ?? [];
    const perShard = Math.max(1, Math.ceil(count / this.shards));
    return shards.flatMap((entries, shard) => {
      const step = Math.max(1, Math.ceil(entries.length / perShard));
      const parts: ScanPartition[] = [];
      for (let start = 0; start < Math.max(entries.length, 1); start += step) {
        const lower = start === 0 ? undefined : entries[start].key;
        const upper = start + step < entries.length ? entries[start + step].key : undefined;
        parts.push({ shard, lower, upper });
      }
      return parts;
    });
  }
}
