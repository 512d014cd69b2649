import test from 'ava';
import { WriteOutcome, WriteReplyEncoder, WriteReplyView } from '../../src/batch/write-reply.js';
import { Durability } from '../../src/generated/lumadb/schema/durability.js';
import { WriteStatus } from '../../src/generated/lumadb/schema/write-status.js';
import { oneIn, seededPrng } from '../support/random.js';

function outcomeOf(statuses: readonly number[], seqs?: readonly number[]): WriteOutcome {
  const outcome = new WriteOutcome();
  outcome.begin(statuses.length);
  for (const [index, status] of statuses.entries()) outcome.statuses[index] = status;
  outcome.hasSeqs = seqs !== undefined;
  for (const seqno of seqs ?? []) outcome.seqs.pushUint64(seqno);
  return outcome;
}

/** The bytes as the front finds them: in shared memory, 8-byte aligned, among others. */
function inSharedMemory(bytes: Uint8Array): Uint8Array {
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length + 40)).fill(0xff);
  shared.set(bytes, 16);
  return new Uint8Array(shared.buffer, 16, bytes.length);
}

test('statuses come back with seqnos that follow the first', (t) => {
  const outcome = outcomeOf([WriteStatus.Created, WriteStatus.NotFound, WriteStatus.Replaced]);
  const reply = new WriteReplyEncoder().encode(2 ** 32 - 1, 2 ** 52 + 1, Durability.Group, outcome);
  const view = new WriteReplyView().open(inSharedMemory(reply));
  t.like(view, { batchId: 2 ** 32 - 1, firstSeqno: 2 ** 52 + 1, durability: Durability.Group });
  t.is(view.error, undefined);
  t.deepEqual(
    [0, 1, 2].map((index) => view.status(index)),
    [1, 4, 2],
  );
  t.deepEqual(
    [0, 1, 2].map((index) => view.seqno(index)),
    [2 ** 52 + 1, 2 ** 52 + 2, 2 ** 52 + 3],
  );
});

test('explicit seqnos win over the first', (t) => {
  const outcome = outcomeOf([WriteStatus.Created, WriteStatus.Created], [2 ** 40, 77]);
  const view = new WriteReplyView().open(
    new WriteReplyEncoder().encode(1, 77, Durability.Always, outcome).slice(),
  );
  t.is(view.seqno(0), 2 ** 40);
  t.is(view.seqno(1), 77);
});

test('an error comes back with code and message, out of shared memory too', (t) => {
  const message = 'shard 2: всё занято ✗';
  const reply = new WriteReplyEncoder().encodeError(9, { code: 'MEMTABLES_FULL', message });
  const view = new WriteReplyView().open(inSharedMemory(reply));
  t.is(view.batchId, 9);
  t.deepEqual(view.error, { code: 'MEMTABLES_FULL', message });
});

test('a reused view keeps nothing of the reply before', (t) => {
  const encoder = new WriteReplyEncoder();
  const view = new WriteReplyView();
  view.open(encoder.encode(1, 5, Durability.Always, outcomeOf([1], [99])).slice());
  view.open(encoder.encodeError(2, { code: 'IO', message: '' }).slice());
  t.deepEqual(view.error, { code: 'IO', message: '' });
  view.open(encoder.encode(3, 8, Durability.Os, outcomeOf([2])).slice());
  t.is(view.error, undefined);
  t.is(view.seqno(0), 8);
});

test('random replies come back as they went in, from a reused outcome', (t) => {
  const prng = seededPrng(t);
  const outcome = new WriteOutcome();
  const encoder = new WriteReplyEncoder();
  const view = new WriteReplyView();
  for (let round = 0; round < 300; round++) {
    const count = prng.nextBelow(oneIn(prng, 20) ? 16_385 : 300);
    const hasSeqs = oneIn(prng, 2);
    const first = Math.floor(prng.nextFloat() * 2 ** 50);
    const statuses = Array.from({ length: count }, () => 1 + prng.nextBelow(8));
    const seqs = Array.from({ length: count }, (_, i) =>
      hasSeqs ? Math.floor(prng.nextFloat() * 2 ** 53) : first + i,
    );
    outcome.begin(count);
    outcome.hasSeqs = hasSeqs;
    for (let i = 0; i < count; i++) {
      outcome.statuses[i] = statuses[i];
      if (hasSeqs) outcome.seqs.pushUint64(seqs[i]);
    }
    view.open(inSharedMemory(encoder.encode(round, first, Durability.Always, outcome)));
    for (let i = 0; i < count; i++) {
      if (view.status(i) !== statuses[i]) t.fail(`status ${i}`);
      if (view.seqno(i) !== seqs[i]) t.fail(`seqno ${i} of ${count}: ${view.seqno(i)} instead of ${seqs[i]}`);
    }
    t.is(view.batchId, round);
  }
});
