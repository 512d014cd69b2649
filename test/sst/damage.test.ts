import { crc32 } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { DbError } from '../../src/base/errors.js';
import { NO_BLOCK_CACHE } from '../../src/cache/block-cache.js';
import type { Entry } from '../../src/iter/entry-cursor.js';
import { BLOCK_HEADER_BYTES, FOOTER_BYTES } from '../../src/sst/format.js';
import { TableReader } from '../../src/sst/table-reader.js';
import { isIoError } from '../../src/vfs/io-error.js';
import type { Vfs } from '../../src/vfs/vfs.js';
import {
  CODECS,
  described,
  describedVersion,
  document,
  everything,
  FILE_NUMBER,
  husk,
  imageOf,
  lookUp,
  lookUpVersion,
  memoryVfs,
  openTable,
  PATH,
  tombstone,
  writeTable,
} from './support.js';

/** Several blocks, one key with versions in two of them, all kinds. */
function smallTable(): Entry[] {
  return [
    document(1, 'apple', 40, '{"n":1}'),
    document(1, 'banana', 38, '{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa":2}'),
    document(1, 'banana', 37, '{"n":3}'),
    document(1, 'banana', 12, '{"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb":4}'),
    document(1, 'banana', 11, '{"n":5}'),
    tombstone(1, 'cherry', 50),
    husk(2, 'apple', 9, 1_700_000_000, 77),
    document(2, 'date', 2 ** 40, ''),
  ];
}

const OPTIONS = { blockSizeBytes: 128, restartInterval: 2 };

function bytesOfSmallTable(codec: (typeof CODECS)[number]): Uint8Array {
  const vfs = memoryVfs();
  writeTable(vfs, smallTable(), { ...OPTIONS, codec });
  return vfs.readFile(PATH);
}

function isDamage(error: unknown): boolean {
  if (!(error instanceof DbError) || error.code !== 'CORRUPT_TABLE') return false;
  const { file, offset, reason, expected, got } = error.details ?? {};
  return (
    file === PATH && typeof offset === 'number' && [reason, expected, got].every((part) => part !== undefined)
  );
}

/** What `action` returns, or undefined when it reports damage; any other error fails the test. */
function unlessDamaged<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (isDamage(error)) return undefined;
    throw error;
  }
}

/** True if opening or verifying finds the damage; lookups and scans must be right or say so. */
function isFound(t: ExecutionContext, image: Vfs, entries: readonly Entry[], what: string): boolean {
  const reader = unlessDamaged(() => openTable(image));
  if (reader === undefined) return true;
  for (const entry of entries) {
    const answer = unlessDamaged(() => ({ found: lookUp(reader, entry, entry.seqno) }));
    if (answer !== undefined && answer.found !== described(entry)) t.fail(`${what}: ${answer.found}`);
    const version = unlessDamaged(() => ({ found: lookUpVersion(reader, entry, entry.seqno) }));
    const expected = answer === undefined ? undefined : describedVersion(entry);
    if (version?.found !== expected) t.fail(`${what}, without the value: ${version?.found}`);
  }
  const all = unlessDamaged(() => everything(reader));
  if (all !== undefined) t.deepEqual(all, entries.map(described), what);
  return !isVerified(reader);
}

function isVerified(reader: TableReader): boolean {
  try {
    reader.verify();
    return true;
  } catch (error) {
    return !isDamage(error);
  }
}

for (const codec of CODECS) {
  test(`${codec}: any changed byte is found by verification and never gives a wrong answer`, (t) => {
    const bytes = bytesOfSmallTable(codec);
    const entries = smallTable();
    t.true(isVerified(openTable(imageOf(bytes))), 'the table itself is good');
    for (let at = 0; at < bytes.length; at++) {
      for (const change of [1 << (at % 8), 255]) {
        const changed = bytes.slice();
        changed[at] ^= change;
        t.true(isFound(t, imageOf(changed), entries, `byte ${at}`), `byte ${at} ^ ${change}`);
      }
    }
  });

  test(`${codec}: a table cut at any length, or with bytes behind its end, does not open`, (t) => {
    const bytes = bytesOfSmallTable(codec);
    for (let length = 0; length < bytes.length; length++) {
      const error = t.throws(() => openTable(imageOf(bytes.slice(0, length))), { instanceOf: DbError });
      t.true(isDamage(error), `${length} bytes`);
    }
    for (const extra of [1, 24, FOOTER_BYTES]) {
      const longer = new Uint8Array(bytes.length + extra);
      longer.set(bytes);
      t.true(isDamage(t.throws(() => openTable(imageOf(longer)))), `${extra} more`);
    }
  });
}

/** A table whose blocks all take the same space: one document each, stored as it is. */
function equalBlocks(fileNumber = FILE_NUMBER): { bytes: Uint8Array; span: number; entries: Entry[] } {
  const entries = ['a', 'b', 'c', 'd'].map((key, index) =>
    document(1, key, 10 + index, `{"v":"${key.repeat(80)}"}`),
  );
  const vfs = memoryVfs();
  writeTable(vfs, entries, { codec: 'none', blockSizeBytes: 64, fileNumber });
  const { index } = TableReader.open({ vfs, path: PATH, shard: 0, fileNumber, cache: NO_BLOCK_CACHE });
  return { bytes: vfs.readFile(PATH), span: index.spanOf(0), entries };
}

test('two blocks that changed places are refused, though each is whole', (t) => {
  const { bytes, span, entries } = equalBlocks();
  const swapped = bytes.slice();
  swapped.set(bytes.subarray(span, 2 * span), 2 * span);
  swapped.set(bytes.subarray(2 * span, 3 * span), span);
  const reader = openTable(imageOf(swapped));
  t.is(lookUp(reader, entries[0], 100), described(entries[0]));
  const error = t.throws(() => lookUp(reader, entries[1], 100), { instanceOf: DbError });
  t.like(error?.details, { file: PATH, offset: span, reason: 'checksum of the block' });
});

test('a block of another table at the right place is refused by name', (t) => {
  const { bytes, span, entries } = equalBlocks();
  const mixed = bytes.slice();
  mixed.set(equalBlocks(8).bytes.subarray(span, 2 * span), span);
  const reader = openTable(imageOf(mixed));
  const error = t.throws(() => lookUp(reader, entries[1], 100), { instanceOf: DbError });
  t.like(error?.details, { offset: span, reason: 'block of another table', expected: FILE_NUMBER, got: 8 });
});

test('a table under the number of another one does not open', (t) => {
  const error = t.throws(() => openTable(imageOf(equalBlocks(8).bytes)), { instanceOf: DbError });
  t.like(error?.details, { reason: 'footer of another table', expected: FILE_NUMBER, got: 8 });
});

test('a table of a later format version is refused with both versions', (t) => {
  const bytes = bytesOfSmallTable('lz4');
  const at = bytes.length - FOOTER_BYTES;
  bytes[at + 8] = 2;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  view.setUint32(at + 44, crc32(bytes.subarray(at, at + 44)), true);
  const error = t.throws(() => openTable(imageOf(bytes)), { instanceOf: DbError });
  t.like(error?.details, { reason: 'format version of the table', expected: 1, got: 2 });
});

test('damage in a block does not hinder lookups in others', (t) => {
  const { bytes, span, entries } = equalBlocks();
  bytes[span + BLOCK_HEADER_BYTES + 5] ^= 1;
  const reader = openTable(imageOf(bytes));
  t.throws(() => lookUp(reader, entries[1], 100), { instanceOf: DbError });
  for (const index of [0, 2, 3]) t.is(lookUp(reader, entries[index], 100), described(entries[index]));
});

test('damage that comes after a table was opened is found by verification, in memory or not', (t) => {
  const bytes = bytesOfSmallTable('lz4');
  const vfs = imageOf(bytes);
  const reader = openTable(vfs);
  const file = vfs.open(PATH, 'readwrite');
  for (let at = 0; at < bytes.length; at++) {
    file.pwrite(Uint8Array.of(bytes[at] ^ 16), 0, 1, at);
    t.false(isVerified(reader), `byte ${at}`);
    file.pwrite(bytes, at, 1, at);
  }
  t.true(isVerified(reader));
  file.truncate(bytes.length - 1);
  t.false(isVerified(reader));
});

test('a missing table is an I/O error that names it', (t) => {
  const error = t.throws(() => openTable(memoryVfs()), { instanceOf: DbError });
  t.true(isIoError(error, 'ENOENT'));
  t.is(error?.details?.['file'], PATH);
});

test('verification reports its progress up to the end of the data', (t) => {
  const reader = openTable(imageOf(bytesOfSmallTable('none')));
  const steps: number[] = [];
  reader.verify((done, total) => {
    steps.push(done);
    t.is(total, reader.index.dataEnd);
  });
  t.is(steps.length, reader.properties.dataBlocks);
  t.is(steps.at(-1), reader.index.dataEnd);
});
