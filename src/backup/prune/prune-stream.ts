/**
 * Removes what a WAL stream (stream/stream-names.ts) has from before its retention. Moments that lie within it stay within reach:
 * the pieces behind the newest complete backup from before it stay, whatever their age. Without a backup of a database nothing of
 * its stream is removed: nobody knows what it is needed for.
 */
import { shardName } from '../../tools/shard-place.js';
import type { FoundBackup } from '../manifest/backup-folder.js';
import type { ObjectStore } from '../store/object-store.js';
import { parseCatalogName, parsePieceName, STREAM_CATALOGS } from '../stream/stream-names.js';

export interface PruneStreamOptions {
  /** The folder of streams. */
  readonly folder: ObjectStore;
  /** Backups that stay. */
  readonly kept: readonly FoundBackup[];
  readonly walMs: number;
  readonly nowMs: number;
  readonly isDry: boolean;
  readonly signal?: AbortSignal;
}

export interface PrunedStream {
  readonly instance: string;
  readonly objects: number;
  readonly bytes: number;
  /** The backup from which on all of the stream stays. */
  readonly since: string;
}

type Complete = Extract<FoundBackup, { state: 'complete' }>;

/** Of each database that has backups and a stream. */
export async function pruneStreams(options: PruneStreamOptions): Promise<PrunedStream[]> {
  const { folder, kept, nowMs, walMs } = options;
  const pruned: PrunedStream[] = [];
  const instances = new Set(
    kept.flatMap((each) => (each.state === 'complete' ? [each.manifest.instance_id] : [])),
  );
  for (const instance of (await folder.folders('')).filter((name) => instances.has(name))) {
    const base = baseOf(kept, instance, nowMs - walMs);
    if (base === undefined) continue;
    const outdated = await outdatedObjects(folder.below(instance), base, nowMs - walMs);
    if (!options.isDry) {
      for (const { name } of outdated) {
        options.signal?.throwIfAborted();
        await folder.below(instance).delete(name);
      }
    }
    const bytes = outdated.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    pruned.push({ instance, objects: outdated.length, bytes, since: base.name });
  }
  return pruned;
}

/** The newest complete backup of all collections from before that time, else the oldest one there is. */
function baseOf(kept: readonly FoundBackup[], instance: string, beforeMs: number): Complete | undefined {
  const takenMs = ({ manifest }: Complete): number => Date.parse(manifest.taken_at);
  const ofInstance = kept
    .filter((each): each is Complete => each.state === 'complete')
    .filter(({ manifest }) => manifest.instance_id === instance && manifest.collections === null)
    .sort((a, b) => takenMs(a) - takenMs(b));
  return ofInstance.filter((each) => takenMs(each) <= beforeMs).at(-1) ?? ofInstance.at(0);
}

interface Outdated {
  readonly name: string;
  readonly sizeBytes: number;
}

/** Oldest first: an interrupted run leaves no gap. */
async function outdatedObjects(
  stream: ObjectStore,
  { manifest }: Complete,
  beforeMs: number,
): Promise<Outdated[]> {
  const outdated: Outdated[] = [];
  for (let shard = 0; shard < manifest.shards; shard++) {
    for await (const { name, sizeBytes, modifiedMs } of stream.list(`${shardName(shard)}/`)) {
      const piece = parsePieceName(shard, name);
      if (piece === undefined) continue;
      // What comes behind the first piece that stays does so, too.
      if (piece.through > manifest.seqno || modifiedMs >= beforeMs) break;
      outdated.push({ name, sizeBytes });
    }
  }
  const catalogs: (Outdated & { readonly seqno: number; readonly modifiedMs: number })[] = [];
  for await (const { name, sizeBytes, modifiedMs } of stream.list(STREAM_CATALOGS)) {
    const seqno = parseCatalogName(name)?.seqno;
    if (seqno !== undefined && seqno <= manifest.seqno) catalogs.push({ name, sizeBytes, modifiedMs, seqno });
  }
  // The last one at or before the backup holds when the pieces that stay begin.
  for (const { name, sizeBytes, modifiedMs } of catalogs.slice(0, -1))
    if (modifiedMs < beforeMs) outdated.push({ name, sizeBytes });
  return outdated;
}
