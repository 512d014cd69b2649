/**
 * Settings under which a real server flushes and compacts all the time, documents that do not compress, and what is in
 * its table directories.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createPrng } from '../../src/base/prng.js';
import { WAL_SPARES_MAX } from '../../src/runtime/wal-spares.js';
import { classifyTableName, temporaryTableName } from '../../src/sst/table-names.js';
import { classifyName } from '../../src/wal/segment-names.js';
import type { TestServer } from './server.js';

export const MIB = 1024 * 1024;

/** One MiB of documents is a memtable, and four of them are a compaction. */
export const SMALL_LSM: Readonly<Record<string, string>> = {
  LUMADB_MEMORY__MEMTABLE_SIZE: String(MIB),
  LUMADB_MEMORY__BLOCK_CACHE_SIZE: String(MIB),
  LUMADB_MEMORY__ROW_CACHE_SIZE: String(MIB),
  LUMADB_WAL__SEGMENT_SIZE: String(MIB),
  LUMADB_COMPACTION__TABLE_SIZE: String(MIB / 4),
  LUMADB_COMPACTION__LEVEL_BASE_SIZE: String(MIB),
};

/** Level 0 may grow without end. */
export const NO_COMPACTION: Readonly<Record<string, string>> = {
  LUMADB_COMPACTION__L0_COMPACT: '998',
  LUMADB_COMPACTION__L0_SLOWDOWN: '999',
  LUMADB_COMPACTION__L0_STOP: '1000',
};

export const shardDirectory = (dataDir: string, shard = 0): string =>
  join(dataDir, `shard-${String(shard).padStart(4, '0')}`);

export const tableDirectory = (dataDir: string, shard = 0): string =>
  join(shardDirectory(dataDir, shard), 'sst');

function namesOfKind(dataDir: string, kind: 'table' | 'temporary', shard: number): string[] {
  const directory = tableDirectory(dataDir, shard);
  const names = readdirSync(directory).filter((name) => classifyTableName(name).kind === kind);
  return names.sort().map((name) => join(directory, name));
}

/** Paths of the finished tables, oldest first. */
export const tablesOf = (dataDir: string, shard = 0): string[] => namesOfKind(dataDir, 'table', shard);

/** Paths of the tables that are being written, or were when a thread died. */
export const unfinishedTablesOf = (dataDir: string, shard = 0): string[] =>
  namesOfKind(dataDir, 'temporary', shard);

/** Where the next tables will be written, whichever job writes them. */
export function futureTablesOf(dataDir: string, count: number): string[] {
  const directory = tableDirectory(dataDir);
  const numbers = readdirSync(directory).map((name) =>
    /^\d+\.sst/.test(name) ? Number.parseInt(name, 10) : 0,
  );
  const next = Math.max(0, ...numbers) + 1;
  return Array.from({ length: count }, (_, i) => join(directory, temporaryTableName(next + i)));
}

/** Whether the log has all the segments in reserve that it ever keeps: they are made in the background. */
export function hasAllSpares(dataDir: string, shard = 0): boolean {
  const kinds = readdirSync(join(shardDirectory(dataDir, shard), 'wal')).map(
    (name) => classifyName(name).kind,
  );
  return kinds.filter((kind) => kind === 'spare' || kind === 'recycled').length >= WAL_SPARES_MAX;
}

/** The manifest that counts. */
export function manifestOf(dataDir: string, shard = 0): string {
  const directory = tableDirectory(dataDir, shard);
  const name = /MANIFEST-\d+/.exec(readFileSync(join(directory, 'CURRENT'), 'latin1'))?.[0];
  if (name === undefined) throw new Error('CURRENT names no manifest');
  return join(directory, name);
}

/** Text that no codec makes much smaller; the same for the same number. */
export function noise(seed: number, length: number): string {
  const prng = createPrng(seed + 1);
  const bytes = Buffer.alloc(Math.ceil((length * 3) / 4) + 4);
  for (let at = 0; at + 4 <= bytes.length; at += 4) bytes.writeUInt32LE(prng.nextUint32(), at);
  return bytes.toString('base64').slice(0, length);
}

/** Writes documents `prefix0`, `prefix1`, ... of 2000 bytes of noise, a few at a time; throws when one is refused. */
export async function writeNoise(
  server: Pick<TestServer, 'request'>,
  count: number,
  options: { readonly version?: number; readonly prefix?: string } = {},
): Promise<void> {
  const { version = 0, prefix = 'k' } = options;
  for (let from = 0; from < count; from += 50) {
    const documents = Array.from({ length: Math.min(50, count - from) }, (_, i) => ({
      _id: `${prefix}${from + i}`,
      version,
      pad: noise(from + i + version, 2000),
    }));
    const answer = await server.request('POST', '/api/v1/c/bulk', { body: { documents } });
    if (answer.status !== 200) throw new Error(`bulk: ${answer.status} ${answer.text.slice(0, 500)}`);
  }
}

/** Reads them back, `parallel` at a time: what is wrong, in words. */
export async function noiseFaults(
  server: Pick<TestServer, 'request'>,
  count: number,
  options: { readonly version?: number; readonly prefix?: string; readonly parallel?: number } = {},
): Promise<string[]> {
  const { version = 0, prefix = 'k', parallel = 50 } = options;
  const faults: string[] = [];
  const check = async (n: number): Promise<void> => {
    const { status, text } = await server.request('GET', `/api/v1/c/${prefix}${n}`);
    const isRight = status === 200 && JSON.parse(text).pad === noise(n + version, 2000);
    if (!isRight) faults.push(`${prefix}${n}: ${status} ${text.slice(0, 200)}`);
  };
  for (let from = 0; from < count; from += parallel)
    await Promise.all(Array.from({ length: Math.min(parallel, count - from) }, (_, i) => check(from + i)));
  return faults;
}
