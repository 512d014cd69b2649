/** The first operations of a batch: what they say, and what they do. */
import test from 'ava';
import { firstOperations } from '../../src/backup/restore/cut-batch.js';
import { asSeqno } from '../../src/base/brand.js';
import { WriteBatchView } from '../../src/batch/write-batch-view.js';
import { Durability } from '../../src/generated/lumadb/schema/durability.js';
import { encodeBatch, put } from '../support/batches.js';
import { TestEngine } from '../support/engines.js';
import { pick, seededPrng } from '../support/random.js';
import { randomOperation, WRITTEN_AT } from './support/operations.js';

/** All that a batch says of one operation. */
function said(view: WriteBatchView, i: number) {
  return {
    kind: view.kind(i),
    collection: view.collection(i),
    hash: view.keyHash(i),
    key: Buffer.from(view.keys.subarray(view.keyStart(i), view.keyEnd(i))).toString(),
    value: Buffer.from(view.values.subarray(view.valueStart(i), view.valueEnd(i))).toString(),
    condition: view.condition(i),
    expected: view.hasConditions ? view.expectedSeqno(i) : 0,
    id: [0, 1, 2, 3].map((word) => (view.hasOperationIds ? view.operationIdWord(i, word) : 0)),
    expiresAt: view.expiresAt(i),
  };
}

test('what is left of a batch says and does what its first operations said and did', (t) => {
  const prng = seededPrng(t);
  for (let round = 0; round < 150; round++) {
    const whole = new TestEngine();
    const oneByOne = new TestEngine();
    let seqno = 1;
    for (let batch = 0; batch < 8; batch++) {
      const operations = Array.from({ length: 1 + prng.nextBelow(12) }, () =>
        randomOperation(prng, `k${prng.nextBelow(12)}`, pick(prng, [1, 2]), seqno),
      );
      const options = { batchId: 7 + batch, durability: Durability.Group, writtenAt: WRITTEN_AT + batch };
      const payload = encodeBatch(operations, options);
      const count =
        batch < 7 || operations.length === 1 ? operations.length : prng.nextBelow(operations.length);
      const isCut = count < operations.length;
      const kept = isCut ? firstOperations(payload, count) : payload;
      if (kept === undefined) {
        t.is(count, 0);
        break;
      }
      const [view, original] = [new WriteBatchView().open(kept), new WriteBatchView().open(payload)];
      t.is(view.count, count);
      t.is(view.batchId, original.batchId);
      t.is(view.durability, original.durability);
      t.is(view.writtenAt, original.writtenAt);
      t.false(view.allOrNothing);
      for (let i = 0; i < count; i++) t.deepEqual(said(view, i), said(original, i));
      whole.engine.replay(view, asSeqno(seqno));
      operations.slice(0, count).forEach((operation, i) => {
        const alone = new WriteBatchView().open(encodeBatch([operation], options));
        oneByOne.engine.replay(alone, asSeqno(seqno + i));
      });
      seqno += operations.length;
      t.deepEqual(whole.visibleState([1, 2]), oneByOne.visibleState([1, 2]));
    }
  }
});

test('a batch of which nothing may be left out is left out whole', (t) => {
  const operations = [put('a', '{"_id":"a"}'), put('b', '{"_id":"b"}')];
  t.is(firstOperations(encodeBatch(operations, { allOrNothing: true }), 1), undefined);
  t.is(firstOperations(encodeBatch(operations), 0), undefined);
});
