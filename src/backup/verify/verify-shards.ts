/** What the manifests of the shards in a backup say, against what the backup says that it holds. Pure. */
import { asShardId } from '../../base/brand.js';
import { DbError } from '../../base/errors.js';
import { CURRENT, decodeCurrent, manifestName } from '../../manifest/manifest-names.js';
import { readManifest } from '../../manifest/manifest-reader.js';
import { tableName } from '../../sst/table-names.js';
import { shardName } from '../../tools/shard-place.js';
import type { BackupManifest } from '../manifest/backup-manifest.js';

export interface ShardProblem {
  /** The file it is about. */
  readonly path: string;
  readonly reason: string;
}

/** `small`: by path, the bytes of all files of the backup but tables, as far as they could be read. */
export function shardProblems(
  backup: BackupManifest,
  small: ReadonlyMap<string, Uint8Array>,
): ShardProblem[] {
  return backup.shard_states.flatMap(({ shard, flushed_seqno }) => {
    const directory = `${shardName(shard)}/sst`;
    const manifest = backup.files.find(({ path }) => path.startsWith(`${directory}/MANIFEST-`));
    const tables = backup.files.filter(
      ({ path }) => path.startsWith(`${directory}/`) && path.endsWith('.sst'),
    );
    if (manifest === undefined) {
      if (tables.length === 0 && flushed_seqno === 0) return [];
      return [{ path: directory, reason: `shard ${shard} has tables, and no manifest` }];
    }
    const { path } = manifest;
    const number = Number(path.slice(-10));
    const current = small.get(`${directory}/${CURRENT}`);
    const bytes = small.get(path);
    const problems: ShardProblem[] = [];
    if (current !== undefined && decodeCurrent(current) !== number)
      problems.push({ path: `${directory}/${CURRENT}`, reason: `it does not name ${manifestName(number)}` });
    if (bytes === undefined) return problems;
    try {
      const { contents } = readManifest({ bytes, file: path, shard: asShardId(shard), number });
      const { flushedSeqno } = contents.state();
      if (flushedSeqno !== flushed_seqno)
        problems.push({
          path,
          reason: `it is flushed up to ${flushedSeqno}, the backup says ${flushed_seqno}`,
        });
      const sizes = new Map(tables.map((file) => [file.path, file.size_bytes]));
      for (const { fileNumber, sizeBytes } of contents.version.tables()) {
        const table = `${directory}/${tableName(fileNumber)}`;
        const size = sizes.get(table);
        // A backup of some collections leaves out the tables of the others.
        if (size === undefined && backup.collections !== null) continue;
        if (size === undefined)
          problems.push({ path, reason: `it names ${table}, which the backup does not have` });
        else if (size !== sizeBytes)
          problems.push({ path, reason: `it says ${sizeBytes} bytes of ${table}, the backup ${size}` });
      }
    } catch (error) {
      if (!(error instanceof DbError)) throw error;
      problems.push({ path, reason: error.message });
    }
    return problems;
  });
}
