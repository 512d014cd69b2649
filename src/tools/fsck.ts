/**
 * `lumadb fsck`: checks a whole data directory and changes nothing. Findings are data, not exceptions: a check goes on
 * behind what it finds. Offline it reads everything; beside a running server (`isLive`) it reads tables and finished WAL
 * segments, and a shard that changed while errors were found in it is checked again.
 */
import type { Clock } from '../base/clock.js';
import type { CollectionFigures } from '../manifest/version-edit.js';
import type { Vfs } from '../vfs/vfs.js';
import { ByteProgress, type OnProgress } from './byte-progress.js';
import { walBytes } from './check-wal.js';
import type { KnownCollections } from './collections.js';
import type { Finding } from './findings.js';
import { checkShard, type ShardCheck, tableBytes } from './fsck-shard.js';
import { type ShardPlace, shardName, shardPlaces } from './shard-place.js';

export interface FsckOptions {
  readonly vfs: Vfs;
  readonly dataDirectory: string;
  readonly shards: number;
  readonly collections: KnownCollections;
  /** Number of the only collection to check; what concerns no single collection is checked all the same. */
  readonly only?: number;
  /** A server holds the directory. */
  readonly isLive: boolean;
  readonly clock: Clock;
  readonly onProgress?: OnProgress;
}

export interface FsckTotals {
  readonly tables: number;
  readonly blocks: number;
  readonly entries: number;
  /** Of table files. */
  readonly bytes: number;
  readonly walRecords: number;
  readonly walBytes: number;
  readonly seconds: number;
}

export interface FsckReport {
  readonly findings: readonly Finding[];
  /** Findings beyond those listed. */
  readonly omitted: number;
  readonly errors: number;
  readonly warnings: number;
  readonly totals: FsckTotals;
  /** What was not checked, and why, in sentences. */
  readonly notes: readonly string[];
  /** Documents in tables per collection, over all shards. */
  readonly figures: readonly CollectionFigures[];
}

/** Throws DbError('IO') only when the data directory itself cannot be listed. */
export function fsck(options: FsckOptions): FsckReport {
  const { vfs, dataDirectory, shards, clock, isLive } = options;
  const startMs = clock.monotonicMs();
  const places = shardPlaces(vfs, dataDirectory, shards);
  const nowSeconds = Math.ceil(clock.wallMs() / 1000);
  const progress = new ByteProgress(totalBytes(places), options.onProgress);
  const checks = places.map((place) => checkShard({ ...options, place, progress, nowSeconds }));
  const strays = strayShards(options);
  const sum = (pick: (check: ShardCheck) => number): number =>
    checks.reduce((total, check) => total + pick(check), 0);
  return {
    findings: [...checks.flatMap(({ findings }) => findings.all), ...strays],
    omitted: sum(({ findings }) => findings.omitted),
    errors: sum(({ findings }) => findings.errors),
    warnings: sum(({ findings }) => findings.warnings) + strays.length,
    totals: {
      tables: sum(({ tables }) => tables),
      blocks: sum(({ blocks }) => blocks),
      entries: sum(({ entries }) => entries),
      bytes: sum(({ bytes }) => bytes),
      walRecords: sum(({ wal }) => wal.records),
      walBytes: sum(({ wal }) => wal.bytes),
      seconds: (clock.monotonicMs() - startMs) / 1000,
    },
    notes: [
      ...(isLive
        ? ['a server holds this directory: the WAL was checked up to its last finished segment only']
        : []),
      ...checks.flatMap(({ notes }) => notes),
    ],
    figures: addUp(checks.map(({ figures }) => figures)),
  };
}

function totalBytes(places: readonly ShardPlace[]): number {
  // Tables are read twice: each by itself, and all of a shard in one merge.
  return places.reduce((sum, place) => sum + 2 * tableBytes(place) + walBytes(place), 0);
}

/** Directories that look like shards which this database does not have: its documents would be invisible. */
function strayShards({ vfs, dataDirectory, shards }: FsckOptions): Finding[] {
  return vfs
    .list(dataDirectory)
    .filter((name) => /^shard-\d{4}$/.test(name) && Number(name.slice(6)) >= shards)
    .map((name) => ({
      severity: 'warning' as const,
      shard: Number(name.slice(6)),
      file: `${dataDirectory}/${name}`,
      offset: null,
      reason: `the database has ${shards} shards, the last is ${shardName(shards - 1)}: nothing reads this directory`,
    }));
}

function addUp(parts: readonly (readonly CollectionFigures[])[]): CollectionFigures[] {
  const sums = new Map<number, CollectionFigures>();
  for (const { collection, documents, bytes } of parts.flat()) {
    const before = sums.get(collection) ?? { collection, documents: 0, bytes: 0 };
    sums.set(collection, {
      collection,
      documents: before.documents + documents,
      bytes: before.bytes + bytes,
    });
  }
  return [...sums.values()].sort((a, b) => a.collection - b.collection);
}
