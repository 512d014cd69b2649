import test from 'ava';
import { createIndexUsage, INDEX_USAGE_SLOTS, IndexUsage } from '../../src/shm/index-usage.js';

test('uses are counted by index, whoever counts them', (t) => {
  const buffer = createIndexUsage();
  const one = new IndexUsage(buffer);
  const other = new IndexUsage(buffer);
  t.deepEqual(one.of(7), { count: 0, lastUsedMs: undefined });
  one.note(7, 1000.5);
  other.note(7, 2000);
  // The same first slot as 7.
  other.note(7 + INDEX_USAGE_SLOTS, 3000);
  t.deepEqual(one.of(7), { count: 2, lastUsedMs: 2000 });
  t.deepEqual(one.of(7 + INDEX_USAGE_SLOTS), { count: 1, lastUsedMs: 3000 });
});

test('when all slots are taken, further indexes are not counted and the others still are', (t) => {
  const usage = new IndexUsage(createIndexUsage());
  for (let index = 1; index <= INDEX_USAGE_SLOTS + 1; index++) usage.note(index, index);
  t.is(usage.of(INDEX_USAGE_SLOTS + 1).count, 0);
  usage.note(5, 9);
  t.deepEqual(usage.of(5), { count: 2, lastUsedMs: 9 });
});
