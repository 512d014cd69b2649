/** SSTables: lookups, scans and writing, on files in the page cache of the operating system, and the parts they consist of. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashKey } from '../src/base/hash.js';
import { type BlockCache, NO_BLOCK_CACHE } from '../src/cache/block-cache.js';
import { ENTRY_DOCUMENT, type Entry } from '../src/iter/entry-cursor.js';
import { BloomFilter, buildBloomFilter } from '../src/sst/bloom-filter.js';
import { type CodecName, codecByName } from '../src/sst/codec.js';
import { FoundEntry } from '../src/sst/found-entry.js';
import { TableReader } from '../src/sst/table-reader.js';
import { TableWriter } from '../src/sst/table-writer.js';
import { RealVfs } from '../src/vfs/real.js';

interface SstBenchmark {
  name: string;
  fn: () => void;
  operationsPerCall?: number;
  teardown?: () => void;
}

const COLLECTION = 1;
const DOCUMENTS = 30_000;
const DOCUMENT_BYTES = 150;
const BLOCK_BYTES = 4096;
const BITS_PER_KEY = 10;
const CALLS = 64;
const CODECS: readonly CodecName[] = ['none', 'lz4', 'zstd'];
const CITIES = ['Berlin', 'Paris', 'Rome', 'Oslo', 'Lisbon'];

interface MutableEntry extends Entry {
  key: Uint8Array;
  value: Uint8Array;
  valueLength: number;
  seqno: number;
}

export function sstBenchmarks(): SstBenchmark[] {
  const directory = mkdtempSync(join(tmpdir(), 'lumadb-bench-'));
  const documents = Array.from({ length: DOCUMENTS }, (_, index) => documentOf(index));
  const keys = documents.map((_, index) => keyOf(index));
  const lookups = CODECS.flatMap((codec) => tableBenchmarks(directory, codec, keys, documents));
  return [
    ...lookups,
    ...writing(directory, keys, documents),
    ...filters(keys),
    opening(directory, keys, documents),
  ];
}

const keyOf = (index: number): Uint8Array => Buffer.from(`user:${String(index * 2).padStart(9, '0')}`);

/** JSON of DOCUMENT_BYTES with fields of the usual kinds: compresses about as well as real documents. */
function documentOf(index: number): Uint8Array {
  const city = CITIES[index % CITIES.length];
  const text = `{"_id":"user:${index}","name":"Name ${(index * 7919) % 10007}","city":"${city}","age":${index % 90},"score":${(index * 48271) % 65521}`;
  const note = ((index + 1) * 2654435761).toString(36).repeat(20);
  return Buffer.from(`${text},"note":"${note}`.slice(0, DOCUMENT_BYTES - 2).concat('"}'));
}

function entryFor(key: Uint8Array, value: Uint8Array, seqno: number): MutableEntry {
  return {
    collection: COLLECTION,
    key,
    keyOffset: 0,
    keyLength: key.length,
    seqno,
    kind: ENTRY_DOCUMENT,
    expiresAt: 0,
    value,
    valueOffset: 0,
    valueLength: value.length,
    originalLength: value.length,
  };
}

function writeTable(
  path: string,
  codec: CodecName,
  keys: readonly Uint8Array[],
  documents: readonly Uint8Array[],
): void {
  const writer = new TableWriter({
    vfs: new RealVfs(),
    path,
    fileNumber: 1,
    codec: codecByName(codec),
    blockSizeBytes: BLOCK_BYTES,
    bloomBitsPerKey: BITS_PER_KEY,
  });
  for (const [index, key] of keys.entries()) writer.add(entryFor(key, documents[index], index + 1));
  writer.finish();
}

/** A cache of everything, at the price of a map: what is measured is the reader. */
function mapCache(): BlockCache {
  const blocks = new Map<number, Uint8Array>();
  return {
    read: (_shard, _fileNumber, offset, into) => {
      const block = blocks.get(offset);
      if (block === undefined) return -1;
      into.set(block);
      return block.length;
    },
    insert: (_shard, _fileNumber, offset, bytes, length) => blocks.set(offset, bytes.slice(0, length)),
  };
}

function tableBenchmarks(
  directory: string,
  codec: CodecName,
  keys: readonly Uint8Array[],
  documents: readonly Uint8Array[],
): SstBenchmark[] {
  const path = join(directory, `${codec}.sst`);
  const readers: TableReader[] = [];
  const open = (cache: BlockCache): TableReader => {
    if (readers.length === 0) writeTable(path, codec, keys, documents);
    const reader = TableReader.open({ vfs: new RealVfs(), path, shard: 0, fileNumber: 1, cache });
    readers.push(reader);
    return reader;
  };
  return [
    {
      name: `sst: get, block cached (${codec})`,
      operationsPerCall: CALLS,
      fn: getting(() => open(mapCache()), keys),
    },
    {
      name: `sst: get, block in the page cache (${codec})`,
      operationsPerCall: CALLS,
      fn: getting(() => open(NO_BLOCK_CACHE), keys),
    },
    {
      name: `sst: get of an absent key (${codec})`,
      operationsPerCall: CALLS,
      fn: missing(() => open(NO_BLOCK_CACHE), keys),
    },
    {
      name: `sst: scan, per entry of ${DOCUMENT_BYTES} B (${codec})`,
      operationsPerCall: DOCUMENTS,
      fn: scanning(() => open(NO_BLOCK_CACHE)),
    },
    {
      name: `sst: seek and scan of 20 (${codec})`,
      fn: seeking(() => open(NO_BLOCK_CACHE), keys),
      teardown: () => {
        for (const reader of readers) reader.close();
      },
    },
  ];
}

/** Opens on the first call, so that benchmarks which are not chosen cost nothing. */
function lazily<T>(open: () => T): () => T {
  let opened: T | undefined;
  return () => {
    opened ??= open();
    return opened;
  };
}

function getting(open: () => TableReader, keys: readonly Uint8Array[]): () => void {
  const reader = lazily(open);
  const out = new FoundEntry();
  let next = 0;
  return () => {
    for (let i = 0; i < CALLS; i++) {
      const key = keys[next];
      const hash = hashKey(COLLECTION, key, 0, key.length);
      if (!reader().get(hash, COLLECTION, key, 0, key.length, DOCUMENTS, out))
        throw new Error('a key is missing');
      next = (next + 7919) % keys.length;
    }
  };
}

function missing(open: () => TableReader, keys: readonly Uint8Array[]): () => void {
  const reader = lazily(open);
  const out = new FoundEntry();
  const absent = keys
    .slice(0, 4096)
    .map((_, index) => Buffer.from(`user:${String(index * 2 + 1).padStart(9, '0')}`));
  let next = 0;
  return () => {
    for (let i = 0; i < CALLS; i++) {
      const key = absent[next];
      if (
        reader().get(hashKey(COLLECTION, key, 0, key.length), COLLECTION, key, 0, key.length, DOCUMENTS, out)
      ) {
        throw new Error('an absent key was found');
      }
      next = (next + 1) % absent.length;
    }
  };
}

function scanning(open: () => TableReader): () => void {
  const reader = lazily(open);
  return () => {
    const cursor = reader().cursor({ fillCache: false });
    let bytes = 0;
    for (cursor.seekToFirst(); cursor.isValid; cursor.next()) bytes += cursor.valueLength;
    if (bytes !== DOCUMENTS * DOCUMENT_BYTES) throw new Error(`${bytes} bytes were scanned`);
  };
}

function seeking(open: () => TableReader, keys: readonly Uint8Array[]): () => void {
  const reader = lazily(open);
  const cursor = lazily(() => reader().cursor({ fillCache: true }));
  let next = 0;
  return () => {
    const key = keys[next];
    cursor().seek(COLLECTION, key, 0, key.length);
    for (let i = 0; i < 20 && cursor().isValid; i++) cursor().next();
    next = (next + 7919) % keys.length;
  };
}

function writing(
  directory: string,
  keys: readonly Uint8Array[],
  documents: readonly Uint8Array[],
): SstBenchmark[] {
  return CODECS.map((codec) => ({
    name: `sst: write, per entry of ${DOCUMENT_BYTES} B (${codec})`,
    operationsPerCall: DOCUMENTS,
    fn: () => {
      const path = join(directory, 'written.sst');
      rmSync(path, { force: true });
      writeTable(path, codec, keys, documents);
    },
  }));
}

function filters(keys: readonly Uint8Array[]): SstBenchmark[] {
  const filter = lazily(() => {
    const hashes = Int32Array.from(keys, (key) => hashKey(COLLECTION, key, 0, key.length));
    const decoded = BloomFilter.decode(buildBloomFilter(hashes, hashes.length, BITS_PER_KEY));
    if (decoded === undefined) throw new Error('not a filter');
    return decoded;
  });
  let hash = 1;
  return [
    {
      name: `sst: bloom filter of ${DOCUMENTS} keys, absent key`,
      operationsPerCall: CALLS,
      fn: () => {
        for (let i = 0; i < CALLS; i++) {
          hash = Math.imul(hash, 0x5bd1e995) + 1;
          filter().mayContain(hash);
        }
      },
    },
  ];
}

/** Opening and closing; the last of the group, so it removes the files of all. */
function opening(
  directory: string,
  keys: readonly Uint8Array[],
  documents: readonly Uint8Array[],
): SstBenchmark {
  const path = lazily(() => {
    const written = join(directory, 'open.sst');
    writeTable(written, 'lz4', keys, documents);
    return written;
  });
  return {
    name: `sst: open and close, ${DOCUMENTS} documents`,
    fn: () => {
      const options = { vfs: new RealVfs(), shard: 0, fileNumber: 1, cache: NO_BLOCK_CACHE };
      TableReader.open({ ...options, path: path() }).close();
    },
    teardown: () => rmSync(directory, { recursive: true, force: true }),
  };
}
