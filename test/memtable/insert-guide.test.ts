import test, { type ExecutionContext } from 'ava';
import { createPrng, type Prng } from '../../src/base/prng.js';
import { CHUNK_NODES } from '../../src/memtable/collection-order.js';
import { createMemtableSlot, NO_SLOT } from '../../src/memtable/format.js';
import { InsertGuide } from '../../src/memtable/insert-guide.js';
import type { MemtableReader } from '../../src/memtable/reader.js';
import { MemtableWriter } from '../../src/memtable/writer.js';
import { putBytes, singleMemtable } from '../support/memtables.js';
import { pick, randomBytes, seededPrng } from '../support/random.js';
import { utf8 } from '../support/text.js';

const ARENA_BYTES = 1024 * 1024;
const KEYS = 40 * CHUNK_NODES;
const numbered = (stem: string, number: number): Uint8Array => utf8(stem + String(number).padStart(8, '0'));

/** A sequence of keys: what number `i` of `KEYS` is. */
type Sequence = (i: number, prng: Prng) => Uint8Array;

const SEQUENCES: Record<string, Sequence> = {
  'ascending keys': (i) => numbered('user', i),
  'descending keys': (i) => numbered('user', KEYS - i),
  'random keys with a long common prefix': (_, prng) => numbered('user0000', prng.nextBelow(1e8)),
  'eight ascending runs that take turns': (i) => numbered(`run${i % 8}-`, i),
  'descending runs between full chunks': (i) =>
    i < KEYS / 2 ? numbered('k', i * 1000) : numbered('k', 500_000 + 999 - (i % 1000)),
  'ascending keys, then random ones': (i, prng) => numbered('user', i < KEYS / 2 ? i : prng.nextBelow(1e8)),
  'keys of two kinds': (i, prng) => numbered(i % 2 === 0 ? 'account/' : 'transaction/', prng.nextBelow(1e6)),
  'keys of one kind and a few others': (i, prng) =>
    i % 50 === 0 ? randomBytes(prng, prng.nextBelow(6)) : numbered('user0000', prng.nextBelow(1e8)),
  'short random bytes': (_, prng) => randomBytes(prng, prng.nextBelow(4)),
};

/** Level 0 is in order, and every other level has exactly the nodes that are as high, in the same order. */
function checkList(t: ExecutionContext, reader: MemtableReader, keys: number): void {
  let below: number[] = [];
  for (let level = 0; level < reader.listHeight(); level++) {
    const nodes: number[] = [];
    for (let node = reader.nextNode(0, level); node !== 0; node = reader.nextNode(node, level))
      nodes.push(node);
    if (level === 0) {
      t.is(nodes.length, keys);
      t.true(nodes.every((node, i) => i === 0 || inOrder(reader, nodes[i - 1], node)));
    } else {
      t.deepEqual(
        nodes,
        below.filter((node) => reader.nodeHeight(node) > level),
      );
    }
    below = nodes;
  }
}

function inOrder(reader: MemtableReader, before: number, after: number): boolean {
  const collections = reader.nodeCollection(after) - reader.nodeCollection(before);
  if (collections !== 0) return collections > 0;
  return reader.compareKey(before, reader.bytes, reader.keyOffset(after), reader.keyLength(after)) < 0;
}

for (const [name, keyAt] of Object.entries(SEQUENCES)) {
  test(`${name} are linked in order on every level`, (t) => {
    const prng = seededPrng(t);
    const memtable = singleMemtable(ARENA_BYTES, prng.nextUint32());
    for (let i = 0; i < KEYS; i++) putBytes(memtable, 1, keyAt(i, prng), i + 1, utf8('v'));
    checkList(t, memtable.reader, memtable.reader.nodeCount());
    t.true(memtable.reader.nodeCount() > KEYS / 4);
  });
}

test('collections side by side, more of them than the guide takes, are linked in order', (t) => {
  const prng = seededPrng(t);
  const memtable = singleMemtable(ARENA_BYTES, prng.nextUint32());
  const writes = 6000;
  for (let i = 0; i < writes; i++)
    putBytes(memtable, prng.nextBelow(400), numbered('key', i), i + 1, utf8('v'));
  checkList(t, memtable.reader, writes);
});

test('writers that share a guide can be written in turn, cleared and written again', (t) => {
  const prng = seededPrng(t);
  const guide = new InsertGuide();
  const newWriter = () =>
    new MemtableWriter(createMemtableSlot(ARENA_BYTES), createPrng(prng.nextUint32()), guide);
  const writers = [newWriter(), newWriter()];
  for (let round = 0; round < 30; round++) {
    const writer = pick(prng, writers);
    if (round % 7 === 6) writer.clear(NO_SLOT);
    for (let i = 0; i < 200; i++)
      putBytes(writer, 1 + prng.nextBelow(3), numbered('k', prng.nextBelow(1e6)), 1, utf8('v'));
    for (const each of writers) checkList(t, each.reader, each.reader.nodeCount());
  }
});

test('a memtable that was filled by another writer is carried on in order', (t) => {
  const prng = seededPrng(t);
  const slot = createMemtableSlot(ARENA_BYTES);
  const first = new MemtableWriter(slot, createPrng(1));
  for (let i = 0; i < 1000; i++) putBytes(first, 1, numbered('k', 2 * i), i + 1, utf8('v'));
  const second = new MemtableWriter(slot, createPrng(2));
  for (let i = 0; i < 1000; i++)
    putBytes(second, 1, numbered('k', 1 + 2 * prng.nextBelow(1000)), i + 1, utf8('v'));
  checkList(t, second.reader, second.reader.nodeCount());
});
