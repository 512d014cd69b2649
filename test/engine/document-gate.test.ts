import test from 'ava';
import { asSeqno } from '../../src/base/brand.js';
import { WriteBatchView } from '../../src/batch/write-batch-view.js';
import { WriteOutcome, WriteReplyEncoder, WriteReplyView } from '../../src/batch/write-reply.js';
import type { DocumentCheck } from '../../src/engine/document-gate.js';
import { ConditionKind } from '../../src/generated/lumadb/schema/condition-kind.js';
import { Durability } from '../../src/generated/lumadb/schema/durability.js';
import { OperationKind } from '../../src/generated/lumadb/schema/operation-kind.js';
import { WriteStatus } from '../../src/generated/lumadb/schema/write-status.js';
import { batchOf, operationId, patch, put, remove } from '../support/batches.js';
import { everyBatchAnsweredOnce, TestEngine } from '../support/engines.js';

const { Created, Replaced, Deleted, NotFound, SchemaViolation, Aborted, OperationIdReused } = WriteStatus;

/** Refuses documents whose text has "bad" in it. */
const noBad: DocumentCheck = (bytes, start, end) =>
  Buffer.from(bytes.slice(start, end)).includes('bad')
    ? { code: 'VALIDATION', message: 'it is bad', details: { field: 'x' } }
    : undefined;

const COLLECTION = batchOf([put('a', '{}')]).collection(0);

function checkedEngine(): TestEngine {
  const made = new TestEngine();
  made.engine.setChecks(new Map([[COLLECTION, noBad]]));
  return made;
}

test('puts and what patches make of their documents are checked, each by itself', (t) => {
  const made = checkedEngine();
  t.deepEqual(made.statusesOf([put('a', '{"x":1}'), put('b', '{"x":"bad"}'), put('c', '{}')]), [
    Created,
    SchemaViolation,
    Created,
  ]);
  t.is(made.get('b'), undefined);
  t.deepEqual(
    made.statusesOf([patch('a', '{"y":"bad"}'), patch('c', '{"y":2}'), patch('b', '{"y":"bad"}')]),
    [SchemaViolation, Replaced, NotFound],
  );
  t.is(made.get('a'), '{"x":1}');
  t.deepEqual(made.statusesOf([remove('a')]), [Deleted]);
  everyBatchAnsweredOnce(t, made);
});

test('a batch fails as a whole where it is to, and changes nothing', (t) => {
  const made = checkedEngine();
  const statuses = made.statusesOf([put('a', '{}'), put('b', '{"x":"bad"}')], { allOrNothing: true });
  t.deepEqual(statuses, [Aborted, SchemaViolation]);
  t.deepEqual(made.documents(), []);
});

test('a patch of a document that the group writes waits for the group', (t) => {
  const made = checkedEngine();
  t.is(made.stage([put('a', '{"x":1}')]).result, 'staged');
  t.is(made.stage([patch('b', '{"x":1}')]).result, 'staged', 'another document');
  t.is(made.stage([patch('a', '{"y":"bad"}')]).result, 'commit-first');
  made.engine.commit();
  t.deepEqual(made.statusesOf([patch('a', '{"y":"bad"}')]), [SchemaViolation]);
  // A front that knows of the schema sends no such batch.
  t.deepEqual(made.statusesOf([put('a', '{"x":2}'), patch('a', '{"y":3}')]), [Replaced, SchemaViolation]);
  t.is(made.get('a'), '{"x":2}');
});

test('the log holds the decision: a replay needs no schema and ends in the same state', (t) => {
  const made = checkedEngine();
  made.write([put('a', '{"x":1}'), put('b', '{"x":"bad"}')]);
  made.write([patch('a', '{"y":"bad"}'), put('c', '{}', { condition: ConditionKind.IfAbsent })]);
  made.engine.setChecks(new Map());
  made.write([put('d', '{"x":"bad"}')]);
  const again = new TestEngine();
  // Stricter than any schema there was: nothing that was taken is refused.
  again.engine.setChecks(new Map([[COLLECTION, () => ({ code: 'VALIDATION', message: 'never' })]]));
  const kinds: OperationKind[] = [];
  for (const { firstSeqno, payload } of made.log.records()) {
    const view = new WriteBatchView().open(payload);
    for (let i = 0; i < view.count; i++) kinds.push(view.kind(i));
    again.engine.replay(view, asSeqno(firstSeqno));
  }
  const { Put, Refused } = OperationKind;
  t.deepEqual(kinds, [Put, Refused, Refused, Put, Put]);
  t.deepEqual(again.documents(), made.documents());
  t.is(again.get('d'), '{"x":"bad"}');
});

test('a refused operation is not remembered: it may be right the next time', (t) => {
  const made = checkedEngine();
  const write = () => made.statusesOf([put('a', '{"x":"bad"}', { operationId: operationId(7) })]);
  t.deepEqual(write(), [SchemaViolation]);
  made.engine.setChecks(new Map());
  t.deepEqual(write(), [Created]);
  made.engine.setChecks(new Map([[COLLECTION, noBad]]));
  t.deepEqual(write(), [Created], 'and one that was done is answered as it was');
  t.not(write()[0], OperationIdReused);
});

test('what is wrong with each document comes with the reply', (t) => {
  const outcome = new WriteOutcome();
  outcome.begin(2);
  outcome.statuses.set([Created, SchemaViolation]);
  const fault = { code: 'VALIDATION' as const, message: 'no, "x"', details: { field: 'x' } };
  outcome.faults = new Map([[1, fault]]);
  const encoder = new WriteReplyEncoder();
  const reply = new WriteReplyView().open(encoder.encode(3, 10, Durability.Always, outcome).slice());
  t.is(reply.error, undefined);
  t.is(reply.status(1), SchemaViolation);
  t.deepEqual(reply.fault(1), fault);
  outcome.begin(1);
  outcome.statuses[0] = Created;
  t.is(reply.open(encoder.encode(4, 12, Durability.Always, outcome).slice()).status(0), Created);
  t.is(reply.fault(0).code, 'VALIDATION', 'nothing is left of the reply before');
});
