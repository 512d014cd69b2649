/**
 * `lumadb reshard`: spreads the documents of a data directory over another number of shards. Offline. The steps:
 *
 * 1. building: the logs of the old shards are brought into tables, and new shards are written under `reshard/`. A crash
 *    leaves the old layout as it was; the next run builds anew.
 * 2. switching, from the moment `reshard.json` says so: old shards move to `reshard-old-<time>/`, new ones to their
 *    places, meta.json gets the new number, the journal goes. A crash leaves something that the next run finishes,
 *    and that no server opens.
 *
 * The old shards are kept unless `deleteOld`. Needs about the size of the data on top of it.
 */
import type { Clock } from '../base/clock.js';
import { DbError } from '../base/errors.js';
import type { Vfs } from '../vfs/vfs.js';
import { ByteProgress, type OnProgress } from './byte-progress.js';
import { walBytes } from './check-wal.js';
import { droppedCollections, type KnownCollections, validIndexes } from './collections.js';
import { tableBytes } from './fsck-shard.js';
import { type OfflineTuning, openOfflineShard } from './offline-shard.js';
import { type BuildResult, buildShards, type SourceShard } from './reshard-build.js';
import { type ReshardJournal, readJournal, removeJournal, writeJournal } from './reshard-journal.js';
import { type ShardPlace, shardName, shardPlaces } from './shard-place.js';

/** What belongs to the owner of the data directory and not to the storage of a shard. */
export interface Layout {
  /** Stores the number of shards in meta.json, durably. */
  setShardCount(shards: number): void;
  /** Removes a directory with all that is in it; nothing if there is none. */
  removeTree(path: string): void;
}

export interface ReshardOptions {
  readonly vfs: Vfs;
  readonly dataDirectory: string;
  /** Shards there are, and shards there shall be. */
  readonly from: number;
  readonly to: number;
  readonly collections: KnownCollections;
  readonly layout: Layout;
  readonly tuning: OfflineTuning;
  readonly clock: Clock;
  /** Remove the old shards when all is done. */
  readonly deleteOld: boolean;
  readonly onProgress?: OnProgress;
}

export interface ReshardReport {
  readonly from: number;
  readonly to: number;
  /** True when this run finished what an earlier one had built. */
  readonly resumed: boolean;
  /** Null when an earlier run built the shards. */
  readonly built: BuildResult | null;
  /** Where the old shards are; null when they were removed. */
  readonly oldDirectory: string | null;
}

const BUILD_DIRECTORY = 'reshard';
/** Tables of the new shards can come out a little larger: other neighbours, other compression. */
const SPACE_FACTOR = 1.1;

/**
 * Throws DbError: CONFIG (nothing to do, or another reshard is unfinished), DISK_FULL, CORRUPT_* (repair first), IO. After
 * any of them the same call can be made again.
 */
export function reshard(options: ReshardOptions): ReshardReport {
  const { vfs, dataDirectory, to } = options;
  const unfinished = readJournal(vfs, dataDirectory);
  if (unfinished?.state === 'switching') {
    requireSame(unfinished, to);
    return finish(options, unfinished, null);
  }
  const { from } = options;
  if (from === to) throw new DbError('CONFIG', `the database has ${from} shards already`, { shards: from });
  // First of all: what an earlier run left may be what takes the space.
  options.layout.removeTree(`${dataDirectory}/${BUILD_DIRECTORY}`);
  requireSpace(options);
  const journal = { from, to, old: freeName(options) };
  writeJournal(vfs, dataDirectory, { ...journal, state: 'building' });
  const built = buildOrClear(options);
  const switching: ReshardJournal = { ...journal, state: 'switching' };
  writeJournal(vfs, dataDirectory, switching);
  return finish(options, switching, built);
}

/** A build that fails gives back the space it took, as far as that is possible: the next run does the rest. */
function buildOrClear(options: ReshardOptions): BuildResult {
  try {
    return build(options);
  } catch (error) {
    try {
      options.layout.removeTree(`${options.dataDirectory}/${BUILD_DIRECTORY}`);
    } catch {
      // What ended the build is the error to report.
    }
    throw error;
  }
}

function build(options: ReshardOptions): BuildResult {
  const { vfs, dataDirectory, from, to, collections, tuning } = options;
  const places = shardPlaces(vfs, dataDirectory, from);
  const logBytes = places.map(walBytes);
  const total = logBytes.reduce((sum, bytes) => sum + bytes, 0);
  // The logs become tables, so their bytes are read twice at most.
  const progress = new ByteProgress(2 * total + sizeOf(places), options.onProgress);
  const flushed = places.map((place, index) => {
    const shard = flushShard(options, place);
    progress.add(logBytes[index]);
    return shard;
  });
  const result = buildShards({
    sources: flushed,
    targets: shardPlaces(vfs, `${dataDirectory}/${BUILD_DIRECTORY}`, to),
    lastSeqno: Math.max(...flushed.map(({ lastSeqno }) => lastSeqno)),
    databaseSeconds: Math.max(...flushed.map(({ databaseSeconds }) => databaseSeconds)),
    collections,
    tuning,
    progress,
  });
  // What the logs became was smaller than they were: the rest of the bar.
  progress.add(2 * total + sizeOf(places));
  return result;
}

interface FlushedShard extends SourceShard {
  readonly lastSeqno: number;
  readonly databaseSeconds: number;
}

/** Opens one shard, brings its log into tables, and closes it again. */
function flushShard({ tuning, clock, collections }: ReshardOptions, place: ShardPlace): FlushedShard {
  const shard = openOfflineShard({
    place,
    tuning,
    clock,
    // No document is dropped because of what a wall clock says now: the manifests know how far database time has come.
    nowSeconds: 0,
    droppedCollections: droppedCollections(collections),
    indexes: validIndexes(collections),
    onWalDamage: 'stop',
  });
  try {
    shard.flushAll();
    const { operationIds, databaseSeconds } = shard.manifestState();
    const { lastSeqno } = shard;
    return { place, version: shard.store.version, operationIds, databaseSeconds, lastSeqno };
  } finally {
    shard.close();
  }
}

/** Every step may have been done by an earlier run already. */
function finish(options: ReshardOptions, journal: ReshardJournal, built: BuildResult | null): ReshardReport {
  const { vfs, dataDirectory, layout, deleteOld } = options;
  const { from, to } = journal;
  const old = `${dataDirectory}/${journal.old}`;
  const next = `${dataDirectory}/${BUILD_DIRECTORY}`;
  vfs.makeDirectory(old);
  for (let shard = 0; shard < from; shard++) {
    const kept = `${old}/${shardName(shard)}`;
    // What stands in the place of a shard that has been moved is the new one.
    if (!vfs.exists(kept)) vfs.rename(`${dataDirectory}/${shardName(shard)}`, kept);
  }
  // Durable before a new shard takes the name of an old one.
  vfs.syncDirectory(old);
  vfs.syncDirectory(dataDirectory);
  for (let shard = 0; shard < to; shard++) {
    const made = `${next}/${shardName(shard)}`;
    if (vfs.exists(made)) vfs.rename(made, `${dataDirectory}/${shardName(shard)}`);
  }
  vfs.syncDirectory(dataDirectory);
  if (vfs.exists(next)) vfs.syncDirectory(next);
  layout.setShardCount(to);
  layout.removeTree(next);
  removeJournal(vfs, dataDirectory);
  if (deleteOld) layout.removeTree(old);
  return { from, to, resumed: built === null, built, oldDirectory: deleteOld ? null : old };
}

function requireSame({ to }: ReshardJournal, asked: number): void {
  if (to === asked) return;
  throw new DbError(
    'CONFIG',
    `an earlier reshard to ${to} shards is unfinished: run lumadb reshard --shards ${to} first`,
    { unfinished: to, asked },
  );
}

function requireSpace({ vfs, dataDirectory, from }: ReshardOptions): void {
  const places = shardPlaces(vfs, dataDirectory, from);
  const logged = places.reduce((sum, place) => sum + walBytes(place), 0);
  const neededBytes = Math.ceil((sizeOf(places) + 2 * logged) * SPACE_FACTOR);
  const freeBytes = vfs.freeBytes(dataDirectory);
  if (freeBytes >= neededBytes) return;
  throw new DbError(
    'DISK_FULL',
    `a reshard of ${dataDirectory} needs about ${neededBytes} bytes beside the data, ${freeBytes} are free`,
    { neededBytes, freeBytes },
  );
}

function sizeOf(places: readonly ShardPlace[]): number {
  return places.reduce((sum, place) => sum + tableBytes(place), 0);
}

/** A name that nothing has: what an earlier reshard has left is not mixed up with what this one moves away. */
function freeName({ vfs, dataDirectory, clock }: ReshardOptions): string {
  const name = `reshard-old-${timestamp(clock)}`;
  let candidate = name;
  for (let count = 2; vfs.exists(`${dataDirectory}/${candidate}`); count++) candidate = `${name}_${count}`;
  return candidate;
}

/** `20260101T120000Z`. */
function timestamp(clock: Clock): string {
  return new Date(clock.wallMs()).toISOString().replace(/[-:]|\.\d+/g, '');
}
