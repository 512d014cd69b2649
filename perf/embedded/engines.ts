/** The engines that can be measured. An adapter is imported in the process that measures it, and only there. */
import type { EmbeddedStore, StoreSettings } from './embedded-store.js';

type Factory = (settings: StoreSettings) => Promise<EmbeddedStore>;

/** In the order in which a round measures them. A new engine is one line. */
export const ENGINES = {
  leveldb: async (settings) => (await import('./leveldb-store.js')).levelDb(settings),
  'leveldb-tuned': async (settings) => (await import('./leveldb-store.js')).levelDbTuned(settings),
  lumadb: async (settings) => new (await import('./lumadb-store.js')).LumaDbStore(settings),
  lmdb: async () => new (await import('./lmdb-store.js')).LmdbStore(),
} satisfies Readonly<Record<string, Factory>> as Readonly<Record<string, Factory>>;

export const ENGINE_NAMES = Object.keys(ENGINES);
/** What the ratios are to. */
export const REFERENCE_ENGINE = 'leveldb';
/** Measured only when asked for. */
const EXTRA_ENGINES = ['leveldb-tuned'];
export const DEFAULT_ENGINES = ENGINE_NAMES.filter((name) => !EXTRA_ENGINES.includes(name));
