import test from 'ava';
import { hashKey } from '../../src/base/hash.js';
import { BloomFilter, buildBloomFilter } from '../../src/sst/bloom-filter.js';
import { codecById, codecByName } from '../../src/sst/codec.js';
import { classifyTableName, tableName, temporaryTableName } from '../../src/sst/table-names.js';
import { randomBytes, seededPrng } from '../support/random.js';
import { utf8 } from '../support/text.js';
import { CODECS } from './support.js';

const hashOf = (text: string): number => {
  const key = utf8(text);
  return hashKey(1, key, 0, key.length);
};

/** Share of absent keys that a filter of `count` keys lets pass. */
function falsePositives(count: number, bitsPerKey: number, isOfShard: (hash: number) => boolean): number {
  const hashes: number[] = [];
  for (let i = 0; hashes.length < count; i++) {
    const hash = hashOf(`user:${i}`);
    if (isOfShard(hash)) hashes.push(hash);
  }
  const filter = BloomFilter.decode(buildBloomFilter(Int32Array.from(hashes), count, bitsPerKey));
  if (filter === undefined) throw new Error('not a filter');
  if (!hashes.every((hash) => filter.mayContain(hash))) throw new Error('a key of the table was denied');
  let asked = 0;
  let passed = 0;
  for (let i = 0; asked < 50_000; i++) {
    const hash = hashOf(`absent:${i}`);
    if (!isOfShard(hash)) continue;
    asked++;
    if (filter.mayContain(hash)) passed++;
  }
  return passed / asked;
}

test('bloom filter: no key of the table is denied, and few others pass', (t) => {
  const bounds = [
    [1, 0.7],
    [5, 0.13],
    [10, 0.013],
    [16, 0.0025],
    [64, 0.0002],
  ] as const;
  for (const [bits, bound] of bounds) {
    const share = falsePositives(20_000, bits, () => true);
    t.log(`${bits} bits per key: ${(100 * share).toFixed(3)} %`);
    t.true(share <= bound, `${bits} bits: ${share}`);
  }
});

test('bloom filter: the keys of one shard of many are told apart as well as any', (t) => {
  const share = falsePositives(20_000, 10, (hash) => (hash >>> 12) % 16 === 3);
  t.log(`${(100 * share).toFixed(3)} %`);
  t.true(share <= 0.014, `${share}`);
});

test('bloom filter: what is not a filter is not taken for one', (t) => {
  const good = buildBloomFilter(Int32Array.of(1, 2, 3), 3, 10);
  t.truthy(BloomFilter.decode(good));
  t.is(BloomFilter.decode(good.slice(0, 7)), undefined);
  t.is(BloomFilter.decode(good.slice(0, -1)), undefined);
  for (const [at, value] of [
    [0, 0],
    [0, 31],
    [4, 0],
    [4, 2],
  ] as const) {
    const bad = good.slice();
    bad[at] = value;
    t.is(BloomFilter.decode(bad), undefined, `${at} ${value}`);
  }
});

test('codecs: every one gives back what it took, by name and by id', (t) => {
  const prng = seededPrng(t);
  const ids = new Set<number>();
  for (const name of CODECS) {
    const codec = codecByName(name);
    ids.add(codec.id);
    t.is(codecById(codec.id).name, name);
    for (const length of [0, 1, 15, 300, 4096, 70_000]) {
      for (const raw of [randomBytes(prng, length), new Uint8Array(length).fill(7)]) {
        const compressed = codec.compress(raw).slice();
        t.deepEqual(Buffer.from(codec.decompress(compressed, length)), Buffer.from(raw), `${name} ${length}`);
        const into = new Uint8Array(length + 10);
        codec.decompressInto(compressed, length, into);
        t.is(Buffer.compare(into.subarray(0, length), raw), 0);
      }
    }
  }
  t.deepEqual([...ids], [1, 2, 3], 'ids are stored in files');
  for (const id of [0, 4, 255]) t.throws(() => codecById(id), { instanceOf: RangeError });
});

test('codecs: bytes of another length, cut or changed are refused or give other bytes, never a crash', (t) => {
  const prng = seededPrng(t);
  const raw = utf8('{"name":"luma","n":12345}'.repeat(100));
  for (const name of CODECS) {
    const codec = codecByName(name);
    const compressed = codec.compress(raw).slice();
    t.throws(() => codec.decompress(compressed, raw.length - 1), undefined, name);
    t.throws(() => codec.decompress(compressed, raw.length + 1), undefined, name);
    t.throws(
      () => codec.decompress(compressed.subarray(0, compressed.length - 3), raw.length),
      undefined,
      name,
    );
    t.throws(() => codec.decompress(new Uint8Array(0), raw.length), undefined, name);
    for (let round = 0; round < 500; round++) {
      const changed = compressed.slice();
      changed[prng.nextBelow(changed.length)] = prng.nextUint32();
      const result = attempt(() => codec.decompress(changed, raw.length).length);
      t.true(result === undefined || result === raw.length, name);
    }
  }
});

function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}

test('codecs: a higher level of zstd is another codec with the same id', (t) => {
  const raw = utf8(Array.from({ length: 2000 }, (_, i) => `{"n":${i * 7919},"text":"${i % 17}"}`).join());
  const fast = codecByName('zstd').compress(raw).length;
  const thorough = codecByName('zstd', 19);
  t.is(thorough.id, 3);
  const compressed = thorough.compress(raw).slice();
  t.true(compressed.length < fast);
  t.is(Buffer.compare(codecById(3).decompress(compressed, raw.length), raw), 0);
});

test('names: tables, temporary ones, and everything else', (t) => {
  t.is(tableName(42), '0000000042.sst');
  t.is(temporaryTableName(4294967295), '4294967295.sst.tmp');
  t.deepEqual(classifyTableName('0000000042.sst'), { kind: 'table', fileNumber: 42 });
  t.deepEqual(classifyTableName('0000000042.sst.tmp'), { kind: 'temporary', fileNumber: 42 });
  for (const name of [
    '42.sst',
    '0000000000.sst',
    '9999999999.sst',
    '0000000042.sst.tmp.1',
    'x0000000042.sst',
    '0000000042.SST',
    'MANIFEST-0000000001',
    '',
  ]) {
    t.deepEqual(classifyTableName(name), { kind: 'unknown' }, name);
  }
  for (const number of [0, -1, 1.5, 4294967296, Number.NaN]) t.throws(() => tableName(number));
});
