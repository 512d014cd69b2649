/** Brings one file of a backup to its place, durable and compared with what the backup says of its bytes. Any thread. */
import type { DbError } from '../../base/errors.js';
import { unlinkQuietly } from '../../vfs/transfer.js';
import type { Vfs, VfsFile } from '../../vfs/vfs.js';
import { damaged } from '../damaged.js';
import type { BackedUpFile } from '../manifest/backup-manifest.js';
import { checkedBytes } from '../object/checked-bytes.js';

export interface Placing {
  readonly file: BackedUpFile;
  /** Absolute; its directory is there. */
  readonly path: string;
  /** Of the object, for messages. */
  readonly name: string;
}

/** The name in its directory is not durable yet. Throws CORRUPT_BACKUP, IO, and what `raw` throws; nothing is left behind then. */
export async function placeFile(vfs: Vfs, raw: AsyncIterable<Uint8Array>, placing: Placing): Promise<void> {
  const { path } = placing;
  const temporary = `${path}.restoring`;
  if (vfs.exists(temporary)) vfs.unlink(temporary);
  const copy = vfs.open(temporary, 'create');
  try {
    await write(copy, raw, placing);
    copy.fsync();
  } catch (error) {
    copy.close();
    unlinkQuietly(vfs, temporary);
    throw error;
  }
  copy.close();
  vfs.rename(temporary, path);
}

async function write(copy: VfsFile, raw: AsyncIterable<Uint8Array>, { file, name }: Placing): Promise<void> {
  // Checked before it fills the disk.
  let at = 0;
  for await (const chunk of checkedBytes(raw, file, () => differs(name, file.path))) {
    copy.pwrite(chunk, 0, chunk.length, at);
    at += chunk.length;
  }
}

function differs(file: string, path: string): DbError {
  return damaged(file, `it does not hold the bytes of ${path} that were backed up`);
}
