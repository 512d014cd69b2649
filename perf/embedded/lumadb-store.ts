/**
 * LumaDB's engine in this process: one shard, its compactor on a thread of its own, the write path that the server uses
 * (batches, write-ahead log, memtables), with durability `os`.
 */
import { pino } from 'pino';
import { hashKey } from '../../src/base/hash.js';
import { WriteBatchEncoder } from '../../src/batch/write-batch-encoder.js';
import { defaultConfig } from '../../src/config/schema.js';
import { ConditionKind } from '../../src/generated/lumadb/schema/condition-kind.js';
import { Durability } from '../../src/generated/lumadb/schema/durability.js';
import { OperationKind } from '../../src/generated/lumadb/schema/operation-kind.js';
import { keyRange } from '../../src/iter/key-range.js';
import { MergingCursor } from '../../src/iter/merging-cursor.js';
import { STEP_DOCUMENT, VisibleCursor } from '../../src/iter/visible-cursor.js';
import { FOUND } from '../../src/memtable/chain-reader.js';
import { EmbeddedShard } from '../../src/runtime/embedded-shard.js';
import {
  SHARD_COMPACTION_READ_BYTES,
  SHARD_COMPACTION_WRITTEN_BYTES,
  SHARD_COMPACTIONS,
  SHARD_FLUSH_BYTES,
  SHARD_FLUSHES,
  SHARD_WAL_BYTES,
} from '../../src/shm/stats-format.js';
import type { EmbeddedStore, Entry, StoreSettings } from './embedded-store.js';

const COLLECTION = 1;

export class LumaDbStore implements EmbeddedStore {
  readonly description: string;
  private readonly encoder = new WriteBatchEncoder();
  private readonly config = defaultConfig();
  private opened: EmbeddedShard | undefined;

  constructor({ cacheBytes }: StoreSettings) {
    this.config.memory.block_cache_size = cacheBytes;
    const { memory } = this.config;
    this.description =
      `lumadb engine in process, one shard, os durability, memtable ${memory.memtable_size}, ` +
      `block cache ${cacheBytes}, no row cache; all else as by default`;
  }

  async open(directory: string): Promise<void> {
    const logger = pino({ level: 'silent' });
    this.opened = EmbeddedShard.open({ directory, config: this.config, durability: Durability.Os, logger });
  }

  load(batch: readonly Entry[]): Promise<void> {
    const { encoder } = this;
    for (const { key, value } of batch) {
      encoder.add(
        OperationKind.Put,
        COLLECTION,
        hashKey(COLLECTION, key, 0, key.length),
        key,
        key.length,
        value,
        0,
        value.length,
        ConditionKind.None,
        0,
        undefined,
        0,
      );
    }
    return this.shard.write(encoder);
  }

  flush(): Promise<void> {
    return this.shard.settle();
  }

  compact(): Promise<void> {
    return this.shard.compactAll();
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const { reader } = this.shard;
    reader.enter();
    const lookup = reader.get(hashKey(COLLECTION, key, 0, key.length), COLLECTION, key, 0, key.length);
    reader.leave();
    if (lookup !== FOUND) return undefined;
    const { bytes, valueOffset, valueLength } = reader;
    return new Uint8Array(bytes.buffer, bytes.byteOffset + valueOffset, valueLength);
  }

  async scan(onEntry: (key: Uint8Array, value: Uint8Array) => void): Promise<void> {
    const { reader } = this.shard;
    reader.enter();
    try {
      const range = keyRange({ collection: COLLECTION });
      const cursor = new VisibleCursor(
        new MergingCursor(reader.cursors(false)),
        range,
        Number.MAX_SAFE_INTEGER,
        0,
      );
      while (cursor.next() === STEP_DOCUMENT) {
        const { key, keyOffset, keyLength, value, valueOffset, valueLength } = cursor.entry;
        onEntry(
          new Uint8Array(key.buffer, key.byteOffset + keyOffset, keyLength),
          new Uint8Array(value.buffer, value.byteOffset + valueOffset, valueLength),
        );
      }
      cursor.close();
    } finally {
      reader.leave();
    }
  }

  compactionFigures(): string {
    const { cells, shard } = this.shard;
    const levels = shard.store.version.levels
      .map((_, level) => shard.store.version.levelTotals(level))
      .map(({ tables, bytes }, level) => `L${level} ${tables}/${Math.round(bytes / 1e6)}MB`);
    return (
      `wal ${cells[SHARD_WAL_BYTES]} B, ${cells[SHARD_FLUSHES]} flushes ${cells[SHARD_FLUSH_BYTES]} B, ` +
      `${cells[SHARD_COMPACTIONS]} compactions read ${cells[SHARD_COMPACTION_READ_BYTES]} B ` +
      `wrote ${cells[SHARD_COMPACTION_WRITTEN_BYTES]} B; ${levels.join(' ')}`
    );
  }

  async close(): Promise<void> {
    await this.shard.close();
  }

  private get shard(): EmbeddedShard {
    if (this.opened === undefined) throw new Error('the store is not open');
    return this.opened;
  }
}
