/**
 * Brings files of a backup to their places in a data directory: decoded, compared with what the backup says of their bytes, durable.
 * What is there already, of a run that was interrupted, is compared and kept. One thread; several files at a time.
 */

import { createHash } from 'node:crypto';
import type { Vfs } from '../../vfs/vfs.js';
import { inLanes } from '../create/lanes.js';
import type { Decoder } from '../decode/decode-job.js';
import type { BackedUpFile } from '../manifest/backup-manifest.js';
import { type Chain, holderOf } from '../manifest/chain.js';

export interface PlaceFilesOptions {
  readonly vfs: Vfs;
  readonly chain: Chain;
  readonly files: readonly BackedUpFile[];
  /** Absolute. */
  readonly target: string;
  readonly key?: Uint8Array;
  readonly decoder: Decoder;
  /** Files at a time. */
  readonly parallel: number;
  readonly signal?: AbortSignal;
  /** Raw bytes. */
  readonly onBytes?: (bytes: number) => void;
}

const CHUNK_BYTES = 1024 * 1024;

/** Throws CORRUPT_BACKUP, BACKUP_KEY, IO, and what the stores throw. Paths were checked when the manifest was read. */
export async function placeFiles(options: PlaceFilesOptions): Promise<void> {
  const { vfs, target, files } = options;
  const directories = new Set(files.map(({ path }) => directoryOf(`${target}/${path}`)));
  for (const directory of directories) vfs.makeDirectory(directory);
  await inLanes(files, options.parallel, options.signal, (file, signal) => place(options, file, signal));
  for (const directory of directories) vfs.syncDirectory(directory);
}

/** Raw bytes of the files that are not there yet, by their sizes. */
export function missingBytes(vfs: Vfs, target: string, files: readonly BackedUpFile[]): number {
  const isThere = ({ path, size_bytes }: BackedUpFile): boolean =>
    vfs.exists(`${target}/${path}`) && vfs.sizeOf(`${target}/${path}`) === size_bytes;
  return files.reduce((sum, file) => sum + (isThere(file) ? 0 : file.size_bytes), 0);
}

async function place(options: PlaceFilesOptions, file: BackedUpFile, signal: AbortSignal): Promise<void> {
  const { vfs, target, chain, key, decoder, onBytes = () => {} } = options;
  const path = `${target}/${file.path}`;
  if (vfs.exists(path) && isSame(vfs, path, file)) {
    onBytes(file.size_bytes);
    return;
  }
  const { store } = holderOf(chain, file);
  const name = `${store.url}/${file.object}`;
  const stored = store.get(file.object, { signal });
  await decoder.run({ name, key, work: { kind: 'place', file, path } }, stored, onBytes);
}

function isSame(vfs: Vfs, path: string, { size_bytes, sha256 }: BackedUpFile): boolean {
  if (vfs.sizeOf(path) !== size_bytes) return false;
  const file = vfs.open(path, 'read');
  try {
    const hash = createHash('sha256');
    const chunk = new Uint8Array(CHUNK_BYTES);
    for (let at = 0; at < size_bytes; ) {
      const count = file.pread(chunk, 0, chunk.length, at);
      if (count === 0) return false;
      hash.update(chunk.subarray(0, count));
      at += count;
    }
    return hash.digest('hex') === sha256;
  } finally {
    file.close();
  }
}

const directoryOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));
