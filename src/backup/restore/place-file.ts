/** Brings one file of a backup to its place, durable and compared with what the backup says of its bytes. Any thread. */
import { createHash } from 'node:crypto';
import type { DbError } from '../../base/errors.js';
import { unlinkQuietly } from '../../vfs/transfer.js';
import type { Vfs, VfsFile } from '../../vfs/vfs.js';
import { damaged } from '../damaged.js';
import type { BackedUpFile } from '../manifest/backup-manifest.js';

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

async function write(
  copy: VfsFile,
  raw: AsyncIterable<Uint8Array>,
  { file: { size_bytes, sha256, path }, name }: Placing,
): Promise<void> {
  const hash = createHash('sha256');
  let at = 0;
  for await (const chunk of raw) {
    // Before it fills the disk.
    if (at + chunk.length > size_bytes) throw differs(name, path);
    copy.pwrite(chunk, 0, chunk.length, at);
    hash.update(chunk);
    at += chunk.length;
  }
  if (at !== size_bytes || hash.digest('hex') !== sha256) throw differs(name, path);
}

function differs(file: string, path: string): DbError {
  return damaged(file, `it does not hold the bytes of ${path} that were backed up`);
}
