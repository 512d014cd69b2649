import test from 'ava';
import { DbError } from '../../src/base/errors.js';
import { TTL_NEVER, TTL_UNSET } from '../../src/base/expiry.js';
import { BULK_OPERATIONS_MAX } from '../../src/base/limits.js';
import { createPrng, type Prng } from '../../src/base/prng.js';
import { RequestFrameEncoder } from '../../src/batch/request-frame-encoder.js';
import { RequestFrameView } from '../../src/batch/request-frame-view.js';
import { ResponseFrameEncoder } from '../../src/batch/response-frame-encoder.js';
import { ResponseFrameView } from '../../src/batch/response-frame-view.js';
import { ConditionKind } from '../../src/generated/lumadb/schema/condition-kind.js';
import { Durability } from '../../src/generated/lumadb/schema/durability.js';
import { RequestOp } from '../../src/generated/lumadb/schema/request-op.js';
import { testSeed } from '../support/random.js';

const ROUNDS = 2_000;
const TEXTS = [
  '',
  'a',
  'user-000001',
  'ключ',
  '😀',
  'a/b\0c',
  'x'.repeat(47),
  'y'.repeat(49),
  'é'.repeat(60),
];
const NAMES = ['users', 'orders', 'коллекция', 'a'.repeat(128)];

interface Wanted {
  op: RequestOp;
  name: string;
  id: number;
  key: string;
  value: string;
  condition: ConditionKind;
  expectedSeqno: number;
  operationId: number[];
  ttlSeconds: number;
}

const pick = <T>(prng: Prng, from: readonly T[]): T => from[prng.nextBelow(from.length)];
const utf8 = new TextDecoder();

function addRandom(prng: Prng, encoder: RequestFrameEncoder, features: number): Wanted {
  const isPut = prng.nextBelow(2) === 0;
  const wanted: Wanted = {
    op: isPut ? RequestOp.Put : RequestOp.Get,
    name: features & 1 ? pick(prng, NAMES) : 'users',
    id: prng.nextUint32(),
    key: pick(prng, TEXTS),
    value: features & 2 && isPut ? `{"v":"${pick(prng, TEXTS)}"}` : '',
    condition: features & 4 ? prng.nextBelow(4) : ConditionKind.None,
    expectedSeqno: features & 4 ? pick(prng, [0, 1, 4294967296, Number.MAX_SAFE_INTEGER]) : 0,
    operationId: features & 8 && prng.nextBelow(2) ? [1, 2, 3, prng.nextUint32()] : [0, 0, 0, 0],
    ttlSeconds: features & 16 ? pick(prng, [TTL_UNSET, 1, 2 ** 31, TTL_NEVER]) : TTL_UNSET,
  };
  const asBytes = prng.nextBelow(2) === 0;
  const value = wanted.value === '' ? undefined : asBytes ? Buffer.from(wanted.value) : wanted.value;
  encoder.add(
    wanted.op,
    encoder.collectionIndex(wanted.name),
    wanted.id,
    asBytes ? Buffer.from(wanted.key) : wanted.key,
    value,
    wanted.condition,
    wanted.expectedSeqno,
    wanted.operationId[0] === 0 ? undefined : Uint32Array.from(wanted.operationId),
    wanted.ttlSeconds,
  );
  return wanted;
}

function readBack(view: RequestFrameView, i: number): Wanted {
  return {
    op: view.op(i),
    name: view.collectionName(view.collectionIndex(i)),
    id: view.id(i),
    key: utf8.decode(view.bytes.slice(view.keyStart(i), view.keyEnd(i))),
    value: utf8.decode(view.bytes.slice(view.valueStart(i), view.valueEnd(i))),
    condition: view.condition(i),
    expectedSeqno: view.expectedSeqno(i),
    operationId: [0, 1, 2, 3].map((word) => view.operationIdWord(i, word)),
    ttlSeconds: view.ttlSeconds(i),
  };
}

/** The frame at some distance from a multiple of 8 in memory that ends right behind it. */
function placed(frame: Uint8Array, shift: number): Uint8Array {
  const memory = new Uint8Array(shift + frame.length);
  memory.set(frame, shift);
  return memory.subarray(shift);
}

test('whatever is encoded into a request frame is read back, at any address', (t) => {
  const seed = testSeed();
  t.log(`seed ${seed}`);
  const prng = createPrng(seed);
  const encoder = new RequestFrameEncoder();
  const view = new RequestFrameView();
  for (let round = 0; round < ROUNDS; round++) {
    encoder.reset();
    const features = prng.nextBelow(32);
    const wanted = Array.from({ length: prng.nextBelow(20) }, () => addRandom(prng, encoder, features));
    const durability = prng.nextBelow(4);
    const frame = placed(encoder.finish(durability), prng.nextBelow(9));
    t.is(view.open(frame), undefined, `seed ${seed}`);
    t.is(view.durability, durability);
    // The column begins with the first operation that has a condition: a seqno before it is not carried.
    const first = wanted.findIndex(({ condition }) => condition !== ConditionKind.None);
    const expected = wanted.map((one, i) => (first < 0 || i < first ? { ...one, expectedSeqno: 0 } : one));
    const got = Array.from({ length: view.count }, (_, i) => readBack(view, i));
    t.deepEqual(got, expected, `seed ${seed} round ${round}`);
  }
});

test('whatever is encoded into a response frame is read back, at any address', (t) => {
  const seed = testSeed();
  t.log(`seed ${seed}`);
  const prng = createPrng(seed);
  const encoder = new ResponseFrameEncoder();
  const view = new ResponseFrameView();
  for (let round = 0; round < ROUNDS; round++) {
    encoder.reset();
    const hasValues = prng.nextBelow(3) > 0;
    const wanted = Array.from({ length: prng.nextBelow(20) }, () => {
      const one = {
        id: prng.nextUint32(),
        status: pick(prng, [200, 201, 404, 503]),
        seqno: pick(prng, [0, 7, Number.MAX_SAFE_INTEGER]),
        value: hasValues ? pick(prng, TEXTS) : '',
      };
      const bytes = Buffer.from(`..${one.value}.`);
      const isBare = one.value === '' && prng.nextBelow(2) === 0;
      encoder.add(one.id, one.status, one.seqno, isBare ? undefined : bytes, 2, bytes.length - 1);
      return one;
    });
    t.is(view.open(placed(encoder.finish(), prng.nextBelow(9))), undefined);
    const got = Array.from({ length: view.count }, (_, i) => ({
      id: view.id(i),
      status: view.status(i),
      seqno: view.seqno(i),
      value: utf8.decode(view.bytes.slice(view.valueStart(i), view.valueEnd(i))),
    }));
    t.deepEqual(got, wanted, `seed ${seed} round ${round}`);
  }
});

test('a value may lie in shared memory', (t) => {
  const shared = new Uint8Array(new SharedArrayBuffer(200)).fill(0x61);
  const encoder = new ResponseFrameEncoder();
  encoder.add(1, 200, 5, shared, 10, 160);
  const view = new ResponseFrameView();
  t.is(view.open(encoder.finish()), undefined);
  t.is(view.valueEnd(0) - view.valueStart(0), 150);
  const requests = new RequestFrameEncoder();
  requests.add(RequestOp.Put, requests.collectionIndex('c'), 1, 'k', shared);
  const copy = new Uint8Array(new SharedArrayBuffer(4096));
  const frame = requests.finish(Durability.Os);
  copy.set(frame, 8);
  const requestView = new RequestFrameView();
  t.is(requestView.open(copy.subarray(8, 8 + frame.length)), undefined);
  t.is(requestView.collectionName(0), 'c');
});

test('an encoder that a huge frame made grow gives the memory back and goes on', (t) => {
  const encoder = new ResponseFrameEncoder();
  const huge = new Uint8Array(20 * 1024 * 1024);
  encoder.add(1, 200, 1, huge);
  t.true(encoder.finish().length > huge.length);
  encoder.reset();
  encoder.add(2, 200, 2, new Uint8Array(10));
  const frame = encoder.finish();
  t.true(frame.buffer.byteLength < 1024 * 1024);
  const view = new ResponseFrameView();
  t.is(view.open(frame), undefined);
  t.is(view.id(0), 2);
  const requests = new RequestFrameEncoder();
  requests.add(RequestOp.Put, requests.collectionIndex('c'), 1, 'k', `"${'é'.repeat(8 * 1024 * 1024)}"`);
  t.true(requests.finish(Durability.Always).length > 16 * 1024 * 1024);
  requests.reset();
  requests.add(RequestOp.Put, requests.collectionIndex('c'), 1, 'k', '"é"'.padEnd(60));
  t.true(requests.finish(Durability.Always).buffer.byteLength < 1024 * 1024);
});

test('a key or value with half a surrogate pair is refused and adds nothing', (t) => {
  const encoder = new RequestFrameEncoder();
  const collection = encoder.collectionIndex('c');
  for (const [key, value] of [
    ['\ud800', '1'],
    ['key', '"\udc00"'],
  ]) {
    t.throws(() => encoder.add(RequestOp.Put, collection, 1, key, value), {
      instanceOf: DbError,
      code: 'VALIDATION',
    });
  }
  t.is(encoder.count, 0);
  t.is(encoder.byteSize, 0);
  encoder.add(RequestOp.Put, collection, 1, 'k', '{}');
  const view = new RequestFrameView();
  t.is(view.open(encoder.finish(Durability.Always)), undefined);
  t.is(utf8.decode(view.bytes.subarray(view.keyStart(0), view.keyEnd(0))), 'k');
});

test('a frame may hold as many requests as the limit and not one more', (t) => {
  const encoder = new RequestFrameEncoder();
  const view = new RequestFrameView();
  const collection = encoder.collectionIndex('c');
  for (let i = 0; i < BULK_OPERATIONS_MAX; i++) encoder.add(RequestOp.Get, collection, i, 'k');
  t.is(view.open(encoder.finish(Durability.Unspecified)), undefined);
  t.is(view.count, BULK_OPERATIONS_MAX);
  encoder.add(RequestOp.Get, collection, 0, 'k');
  const error = view.open(encoder.finish(Durability.Unspecified));
  t.is(error?.code, 'MALFORMED_FRAME');
  t.is(error?.details?.['field'], 'ids');
  t.is(view.count, 0);
});

test('pings need no collection, other operations do', (t) => {
  const encoder = new RequestFrameEncoder();
  const view = new RequestFrameView();
  encoder.add(RequestOp.Ping, 0, 1, '');
  t.is(view.open(encoder.finish(Durability.Unspecified)), undefined);
  encoder.add(RequestOp.Get, 0, 2, 'k');
  t.is(view.open(encoder.finish(Durability.Unspecified))?.details?.['field'], 'collections');
});
