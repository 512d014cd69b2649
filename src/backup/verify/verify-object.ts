/**
 * Reads one object of a backup whole and compares it with what the backup says of it: every checksum on the way, then the bytes
 * themselves. Tables are checked as tables, pieces of the log as pieces. Throws CORRUPT_BACKUP, CORRUPT_TABLE,
 * and what `raw` throws. Any thread.
 */

import { NO_BLOCK_CACHE } from '../../cache/block-cache.js';
import { classifySstName } from '../../manifest/manifest-names.js';
import { TableReader } from '../../sst/table-reader.js';
import { damaged } from '../damaged.js';
import { readPiece } from '../log-piece/piece-reader.js';
import type { BackedUpFile, BackedUpPiece } from '../manifest/backup-manifest.js';
import { checkedBytes } from '../object/checked-bytes.js';
import { BytesFile } from './bytes-file.js';

/** Larger tables are not kept in memory to be looked into; their bytes are compared all the same. */
const TABLE_BYTES_MAX = 512 * 1024 * 1024;

/** The bytes of a file, which are those that were backed up. `name`: of its object, for messages. */
export async function readFile(
  raw: AsyncIterable<Uint8Array>,
  file: BackedUpFile,
  name: string,
): Promise<Uint8Array> {
  const kept: Uint8Array[] = [];
  for await (const chunk of compared(raw, file, name)) kept.push(chunk);
  return Buffer.concat(kept, file.size_bytes);
}

export async function verifyTable(
  raw: AsyncIterable<Uint8Array>,
  file: BackedUpFile,
  name: string,
): Promise<void> {
  if (file.size_bytes <= TABLE_BYTES_MAX) lookIntoTable(file.path, await readFile(raw, file, name));
  else for await (const _ of compared(raw, file, name));
}

export async function verifyPiece(
  raw: AsyncIterable<Uint8Array>,
  piece: BackedUpPiece,
  name: string,
): Promise<void> {
  const { shard, after, through } = piece;
  const found = await readPiece(raw, { name });
  const isSame =
    found.shard === shard &&
    found.after === after &&
    found.through === through &&
    found.records === piece.records &&
    found.lastWallClockMs === piece.last_wall_clock_ms &&
    hex(found.chain) === piece.chain &&
    hex(found.previousChain) === piece.previous_chain;
  if (!isSame)
    throw damaged(name, `it is whole, but it is not the log of shard ${shard} from ${after} to ${through}`);
}

function compared(
  raw: AsyncIterable<Uint8Array>,
  file: BackedUpFile,
  name: string,
): AsyncIterable<Uint8Array> {
  return checkedBytes(raw, file, () =>
    damaged(name, `it is whole, but it does not hold the bytes of ${file.path} that were backed up`),
  );
}

/** All checksums of the table, the order of its entries, its index, filter and properties. */
function lookIntoTable(path: string, bytes: Uint8Array): void {
  const [directory, , name] = path.split('/');
  const classified = classifySstName(name);
  if (classified.kind !== 'table') throw damaged(path, 'it is not called like a table');
  const vfs = { open: () => new BytesFile(path, bytes) };
  const shard = Number(directory.slice(-4));
  const table = TableReader.open({
    vfs,
    path,
    shard,
    fileNumber: classified.number,
    cache: NO_BLOCK_CACHE,
  });
  try {
    table.verify();
  } finally {
    table.close();
  }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
