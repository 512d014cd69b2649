/**
 * Fills the directories of the shards of a target: tables and a manifest of a backup, and a log that leads to the wanted seqno.
 * Everything is durable when it resolves, and nothing is open. One thread.
 */

import { asShardId } from '../../base/brand.js';
import type { Clock } from '../../base/clock.js';
import { createManifestFile, pointCurrentAt } from '../../manifest/manifest-file.js';
import { decodeCurrent, manifestName } from '../../manifest/manifest-names.js';
import { readManifest } from '../../manifest/manifest-reader.js';
import type { TableInfo } from '../../manifest/table-info.js';
import { tableName } from '../../sst/table-names.js';
import { manifestPlace, type ShardPlace, shardName, shardPlaces } from '../../tools/shard-place.js';
import type { Vfs } from '../../vfs/vfs.js';
import { damaged } from '../damaged.js';
import type { Decoder } from '../decode/decode-job.js';
import { LocalDecoder } from '../decode/local-decoder.js';
import type { BackedUpFile } from '../manifest/backup-manifest.js';
import { missingBytes, placeFiles } from './place-files.js';
import { requireSpace } from './required-space.js';
import type { RestorePlan } from './restore-plan.js';
import { type WrittenLog, writeLog } from './write-log.js';

export interface RestoreShardsOptions {
  readonly vfs: Vfs;
  /** Absolute; held by the caller. */
  readonly target: string;
  readonly plan: RestorePlan;
  /** Whether a table may hold something of what is wanted; absent: all are. */
  readonly isWanted?: (table: TableInfo) => boolean;
  readonly segmentBytes: number;
  readonly clock: Clock;
  readonly key?: Uint8Array;
  /** Brings tables to their places. */
  readonly decoder: Decoder;
  /** Tables at a time. */
  readonly parallel: number;
  readonly signal?: AbortSignal;
  /** Removes a directory with all that is in it. */
  readonly removeTree: (path: string) => void;
  /** Raw bytes; the total grows when the log turns out to be longer. */
  readonly onProgress?: (bytesDone: number, bytesTotal: number) => void;
}

export interface RestoredShard extends WrittenLog {
  readonly shard: number;
  readonly flushedSeqno: number;
}

const SST_FILE = /^shard-\d{4}\/sst\//;

/** Throws CORRUPT_BACKUP, BACKUP_KEY, DISK_FULL, IO, what the stores throw. The same call goes on where it was interrupted. */
export async function restoreShards(options: RestoreShardsOptions): Promise<RestoredShard[]> {
  const { vfs, target, plan, parallel, onProgress } = options;
  const { manifest } = plan.chain[0];
  const isTable = ({ path }: BackedUpFile): boolean => path.endsWith('.sst');
  const small = manifest.files.filter((file) => !isTable(file));
  let done = 0;
  let total = manifest.files.reduce((sum, { size_bytes }) => sum + size_bytes, 0);
  const onBytes = (bytes: number): void => {
    done += bytes;
    total = Math.max(total, done);
    onProgress?.(done, total);
  };
  const place = { ...options, chain: plan.chain, onBytes };
  // Manifests first: they say which tables are wanted.
  await placeFiles({ ...place, files: small, decoder: new LocalDecoder(vfs) });
  const places = shardPlaces(vfs, target, manifest.shards);
  const shards = places.map((each) => tablesOf(each, options));
  const wanted = new Set(shards.flat());
  const tables = manifest.files.filter((file) => isTable(file) && wanted.has(file.path));
  const missing = [...wanted].find((path) => !manifest.files.some((file) => file.path === path));
  if (missing !== undefined) throw damaged(plan.chain[0].store.url, `${missing} is not in it`);
  const logBytes = manifest.log.reduce((sum, { object_bytes }) => sum + object_bytes, 0);
  requireSpace(vfs, target, missingBytes(vfs, target, tables) + logBytes);
  await placeFiles({ ...place, files: tables, parallel });
  const restored: RestoredShard[] = [];
  for (const [shard, each] of places.entries()) {
    const row = plan.rows[shard];
    // Of a shard that never had a table there is no file, and so no directory yet.
    vfs.makeDirectory(each.directory);
    options.removeTree(each.walDirectory);
    const written = await writeLog(row, { ...options, place: each, through: plan.seqno, onBytes });
    restored.push({ shard, flushedSeqno: row.flushedSeqno, ...written });
  }
  return restored;
}

/**
 * Paths of the tables that the manifest of a restored shard names. When some are not wanted, or a backup of some collections lacks
 * them, the shard gets a manifest without them.
 */
function tablesOf(place: ShardPlace, { plan, isWanted }: RestoreShardsOptions): string[] {
  const { vfs, tableDirectory, shard } = place;
  const { manifest } = plan.chain[0];
  const current = `${tableDirectory}/CURRENT`;
  const { flushedSeqno } = plan.rows[shard];
  if (!vfs.exists(current)) {
    if (flushedSeqno === 0) return [];
    throw damaged(
      plan.chain[0].store.url,
      `it says that shard ${shard} has tables to seqno ${flushedSeqno}, and has no CURRENT of it`,
    );
  }
  const number = decodeCurrent(vfs.readFile(current)) ?? 0;
  const file = `${tableDirectory}/${manifestName(number)}`;
  const { contents } = readManifest({ bytes: vfs.readFile(file), file, shard: asShardId(shard), number });
  const held = new Set(manifest.files.filter(({ path }) => SST_FILE.test(path)).map(({ path }) => path));
  const pathOf = ({ fileNumber }: TableInfo): string => `${shardName(shard)}/sst/${tableName(fileNumber)}`;
  const isKept = (table: TableInfo): boolean =>
    (isWanted?.(table) ?? true) && (manifest.collections === null || held.has(pathOf(table)));
  const snapshot = contents.snapshot();
  // Where the log has to begin is known by both.
  if ((snapshot.flushedSeqno ?? 0) !== flushedSeqno)
    throw damaged(
      plan.chain[0].store.url,
      `the tables of shard ${shard} are not those of seqno ${flushedSeqno}`,
    );
  const kept = snapshot.addedTables.filter(isKept);
  if (kept.length < snapshot.addedTables.length) {
    const next = number + 1;
    const nextFile = `${tableDirectory}/${manifestName(next)}`;
    if (vfs.exists(nextFile)) vfs.unlink(nextFile);
    createManifestFile(manifestPlace(place), next, 1, { ...snapshot, addedTables: kept });
    pointCurrentAt(manifestPlace(place), next);
  }
  return kept.map(pathOf);
}
