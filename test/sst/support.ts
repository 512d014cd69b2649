/** Builders for the SSTable tests: entries as plain objects, tables of them, and a sorted array as the model. */
import { crc32 } from 'node:zlib';
import { hashKey } from '../../src/base/hash.js';
import type { Prng } from '../../src/base/prng.js';
import { type BlockCache, NO_BLOCK_CACHE } from '../../src/cache/block-cache.js';
import {
  compareKeys,
  ENTRY_DOCUMENT,
  ENTRY_EXPIRED,
  ENTRY_TOMBSTONE,
  type Entry,
  type EntryCursor,
} from '../../src/iter/entry-cursor.js';
import { type CodecName, codecByName } from '../../src/sst/codec.js';
import { FoundEntry } from '../../src/sst/found-entry.js';
import type { FinishedTable } from '../../src/sst/properties.js';
import { TableReader } from '../../src/sst/table-reader.js';
import { TableWriter } from '../../src/sst/table-writer.js';
import { MemoryVfs } from '../../src/vfs/memory.js';
import type { Vfs } from '../../src/vfs/vfs.js';
import { oneIn, pick, randomBytes } from '../support/random.js';
import { utf8 } from '../support/text.js';

export const DIRECTORY = '/db/shard-0000/sst';
export const FILE_NUMBER = 7;
export const PATH = `${DIRECTORY}/0000000007.sst`;
export const CODECS: readonly CodecName[] = ['none', 'lz4', 'zstd'];

/** An entry that owns its bytes. */
export function entryOf(
  collection: number,
  key: Uint8Array,
  seqno: number,
  value: Uint8Array | undefined,
  expiresAt = 0,
): Entry {
  const bytes = value ?? new Uint8Array(0);
  return {
    collection,
    key,
    keyOffset: 0,
    keyLength: key.length,
    seqno,
    kind: value === undefined ? ENTRY_TOMBSTONE : ENTRY_DOCUMENT,
    expiresAt,
    value: bytes,
    valueOffset: 0,
    valueLength: bytes.length,
    originalLength: bytes.length,
  };
}

export const document = (collection: number, key: string, seqno: number, value: string): Entry =>
  entryOf(collection, utf8(key), seqno, utf8(value));
export const tombstone = (collection: number, key: string, seqno: number): Entry =>
  entryOf(collection, utf8(key), seqno, undefined);
export function husk(
  collection: number,
  key: string,
  seqno: number,
  expiresAt: number,
  length: number,
): Entry {
  const entry = entryOf(collection, utf8(key), seqno, new Uint8Array(0), expiresAt);
  return { ...entry, kind: ENTRY_EXPIRED, originalLength: length };
}

/** What an entry says, for comparison and for messages of failed assertions. */
export function described(entry: Entry): string {
  const key = Buffer.from(entry.key.slice(entry.keyOffset, entry.keyOffset + entry.keyLength));
  const value = entry.value.subarray(entry.valueOffset, entry.valueOffset + entry.valueLength);
  const text =
    value.length > 40 ? `${value.length} bytes, crc ${crc32(value)}` : Buffer.from(value).toString('hex');
  const { collection, seqno, kind, expiresAt, originalLength } = entry;
  return `${collection}/${key.toString('hex')}@${seqno} kind ${kind} expires ${expiresAt} of ${originalLength}: ${text}`;
}

export interface TableOptions {
  readonly codec?: CodecName;
  readonly blockSizeBytes?: number;
  readonly restartInterval?: number;
  readonly bloomBitsPerKey?: number;
  readonly path?: string;
  readonly fileNumber?: number;
  readonly onBytes?: (count: number) => void;
}

export function writerOf(vfs: Vfs, options: TableOptions = {}): TableWriter {
  return new TableWriter({
    vfs,
    path: options.path ?? PATH,
    fileNumber: options.fileNumber ?? FILE_NUMBER,
    codec: codecByName(options.codec ?? 'lz4'),
    blockSizeBytes: options.blockSizeBytes ?? 4096,
    restartInterval: options.restartInterval,
    bloomBitsPerKey: options.bloomBitsPerKey ?? 10,
    onBytes: options.onBytes,
  });
}

export function writeTable(vfs: Vfs, entries: readonly Entry[], options: TableOptions = {}): FinishedTable {
  const writer = writerOf(vfs, options);
  for (const entry of entries) writer.add(entry);
  return writer.finish();
}

export function memoryVfs(): MemoryVfs {
  const vfs = new MemoryVfs();
  vfs.makeDirectory(DIRECTORY);
  return vfs;
}

export function openTable(vfs: Vfs, cache: BlockCache = NO_BLOCK_CACHE, path = PATH): TableReader {
  return TableReader.open({ vfs, path, shard: 0, fileNumber: FILE_NUMBER, cache });
}

/** A table in memory with these entries, open. */
export function tableOf(entries: readonly Entry[], options: TableOptions = {}): TableReader {
  const vfs = memoryVfs();
  writeTable(vfs, entries, options);
  return openTable(vfs);
}

/** A memory file system whose only table has these bytes. */
export function imageOf(bytes: Uint8Array): MemoryVfs {
  const vfs = memoryVfs();
  vfs.writeFileAtomic(PATH, bytes);
  return vfs;
}

export function lookUp(reader: TableReader, probe: Entry, maxSeqno: number): string | undefined {
  const { collection, key, keyOffset, keyLength } = probe;
  const out = new FoundEntry();
  const hash = hashKey(collection, key, keyOffset, keyLength);
  const found = reader.get(hash, collection, key, keyOffset, keyLength, maxSeqno, out);
  return found ? described(out) : undefined;
}

/** The same for a lookup that leaves out the value. */
export function lookUpVersion(reader: TableReader, probe: Entry, maxSeqno: number): string | undefined {
  const { collection, key, keyOffset, keyLength } = probe;
  const out = new FoundEntry();
  const hash = hashKey(collection, key, keyOffset, keyLength);
  const found = reader.get(hash, collection, key, keyOffset, keyLength, maxSeqno, out, 'version');
  return found ? described(out) : undefined;
}

/** An entry as a lookup that leaves out the value describes it. */
export const describedVersion = (entry: Entry): string =>
  described({ ...entry, value: new Uint8Array(0), valueOffset: 0, valueLength: 0 });

/** A cache that keeps everything, by `shard/file/offset`. */
export class MapBlockCache implements BlockCache {
  readonly blocks = new Map<string, Uint8Array>();

  read(shard: number, fileNumber: number, offset: number, into: Uint8Array): number {
    const block = this.blocks.get(`${shard}/${fileNumber}/${offset}`);
    if (block !== undefined && block.length <= into.length) into.set(block);
    return block?.length ?? -1;
  }

  insert(shard: number, fileNumber: number, offset: number, bytes: Uint8Array, length: number): void {
    this.blocks.set(`${shard}/${fileNumber}/${offset}`, bytes.slice(0, length));
  }
}

/** From where the cursor stands to the end. */
export function restOf(cursor: EntryCursor, limit = Number.MAX_SAFE_INTEGER): string[] {
  const rest: string[] = [];
  for (; cursor.isValid && rest.length < limit; cursor.next()) rest.push(described(cursor));
  return rest;
}

export function everything(reader: TableReader, fillCache = false): string[] {
  const cursor = reader.cursor({ fillCache });
  cursor.seekToFirst();
  return restOf(cursor);
}

export const byOrder = (a: Entry, b: Entry): number => compareKeys(a, b) || b.seqno - a.seqno;

export interface RandomTableOptions {
  readonly keys: number;
  readonly collections: number;
  readonly keyBytesMax: number;
  readonly valueBytesMax: number;
  /** One key in so many has many versions. */
  readonly manyVersionsEvery: number;
  readonly seqnoMax: number;
}

/** Entries in order: keys that share long starts, keys that are starts of others, versions of all kinds. */
export function randomEntries(prng: Prng, options: RandomTableOptions): Entry[] {
  const byKey = new Map<string, Entry[]>();
  const starts = [utf8('user:'), utf8('user:0000'), new Uint8Array(0), Uint8Array.of(255, 255), utf8('k')];
  while (byKey.size < options.keys) {
    const start = pick(prng, starts);
    const room = Math.max(0, options.keyBytesMax - start.length);
    const alphabet = oneIn(prng, 2) ? 256 : 3;
    const tail = randomBytes(prng, prng.nextBelow(Math.min(room, oneIn(prng, 20) ? room : 6) + 1));
    const key = Uint8Array.from([...start, ...tail.map((byte) => byte % alphabet)]);
    const collection = pick(prng, [1, 2, 255, 256, 65536, 4294967295].slice(0, options.collections));
    const versions = oneIn(prng, options.manyVersionsEvery) ? prng.nextBelow(60) + 1 : prng.nextBelow(2) + 1;
    byKey.set(
      `${collection}/${Buffer.from(key).toString('hex')}`,
      randomVersions(prng, collection, key, versions, options),
    );
  }
  return [...byKey.values()].flat().sort(byOrder);
}

function randomVersions(
  prng: Prng,
  collection: number,
  key: Uint8Array,
  count: number,
  options: RandomTableOptions,
): Entry[] {
  const seqnos = new Set<number>();
  while (seqnos.size < count) seqnos.add(1 + Math.floor(prng.nextFloat() * options.seqnoMax));
  return [...seqnos].map((seqno) => {
    const expiresAt = oneIn(prng, 4) ? 1 + (prng.nextUint32() % 4294967295) : 0;
    if (oneIn(prng, 5)) return entryOf(collection, key, seqno, undefined);
    if (oneIn(prng, 8)) {
      const empty = entryOf(collection, key, seqno, new Uint8Array(0), expiresAt);
      return { ...empty, kind: ENTRY_EXPIRED, originalLength: prng.nextBelow(20_000_000) };
    }
    const length = oneIn(prng, 6) ? 0 : prng.nextBelow(options.valueBytesMax + 1);
    const value = oneIn(prng, 2) ? randomBytes(prng, length) : new Uint8Array(length).fill(97);
    return entryOf(collection, key, seqno, value, expiresAt);
  });
}
