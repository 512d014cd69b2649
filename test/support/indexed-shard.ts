/** A shard with secondary indexes over a file system in memory, and its entries against those that its documents should have. */

import { asShardId } from '../../src/base/brand.js';
import { ManualClock } from '../../src/base/clock.js';
import type { IndexDefinition } from '../../src/indexes/definition.js';
import { pathExtractor } from '../../src/indexes/extractor.js';
import { IndexInUse } from '../../src/indexes/index-entry.js';
import { KeyEncoder } from '../../src/indexes/key-encoding.js';
import type { IndexValue } from '../../src/indexes/value.js';
import { keyRange } from '../../src/iter/key-range.js';
import { MergingCursor } from '../../src/iter/merging-cursor.js';
import { STEP_DOCUMENT, VisibleCursor } from '../../src/iter/visible-cursor.js';
import { type OfflineShard, openOfflineShard } from '../../src/tools/offline-shard.js';
import { shardPlace } from '../../src/tools/shard-place.js';
import type { Vfs } from '../../src/vfs/vfs.js';
import { batchOf, type Operation } from './batches.js';
import { jsonText } from './index-values.js';
import { SMALL_TABLES } from './lsm-shard.js';
import { textOf, utf8 } from './text.js';
import { PICKER_OPTIONS } from './versions.js';

export const DATA = '/data';
export const TUNING = {
  tables: SMALL_TABLES,
  picker: { ...PICKER_OPTIONS, levelBaseBytes: 12 * 1024, levelMultiplier: 3, maxJobBytes: 48 * 1024 },
  limits: { levelZeroSlowdown: 8, levelZeroStop: 12, memtablesMax: 4 },
  memtableBytes: 192 * 1024,
  walSegmentBytes: 64 * 1024,
};

export function indexOf(id: number, overrides: Partial<IndexDefinition> = {}): IndexDefinition {
  return {
    id,
    name: `index_${id}`,
    collection: 'users',
    collectionId: 1,
    columns: [{ path: ['a'], descending: false, nullsFirst: false }],
    include: [],
    unique: false,
    state: 'valid',
    createdAt: '2026-01-01T00:00:00.000Z',
    ...overrides,
  };
}

/** What the catalog would say, and the shard. */
export class IndexedShard {
  shard: OfflineShard;
  now = 1000;
  indexes: IndexDefinition[] = [];
  dropped: number[] = [];
  snapshots: number[] = [];
  readonly clock = new ManualClock();

  constructor(
    public vfs: Vfs,
    indexes: readonly IndexDefinition[] = [],
  ) {
    vfs.makeDirectory(DATA);
    this.indexes = [...indexes];
    this.shard = this.open();
  }

  open(): OfflineShard {
    const place = shardPlace(this.vfs, DATA, asShardId(0));
    this.shard = openOfflineShard({
      place,
      tuning: TUNING,
      clock: this.clock,
      nowSeconds: this.now,
      droppedCollections: this.dropped,
      onWalDamage: 'stop',
      indexes: this.inUse(),
      heldSnapshots: () => [...this.snapshots].sort((a, b) => a - b),
    });
    this.shard.scheduler.resume();
    return this.shard;
  }

  /** Tells the shard what the catalog says. */
  setIndexes(): void {
    this.shard.engine.setIndexes(this.inUse());
  }

  write(operations: readonly Operation[]): void {
    while (this.shard.scheduler.flushNow());
    this.shard.engine.writeNow(batchOf(operations, { writtenAt: this.now }));
  }

  private inUse(): IndexInUse[] {
    return this.indexes
      .filter(({ state }) => state !== 'invalid')
      .map((definition) => new IndexInUse(definition, pathExtractor(definition)));
  }

  /** Documents, or entries of an index, that a reader sees: key (hex for entries) to text. */
  visible(collection: number, seqno = Number.MAX_SAFE_INTEGER): Map<string, string> {
    const seen = new Map<string, string>();
    const merge = new MergingCursor(this.shard.cursors());
    const cursor = new VisibleCursor(merge, keyRange({ collection }), seqno, this.now);
    while (cursor.next() === STEP_DOCUMENT) {
      const { key, keyOffset, keyLength, value, valueOffset, valueLength } = cursor.entry;
      const bytes = key.slice(keyOffset, keyOffset + keyLength);
      const name = collection === 1 ? textOf(bytes) : Buffer.from(bytes).toString('hex');
      seen.set(name, textOf(value.slice(valueOffset, valueOffset + valueLength)));
    }
    cursor.close();
    return seen;
  }

  /** What the entries of an index must be at a snapshot, worked out from the documents there. */
  expected(index: IndexDefinition, seqno?: number): Map<string, string> {
    const entries = new Map<string, string>();
    for (const [id, text] of this.visible(1, seqno)) {
      const document: unknown = JSON.parse(text);
      const encoder = new KeyEncoder();
      for (const column of index.columns) encoder.addValue(member(document, column.path), column);
      const bytes = utf8(id);
      const key = encoder.addBytes(bytes, 0, bytes.length).finish();
      const included = index.include.map((path) => jsonText(plain(document, path) ?? null));
      entries.set(
        Buffer.from(key).toString('hex'),
        index.include.length === 0 ? '' : `[${included.join(',')}]`,
      );
    }
    return new Map([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** In words, what is wrong with the entries of an index; undefined if nothing is. */
  fault(index: IndexDefinition, seqno?: number): string | undefined {
    const expected = this.expected(index, seqno);
    const actual = this.visible(index.id, seqno);
    for (const [key, value] of expected) {
      if (actual.get(key) !== value) return `${key}: ${actual.get(key) ?? 'missing'} instead of ${value}`;
    }
    for (const key of actual.keys()) if (!expected.has(key)) return `${key}: stray`;
    return undefined;
  }
}

function plain(document: unknown, path: readonly string[]): unknown {
  let value = document;
  for (const segment of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string, unknown>)[segment];
  }
  return value;
}

function member(document: unknown, path: readonly string[]): IndexValue {
  const value = plain(document, path);
  if (value === undefined || value === null) return null;
  return typeof value === 'object' ? { kind: 'json', text: JSON.stringify(value) } : (value as IndexValue);
}
