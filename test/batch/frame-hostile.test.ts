import test from 'ava';
import { Builder } from 'flatbuffers';
import { DbError } from '../../src/base/errors.js';
import { createPrng, type Prng } from '../../src/base/prng.js';
import { createColumn } from '../../src/batch/columns.js';
import { RequestFrameEncoder } from '../../src/batch/request-frame-encoder.js';
import { RequestFrameView } from '../../src/batch/request-frame-view.js';
import { ResponseFrameEncoder } from '../../src/batch/response-frame-encoder.js';
import { ResponseFrameView } from '../../src/batch/response-frame-view.js';
import { ConditionKind } from '../../src/generated/lumadb/schema/condition-kind.js';
import { Durability } from '../../src/generated/lumadb/schema/durability.js';
import { RequestFrame } from '../../src/generated/lumadb/schema/request-frame.js';
import { RequestOp } from '../../src/generated/lumadb/schema/request-op.js';
import { testSeed } from '../support/random.js';

const MUTATED_FRAMES = 200_000;
const RANDOM_FRAMES = 50_000;
const NASTY = [0, 1, 2, 3, 4, 5, 7, 8, 0x7f, 0x80, 0xff];

function requestFrame(): Uint8Array {
  const encoder = new RequestFrameEncoder();
  encoder.add(RequestOp.Get, encoder.collectionIndex('users'), 1, 'a');
  const id = Uint32Array.of(1, 2, 3, 4);
  const orders = encoder.collectionIndex('orders');
  encoder.add(RequestOp.Put, orders, 2, 'bé', '{"x":1}', ConditionKind.IfMatchSeqno, 77, id, 60);
  encoder.add(RequestOp.Ping, 0, 3, '');
  return encoder.finish(Durability.Group).slice();
}

function responseFrame(): Uint8Array {
  const encoder = new ResponseFrameEncoder();
  encoder.add(1, 200, 9, Buffer.from('{"x":1}'));
  encoder.add(2, 404, 0, Buffer.from('{"error":{}}'));
  return encoder.finish().slice();
}

/** Touches everything an accepted frame offers; throws when a range leaves the frame. */
function useRequests(view: RequestFrameView): void {
  const { bytes } = view;
  const inside = (start: number, end: number): void => {
    if (!(start >= 0 && start <= end && end <= bytes.length)) throw new Error(`range ${start}..${end}`);
  };
  for (let i = 0; i < view.count; i++) {
    inside(view.keyStart(i), view.keyEnd(i));
    inside(view.valueStart(i), view.valueEnd(i));
    const op = view.op(i);
    if (!(op >= RequestOp.Get && op <= RequestOp.Ping)) throw new Error(`op ${op}`);
    if (op !== RequestOp.Ping && typeof view.collectionName(view.collectionIndex(i)) !== 'string') {
      throw new Error('no collection');
    }
    if (!(view.condition(i) <= ConditionKind.IfPresent)) throw new Error('condition');
    if (!Number.isSafeInteger(view.expectedSeqno(i))) throw new Error('seqno');
    if (
      !Number.isInteger(
        view.id(i) + view.operationIdWord(i, 0) + view.operationIdWord(i, 3) + view.ttlSeconds(i),
      )
    ) {
      throw new Error('a word outside the frame');
    }
  }
}

function useResponses(view: ResponseFrameView): void {
  for (let i = 0; i < view.count; i++) {
    const start = view.valueStart(i);
    const end = view.valueEnd(i);
    if (!(start >= 0 && start <= end && end <= view.bytes.length)) throw new Error(`range ${start}..${end}`);
    if (!Number.isSafeInteger(view.seqno(i)) || !Number.isInteger(view.id(i))) throw new Error('word');
    if (view.status(i) < 100 || view.status(i) > 599) throw new Error('status');
  }
}

function mutate(prng: Prng, frame: Uint8Array): Uint8Array {
  const mutated = frame.slice();
  for (let left = 1 + prng.nextBelow(3); left > 0; left--) {
    const at = prng.nextBelow(mutated.length);
    const how = prng.nextBelow(3);
    if (how === 0) mutated[at] = prng.nextBelow(256);
    else if (how === 1) mutated[at] = NASTY[prng.nextBelow(NASTY.length)];
    else mutated[at & ~3] += 4 * (prng.nextBelow(9) - 4);
  }
  return prng.nextBelow(10) === 0 ? mutated.slice(0, prng.nextBelow(mutated.length + 1)) : mutated;
}

test('random and mutated frames are refused with MALFORMED_FRAME or are safe to use', (t) => {
  const seed = testSeed();
  t.log(`seed ${seed}`);
  const prng = createPrng(seed);
  const requests = requestFrame();
  const responses = responseFrame();
  const requestView = new RequestFrameView();
  const responseView = new ResponseFrameView();
  let refused = 0;
  let accepted = 0;
  const judge = (frame: Uint8Array): void => {
    const badRequest = requestView.open(frame);
    if (badRequest === undefined) useRequests(requestView);
    else if (!(badRequest instanceof DbError) || badRequest.code !== 'MALFORMED_FRAME') throw badRequest;
    const badResponse = responseView.open(frame);
    if (badResponse === undefined) useResponses(responseView);
    else if (badResponse.code !== 'MALFORMED_FRAME') throw badResponse;
    const offset = badRequest?.details?.['offset'];
    if (offset !== undefined && !((offset as number) >= 0 && (offset as number) <= frame.length)) {
      throw new Error(`offset ${offset}`);
    }
    if (badRequest === undefined) accepted++;
    else refused++;
  };
  try {
    for (let i = 0; i < MUTATED_FRAMES; i++) judge(mutate(prng, i % 2 === 0 ? requests : responses));
    for (let i = 0; i < RANDOM_FRAMES; i++) {
      judge(Uint8Array.from({ length: prng.nextBelow(96) }, () => NASTY[prng.nextBelow(NASTY.length)]));
    }
  } catch (error) {
    t.fail(`seed ${seed}: ${(error as Error).stack}`);
  }
  t.log(`${accepted} accepted, ${refused} refused`);
  t.true(accepted > 1000 && refused > 1000);
});

test('every prefix of a frame is refused', (t) => {
  const view = new RequestFrameView();
  const frame = requestFrame();
  t.is(view.open(frame), undefined);
  // The builder lays the vectors down back to front: cutting always takes some of the data away.
  for (let length = 0; length < frame.length - 3; length++) {
    const error = view.open(frame.slice(0, length));
    t.is(error?.code, 'MALFORMED_FRAME', `${length} bytes`);
  }
});

/** A frame of two gets whose columns can be broken one at a time. */
interface Columns {
  ids: number[];
  ops: number[];
  collectionOf?: number[];
  keyEnds: number[];
  keys: string;
  valueEnds?: number[];
  values?: string;
  conditions?: number[];
  expectedSeqs?: bigint[];
  operationIds?: bigint[];
  ttls?: number[];
  durability: number;
  collections: string[];
}

function build(change: Partial<Columns>): Uint8Array {
  const columns: Columns = {
    ids: [1, 2],
    ops: [1, 1],
    keyEnds: [1, 2],
    keys: 'ab',
    durability: 0,
    collections: ['users'],
    ...change,
  };
  const builder = new Builder(256);
  const bytes = (values: ArrayLike<number>): number =>
    createColumn(builder, Uint8Array.from(values), values.length, 1);
  const words = (values: number[]): number => RequestFrame.createIdsVector(builder, values);
  const text = (value: string): number => bytes(Buffer.from(value));
  const names = RequestFrame.createCollectionsVector(
    builder,
    columns.collections.map((name) => builder.createString(name)),
  );
  const ids = words(columns.ids);
  const ops = bytes(columns.ops);
  const collectionOf = columns.collectionOf
    ? RequestFrame.createCollectionOfVector(builder, columns.collectionOf)
    : 0;
  const keyEnds = words(columns.keyEnds);
  const keys = text(columns.keys);
  const valueEnds = columns.valueEnds ? words(columns.valueEnds) : 0;
  const values = columns.values === undefined ? 0 : text(columns.values);
  const conditions = columns.conditions ? bytes(columns.conditions) : 0;
  const seqs = columns.expectedSeqs
    ? RequestFrame.createExpectedSeqsVector(builder, columns.expectedSeqs)
    : 0;
  const operationIds = columns.operationIds
    ? RequestFrame.createOperationIdsVector(builder, columns.operationIds)
    : 0;
  const ttls = columns.ttls ? words(columns.ttls) : 0;
  RequestFrame.startRequestFrame(builder);
  RequestFrame.addCollections(builder, names);
  RequestFrame.addIds(builder, ids);
  RequestFrame.addOps(builder, ops);
  RequestFrame.addCollectionOf(builder, collectionOf);
  RequestFrame.addKeyEnds(builder, keyEnds);
  RequestFrame.addKeys(builder, keys);
  RequestFrame.addValueEnds(builder, valueEnds);
  RequestFrame.addValues(builder, values);
  RequestFrame.addDurability(builder, columns.durability);
  RequestFrame.addConditions(builder, conditions);
  RequestFrame.addExpectedSeqs(builder, seqs);
  RequestFrame.addOperationIds(builder, operationIds);
  RequestFrame.addTtls(builder, ttls);
  builder.finish(RequestFrame.endRequestFrame(builder));
  return builder.asUint8Array();
}

const BROKEN: readonly [claim: string, change: Partial<Columns>, field: string][] = [
  ['fewer operations than ids', { ops: [1] }, 'ops'],
  ['an unknown operation', { ops: [1, 6] }, 'ops'],
  ['the reserved operation 0', { ops: [0, 1] }, 'ops'],
  ['fewer key ends than ids', { keyEnds: [1] }, 'key_ends'],
  ['key ends that go back', { keyEnds: [2, 1] }, 'key_ends'],
  ['a key end outside the keys', { keyEnds: [1, 3] }, 'key_ends'],
  ['a huge key end', { keyEnds: [1, 0xffff_ffff] }, 'key_ends'],
  ['a collection index outside the names', { collectionOf: [0, 1] }, 'collection_of'],
  ['fewer collection indexes than ids', { collectionOf: [0] }, 'collection_of'],
  ['more names than requests', { collections: ['a', 'b', 'c'] }, 'collections'],
  ['no names', { collections: [] }, 'collections'],
  ['a name that is too long', { collections: ['x'.repeat(385)] }, 'collections'],
  ['fewer value ends than ids', { valueEnds: [0], values: '' }, 'value_ends'],
  ['a value end outside the values', { valueEnds: [1, 3], values: 'ab' }, 'value_ends'],
  ['an unknown durability', { durability: 4 }, 'durability'],
  ['an unknown condition', { conditions: [0, 4], expectedSeqs: [0n, 0n] }, 'conditions'],
  ['conditions without seqnos', { conditions: [0, 1] }, 'expected_seqs'],
  ['seqnos without conditions', { expectedSeqs: [0n, 0n] }, 'expected_seqs'],
  ['a seqno above 2^53', { conditions: [1, 1], expectedSeqs: [0n, 1n << 53n] }, 'expected_seqs'],
  ['one time to live for two requests', { ttls: [60] }, 'ttls'],
  ['three times to live for two requests', { ttls: [60, 0, 60] }, 'ttls'],
  ['one operation id for two requests', { operationIds: [1n, 1n] }, 'operation_ids'],
];

for (const [claim, change, field] of BROKEN) {
  test(`a frame with ${claim} is refused and the field is named`, (t) => {
    const view = new RequestFrameView();
    t.is(view.open(build({})), undefined);
    const error = view.open(build(change));
    t.is(error?.code, 'MALFORMED_FRAME');
    t.is(error?.details?.['field'], field);
    t.regex(error?.message ?? '', new RegExp(`${field}.*byte \\d+`));
    t.is(view.count, 0);
  });
}

test('an optional column that is there but empty counts as absent', (t) => {
  const view = new RequestFrameView();
  const frame = build({
    collectionOf: [],
    valueEnds: [],
    values: 'xyz',
    conditions: [],
    expectedSeqs: [],
    ttls: [],
  });
  t.is(view.open(frame), undefined);
  t.is(view.collectionIndex(1), 0);
  t.is(view.ttlSeconds(1), 0);
  t.is(view.valueStart(1), view.valueEnd(1));
  useRequests(view);
});

test('a name that is not UTF-8 is refused', (t) => {
  const frame = build({ collections: ['café'] });
  const at = Buffer.from(frame).indexOf('caf');
  frame[at + 3] = 0xff;
  t.is(new RequestFrameView().open(frame)?.details?.['field'], 'collections');
});

test('a small frame that points thousands of names at one string is refused before they are decoded', (t) => {
  const builder = new Builder(1024);
  const name = builder.createString('x'.repeat(50_000));
  const names = RequestFrame.createCollectionsVector(builder, new Array(9_000).fill(name));
  const ids = RequestFrame.createIdsVector(builder, [1]);
  const ops = RequestFrame.createOpsVector(builder, [1]);
  const keyEnds = RequestFrame.createKeyEndsVector(builder, [0]);
  RequestFrame.startRequestFrame(builder);
  RequestFrame.addCollections(builder, names);
  RequestFrame.addIds(builder, ids);
  RequestFrame.addOps(builder, ops);
  RequestFrame.addKeyEnds(builder, keyEnds);
  builder.finish(RequestFrame.endRequestFrame(builder));
  const error = new RequestFrameView().open(builder.asUint8Array());
  t.is(error?.details?.['field'], 'collections');
});
