import test from 'ava';
import { type BlockCache, NO_BLOCK_CACHE } from '../../src/cache/block-cache.js';
import {
  BLOCK_CACHE_BYTES_MAX,
  BLOCK_CACHE_BYTES_MIN,
  type BlockCacheBuffers,
  createSharedBlockCache,
  hashBlock,
  segmentOfBlock,
  segmentPlaces,
} from '../../src/cache/block-cache-format.js';
import { CacheMeter } from '../../src/cache/cache-stats.js';
import { CacheSegment } from '../../src/cache/segment.js';
import { tryLock } from '../../src/cache/segment-lock.js';
import {
  openSharedBlockCache,
  releaseLocksOf,
  SharedBlockCache,
} from '../../src/cache/shared-block-cache.js';
import { checkSegment } from '../support/cache-segments.js';
import { oneIn, randomBytes, seededPrng } from '../support/random.js';

const MIB = 1024 * 1024;

const totalBytes = (buffers: BlockCacheBuffers): number =>
  buffers.reduce((sum, slab) => sum + slab.byteLength, 0);

function segmentsOf(buffers: BlockCacheBuffers): CacheSegment[] {
  return segmentPlaces(buffers).map(
    ({ slab, byteOffset, byteLength }) => new CacheSegment(slab, byteOffset, byteLength),
  );
}

const blockOf = (fill: number, length = 4096): Uint8Array => new Uint8Array(length).fill(fill);

/** The byte that fills a cached block, or undefined when it is not cached. */
function fillOf(cache: BlockCache, shard: number, file: number, offset: number): number | undefined {
  const into = new Uint8Array(8192);
  const length = cache.read(shard, file, offset, into);
  return length < 0 ? undefined : into[length - 1];
}

test('a block that one thread inserted is found through another view, under its own name only', (t) => {
  const buffers = createSharedBlockCache(MIB);
  const writer = openSharedBlockCache(buffers, 1);
  const reader = openSharedBlockCache(buffers, 2);
  writer.insert(3, 2 ** 32 - 1, 2 ** 40 + 4096, blockOf(9), 4000);
  const into = new Uint8Array(4096).fill(1);
  t.is(reader.read(3, 2 ** 32 - 1, 2 ** 40 + 4096, into), 4000);
  t.true(into.subarray(0, 4000).every((byte) => byte === 9));
  t.true(
    into.subarray(4000).every((byte) => byte === 1),
    'nothing behind the block is written',
  );
  t.is(reader.read(2, 2 ** 32 - 1, 2 ** 40 + 4096, into), -1);
  t.is(reader.read(3, 2 ** 32 - 2, 2 ** 40 + 4096, into), -1);
  t.is(reader.read(3, 2 ** 32 - 1, 4096, into), -1);
});

test('a block larger than the target is not copied, but says how long it is', (t) => {
  const cache = openSharedBlockCache(createSharedBlockCache(MIB), 1);
  cache.insert(0, 1, 0, blockOf(5), 4096);
  const into = new Uint8Array(4095);
  t.is(cache.read(0, 1, 0, into), 4096);
  t.true(into.every((byte) => byte === 0));
});

test('a block of no bytes and blocks of odd lengths come back as they went in', (t) => {
  const cache = openSharedBlockCache(createSharedBlockCache(MIB), 1);
  for (const length of [0, 1, 7, 8, 9, 4093]) {
    cache.insert(0, 1, length, blockOf(length & 255, 5000), length);
    const into = new Uint8Array(5000);
    t.is(cache.read(0, 1, length, into), length);
    t.true(into.subarray(0, length).every((byte) => byte === (length & 255)));
    t.true(into.subarray(length).every((byte) => byte === 0));
  }
});

test('blocks larger than an eighth of a segment are declined', (t) => {
  const buffers = createSharedBlockCache(MIB);
  const cache = new SharedBlockCache(buffers, 1);
  t.true(cache.blockBytesMax > 28 * 1024 && cache.blockBytesMax <= 32 * 1024);
  const into = new Uint8Array(64 * 1024);
  cache.insert(0, 1, 0, into, cache.blockBytesMax);
  cache.insert(0, 2, 0, into, cache.blockBytesMax + 1);
  t.is(cache.read(0, 1, 0, into), cache.blockBytesMax);
  t.is(cache.read(0, 2, 0, into), -1);
  t.is(CacheMeter.ofBlockCache(buffers).read().declined, 1);
});

test('against a model the block cache has never a wrong block and never more bytes than it was given', (t) => {
  const prng = seededPrng(t);
  const source = randomBytes(prng, 40_000);
  for (const bytes of [BLOCK_CACHE_BYTES_MIN, 300_001, 3 * MIB]) {
    const buffers = createSharedBlockCache(bytes);
    const views = [1, 2, 3].map((owner) => openSharedBlockCache(buffers, owner));
    const truth = new Map<string, Uint8Array>();
    const into = new Uint8Array(40_000);
    let hits = 0;
    for (let step = 0; step < 20_000; step++) {
      const view = views[prng.nextBelow(3)];
      const [shard, file] = [prng.nextBelow(2), prng.nextBelow(prng.nextBelow(30) + 1)];
      const offset = prng.nextBelow(20) * 2 ** 30;
      const name = `${shard}/${file}/${offset}`;
      const block = truth.get(name);
      const length = view.read(shard, file, offset, into);
      if (length >= 0) {
        hits++;
        if (block === undefined || length !== block.length) return t.fail(`${name} has ${length} bytes`);
        if (Buffer.compare(into.subarray(0, length), block) !== 0) return t.fail(`bytes of ${name}`);
      } else {
        const start = prng.nextBelow(1000);
        const fresh =
          block ?? source.subarray(start, start + prng.nextBelow(oneIn(prng, 20) ? 39_000 : 5000));
        truth.set(name, fresh);
        view.insert(shard, file, offset, fresh, fresh.length);
      }
    }
    const stats = CacheMeter.ofBlockCache(buffers).read();
    t.log(JSON.stringify(stats));
    t.true(totalBytes(buffers) <= bytes && stats.usedBytes <= stats.capacityBytes);
    t.is(stats.requests, 20_000);
    t.is(stats.hits, hits);
    t.true(hits > 500 && stats.evictions > 100);
    t.is(stats.contendedReads + stats.contendedInserts, 0);
    let entries = 0;
    for (const segment of segmentsOf(buffers)) entries += checkSegment(segment);
    t.is(stats.entries, entries);
  }
});

test('caches of size 0 and tiny ones cache nothing', (t) => {
  for (const bytes of [0, 1, 4096, BLOCK_CACHE_BYTES_MIN - 1]) {
    const buffers = createSharedBlockCache(bytes);
    t.deepEqual(buffers, []);
    t.is(openSharedBlockCache(buffers, 1), NO_BLOCK_CACHE);
    t.is(CacheMeter.ofBlockCache(buffers).read().capacityBytes, 0);
    t.is(releaseLocksOf(buffers, 1), 0);
  }
});

test('odd sizes lose less than one segment, and every segment is used', (t) => {
  for (const bytes of [BLOCK_CACHE_BYTES_MIN, 99_999, 262_143, 262_144, 1_000_003, 67 * MIB + 12_345]) {
    const buffers = createSharedBlockCache(bytes);
    const segments = segmentsOf(buffers);
    const { byteLength } = segmentPlaces(buffers)[0];
    t.true(totalBytes(buffers) <= bytes && totalBytes(buffers) > bytes - byteLength, `${bytes}`);
    t.is(segments.length * byteLength, totalBytes(buffers));
    const used = new Set<number>();
    for (let block = 0; block < segments.length * 30; block++) {
      used.add(segmentOfBlock(hashBlock(0, 7, block * 4096), segments.length));
    }
    t.is(used.size, segments.length);
  }
});

test('a cache beyond 4 GiB works, in several slabs', (t) => {
  const buffers = createSharedBlockCache(5 * 1024 * MIB + 1);
  t.is(totalBytes(buffers), 5 * 1024 * MIB);
  t.is(buffers.length, 5);
  const cache = openSharedBlockCache(buffers, 1);
  const segments = segmentPlaces(buffers).length;
  t.true(segments >= 256 && segments < 512);
  for (let block = 0; block < 2000; block++) cache.insert(1, 1, block * 4096, blockOf(block & 255), 4096);
  for (let block = 0; block < 2000; block++) t.is(fillOf(cache, 1, 1, block * 4096), block & 255);
});

test('sizes that cannot be are refused by name', (t) => {
  for (const bytes of [-1, Number.NaN, Number.POSITIVE_INFINITY, BLOCK_CACHE_BYTES_MAX + 1]) {
    t.throws(() => createSharedBlockCache(bytes), { code: 'CONFIG', message: /a block cache of/ });
  }
});

test('an owner that is no thread and a length beyond the array are mistakes', (t) => {
  const buffers = createSharedBlockCache(MIB);
  for (const owner of [0, -1, 1.5, 2 ** 31]) {
    t.throws(() => openSharedBlockCache(buffers, owner), { message: /block cache owner/ });
  }
  t.throws(() => openSharedBlockCache(buffers, 1).insert(0, 1, 0, blockOf(1), 4097), {
    message: /a block of 4097/,
  });
});

test('a thread that died inside wedges its segment only, until its lock is released', (t) => {
  const buffers = createSharedBlockCache(4 * MIB);
  const cache = openSharedBlockCache(buffers, 1);
  const blocks = Array.from({ length: 400 }, (_, i) => i);
  for (const block of blocks) cache.insert(0, 1, block * 4096, blockOf(block & 255), 4096);
  const places = segmentPlaces(buffers);
  const isInFirst = (block: number): boolean =>
    segmentOfBlock(hashBlock(0, 1, block * 4096), places.length) === 0;
  const { slab, byteOffset, byteLength } = places[0];
  const words = new Int32Array(slab, byteOffset, byteLength / 4);
  t.true(tryLock(words, 77));
  // It was in the middle of a change: an index slot that leads nowhere.
  words.fill(0x55555555, 64, 100);

  t.true(blocks.some(isInFirst));
  for (const block of blocks) {
    t.is(fillOf(cache, 0, 1, block * 4096), isInFirst(block) ? undefined : block & 255);
    if (isInFirst(block)) cache.insert(0, 1, block * 4096, blockOf(1), 4096); // is dropped, and returns
  }
  const wedged = blocks.filter(isInFirst).length;
  const { contendedReads, contendedInserts, requests } = CacheMeter.ofBlockCache(buffers).read();
  t.deepEqual([contendedReads, contendedInserts, requests], [wedged, wedged, blocks.length]);

  t.is(releaseLocksOf(buffers, 78), 0, 'another thread died, which held nothing');
  t.is(fillOf(cache, 0, 1, blocks.filter(isInFirst)[0] * 4096), undefined);
  t.is(releaseLocksOf(buffers, 77), 1);
  for (const segment of segmentsOf(buffers)) checkSegment(segment);
  for (const block of blocks.filter(isInFirst)) {
    t.is(fillOf(cache, 0, 1, block * 4096), undefined, 'the segment has been emptied');
    cache.insert(0, 1, block * 4096, blockOf(block & 255), 4096);
    t.is(fillOf(cache, 0, 1, block * 4096), block & 255);
  }
});
