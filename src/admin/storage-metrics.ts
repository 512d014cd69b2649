/** The part of /metrics about levels, caches and snapshots. Main thread only. */
import { SampledMetric, single } from './sampled-metric.js';
import type { CacheFacts, LevelFacts, ShardStorageFacts, StorageFacts } from './storage-facts.js';

export function storageMetrics(source: () => StorageFacts): SampledMetric[] {
  const read = oncePerTurn(source);
  return [
    ...levelMetrics(read),
    ...cacheMetrics('lumadb_block_cache', 'SSTable blocks', () => read().blockCache),
    ...cacheMetrics('lumadb_row_cache', 'documents that live in SSTables', () => read().rowCache),
    single(
      'lumadb_snapshots_held',
      'Different snapshots that are held.',
      'gauge',
      () => read().snapshots.held,
    ),
    single(
      'lumadb_oldest_snapshot_age_seconds',
      'How long the oldest snapshot has been held; 0 when there is none.',
      'gauge',
      () => read().snapshots.oldestAgeSeconds,
    ),
    single(
      'lumadb_table_index_bytes',
      'Bytes of indexes and filters of open SSTables, over all threads.',
      'gauge',
      () => read().indexBytes,
    ),
  ];
}

function levelMetrics(read: () => StorageFacts): SampledMetric[] {
  const perLevel = (name: string, help: string, value: (level: LevelFacts) => number): SampledMetric =>
    new SampledMetric(name, help, 'gauge', () =>
      read().shards.flatMap(({ shard, levels }) =>
        levels.map((level) => ({ labels: { shard, level: level.level }, value: value(level) })),
      ),
    );
  const perShard = (name: string, help: string, value: (shard: ShardStorageFacts) => number): SampledMetric =>
    new SampledMetric(name, help, 'gauge', () =>
      read().shards.map((facts) => ({ labels: { shard: facts.shard }, value: value(facts) })),
    );
  return [
    perLevel('lumadb_level_tables', 'SSTables of one level.', ({ tables }) => tables),
    perLevel('lumadb_level_bytes', 'Bytes of SSTables of one level.', ({ bytes }) => bytes),
    perShard(
      'lumadb_pending_compaction_bytes',
      'Bytes that compactions have still to take out of levels that are too full.',
      ({ pendingCompactionBytes }) => pendingCompactionBytes,
    ),
    perShard(
      'lumadb_read_amplification',
      'Sorted runs that a point read may have to look into, at most.',
      ({ readAmplification }) => readAmplification,
    ),
  ];
}

function cacheMetrics(prefix: string, what: string, read: () => CacheFacts): SampledMetric[] {
  const metric = (
    name: string,
    help: string,
    type: 'counter' | 'gauge',
    figure: keyof CacheFacts,
  ): SampledMetric => single(`${prefix}_${name}`, help, type, () => read()[figure]);
  return [
    metric('requests_total', `Lookups in the cache of ${what}.`, 'counter', 'requests'),
    metric('hits_total', `Lookups that the cache of ${what} answered.`, 'counter', 'hits'),
    metric('evictions_total', `Entries of the cache of ${what} that made room.`, 'counter', 'evictions'),
    metric('used_bytes', `Bytes in use in the cache of ${what}.`, 'gauge', 'usedBytes'),
    metric('capacity_bytes', `Size of the cache of ${what}.`, 'gauge', 'capacityBytes'),
  ];
}

/** All metrics of one scrape are read in one turn of the event loop: the facts are gathered once for them. */
function oncePerTurn<T>(source: () => T): () => T {
  let facts: { readonly value: T } | undefined;
  return () => {
    if (facts === undefined) {
      facts = { value: source() };
      setImmediate(() => {
        facts = undefined;
      });
    }
    return facts.value;
  };
}
