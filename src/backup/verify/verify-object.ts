/**
 * Reads one object of a backup whole and compares it with what the backup says of it: every checksum on the way, then the bytes
 * themselves. Tables are checked as tables, pieces of the log as pieces. Throws CORRUPT_BACKUP, BACKUP_KEY, CORRUPT_TABLE, and what
 * the store throws. Any thread.
 */

import { createHash } from 'node:crypto';
import { NO_BLOCK_CACHE } from '../../cache/block-cache.js';
import { classifySstName } from '../../manifest/manifest-names.js';
import { TableReader } from '../../sst/table-reader.js';
import { damaged } from '../damaged.js';
import { readPiece } from '../log-piece/piece-reader.js';
import type { BackedUpFile, BackedUpPiece } from '../manifest/backup-manifest.js';
import type { ChainMember } from '../manifest/chain.js';
import { decodeObject } from '../object/object-reader.js';
import { BytesFile } from './bytes-file.js';

export interface ObjectReading {
  readonly member: ChainMember;
  readonly key?: Uint8Array;
  readonly signal?: AbortSignal;
  /** Raw bytes. */
  readonly onBytes?: (bytes: number) => void;
}

/** Larger tables are not kept in memory to be looked into; their bytes are compared all the same. */
const TABLE_BYTES_MAX = 512 * 1024 * 1024;

/** The raw bytes of a file of this backup, for those that somebody looks into. */
export async function verifyFile(
  reading: ObjectReading,
  file: BackedUpFile,
): Promise<Uint8Array | undefined> {
  const { path, object, size_bytes, sha256 } = file;
  const name = `${reading.member.store.url}/${object}`;
  const isTable = path.endsWith('.sst');
  const isKept = !isTable || size_bytes <= TABLE_BYTES_MAX;
  const kept: Uint8Array[] = [];
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of rawBytes(reading, object)) {
    bytes += chunk.length;
    if (bytes > size_bytes) break;
    hash.update(chunk);
    if (isKept) kept.push(chunk);
  }
  if (bytes !== size_bytes || hash.digest('hex') !== sha256)
    throw damaged(name, `it is whole, but it does not hold the bytes of ${path} that were backed up`);
  if (!isKept) return undefined;
  const whole = Buffer.concat(kept, size_bytes);
  if (isTable) verifyTable(path, whole);
  return whole;
}

export async function verifyPiece(reading: ObjectReading, piece: BackedUpPiece): Promise<void> {
  const { object, shard, after, through } = piece;
  const name = `${reading.member.store.url}/${object}`;
  const found = await readPiece(rawBytes(reading, object), { name });
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

async function* rawBytes(
  { member, key, signal, onBytes }: ObjectReading,
  object: string,
): AsyncGenerator<Uint8Array> {
  const { store } = member;
  const name = `${store.url}/${object}`;
  for await (const chunk of decodeObject(store.get(object, { signal }), { name, key })) {
    onBytes?.(chunk.length);
    yield chunk;
  }
}

/** All checksums of the table, the order of its entries, its index, filter and properties. */
function verifyTable(path: string, bytes: Uint8Array): void {
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
