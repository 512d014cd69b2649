/**
 * Gives files of a shard a second name in a checkpoint: by a hard link, or as a copy where the file system has none (a
 * reflink if it can). Nothing is synced: a checkpoint does not outlive its process. Any thread that may read the files.
 */
import type { SegmentNumber } from '../../base/brand.js';
import type { TableInfo } from '../../manifest/table-info.js';
import { tableName } from '../../sst/table-names.js';
import type { ShardPlace } from '../../tools/shard-place.js';
import { isIoError } from '../../vfs/io-error.js';
import type { Vfs } from '../../vfs/vfs.js';
import { classifyName } from '../../wal/segment-names.js';

/** What file systems say that have no hard links, or no more of them for this file. */
const NO_LINKS = ['EPERM', 'EXDEV', 'EMLINK', 'EOPNOTSUPP', 'ENOTSUP', 'ENOSYS'];

type Place = Pick<ShardPlace, 'vfs' | 'tableDirectory' | 'walDirectory'>;

export function linkTables(from: Place, to: Place, tables: readonly TableInfo[]): void {
  for (const { fileNumber } of tables) {
    const name = tableName(fileNumber);
    linkOrCopy(from.vfs, `${from.tableDirectory}/${name}`, `${to.tableDirectory}/${name}`);
  }
}

/** The segments from `first` to `last`. */
export function linkSegments(from: Place, to: Place, first: SegmentNumber, last: SegmentNumber): void {
  for (const name of from.vfs.list(from.walDirectory)) {
    const classified = classifyName(name);
    if (classified.kind !== 'segment' || classified.number < first || classified.number > last) continue;
    linkOrCopy(from.vfs, `${from.walDirectory}/${name}`, `${to.walDirectory}/${name}`);
  }
}

function linkOrCopy(vfs: Vfs, from: string, to: string): void {
  try {
    vfs.link(from, to);
  } catch (error) {
    if (!NO_LINKS.some((errno) => isIoError(error, errno))) throw error;
    vfs.copyFile(from, to);
  }
}

/** A new file of a checkpoint. Not synced: a checkpoint does not outlive its process. */
export function writeNew(vfs: Vfs, path: string, bytes: Uint8Array): void {
  const file = vfs.open(path, 'create');
  try {
    file.pwrite(bytes, 0, bytes.length, 0);
  } finally {
    file.close();
  }
}
