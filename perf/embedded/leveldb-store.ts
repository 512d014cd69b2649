/** LevelDB through classic-level, the binding that most Node programs use. */
import { createRequire } from 'node:module';
import { ClassicLevel, type OpenOptions } from 'classic-level';
import type { EmbeddedStore, Entry, StoreSettings } from './embedded-store.js';

/** Entries that an iterator brings from the native side in one go. */
const SCAN_ENTRIES = 1000;
/** Sorts behind every key of the harness. */
const KEY_END = Buffer.from([0xff]);

interface LevelOptions extends OpenOptions {
  readonly cacheSize: number;
  readonly writeBufferSize?: number;
}

class LevelDbStore implements EmbeddedStore {
  readonly description: string;
  private db: ClassicLevel<Uint8Array, Uint8Array> | undefined;

  constructor(private readonly options: LevelOptions) {
    const { version } = createRequire(import.meta.url)('classic-level/package.json') as { version: string };
    this.description = `classic-level ${version}, sync: false, defaults but ${JSON.stringify(options)}`;
  }

  async open(directory: string): Promise<void> {
    const encodings = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const;
    this.db = new ClassicLevel(directory, { ...this.options, ...encodings });
    await this.db.open();
  }

  async load(batch: readonly Entry[]): Promise<void> {
    // An array is as fast as a chained batch here, and there is no synchronous way.
    await this.opened.batch(batch.map(({ key, value }) => ({ type: 'put', key, value })));
  }

  async compact(): Promise<void> {
    await this.opened.compactRange(Buffer.alloc(0), KEY_END);
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.opened.getSync(key);
  }

  async scan(onEntry: (key: Uint8Array, value: Uint8Array) => void): Promise<void> {
    const iterator = this.opened.iterator();
    for (;;) {
      const entries = await iterator.nextv(SCAN_ENTRIES);
      if (entries.length === 0) break;
      for (const [key, value] of entries) onEntry(key, value);
    }
    await iterator.close();
  }

  compactionFigures(): string {
    return this.opened.getProperty('leveldb.stats');
  }

  async close(): Promise<void> {
    await this.opened.close();
  }

  private get opened(): ClassicLevel<Uint8Array, Uint8Array> {
    if (this.db === undefined) throw new Error('the store is not open');
    return this.db;
  }
}

/** As it comes, with the cache that all engines get. Its write buffer is 4 MiB, its tables 2 MiB. */
export function levelDb({ cacheBytes }: StoreSettings): EmbeddedStore {
  return new LevelDbStore({ cacheSize: cacheBytes });
}

/** With a write buffer as large as our memtable as well. */
export function levelDbTuned({ cacheBytes, writeBufferBytes }: StoreSettings): EmbeddedStore {
  return new LevelDbStore({ cacheSize: cacheBytes, writeBufferSize: writeBufferBytes });
}
