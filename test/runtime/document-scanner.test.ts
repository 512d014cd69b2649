import test from 'ava';
import type { ScanBudget } from '../../src/router/document-reader.js';
import { MemtableScanner } from '../../src/runtime/document-scanner.js';
import { putText, testPool } from '../support/memtables.js';
import { textOf } from '../support/text.js';

const UNLIMITED: ScanBudget = { keys: 1e9, bytes: 1e9 };
const keyOf = (index: number): string => `k${String(index).padStart(6, '0')}`;

/** Two shards: 1000 deleted keys, and 10 documents behind them. */
function tombstonesFirst(): MemtableScanner {
  const scanner = new MemtableScanner(2);
  for (const shard of [0, 1]) {
    const { pool, reader } = testPool(3, 1024 * 1024);
    for (let i = shard; i < 1010; i += 2)
      putText(pool.active, keyOf(i), i + 1, i < 1000 ? undefined : '{"n":1}');
    scanner.setReader(shard, reader);
  }
  return scanner;
}

/** Keys found, slice by slice. */
function slices(scanner: MemtableScanner, budget: ScanBudget): string[][] {
  const found: string[][] = [];
  let after: Uint8Array | undefined;
  do {
    const slice: string[] = [];
    after = scanner.scan(1, after, budget, (document) => slice.push(textOf(document.key())) > 0);
    found.push(slice);
  } while (after !== undefined);
  return found;
}

test('deleted keys use up the budget of a slice, and the next slice goes on behind them', (t) => {
  const found = slices(tombstonesFirst(), { ...UNLIMITED, keys: 100 });
  t.is(found.length, 11);
  t.deepEqual(found.slice(0, 10).flat(), []);
  t.deepEqual(
    found[10],
    Array.from({ length: 10 }, (_, i) => keyOf(1000 + i)),
  );
});

test('a slice ends with the document that uses up its bytes', (t) => {
  const found = slices(tombstonesFirst(), { ...UNLIMITED, bytes: 20 });
  t.deepEqual(
    found.map((slice) => slice.length),
    [3, 3, 3, 1],
  );
});

test('slices of any size find the same documents', (t) => {
  const scanner = tombstonesFirst();
  const [all] = slices(scanner, UNLIMITED);
  t.is(all.length, 10);
  for (const keys of [1, 2, 7, 1000, 1001, 1010])
    t.deepEqual(slices(scanner, { ...UNLIMITED, keys }).flat(), all);
});
