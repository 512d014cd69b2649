/**
 * What a checkpoint directory holds (checkpoint/checkpoint-file.ts), and that it holds what it says: each shard's manifest names
 * the tables that are listed, and they are there with their sizes. Reads only; any thread.
 */

import { DbError, type DbErrorCode } from '../../base/errors.js';
import { CURRENT, manifestName } from '../../manifest/manifest-names.js';
import { openManifest } from '../../manifest/open-manifest.js';
import type { TableInfo } from '../../manifest/table-info.js';
import { tableName } from '../../sst/table-names.js';
import { manifestPlace, type ShardPlace, shardName, shardPlaces } from '../../tools/shard-place.js';
import { isIoError } from '../../vfs/io-error.js';
import type { Vfs } from '../../vfs/vfs.js';
import {
  CHECKPOINT_FILE,
  type Checkpoint,
  type CheckpointShard,
  COPIED_FILES,
  decodeCheckpoint,
} from '../checkpoint/checkpoint-file.js';
import { damaged } from '../damaged.js';

export interface CheckpointContents {
  readonly directory: string;
  readonly checkpoint: Checkpoint;
  readonly tables: readonly CheckpointTable[];
  /** Files beside the tables: manifests, CURRENT, catalog.json and what is there of the others. Small. */
  readonly others: readonly CheckpointFile[];
}

export interface CheckpointFile {
  /** In a data directory. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

export interface CheckpointTable {
  readonly path: string;
  /** Where it is. */
  readonly file: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly info: TableInfo;
}

export const CATALOG_FILE = 'catalog.json';

/** Throws DbError: NOT_FOUND (no checkpoint there, or no more), CORRUPT_BACKUP, CORRUPT_MANIFEST, CORRUPT_TABLE, IO. */
export function readCheckpoint(vfs: Vfs, directory: string): CheckpointContents {
  const file = `${directory}/${CHECKPOINT_FILE}`;
  if (!vfs.exists(file)) throw checkpointGone(directory);
  const checkpoint = decodeCheckpoint(Buffer.from(vfs.readFile(file)).toString('utf8'), file);
  const places = shardPlaces(vfs, directory, checkpoint.shards.length);
  const shards = places.map((place) => readShard(place, shardOf(checkpoint, place, file)));
  // A database that never had a collection has no catalog yet.
  const beside = [CATALOG_FILE, ...COPIED_FILES]
    .filter((path) => vfs.exists(`${directory}/${path}`))
    .map((path) => ({ path, bytes: vfs.readFile(`${directory}/${path}`) }));
  return {
    directory,
    checkpoint,
    tables: shards.flatMap(({ tables }) => tables),
    others: [...shards.flatMap(({ others }) => others), ...beside],
  };
}

export function checkpointGone(directory: string): DbError {
  return new DbError(
    'NOT_FOUND',
    `the checkpoint ${directory} is not there: it was deleted, or nobody renewed it in time and it expired`,
    { file: directory },
  );
}

/** What a file that vanished, or half of a directory, looks like. */
const LOOKS_GONE: readonly DbErrorCode[] = ['NOT_FOUND', 'CORRUPT_MANIFEST', 'CORRUPT_TABLE', 'CORRUPT_WAL'];

/** The reason behind a failure: when the checkpoint is gone, that is it. */
export function explainMissing(vfs: Vfs, directory: string, error: unknown): unknown {
  const looksGone = error instanceof DbError && LOOKS_GONE.includes(error.code);
  if (!looksGone && !isIoError(error, 'ENOENT')) return error;
  return vfs.exists(`${directory}/${CHECKPOINT_FILE}`) ? error : checkpointGone(directory);
}

function shardOf({ shards, seqno }: Checkpoint, { shard }: ShardPlace, file: string): CheckpointShard {
  const found = shards.find((each) => each.shard === shard);
  if (found === undefined) throw damaged(file, `shard ${shard} is missing`);
  if (found.flushed_seqno > seqno)
    throw damaged(
      file,
      `the tables of shard ${shard} reach to ${found.flushed_seqno}, behind seqno ${seqno}`,
    );
  return found;
}

function readShard(
  place: ShardPlace,
  listed: CheckpointShard,
): Pick<CheckpointContents, 'tables' | 'others'> {
  const { vfs, tableDirectory, shard } = place;
  const { version, state, report } = openManifest({ ...manifestPlace(place), mode: 'read-only' });
  const named = version.tables();
  requireSame(place, listed, named);
  if (state.flushedSeqno !== listed.flushed_seqno)
    throw damaged(
      tableDirectory,
      `its manifest is flushed up to ${state.flushedSeqno}, not ${listed.flushed_seqno}`,
    );
  const inData = `${shardName(shard)}/sst`;
  const names = report.manifestNumber === 0 ? [] : [CURRENT, manifestName(report.manifestNumber)];
  return {
    tables: named.map((info) => {
      const name = tableName(info.fileNumber);
      const file = `${tableDirectory}/${name}`;
      return {
        path: `${inData}/${name}`,
        file,
        sizeBytes: info.sizeBytes,
        modifiedMs: vfs.modifiedMsOf(file),
        info,
      };
    }),
    others: names.map((name) => ({
      path: `${inData}/${name}`,
      bytes: vfs.readFile(`${tableDirectory}/${name}`),
    })),
  };
}

function requireSame(place: ShardPlace, { tables }: CheckpointShard, named: readonly TableInfo[]): void {
  const sizes = new Map(tables.map(({ file_number, size_bytes }) => [file_number, size_bytes]));
  const isSame =
    sizes.size === named.length &&
    named.every(({ fileNumber, sizeBytes }) => sizes.get(fileNumber) === sizeBytes);
  if (!isSame)
    throw damaged(place.tableDirectory, 'its manifest names other tables than the checkpoint lists');
}
