import test from 'ava';
import { createPrng } from '../../src/base/prng.js';
import {
  createMemtableSlot,
  nodeSize,
  SKIPLIST_HEIGHT_MAX,
  versionSize,
  writeSizeMax,
} from '../../src/memtable/format.js';
import { MemtableReader } from '../../src/memtable/reader.js';
import { MemtableWriter } from '../../src/memtable/writer.js';
import { findNode, putBytes, putText, singleMemtable } from '../support/memtables.js';
import { randomBytes, seededPrng } from '../support/random.js';
import { textOf, utf8 } from '../support/text.js';

const ARENA_BYTES = 64 * 1024;
const NOT_RANDOM_TALLEST = { nextUint32: () => 0, nextFloat: () => 0, nextBelow: () => 0 };

test('an empty memtable has no keys and its whole arena free', (t) => {
  const memtable = singleMemtable(ARENA_BYTES);
  t.true(memtable.isEmpty);
  t.is(memtable.reader.nodeCount(), 0);
  t.is(memtable.reader.arenaUsedBytes(), 0);
  t.is(memtable.reader.arenaBytes(), ARENA_BYTES);
  t.is(findNode(memtable.reader, 1, utf8('a')), 0);
  t.is(memtable.reader.seek(1, utf8(''), 0, 0), 0);
});

test('versions of a key form a history that versionAt walks', (t) => {
  const memtable = singleMemtable(ARENA_BYTES);
  putText(memtable, 'k', 10, 'ten');
  putText(memtable, 'k', 20);
  putText(memtable, 'k', 30, 'thirty');
  const { reader } = memtable;
  const node = findNode(reader, 1, utf8('k'));
  const at = (seqno: number): string => {
    const version = reader.versionAt(node, seqno);
    if (version === 0) return 'none';
    const text = textOf(reader.bytes, reader.valueOffset(version), reader.valueLength(version));
    return `${reader.versionSeqno(version)}:${reader.versionKind(version)}:${text}`;
  };
  t.is(at(9), 'none');
  t.is(at(10), '10:1:ten');
  t.is(at(19), '10:1:ten');
  t.is(at(20), '20:2:');
  t.is(at(30), '30:1:thirty');
  t.is(at(Number.MAX_SAFE_INTEGER), '30:1:thirty');
  t.is(reader.nodeCount(), 1);
});

test('seqnos up to 2^53 - 1 are kept exactly', (t) => {
  const memtable = singleMemtable(ARENA_BYTES);
  const seqnos = [2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 52 + 1, 2 ** 53 - 1];
  for (const seqno of seqnos) {
    putText(memtable, `k${seqno}`, seqno, 'v');
    const { reader } = memtable;
    t.is(reader.versionSeqno(reader.newestVersion(findNode(reader, 1, utf8(`k${seqno}`)))), seqno);
  }
});

test('every version has an expiry of its own, up to the last second of a uint32', (t) => {
  const memtable = singleMemtable(ARENA_BYTES);
  const expiries = [0, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 2];
  for (const [i, expiresAt] of expiries.entries())
    putBytes(memtable, 1, utf8('k'), i + 1, utf8('v'), expiresAt);
  const { reader } = memtable;
  const node = findNode(reader, 1, utf8('k'));
  for (const [i, expiresAt] of expiries.entries()) {
    t.is(reader.versionExpires(reader.versionAt(node, i + 1)), expiresAt);
  }
});

test('the same key in two collections is two keys', (t) => {
  const memtable = singleMemtable(ARENA_BYTES);
  putBytes(memtable, 1, utf8('k'), 1, utf8('one'));
  putBytes(memtable, 2, utf8('k'), 2, utf8('two'));
  t.is(memtable.reader.nodeCount(), 2);
  t.not(findNode(memtable.reader, 1, utf8('k')), findNode(memtable.reader, 2, utf8('k')));
  t.is(findNode(memtable.reader, 3, utf8('k')), 0);
});

test('keys with the same hash are told apart', (t) => {
  const memtable = singleMemtable(ARENA_BYTES);
  const put = (key: string, seqno: number): void => {
    const bytes = utf8(key);
    const node = memtable.reader.find(7, 1, bytes, 0, bytes.length);
    memtable.put(node, 7, 1, bytes, 0, bytes.length, seqno, 1, 0, bytes, 0, bytes.length);
  };
  for (let i = 0; i < 50; i++) put(`key-${i}`, i + 1);
  for (let i = 0; i < 50; i++) put(`key-${i}`, i + 101);
  t.is(memtable.reader.nodeCount(), 50);
  for (let i = 0; i < 50; i++) {
    const key = utf8(`key-${i}`);
    const node = memtable.reader.find(7, 1, key, 0, key.length);
    t.is(memtable.reader.versionSeqno(memtable.reader.newestVersion(node)), i + 101);
  }
  t.is(memtable.reader.find(7, 1, utf8('key-50'), 0, 6), 0);
});

test('whatever fits by hasRoom() can be written, to the last byte of the arena', (t) => {
  const prng = seededPrng(t);
  // The tallest possible nodes use up every byte that writeSizeMax reserves, but for rounding.
  const memtable = new MemtableWriter(createMemtableSlot(ARENA_BYTES), NOT_RANDOM_TALLEST);
  let writes = 0;
  for (;;) {
    const key = randomBytes(prng, 8 + prng.nextBelow(100));
    const value = randomBytes(prng, prng.nextBelow(600));
    if (!memtable.hasRoom(1, writeSizeMax(key.length, value.length))) break;
    putBytes(memtable, 1, key, ++writes, value);
  }
  t.true(writes > 50);
  const left = memtable.reader.arenaBytes() - memtable.reader.arenaUsedBytes();
  t.true(left >= 0 && left < writeSizeMax(108, 600));
});

test('a write beyond the arena is caught before it happens', (t) => {
  const memtable = singleMemtable(1024);
  t.false(memtable.hasRoom(1, writeSizeMax(1, 2000)));
  t.throws(() => putBytes(memtable, 1, utf8('k'), 1, new Uint8Array(2000)), { name: 'AssertionError' });
});

test('the index counts as full before it is, however small the nodes are', (t) => {
  const memtable = singleMemtable(ARENA_BYTES);
  let keys = 0;
  while (memtable.hasRoom(1, writeSizeMax(4, 0))) putText(memtable, `${keys++}`.padStart(4, '0'), keys, '');
  t.true(keys <= 0.75 * 1024);
  t.false(memtable.hasRoom(1, 0) && memtable.hasRoom(0, writeSizeMax(4, 0)));
  t.is(findNode(memtable.reader, 1, utf8('none')), 0, 'a search for an absent key ends');
});

test('an overwrite takes no index entry', (t) => {
  const memtable = singleMemtable(ARENA_BYTES);
  for (let seqno = 1; seqno <= 1000; seqno++) putText(memtable, 'k', seqno, 'v');
  t.is(memtable.reader.nodeCount(), 1);
  t.is(memtable.reader.arenaUsedBytes(), 999 * versionSize(1) + versionSize(1) + nodeHeightBytes(memtable));
});

/** What the only node of a memtable takes. */
function nodeHeightBytes(memtable: MemtableWriter): number {
  const { reader } = memtable;
  const node = findNode(reader, 1, utf8('k'));
  const height = (reader.keyOffset(node) - node - 24) / 4;
  if (height < 1 || height > SKIPLIST_HEIGHT_MAX) throw new Error(`height ${height}`);
  return nodeSize(height, 1);
}

test('a cleared slot is empty, linked anew and usable', (t) => {
  const memtable = singleMemtable(ARENA_BYTES);
  for (let i = 0; i < 200; i++) putText(memtable, `old-${i}`, i + 1, 'value');
  const generation = memtable.reader.generation();
  memtable.clear(3);
  t.is(memtable.reader.generation(), generation + 2);
  t.is(memtable.reader.olderSlot(), 3);
  t.true(memtable.isEmpty);
  t.is(memtable.reader.arenaUsedBytes(), 0);
  t.is(memtable.reader.seek(1, utf8(''), 0, 0), 0);
  for (let i = 0; i < 200; i++) t.is(findNode(memtable.reader, 1, utf8(`old-${i}`)), 0);
  for (let i = 0; i < 200; i++) putText(memtable, `new-${i}`, i + 1000, 'value');
  let count = 0;
  for (let node = memtable.reader.nextNode(0, 0); node !== 0; node = memtable.reader.nextNode(node, 0))
    count++;
  t.is(count, 200);
});

test('a reader made from the shared memory alone sees the same', (t) => {
  const sab = createMemtableSlot(ARENA_BYTES);
  const memtable = new MemtableWriter(sab, createPrng(5));
  for (let i = 0; i < 300; i++) putText(memtable, `k${i}`, i + 1, `v${i}`);
  const reader = new MemtableReader(sab);
  for (let i = 0; i < 300; i++) {
    const node = findNode(reader, 1, utf8(`k${i}`));
    const version = reader.newestVersion(node);
    t.is(textOf(reader.bytes, reader.keyOffset(node), reader.keyLength(node)), `k${i}`);
    t.is(textOf(reader.bytes, reader.valueOffset(version), reader.valueLength(version)), `v${i}`);
  }
});

test('every level of the skiplist is ordered and a subset of the one below', (t) => {
  const prng = seededPrng(t);
  const memtable = singleMemtable(256 * 1024, prng.nextUint32());
  for (let i = 0; i < 1500; i++)
    putBytes(memtable, 1, randomBytes(prng, prng.nextBelow(20)), i + 1, utf8('v'));
  const { reader } = memtable;
  let below = new Set<number>();
  for (let level = 0; level < reader.listHeight(); level++) {
    const nodes: number[] = [];
    for (let node = reader.nextNode(0, level); node !== 0; node = reader.nextNode(node, level))
      nodes.push(node);
    const keys = nodes.map((node) =>
      Buffer.from(
        reader.bytes.slice(reader.keyOffset(node), reader.keyOffset(node) + reader.keyLength(node)),
      ),
    );
    t.true(keys.every((key, i) => i === 0 || Buffer.compare(keys[i - 1], key) < 0));
    if (level === 0) t.is(nodes.length, reader.nodeCount());
    else t.true(nodes.every((node) => below.has(node)));
    below = new Set(nodes);
  }
  t.true(reader.listHeight() >= 4 && reader.listHeight() <= SKIPLIST_HEIGHT_MAX);
});
