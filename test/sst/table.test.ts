import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { AssertionError } from '../../src/base/assert.js';
import { DOCUMENT_BYTES_MAX, KEY_BYTES_MAX } from '../../src/base/limits.js';
import { createPrng } from '../../src/base/prng.js';
import type { BlockCache } from '../../src/cache/block-cache.js';
import type { TableInfo } from '../../src/manifest/table-info.js';
import type { FinishedTable } from '../../src/sst/properties.js';
import { TableReader } from '../../src/sst/table-reader.js';
import { FaultVfs } from '../../src/vfs/fault.js';
import { MemoryVfs } from '../../src/vfs/memory.js';
import { RealVfs } from '../../src/vfs/real.js';
import type { Vfs } from '../../src/vfs/vfs.js';
import { randomBytes, seededPrng } from '../support/random.js';
import { utf8 } from '../support/text.js';
import {
  CODECS,
  described,
  describedVersion,
  document,
  entryOf,
  everything,
  FILE_NUMBER,
  husk,
  lookUp,
  lookUpVersion,
  MapBlockCache,
  memoryVfs,
  openTable,
  PATH,
  randomEntries,
  tableOf,
  tombstone,
  writerOf,
  writeTable,
} from './support.js';

const FILE_SYSTEMS: Readonly<Record<string, () => Vfs>> = {
  memory: () => new MemoryVfs(),
  fault: () => new FaultVfs(new MemoryVfs()),
  real: () => new RealVfs(),
};

for (const [name, create] of Object.entries(FILE_SYSTEMS)) {
  test(`${name}: what was written is what the table says of itself, and verifies`, (t) => {
    const prng = seededPrng(t);
    const directory = mkdtempSync(join(tmpdir(), 'lumadb-sst-'));
    t.teardown(() => rmSync(directory, { recursive: true }));
    const vfs = create();
    vfs.makeDirectory(directory);
    const sizes = {
      collections: 3,
      keyBytesMax: 40,
      valueBytesMax: 200,
      manyVersionsEvery: 20,
      seqnoMax: 1e9,
    };
    const entries = randomEntries(prng, { ...sizes, keys: 1000 });
    for (const codec of CODECS) {
      const path = `${directory}/${codec}.sst`;
      const finished = writeTable(vfs, entries, { codec, path });
      const reader = openTable(vfs, undefined, path);
      reader.verify();
      t.deepEqual(everything(reader), entries.map(described));
      t.like(reader.properties, { ...finished });
      t.is(finished.sizeBytes, vfs.readFile(path).length);
      t.is(finished.entries, entries.length);
      t.is(
        finished.rawBytes,
        entries.reduce((sum, entry) => sum + entry.keyLength + entry.valueLength, 0),
      );
      reader.close();
    }
  });
}

test('the summary counts kinds, ranges, expiry and shares of collections', (t) => {
  const finished: FinishedTable = writeTable(memoryVfs(), [
    document(3, 'a', 9, 'four'),
    tombstone(3, 'a', 4),
    entryOf(3, utf8('bb'), 8, utf8('x'), 500),
    husk(5, 'c', 7, 400, 1000),
  ]);
  const { sizeBytes, ...rest } = finished;
  t.true(sizeBytes > 100);
  t.deepEqual(rest, {
    entries: 4,
    tombstones: 1,
    rawBytes: 1 + 4 + 1 + 2 + 1 + 1,
    smallest: { collection: 3, key: utf8('a') },
    largest: { collection: 5, key: utf8('c') },
    minSeqno: 4,
    maxSeqno: 9,
    earliestExpiry: 400,
    collections: [
      { collection: 3, entries: 3, tombstones: 1, rawBytes: 9 },
      { collection: 5, entries: 1, tombstones: 0, rawBytes: 1 },
    ],
  });
  // The shapes of the layer above and of this one are the same: this line compiles only while they are.
  const info: TableInfo = { ...finished, fileNumber: 1, level: 0, run: 1 };
  t.is(info.entries, 4);
});

test('documents of 16 MiB, keys of 1 KiB and empty values and keys come back as they were', (t) => {
  const random = randomBytes(createPrng(1), DOCUMENT_BYTES_MAX);
  const long = new Uint8Array(KEY_BYTES_MAX).fill(120);
  const longer = Uint8Array.from(long);
  longer[KEY_BYTES_MAX - 1]++;
  const entries = [
    entryOf(1, new Uint8Array(0), 1, utf8('{"empty":"key"}')),
    entryOf(1, utf8('big'), 2, random),
    entryOf(1, utf8('big-and-simple'), 3, new Uint8Array(DOCUMENT_BYTES_MAX).fill(32)),
    entryOf(1, utf8('nothing'), 4, new Uint8Array(0)),
    entryOf(1, long, 6, utf8('{}')),
    entryOf(1, long, 5, utf8('{"older":true}')),
    entryOf(1, longer, 7, utf8('{}')),
  ];
  for (const codec of CODECS) {
    const reader = tableOf(entries, { codec });
    reader.verify();
    t.deepEqual(everything(reader), entries.map(described));
    for (const entry of entries) t.is(lookUp(reader, entry, entry.seqno), described(entry));
  }
});

test('keys longer than any document key are kept too, up to 64 KiB', (t) => {
  const keys = [2000, 40_000, 65_535].map((length) => new Uint8Array(length).fill(97));
  const entries = keys.map((key, index) => entryOf(1, key, index + 1, utf8(`${index}`)));
  const reader = tableOf(entries);
  t.deepEqual(everything(reader), entries.map(described));
  for (const entry of entries) t.is(lookUp(reader, entry, 10), described(entry));
  const writer = writerOf(memoryVfs());
  const tooLong = entryOf(1, new Uint8Array(65_536), 1, utf8('x'));
  t.throws(() => writer.add(tooLong), { instanceOf: AssertionError });
});

test('blocks keep to the block size unless one entry is larger', (t) => {
  const entries = Array.from({ length: 300 }, (_, i) =>
    document(1, `key-${1000 + i}`, 1, 'x'.repeat(i % 50 === 7 ? 5000 : 150)),
  );
  const lengths: number[] = [];
  const cache: BlockCache = {
    read: () => -1,
    insert: (_shard, _file, _offset, _bytes, length) => lengths.push(length),
  };
  const vfs = memoryVfs();
  writeTable(vfs, entries, { blockSizeBytes: 2048 });
  everything(openTable(vfs, cache), true);
  t.is(lengths.filter((length) => length > 2048).length, 6);
  t.true(lengths.filter((length) => length > 1700 && length <= 2048).length > 15);
});

test('entries out of order, twice the same and of unknown kind are refused', (t) => {
  const first = document(2, 'b', 5, '{}');
  const wrong = [
    document(2, 'a', 4, '{}'),
    document(1, 'z', 4, '{}'),
    document(2, 'b', 5, '{}'),
    document(2, 'b', 6, '{}'),
    document(2, '', 1, '{}'),
    { ...document(2, 'c', 1, '{}'), kind: 4 },
    { ...document(2, 'c', 1, '{}'), kind: 0 },
  ];
  for (const entry of wrong) {
    const writer = writerOf(memoryVfs());
    writer.add(first);
    t.throws(() => writer.add(entry), { instanceOf: AssertionError }, described(entry));
    t.throws(() => writer.finish(), { instanceOf: AssertionError }, 'nothing is written after a failure');
  }
});

test('a table without entries is not finished', (t) => {
  const vfs = memoryVfs();
  const writer = writerOf(vfs);
  t.true(writer.isEmpty);
  t.throws(() => writer.finish(), { instanceOf: AssertionError });
  writer.abandon();
  t.false(vfs.exists(PATH));
});

test('the writer tells how much it has, and every write as it happens', (t) => {
  const vfs = memoryVfs();
  const writes: number[] = [];
  const writer = writerOf(vfs, { codec: 'none', onBytes: (count) => writes.push(count) });
  let raw = 0;
  for (let i = 0; i < 5000; i++) {
    writer.add(document(1, `key-${10_000 + i}`, 1, 'v'.repeat(200)));
    raw += 209;
    t.is(writer.rawBytes, raw);
    t.true(writer.fileBytes <= raw * 1.2 && writer.fileBytes >= raw - 5000, `${writer.fileBytes} of ${raw}`);
  }
  const { sizeBytes } = writer.finish();
  t.is(
    writes.reduce((sum, count) => sum + count, 0),
    sizeBytes,
  );
  t.true(writes.length >= 4 && writes.every((count) => count <= 256 * 1024), `${writes}`);
});

test('cached blocks are not read from the file, and fillCache decides which become cached', (t) => {
  const entries = Array.from({ length: 500 }, (_, i) =>
    document(1, `key-${1000 + i}`, 1, 'x'.repeat(i === 250 ? 60_000 : 100)),
  );
  const vfs = new FaultVfs(memoryVfs());
  writeTable(vfs, entries);
  const cache = new MapBlockCache();
  const { blocks } = cache;
  const open = (): TableReader =>
    TableReader.open({ vfs, path: PATH, shard: 3, fileNumber: FILE_NUMBER, cache });
  t.deepEqual(everything(open(), false), entries.map(described));
  t.is(blocks.size, 0, 'a scan that does not fill the cache leaves it alone');
  for (const entry of entries) t.is(lookUp(open(), entry, 1), described(entry));
  t.is(blocks.size, open().properties.dataBlocks);
  const reader = open();
  const reads = vfs.callCount('pread');
  for (const entry of entries) t.is(lookUp(reader, entry, 1), described(entry));
  t.deepEqual(everything(reader, true), entries.map(described));
  t.deepEqual(everything(reader, false), entries.map(described));
  t.is(vfs.callCount('pread'), reads);
  t.true([...blocks.keys()].every((key) => key.startsWith(`3/${FILE_NUMBER}/`)));
});

test('a lookup that leaves out the value caches the keys of a block in the place of the block', (t) => {
  const entries = Array.from({ length: 500 }, (_, i) =>
    document(1, `key-${1000 + i}`, 1, 'x'.repeat(i === 250 ? 60_000 : 100)),
  );
  const vfs = new FaultVfs(memoryVfs());
  writeTable(vfs, entries);
  const cache = new MapBlockCache();
  const reader = openTable(vfs, cache);
  const before = vfs.callCount('pread');
  for (const entry of entries) t.is(lookUpVersion(reader, entry, 1), describedVersion(entry));
  const { dataBlocks } = reader.properties;
  t.is(vfs.callCount('pread') - before, dataBlocks, 'each block is read once');
  t.is(cache.blocks.size, dataBlocks);
  const cached = [...cache.blocks.values()].reduce((sum, { length }) => sum + length, 0);
  t.true(cached < (500 * 100) / 4, `${cached} bytes`);
  for (const entry of entries) t.is(lookUp(reader, entry, 1), described(entry), 'values are read as ever');
  t.is(vfs.callCount('pread') - before, 2 * dataBlocks);
});

test('a lookup that leaves out the value takes a block that is cached, and caches blocks that are mostly keys', (t) => {
  const vfs = new FaultVfs(memoryVfs());
  const entries = Array.from({ length: 2000 }, (_, i) => document(1, `key-${1000 + i}`, 1, ''));
  writeTable(vfs, entries);
  const cache = new MapBlockCache();
  const reader = openTable(vfs, cache);
  for (const entry of entries) t.is(lookUpVersion(reader, entry, 1), describedVersion(entry));
  t.is(cache.blocks.size, reader.properties.dataBlocks);
  const reads = vfs.callCount('pread');
  for (const entry of entries) t.is(lookUp(reader, entry, 1), described(entry));
  for (const entry of entries) t.is(lookUpVersion(reader, entry, 1), describedVersion(entry));
  t.is(vfs.callCount('pread'), reads);
});

test('two cursors and lookups of one table do not disturb each other', (t) => {
  const entries = Array.from({ length: 400 }, (_, i) =>
    document(1, `key-${1000 + i}`, 1, `value ${i}`.repeat(20)),
  );
  const reader = tableOf(entries, { blockSizeBytes: 512 });
  const one = reader.cursor({ fillCache: true });
  const other = reader.cursor({ fillCache: false });
  one.seekToFirst();
  other.seek(1, utf8('key-1200'), 0, 8);
  for (let i = 0; i < 200; i++) {
    t.is(lookUp(reader, entries[(i * 37) % 400], 1), described(entries[(i * 37) % 400]));
    t.is(described(one), described(entries[i]));
    t.is(described(other), described(entries[200 + i]));
    one.next();
    other.next();
  }
  t.false(other.isValid);
});

test('memory of index and filter is counted', (t) => {
  const entries = Array.from({ length: 2000 }, (_, i) =>
    document(1, `key-${10_000 + i}`, 1, 'x'.repeat(100)),
  );
  const plain = tableOf(entries, { bloomBitsPerKey: 0 }).memoryBytes;
  const filtered = tableOf(entries, { bloomBitsPerKey: 10 }).memoryBytes;
  t.true(filtered - plain >= 2500 && filtered - plain < 2700, `${filtered - plain}`);
  t.true(plain > 500 && plain < 20_000, `${plain}`);
});
