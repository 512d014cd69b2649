import test from 'ava';
import { defaultConfig } from '../../src/config/schema.js';
import {
  CACHE_GRAIN_BYTES,
  type MemoryPlanInput,
  PLANNED_SHARE,
  planMemory,
} from '../../src/runtime/memory-plan.js';
import { seededPrng } from '../support/random.js';

const MIB = 2 ** 20;
const GIB = 2 ** 30;

const input = (changes: Partial<MemoryPlanInput> = {}): MemoryPlanInput => ({
  memory: defaultConfig().memory,
  shards: 1,
  fronts: 1,
  limitBytes: 16 * GIB,
  ...changes,
});

test('where there is enough memory everyone gets what is configured', (t) => {
  const plan = planMemory(input({ shards: 3, fronts: 2 }));
  t.is(plan.memtablesBytes, 3 * 4 * 64 * MIB);
  t.is(plan.ringsBytes, 3 * 2 * (64 + 2) * MIB);
  t.is(plan.blockCacheBytes, 512 * MIB);
  t.is(plan.rowCacheBytesPerFront, 64 * MIB);
  t.deepEqual(plan.breakdown, {
    memtables: 768 * MIB,
    rings: 396 * MIB,
    block_cache: 512 * MIB,
    row_cache: 128 * MIB,
    planned: 1804 * MIB,
    limit: 16 * GIB,
  });
  t.deepEqual(plan.warnings, []);
});

test('where there is too little the caches are cut in proportion and the memtables are not', (t) => {
  // 75 % of 856 MiB are 642 MiB: 322 MiB of memtables and rings, and half of the 640 MiB of caches.
  const plan = planMemory(input({ limitBytes: 856 * MIB }));
  t.is(plan.memtablesBytes + plan.ringsBytes, 322 * MIB);
  t.is(plan.blockCacheBytes, 256 * MIB);
  t.is(plan.rowCacheBytesPerFront, 64 * MIB);
  t.is(plan.warnings.length, 1);
  t.regex(
    plan.warnings[0] ?? '',
    /caches get 320 MiB instead of 640 MiB.*block_cache_size.*322 MiB.*75 %.*856 MiB/,
  );
});

test('memtables that leave nothing turn the caches off and are kept', (t) => {
  const plan = planMemory(input({ limitBytes: 256 * MIB }));
  t.is(plan.memtablesBytes, 256 * MIB);
  t.is(plan.blockCacheBytes, 0);
  t.is(plan.rowCacheBytesPerFront, 0);
  t.regex(plan.warnings[0] ?? '', /caches get 0 MiB/);
});

test('caches that are switched off need no warning, however little memory there is', (t) => {
  const memory = { ...defaultConfig().memory, block_cache_size: 0, row_cache_size: 0 };
  const plan = planMemory(input({ memory, limitBytes: MIB }));
  t.is(plan.blockCacheBytes + plan.rowCacheBytesPerFront, 0);
  t.deepEqual(plan.warnings, []);
});

test('caches are never planned beyond the share, and never beyond what is configured', (t) => {
  const random = seededPrng(t);
  for (let round = 0; round < 2000; round++) {
    const memory = {
      memtable_size: (1 + random.nextBelow(256)) * MIB,
      memtables_max: 2 + random.nextBelow(8),
      ring_bytes: 64 * MIB,
      block_cache_size: random.nextBelow(4096) * MIB + random.nextBelow(MIB),
      row_cache_size: random.nextBelow(1024) * MIB,
    };
    const fronts = 1 + random.nextBelow(8);
    const shards = 1 + random.nextBelow(16);
    const limitBytes = (1 + random.nextBelow(32 * 1024)) * MIB;
    const plan = planMemory({ memory, shards, fronts, limitBytes });
    const caches = plan.blockCacheBytes + plan.rowCacheBytesPerFront * fronts;
    t.true(plan.blockCacheBytes <= memory.block_cache_size);
    t.true(plan.rowCacheBytesPerFront * fronts <= memory.row_cache_size);
    t.true(caches === 0 || plan.breakdown.planned <= limitBytes * PLANNED_SHARE);
    const lost = memory.block_cache_size + memory.row_cache_size - caches;
    if (plan.warnings.length === 0) t.true(lost < CACHE_GRAIN_BYTES * (fronts + 1), 'only rounding');
  }
});
