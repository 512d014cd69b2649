/**
 * A checkpoint of a data directory that no server holds, in the shape of one that a server makes (checkpoint-file.ts). Its
 * caller holds the lock of the directory. Reads the shards and changes nothing of them.
 */
import { asSegmentNumber, asSeqno } from '../../base/brand.js';
import type { Clock } from '../../base/clock.js';
import { DbError } from '../../base/errors.js';
import { encodeManifest } from '../../manifest/manifest-file.js';
import { CURRENT, encodeCurrent, manifestName } from '../../manifest/manifest-names.js';
import { surveyManifest } from '../../manifest/manifest-survey.js';
import { manifestPlace, type ShardPlace, shardPlace } from '../../tools/shard-place.js';
import type { Vfs } from '../../vfs/vfs.js';
import { recoverWal } from '../../wal/recovery.js';
import {
  CHECKPOINT_FILE,
  CHECKPOINT_FORMAT_VERSION,
  CHECKPOINT_MANIFEST,
  CHECKPOINTS_DIRECTORY,
  type Checkpoint,
  type CheckpointShard,
  COPIED_FILES,
  encodeCheckpoint,
  newCheckpointId,
} from './checkpoint-file.js';
import { linkSegments, linkTables, writeNew } from './link-files.js';

export interface OfflineCheckpointOptions {
  readonly vfs: Vfs;
  /** Absolute. */
  readonly dataDirectory: string;
  readonly shards: number;
  readonly instanceId: string;
  readonly version: string;
  readonly clock: Clock;
}

export interface OfflineCheckpoint {
  /** Absolute; whoever asked for it removes it. */
  readonly path: string;
  readonly checkpoint: Checkpoint;
}

/**
 * Throws CORRUPT_MANIFEST, CORRUPT_TABLE, CORRUPT_WAL: a backup of damage would be found out when it is needed. And
 * DbError('IO'). What it had made is then left to the caller, who knows the directory of all checkpoints.
 */
export function makeOfflineCheckpoint(options: OfflineCheckpointOptions): OfflineCheckpoint {
  const { vfs, dataDirectory, clock } = options;
  const id = newCheckpointId(clock.wallMs());
  const path = `${dataDirectory}/${CHECKPOINTS_DIRECTORY}/${id}`;
  const shards = Array.from({ length: options.shards }, (_, shard) =>
    checkpointShard(shardPlace(vfs, dataDirectory, shard), shardPlace(vfs, path, shard)),
  );
  for (const name of ['catalog.json', ...COPIED_FILES]) {
    const source = `${dataDirectory}/${name}`;
    if (vfs.exists(source)) writeNew(vfs, `${path}/${name}`, vfs.readFile(source));
  }
  const checkpoint: Checkpoint = {
    format_version: CHECKPOINT_FORMAT_VERSION,
    id,
    instance_id: options.instanceId,
    lumadb_version: options.version,
    taken_at: new Date(clock.wallMs()).toISOString(),
    seqno: Math.max(0, ...shards.map(({ lastSeqno }) => lastSeqno)),
    database_seconds: Math.max(0, ...shards.map(({ databaseSeconds }) => databaseSeconds)),
    shards: shards.map(({ facts }) => facts),
  };
  writeNew(vfs, `${path}/${CHECKPOINT_FILE}`, Buffer.from(encodeCheckpoint(checkpoint)));
  return { path, checkpoint };
}

interface CheckpointedShard {
  readonly facts: CheckpointShard;
  readonly lastSeqno: number;
  readonly databaseSeconds: number;
}

function checkpointShard(from: ShardPlace, to: ShardPlace): CheckpointedShard {
  const { vfs, shard } = from;
  vfs.makeDirectory(to.tableDirectory);
  vfs.makeDirectory(to.walDirectory);
  const contents = surveyManifest(manifestPlace(from)).current?.read.contents;
  const tables = contents?.version.tables() ?? [];
  const flushedSeqno = contents?.state().flushedSeqno ?? 0;
  linkTables(from, to, tables);
  if (contents !== undefined) {
    const manifest = encodeManifest(shard, CHECKPOINT_MANIFEST, 1, contents.snapshot()).all;
    writeNew(vfs, `${to.tableDirectory}/${manifestName(CHECKPOINT_MANIFEST)}`, manifest);
    writeNew(vfs, `${to.tableDirectory}/${CURRENT}`, encodeCurrent(CHECKPOINT_MANIFEST));
  }
  const { log, lastSeqno } = linkLog(from, to, flushedSeqno);
  return {
    facts: {
      shard,
      flushed_seqno: flushedSeqno,
      tables: tables.map(({ fileNumber, sizeBytes }) => ({ file_number: fileNumber, size_bytes: sizeBytes })),
      log,
    },
    lastSeqno,
    databaseSeconds: contents?.state().databaseSeconds ?? 0,
  };
}

/** What a start would replay. */
function linkLog(
  from: ShardPlace,
  to: ShardPlace,
  flushedSeqno: number,
): { readonly log: CheckpointShard['log']; readonly lastSeqno: number } {
  const { vfs, walDirectory, shard } = from;
  let first: number | undefined;
  const report = recoverWal({
    vfs,
    directory: walDirectory,
    shard,
    fromSeqno: asSeqno(flushedSeqno + 1),
    onDamage: 'stop',
    onRecord: ({ position }) => {
      first ??= position.segment;
    },
  });
  const lastSeqno = Math.max(report.lastSeqno, flushedSeqno);
  if (first === undefined) return { log: null, lastSeqno };
  const { previousSegment, previousEnd } = report.continuation;
  if (previousSegment < first)
    throw new DbError('CORRUPT_WAL', `the log of shard ${shard} ends before it begins`, { shard });
  linkSegments(from, to, asSegmentNumber(first), asSegmentNumber(previousSegment));
  return { log: { first_segment: first, last_segment: previousSegment, end_offset: previousEnd }, lastSeqno };
}
