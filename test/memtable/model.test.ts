import test, { type ExecutionContext } from 'ava';
import type { Prng } from '../../src/base/prng.js';
import {
  type FoundVersion,
  findNode,
  getBytes,
  NO_BYTES,
  putBytes,
  roomFor,
  scanDocuments,
  type TestPool,
  testPool,
} from '../support/memtables.js';
import { oneIn, pick, randomBytes, seededPrng } from '../support/random.js';
import { compareBytes } from '../support/text.js';

const COLLECTIONS = [1, 2, 70_000] as const;
const ARENA_BYTES = 256 * 1024;
const SLOTS = 5;

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));

/** Keys that are hard to order: shared prefixes, zero bytes, one key another plus zero bytes, the longest, none. */
function hardKeys(prng: Prng): Uint8Array[] {
  const texts = new Set(['', '\0', '\0\0', '\0'.repeat(8), '\0'.repeat(9), '\xff', '\xff'.repeat(1024)]);
  for (const stem of ['a', 'abcd', 'abcdefg', 'abcdefgh', 'abcdefghi', '\x7f\x80', '\x80']) {
    for (const tail of ['', '\0', '\0\0', '\0\0\0\0\0\0\0\0', '\0x', '\x01', '\xff', '0'])
      texts.add(stem + tail);
  }
  const prefix = latin1(randomBytes(prng, 1000));
  for (let i = 0; i < 40; i++)
    texts.add(prefix.slice(0, prng.nextBelow(1000)) + latin1(randomBytes(prng, 3)));
  for (let i = 0; i < 200; i++)
    texts.add(latin1(randomBytes(prng, prng.nextBelow(oneIn(prng, 20) ? 1025 : 14))));
  return [...texts].map(bytesOf);
}

/** All versions ever written per collection and key, and which memtable (counted from 0) each is in. */
class Model {
  private readonly histories = new Map<string, Array<FoundVersion & { readonly memtable: number }>>();
  memtable = 0;
  oldestMemtable = 0;

  put(collection: number, key: Uint8Array, version: FoundVersion): void {
    const name = `${collection}:${latin1(key)}`;
    const history = this.histories.get(name) ?? [];
    history.push({ ...version, memtable: this.memtable });
    this.histories.set(name, history);
  }

  /** Versions that are still in the chain, oldest first. */
  history(collection: number, key: Uint8Array) {
    const all = this.histories.get(`${collection}:${latin1(key)}`) ?? [];
    return all.filter((version) => version.memtable >= this.oldestMemtable);
  }

  liveKeys(collection: number, keys: readonly Uint8Array[]): Uint8Array[] {
    const isLive = (key: Uint8Array): boolean => this.history(collection, key).at(-1)?.value !== undefined;
    return keys.filter(isLive).sort(compareBytes);
  }
}

const same = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean =>
  a === undefined || b === undefined ? a === b : compareBytes(a, b) === 0;

function checkGets(
  t: ExecutionContext,
  { reader }: TestPool,
  model: Model,
  keys: readonly Uint8Array[],
): void {
  for (const collection of COLLECTIONS) {
    for (const key of keys) {
      const expected = model.history(collection, key).at(-1);
      const found = getBytes(reader, collection, key);
      if (found?.seqno !== expected?.seqno || !same(found?.value, expected?.value)) {
        t.fail(`get ${collection} ${JSON.stringify(latin1(key))}: ${found?.seqno} not ${expected?.seqno}`);
      }
    }
  }
}

/** versionAt() of every memtable, at every seqno where something changed. */
function checkHistories(
  t: ExecutionContext,
  { reader }: TestPool,
  model: Model,
  keys: readonly Uint8Array[],
): void {
  reader.enter();
  const chain = reader.chain();
  for (const collection of COLLECTIONS) {
    for (const key of keys) {
      const history = model.history(collection, key);
      for (const [depth, memtable] of chain.entries()) {
        const here = history.filter((version) => version.memtable === model.memtable - depth);
        const node = findNode(memtable, collection, key);
        if ((node === 0) !== (here.length === 0)) t.fail(`node ${node}, ${here.length} versions`);
        if (node === 0) continue;
        if (memtable.versionAt(node, here[0].seqno - 1) !== 0) t.fail('a version before the first');
        for (const [index, { seqno, value }] of here.entries()) {
          const until = (here[index + 1]?.seqno ?? seqno + 100) - 1;
          for (const at of [seqno, until]) {
            const version = memtable.versionAt(node, at);
            const offset = memtable.valueOffset(version);
            const bytes = memtable.bytes.slice(offset, offset + memtable.valueLength(version));
            if (memtable.versionSeqno(version) !== seqno)
              t.fail(`at ${at}: ${memtable.versionSeqno(version)}`);
            if (!same(memtable.versionKind(version) === 1 ? bytes : undefined, value))
              t.fail(`value at ${at}`);
          }
        }
      }
    }
  }
  reader.leave();
}

function checkScan(
  t: ExecutionContext,
  { reader }: TestPool,
  model: Model,
  keys: readonly Uint8Array[],
  from: Uint8Array,
  exclusive: boolean,
): void {
  for (const collection of COLLECTIONS) {
    const expected = model
      .liveKeys(collection, keys)
      .filter((key) => compareBytes(key, from) >= (exclusive ? 1 : 0));
    const found = scanDocuments(reader, collection, from, exclusive);
    t.deepEqual(
      found.map(({ key }) => latin1(key)),
      expected.map(latin1),
    );
    for (const { key, seqno, value } of found) {
      const version = model.history(collection, key).at(-1);
      if (version?.seqno !== seqno || !same(version.value, value))
        t.fail(`scan: ${latin1(key)} is not current`);
    }
  }
}

function checkSeek(t: ExecutionContext, { pool }: TestPool, model: Model, keys: readonly Uint8Array[]): void {
  const { reader } = pool.active;
  for (const collection of COLLECTIONS) {
    const here = keys
      .filter((key) => model.history(collection, key).at(-1)?.memtable === model.memtable)
      .sort(compareBytes);
    for (const key of keys) {
      const node = reader.seek(collection, key, 0, key.length);
      const expected = here.find((candidate) => compareBytes(candidate, key) >= 0);
      const offset = reader.keyOffset(node);
      const found =
        node === 0 || reader.nodeCollection(node) !== collection
          ? undefined
          : reader.bytes.slice(offset, offset + reader.keyLength(node));
      if (!same(found, expected)) t.fail(`seek ${JSON.stringify(latin1(key))} in ${collection}`);
    }
  }
}

test('random writes over several memtables read back as a map and a sorted list', (t) => {
  const prng = seededPrng(t);
  const made = testPool(SLOTS, ARENA_BYTES, prng.nextUint32());
  const { pool } = made;
  const model = new Model();
  const keys = hardKeys(prng);
  let seqno = 2 ** 32 - 3000;
  let retirements = 0;
  const makeRoom = (): void => {
    if (!pool.rotate()) {
      pool.retireOldest();
      retirements++;
      model.oldestMemtable++;
      t.true(pool.rotate());
    }
    model.memtable++;
  };
  const check = (): void => {
    checkGets(t, made, model, keys);
    checkHistories(t, made, model, keys);
    checkSeek(t, made, model, keys);
    checkScan(t, made, model, keys, NO_BYTES, false);
    for (let i = 0; i < 6; i++) {
      const from = oneIn(prng, 3) ? randomBytes(prng, prng.nextBelow(12)) : pick(prng, keys);
      checkScan(t, made, model, keys, from, oneIn(prng, 2));
    }
  };
  for (let write = 0; write < 12_000; write++) {
    const key = pick(prng, keys);
    const collection = pick(prng, COLLECTIONS);
    const value = oneIn(prng, 5) ? undefined : randomBytes(prng, prng.nextBelow(oneIn(prng, 10) ? 2000 : 60));
    if (!roomFor(pool.active, key, value) || oneIn(prng, 3000)) makeRoom();
    putBytes(pool.active, collection, key, ++seqno, value);
    model.put(collection, key, { seqno, value });
    if (write % 1500 === 0) check();
  }
  check();
  t.true(model.memtable > SLOTS, 'slots were recycled');
  t.true(retirements > 0);
});

test('a scan that writes overtake stays ordered and gives each key once', (t) => {
  const prng = seededPrng(t);
  const { pool, reader } = testPool(4, ARENA_BYTES, prng.nextUint32());
  const keys = Array.from({ length: 300 }, (_, i) => bytesOf(`key-${String(i).padStart(4, '0')}`));
  let seqno = 0;
  for (const key of keys) if (oneIn(prng, 2)) putBytes(pool.active, 1, key, ++seqno, key);
  pool.rotate();
  for (let round = 0; round < 20; round++) {
    const before = scanDocuments(reader, 1).map(({ key }) => latin1(key));
    const found: string[] = [];
    for (;;) {
      // Pages of one, each from where the last one ended, with writes in between.
      const from = found.length === 0 ? NO_BYTES : bytesOf(found[found.length - 1]);
      const [next] = scanDocuments(reader, 1, from, found.length > 0, 1);
      if (next === undefined) break;
      found.push(latin1(next.key));
      if (oneIn(prng, 10)) putBytes(pool.active, 1, pick(prng, keys), ++seqno, bytesOf('new'));
    }
    t.true(found.every((key, i) => i === 0 || found[i - 1] < key));
    const seen = new Set(found);
    t.true(
      before.every((key) => seen.has(key)),
      'a key that was there all the time is not skipped',
    );
  }
});
