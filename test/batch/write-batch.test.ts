import test, { type ExecutionContext } from 'ava';
import { EXPIRES_NEVER, EXPIRES_UNSET } from '../../src/base/expiry.js';
import { hashKey } from '../../src/base/hash.js';
import type { Prng } from '../../src/base/prng.js';
import { WriteBatchEncoder } from '../../src/batch/write-batch-encoder.js';
import { WriteBatchView } from '../../src/batch/write-batch-view.js';
import { ConditionKind } from '../../src/generated/lumadb/schema/condition-kind.js';
import { Durability } from '../../src/generated/lumadb/schema/durability.js';
import { OperationKind } from '../../src/generated/lumadb/schema/operation-kind.js';
import {
  addOperation,
  batchOf,
  encodeBatch,
  type Operation,
  operationId,
  put,
  remove,
} from '../support/batches.js';
import { oneIn, pick, randomBytes, seededPrng } from '../support/random.js';
import { textOf } from '../support/text.js';

const NOW = 1_800_000_000;
/** put a {"x":1}, delete b; as WriteBatchEncoder wrote it before there was a written_at. */
const OLD_BATCH_HEX =
  '1c000000000016002800240023001c001800140010000c000800040016000000240000002c0000003400000038000000' +
  '4000000048000000500000000000000107000000070000007b2278223a317d0002000000070000000700000002000000' +
  '61620000020000000100000002000000020000000b0000000c0000000200000001000000010000000200000001030000';
const NO_ID = [0, 0, 0, 0];

/** Operation `index` of a batch as a plain object. */
function operationAt(view: WriteBatchView, index: number) {
  return {
    kind: view.kind(index),
    collection: view.collection(index),
    hash: view.keyHash(index),
    key: [...view.keys.subarray(view.keyStart(index), view.keyEnd(index))],
    value: [...view.values.subarray(view.valueStart(index), view.valueEnd(index))],
    condition: view.condition(index),
    expectedSeqno: view.condition(index) === ConditionKind.IfMatchSeqno ? view.expectedSeqno(index) : 0,
    operationId: view.hasOperationIds ? [0, 1, 2, 3].map((word) => view.operationIdWord(index, word)) : NO_ID,
    expiresAt: view.expiresAt(index),
  };
}

function expectedOf(operation: Operation) {
  const { kind, collection, key, value, condition } = operation;
  return {
    kind,
    collection,
    hash: hashKey(collection, key, 0, key.length),
    key: [...key],
    value: [...value],
    condition,
    expectedSeqno: condition === ConditionKind.IfMatchSeqno ? operation.expectedSeqno : 0,
    operationId: [...(operation.operationId ?? NO_ID)],
    expiresAt: operation.expiresAt,
  };
}

function sameOperations(t: ExecutionContext, view: WriteBatchView, operations: readonly Operation[]): void {
  t.is(view.count, operations.length);
  t.is(
    view.hasConditions,
    operations.some(({ condition }) => condition !== ConditionKind.None),
  );
  t.is(
    view.hasOperationIds,
    operations.some((each) => each.operationId !== undefined),
  );
  for (const [index, operation] of operations.entries()) {
    t.deepEqual(operationAt(view, index), expectedOf(operation), `operation ${index}`);
  }
}

function randomOperation(prng: Prng, withCondition: boolean, withId: boolean, expires: boolean): Operation {
  const kind = pick(prng, [OperationKind.Put, OperationKind.Patch, OperationKind.Delete]);
  const largest = oneIn(prng, 20) ? 5000 : 100;
  return {
    kind,
    collection: pick(prng, [1, 2, 4096, 2 ** 31 - 1]),
    key: randomBytes(prng, prng.nextBelow(oneIn(prng, 10) ? 1025 : 30)),
    value: randomBytes(prng, kind === OperationKind.Delete ? 0 : prng.nextBelow(largest)),
    condition: withCondition
      ? pick(prng, [ConditionKind.IfMatchSeqno, ConditionKind.IfAbsent, ConditionKind.IfPresent])
      : ConditionKind.None,
    expectedSeqno: Math.floor(prng.nextFloat() * 2 ** 53),
    operationId: withId ? Uint32Array.from({ length: 4 }, () => prng.nextUint32()) : undefined,
    expiresAt: expires ? prng.nextUint32() : EXPIRES_UNSET,
  };
}

test('a batch without optional columns has none', (t) => {
  const operations = [put('a', '{"x":1}'), remove('b')];
  const view = batchOf(operations, { batchId: 7, durability: Durability.Group });
  sameOperations(t, view, operations);
  t.is(view.batchId, 7);
  t.is(view.durability, Durability.Group);
  t.false(view.allOrNothing);
});

test('a batch of a front that knew no expiry reads as one in which nothing expires', (t) => {
  const recorded = Buffer.from(OLD_BATCH_HEX, 'hex');
  const view = new WriteBatchView().open(new Uint8Array(recorded));
  t.like(view, { count: 2, batchId: 7, writtenAt: 0 });
  t.deepEqual([view.expiresAt(0), view.expiresAt(1)], [EXPIRES_UNSET, EXPIRES_UNSET]);
  t.is(textOf(view.keys), 'ab');
});

test('an empty batch is a batch', (t) => {
  const view = batchOf([], { allOrNothing: true });
  t.is(view.count, 0);
  t.true(view.allOrNothing);
  t.is(view.durability, Durability.Unspecified);
});

test('an optional column that starts late is filled with "none" before', (t) => {
  const operations = [
    ...Array.from({ length: 300 }, (_, i) => put(`k${i}`, '{}')),
    put('match', '{}', { condition: ConditionKind.IfMatchSeqno, expectedSeqno: 2 ** 40 + 1 }),
    put('plain', '{}'),
    put('named', '{}', { operationId: operationId(9) }),
    put('short-lived', '{}', { expiresAt: NOW + 60 }),
    put('last', '{}', { expiresAt: EXPIRES_NEVER }),
  ];
  sameOperations(t, batchOf(operations), operations);
});

test('batch numbers use all 32 bits', (t) => {
  for (const batchId of [1, 2 ** 31, 2 ** 32 - 1])
    t.is(batchOf([put('a', '1')], { batchId }).batchId, batchId);
});

test('random batches come back as they went in, from a reused encoder into a reused view', (t) => {
  const prng = seededPrng(t);
  const encoder = new WriteBatchEncoder();
  const view = new WriteBatchView();
  for (let round = 0; round < 120; round++) {
    const conditions = pick(prng, [0, 0, 1, 10]);
    const ids = pick(prng, [0, 0, 1, 10]);
    const expiries = pick(prng, [0, 0, 1, 10]);
    const operations = Array.from({ length: prng.nextBelow(oneIn(prng, 10) ? 700 : 30) }, () =>
      randomOperation(
        prng,
        prng.nextBelow(10) < conditions,
        prng.nextBelow(10) < ids,
        prng.nextBelow(10) < expiries,
      ),
    );
    for (const each of operations) addOperation(encoder, each);
    t.is(encoder.count, operations.length);
    const durability = pick(prng, [Durability.Always, Durability.Group, Durability.Os]);
    const allOrNothing = oneIn(prng, 2);
    const bytes = encoder.finish(round + 1, durability, allOrNothing, NOW);
    // As in a ring: somewhere in shared memory, 8-byte aligned, other bytes behind it.
    const shared = new Uint8Array(new SharedArrayBuffer(bytes.length + 72)).fill(0xff);
    shared.set(bytes, 64);
    view.open(new Uint8Array(shared.buffer, 64, bytes.length));
    t.like(view, { batchId: round + 1, durability, allOrNothing, writtenAt: NOW });
    sameOperations(t, view, operations);
    encoder.reset();
    t.is(encoder.count, 0);
    t.is(encoder.byteSize, 0);
  }
});

test('finishing the same operations again gives the same bytes: a full ring means finish() once more', (t) => {
  const encoder = new WriteBatchEncoder();
  addOperation(
    encoder,
    put('a', '{"x":1}', { condition: ConditionKind.IfAbsent, operationId: operationId(1) }),
  );
  const first = encoder.finish(5, Durability.Always, true, NOW).slice();
  t.deepEqual(encoder.finish(5, Durability.Always, true, NOW), first);
  addOperation(encoder, put('b', '{}'));
  t.is(new WriteBatchView().open(encoder.finish(6, Durability.Always, false, NOW).slice()).count, 2);
});

test('nothing of a batch is left in the next one', (t) => {
  const encoder = new WriteBatchEncoder();
  addOperation(
    encoder,
    put('long-key', 'x'.repeat(1000), { condition: ConditionKind.IfAbsent, operationId: operationId(1) }),
  );
  encoder.finish(1, Durability.Os, true, NOW);
  encoder.reset();
  addOperation(encoder, put('k', 'v'));
  t.deepEqual(
    encoder.finish(2, Durability.Always, false, NOW),
    encodeBatch([put('k', 'v')], { batchId: 2, durability: Durability.Always, writtenAt: NOW }),
  );
});

test('a huge batch round-trips and its memory is given back', (t) => {
  const encoder = new WriteBatchEncoder();
  const value = new Uint8Array(16 * 1024 * 1024).fill(0x61);
  addOperation(encoder, { ...put('big', ''), value });
  t.is(encoder.byteSize, value.length + 3);
  const view = new WriteBatchView().open(encoder.finish(1, Durability.Always, false, NOW));
  t.is(Buffer.compare(view.values, value), 0);
  encoder.reset();
  for (let i = 0; i < 100; i++) addOperation(encoder, put(`k${i}`, '{}'));
  const small = encoder.finish(2, Durability.Always, false, NOW);
  t.true(small.buffer.byteLength <= 128 * 1024, `${small.buffer.byteLength} bytes behind a small batch`);
  t.is(new WriteBatchView().open(small).count, 100);
});

test('a batch of very many operations round-trips', (t) => {
  const operations = Array.from({ length: 16_384 }, (_, i) =>
    put(`key-${i}`, `{"i":${i}}`, { operationId: operationId(i) }),
  );
  const view = batchOf(operations);
  t.is(view.count, operations.length);
  for (const index of [0, 255, 256, 16_383])
    t.deepEqual(operationAt(view, index), expectedOf(operations[index]));
});

test('columns of different lengths are an assertion, not a wrong read', (t) => {
  const bytes = encodeBatch([put('a', '{}'), put('b', '{}')]);
  // The vector of kinds is the only one of two elements with the bytes 1, 1; its length word is in front of it.
  const words = new DataView(bytes.buffer);
  for (let at = 0; at + 8 <= bytes.length; at += 4) {
    if (words.getUint32(at, true) === 2 && bytes[at + 4] === 1 && bytes[at + 5] === 1)
      words.setUint32(at, 1, true);
  }
  t.throws(() => new WriteBatchView().open(bytes), { name: 'AssertionError' });
});
