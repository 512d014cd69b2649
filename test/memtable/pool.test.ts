import test from 'ava';
import { ABSENT, ChainReader } from '../../src/memtable/chain-reader.js';
import { createMemtablePool } from '../../src/memtable/pool.js';
import { POOL_READERS_MAX } from '../../src/memtable/pool-format.js';
import {
  BEGINNING_OF_TIME,
  getBytes,
  getText,
  putBytes,
  putText,
  scanDocuments,
  testPool,
} from '../support/memtables.js';
import { textOf, utf8 } from '../support/text.js';

const ARENA_BYTES = 64 * 1024;

/** Four slots; 'a' in the oldest memtable, 'b' in the middle one, 'c' in the active one; 'k' in all of them. */
function threeMemtables() {
  const made = testPool(4, ARENA_BYTES);
  for (const [index, key] of ['a', 'b', 'c'].entries()) {
    if (index > 0) made.pool.rotate();
    putText(made.pool.active, key, 2 * index + 1, `only ${key}`);
    putText(made.pool.active, 'k', 2 * index + 2, `k after ${key}`);
  }
  return made;
}

test('a reader finds every key of the chain, the newest version of each', (t) => {
  const { reader } = threeMemtables();
  t.is(getText(reader, 'a'), 'only a');
  t.is(getText(reader, 'b'), 'only b');
  t.is(getText(reader, 'c'), 'only c');
  t.is(getText(reader, 'k'), 'k after c');
  t.is(getBytes(reader, 1, utf8('k'))?.seqno, 6);
  t.is(getText(reader, 'd'), undefined);
});

test('a scan gives every key of the chain once', (t) => {
  const { reader } = threeMemtables();
  t.deepEqual(
    scanDocuments(reader, 1).map(({ key, value }) => `${textOf(key)}=${textOf(value)}`),
    ['a=only a', 'b=only b', 'c=only c', 'k=k after c'],
  );
});

test('a tombstone hides older memtables', (t) => {
  const { pool, reader } = threeMemtables();
  putText(pool.active, 'a', 10);
  t.deepEqual(getBytes(reader, 1, utf8('a')), { seqno: 10, value: undefined });
  t.deepEqual(
    scanDocuments(reader, 1).map(({ key }) => textOf(key)),
    ['b', 'c', 'k'],
  );
});

test('rotation stops before the reserve, which only replay may use', (t) => {
  const { pool } = testPool(4, ARENA_BYTES);
  t.is(pool.memtablesMax, 3);
  t.true(pool.rotate());
  t.true(pool.rotate());
  t.is(pool.chainLength, 3);
  const active = pool.active;
  t.false(pool.rotate());
  t.is(pool.active, active);
  t.true(pool.rotate(true));
  t.false(pool.rotate(true));
  t.is(pool.chainLength, 4);
});

test('a retired memtable is gone at once and its slot comes back', (t) => {
  const { pool, reader } = threeMemtables();
  t.false(pool.rotate());
  pool.retireOldest();
  t.is(getText(reader, 'a'), undefined);
  t.is(getText(reader, 'b'), 'only b');
  t.is(pool.reclaim(), 0);
  t.true(pool.rotate());
  t.is(getText(reader, 'a'), undefined, 'the recycled slot is empty');
  t.is(getText(reader, 'k'), 'k after c');
});

test('a slot is not recycled while a reader that may hold it is inside', (t) => {
  const { pool, buffers } = threeMemtables();
  const inside = new ChainReader(buffers, 1, BEGINNING_OF_TIME);
  inside.enter();
  const key = utf8('a');
  const [, , oldest] = inside.chain();
  pool.retireOldest();
  t.is(pool.reclaim(), 1);
  t.false(pool.rotate(), 'its slot is not free');
  const node = oldest.seek(1, key, 0, 1);
  t.is(textOf(oldest.bytes, oldest.valueOffset(oldest.newestVersion(node)), 6), 'only a');
  inside.leave();
  t.is(pool.reclaim(), 0);
  t.true(pool.rotate());
});

test('a reader that left and entered again does not hold what was retired before', (t) => {
  const { pool, buffers } = threeMemtables();
  const reader = new ChainReader(buffers, POOL_READERS_MAX - 1, BEGINNING_OF_TIME);
  reader.enter();
  pool.retireOldest();
  reader.leave();
  reader.enter();
  t.is(pool.reclaim(), 0);
  t.is(reader.get(0, 1, utf8('a'), 0, 1), ABSENT);
  reader.leave();
});

test('a reader that enters after the retirement holds only later ones', (t) => {
  const { pool, buffers } = threeMemtables();
  const reader = new ChainReader(buffers, 1, BEGINNING_OF_TIME);
  pool.retireOldest();
  reader.enter();
  t.is(pool.reclaim(), 0);
  pool.retireOldest();
  t.is(pool.reclaim(), 1);
  reader.leave();
  t.is(pool.reclaim(), 0);
});

test('the successor of a reader that died inside releases what it held', (t) => {
  const { pool, buffers } = threeMemtables();
  new ChainReader(buffers, 5, BEGINNING_OF_TIME).enter();
  pool.retireOldest();
  t.is(pool.reclaim(), 1);
  const successor = new ChainReader(buffers, 5, BEGINNING_OF_TIME);
  t.is(pool.reclaim(), 0);
  successor.enter();
  pool.retireOldest();
  t.is(pool.reclaim(), 1, 'its own pins count as before');
  successor.leave();
});

test('the active memtable cannot be retired', (t) => {
  const { pool } = testPool(3, ARENA_BYTES);
  t.throws(() => pool.retireOldest(), { name: 'AssertionError' });
});

test('the visible seqno is exact beyond 32 bits', (t) => {
  const { pool, reader } = testPool(3, ARENA_BYTES);
  t.is(reader.visibleSeqno(), 0);
  for (const seqno of [1, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1]) {
    pool.publishVisible(seqno);
    t.is(reader.visibleSeqno(), seqno);
  }
});

test('pools too small to rotate and reader numbers out of range are refused', (t) => {
  t.throws(() => createMemtablePool(2, ARENA_BYTES), { name: 'AssertionError' });
  const buffers = createMemtablePool(3, ARENA_BYTES);
  t.throws(() => new ChainReader(buffers, POOL_READERS_MAX, BEGINNING_OF_TIME), { name: 'AssertionError' });
  t.throws(() => new ChainReader(buffers, -1, BEGINNING_OF_TIME), { name: 'AssertionError' });
});

test('a point read finds a document up to the second before it expires, and says when that is', (t) => {
  let now = 99;
  const { pool, reader } = testPool(3, 64 * 1024, 1, { nowSeconds: () => now });
  putBytes(pool.active, 1, utf8('short'), 1, utf8('{}'), 100);
  putBytes(pool.active, 1, utf8('kept'), 2, utf8('{}'));
  t.is(getText(reader, 'short'), '{}');
  t.is(reader.expiresAt, 100);
  t.is(getText(reader, 'kept'), '{}');
  t.is(reader.expiresAt, 0);
  now = 100;
  t.is(getText(reader, 'short'), undefined);
  t.is(getText(reader, 'kept'), '{}');
});

test('a document without expiry is read without a look at the clock', (t) => {
  const noClock = {
    nowSeconds: (): number => {
      throw new Error('the clock was asked');
    },
  };
  const { pool, reader } = testPool(3, 64 * 1024, 1, noClock);
  putBytes(pool.active, 1, utf8('kept'), 1, utf8('{}'));
  t.is(getText(reader, 'kept'), '{}');
  putBytes(pool.active, 1, utf8('short'), 2, utf8('{}'), 1);
  t.throws(() => getText(reader, 'short'), { message: /clock/ });
});
