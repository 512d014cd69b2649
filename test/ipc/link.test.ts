import test, { type ExecutionContext } from 'ava';
import { Durability } from '../../src/generated/lumadb/schema/durability.js';
import { WriteStatus } from '../../src/generated/lumadb/schema/write-status.js';
import { closeLink } from '../../src/ipc/link.js';
import { createReadOnlyBlock, READ_ONLY_DISK, READ_ONLY_OFF } from '../../src/shm/read-only-format.js';
import { ReadOnlyReader } from '../../src/shm/read-only-reader.js';
import { ReadOnlyWriter } from '../../src/shm/read-only-writer.js';
import { TestLink } from '../support/links.js';
import { oneIn, pick, seededPrng } from '../support/random.js';

const GONE = { code: 'SHARD_UNAVAILABLE', message: 'shard 3 died' } as const;

function everyWriteCompletedOnce(t: ExecutionContext, made: TestLink): void {
  const inOrder = (tokens: readonly number[]): number[] => [...tokens].sort((a, b) => a - b);
  t.deepEqual(inOrder(made.completions.tokens), inOrder(made.taken));
  t.is(made.client.pendingCount, 0);
}

/** Sends batches of one write each until the ring is full; returns how many went out. The last one is held back. */
function fillRing(made: TestLink): number {
  let sent = 0;
  do made.put(`k${sent}`, Durability.Always, 'x'.repeat(3000));
  while (made.client.flush() && ++sent < 1000);
  return sent;
}

test('the writes of one turn travel as one batch and complete in order', (t) => {
  const made = new TestLink();
  for (let i = 0; i < 10; i++) t.is(made.put(`k${i}`), undefined);
  t.is(made.client.pendingCount, 10);
  t.true(made.client.flush());
  const [batch, ...others] = made.serve();
  t.deepEqual(
    batch.keys,
    Array.from({ length: 10 }, (_, i) => `k${i}`),
  );
  t.is(others.length, 0);
  t.true(made.client.hasReplies());
  made.client.drainReplies();
  t.false(made.client.hasReplies());
  t.deepEqual(made.completions.tokens, made.taken);
  t.deepEqual(made.completions.all[9], {
    token: 10,
    status: WriteStatus.Created,
    seqno: 10,
    durability: Durability.Always,
  });
  everyWriteCompletedOnce(t, made);
});

test('batches may be answered in another order: each reply finds its batch', (t) => {
  const made = new TestLink();
  for (const key of ['a', 'b', 'c']) {
    made.put(key);
    made.client.flush();
  }
  const seen = made.take();
  for (const batch of seen.reverse()) made.answer(batch);
  made.client.drainReplies();
  t.deepEqual(made.completions.tokens, [3, 2, 1]);
  everyWriteCompletedOnce(t, made);
});

test('an error reply fails every write of its batch and no other', (t) => {
  const made = new TestLink();
  made.put('a');
  made.put('b');
  made.client.flush();
  made.put('c');
  made.client.flush();
  const [first, second] = made.take();
  made.shard.replyError(first.batchId, { code: 'MEMTABLES_FULL', message: 'shard 3: full' });
  made.answer(second);
  made.client.drainReplies();
  const errors = made.completions.all.map(({ error }) => error?.code);
  t.deepEqual(errors, ['MEMTABLES_FULL', 'MEMTABLES_FULL', undefined]);
  everyWriteCompletedOnce(t, made);
});

test('flushing nothing sends nothing', (t) => {
  const made = new TestLink();
  t.true(made.client.flush());
  made.client.drainReplies();
  t.false(made.shard.hasRequests());
});

test('a change of durability starts a new batch', (t) => {
  const made = new TestLink();
  made.put('a', Durability.Always);
  made.put('b', Durability.Always);
  made.put('c', Durability.Os);
  made.put('d', Durability.Always);
  made.client.flush();
  t.deepEqual(
    made.serve().map(({ durability, keys }) => [durability, ...keys]),
    [
      [Durability.Always, 'a', 'b'],
      [Durability.Os, 'c'],
      [Durability.Always, 'd'],
    ],
  );
  made.client.drainReplies();
  t.deepEqual(
    made.completions.all.map(({ durability }) => durability),
    [Durability.Always, Durability.Always, Durability.Os, Durability.Always],
  );
});

test('a batch that would grow beyond its limit is sent and a new one begun', (t) => {
  const made = new TestLink({ batchBytesMax: 4096 });
  for (let i = 0; i < 10; i++) t.is(made.put(`k${i}`, Durability.Always, 'x'.repeat(1000)), undefined);
  made.client.flush();
  const seen = made.serve();
  t.true(seen.length >= 3);
  t.deepEqual(
    seen.flatMap(({ keys }) => keys),
    Array.from({ length: 10 }, (_, i) => `k${i}`),
  );
  made.client.drainReplies();
  everyWriteCompletedOnce(t, made);
});

test('more waiting writes than allowed are refused until some complete', (t) => {
  const made = new TestLink({ pendingMax: 5 });
  for (let i = 0; i < 5; i++) t.is(made.put(`k${i}`), undefined);
  const refusal = made.put('one too many');
  t.is(refusal?.code, 'OVERLOADED');
  t.regex(refusal?.message ?? '', /shard 3 .*5 writes are waiting/);
  made.client.flush();
  t.is(made.put('sent is not completed')?.code, 'OVERLOADED');
  made.settle();
  t.is(made.put('again'), undefined);
  made.settle();
  everyWriteCompletedOnce(t, made);
});

test('a full ring holds the open batch back, and it goes out once there is room', (t) => {
  const made = new TestLink();
  const sent = fillRing(made);
  t.true(sent > 10 && sent < 100);
  t.false(made.client.flush());
  t.is(made.put('joins the open batch'), undefined);
  t.is(made.put('needs a batch of its own', Durability.Os)?.code, 'OVERLOADED');
  t.is(made.serve().length, sent);
  made.client.drainReplies();
  const [held] = made.serve();
  t.deepEqual(held.keys, [`k${sent}`, 'joins the open batch']);
  made.client.drainReplies();
  everyWriteCompletedOnce(t, made);
});

test('a batch that is held back goes out even if the room comes after the last reply', (t) => {
  const made = new TestLink();
  fillRing(made);
  // The shard answers while it applies and releases afterwards; a front that is awake sees the replies before.
  for (const batch of made.take()) made.answer(batch);
  made.client.drainReplies();
  t.is(made.client.pendingCount, 1, 'still no room');
  t.false(made.client.hasReplies(), 'nothing to do for now');
  made.shard.release();
  t.true(made.client.hasReplies(), 'the front must not go to sleep');
  made.client.drainReplies();
  t.is(made.serve().length, 1);
  made.client.drainReplies();
  t.false(made.client.hasReplies());
  everyWriteCompletedOnce(t, made);
});

test('an atomic batch is one batch, with nothing before or after in it', (t) => {
  const made = new TestLink();
  made.put('before');
  t.is(made.client.beginAtomic(3), undefined);
  for (const key of ['a', 'b', 'c']) made.put(key);
  made.client.endAtomic();
  made.put('after');
  made.client.flush();
  t.deepEqual(
    made.serve().map(({ allOrNothing, keys }) => [allOrNothing, ...keys]),
    [
      [false, 'before'],
      [true, 'a', 'b', 'c'],
      [false, 'after'],
    ],
  );
  made.client.drainReplies();
  everyWriteCompletedOnce(t, made);
});

test('an atomic batch that a full ring holds back takes no other writes', (t) => {
  const made = new TestLink();
  fillRing(made);
  t.is(made.client.beginAtomic(1)?.code, 'OVERLOADED', 'the batch before it is still here');
  made.settle();

  while (made.client.beginAtomic(1) === undefined && made.client.pendingCount < 100) {
    made.put('atomic', Durability.Always, 'x'.repeat(3000));
    made.client.endAtomic();
  }
  t.is(made.put('ordinary')?.code, 'OVERLOADED', 'it may not join the atomic batch');
  const before = made.serve();
  t.true(before.every(({ keys, allOrNothing }) => keys.length === 1 && allOrNothing));
  made.client.drainReplies();
  t.is(made.put('ordinary'), undefined);
  made.client.flush();
  t.deepEqual(
    made.serve().map(({ allOrNothing, keys }) => [allOrNothing, ...keys]),
    [
      [true, 'atomic'],
      [false, 'ordinary'],
    ],
  );
  made.client.drainReplies();
  everyWriteCompletedOnce(t, made);
});

test('an atomic batch that stayed empty leaves no trace', (t) => {
  const made = new TestLink();
  t.is(made.client.beginAtomic(0), undefined);
  made.client.endAtomic();
  made.put('ordinary');
  made.client.flush();
  t.deepEqual(
    made.serve().map(({ allOrNothing }) => allOrNothing),
    [false],
  );
});

test('an atomic batch is refused as a whole when the writes waiting leave no room for all of it', (t) => {
  const made = new TestLink({ pendingMax: 5 });
  for (let i = 0; i < 3; i++) made.put(`k${i}`);
  t.is(made.client.beginAtomic(3)?.code, 'OVERLOADED');
  t.is(made.client.beginAtomic(2), undefined);
  made.client.endAtomic();
  made.settle();
  everyWriteCompletedOnce(t, made);
});

test('an atomic batch is never split, neither by size nor by durability', (t) => {
  const made = new TestLink({ batchBytesMax: 4096 });
  t.true(made.client.fitsAtomic(10, 2000));
  t.false(made.client.fitsAtomic(10, 4000), 'the columns count too');
  t.false(made.client.fitsAtomic(20_000, 0));
  made.client.beginAtomic(2);
  made.put('a', Durability.Always);
  t.throws(() => made.put('b', Durability.Os), { name: 'AssertionError' });
  t.throws(() => made.put('b', Durability.Always, 'x'.repeat(4096)), { name: 'AssertionError' });
  made.client.endAtomic();
  t.deepEqual(
    made.serve().map(({ keys }) => keys),
    [['a']],
  );
});

test('losing the shard fails everything sent or open exactly once, and refuses what comes', (t) => {
  const made = new TestLink();
  made.put('answered');
  made.client.flush();
  made.serve();
  made.client.drainReplies();
  made.put('sent');
  made.client.flush();
  const [sent] = made.take();
  made.put('open');
  made.client.detach(GONE);
  t.deepEqual(made.completions.all.slice(1), [
    { token: 2, error: GONE },
    { token: 3, error: GONE },
  ]);
  everyWriteCompletedOnce(t, made);
  t.deepEqual(made.put('later'), GONE);
  t.deepEqual(made.client.beginAtomic(1), GONE);
  t.true(made.client.flush(), 'there is nothing to send');

  made.answer(sent); // the shard was not quite dead: its answer comes too late
  made.client.drainReplies();
  t.false(made.client.hasReplies());
  everyWriteCompletedOnce(t, made);
});

test('a client without a shard refuses with the cause and takes writes once attached', (t) => {
  const made = new TestLink();
  made.client.detach(GONE);
  t.false(made.client.isAttached);
  t.deepEqual(made.client.unavailableCause, GONE);
  made.reattach();
  t.true(made.client.isAttached);
  t.is(made.put('a'), undefined);
  made.client.flush();
  t.deepEqual(
    made.serve().map(({ keys }) => keys),
    [['a']],
  );
  made.client.drainReplies();
  everyWriteCompletedOnce(t, made);
});

test('nothing of an atomic batch that was lost sticks to the next shard', (t) => {
  const made = new TestLink();
  fillRing(made);
  made.serve();
  made.client.drainReplies();
  made.client.beginAtomic(1);
  made.put('lost');
  made.client.detach(GONE);
  made.reattach();
  made.put('ordinary');
  made.client.flush();
  t.deepEqual(
    made.serve().map(({ allOrNothing, keys }) => [allOrNothing, ...keys]),
    [[false, 'ordinary']],
  );
});

test('a completion may write again, and may lose the shard, while replies are drained', (t) => {
  const made = new TestLink();
  made.put('a');
  made.put('b');
  made.client.flush();
  made.serve();
  made.completions.onCompleted = ({ token }) => {
    if (token === 1) made.put('written by the completion of a');
  };
  made.client.drainReplies();
  t.deepEqual(
    made.take().map(({ keys }) => keys),
    [['written by the completion of a']],
    'and draining sends it',
  );
  made.put('x');
  made.client.flush();
  for (const batch of made.take()) made.answer(batch);
  made.completions.onCompleted = () => {
    made.completions.onCompleted = undefined;
    made.client.detach(GONE);
  };
  made.client.drainReplies();
  everyWriteCompletedOnce(t, made);
});

test('a reply for a batch that nobody sent is an error', (t) => {
  const made = new TestLink();
  made.put('a');
  made.client.flush();
  const [batch] = made.take();
  made.answer(batch);
  made.answer(batch);
  t.throws(() => made.client.drainReplies(), { code: 'INTERNAL' });
});

test('a shard whose front is gone drops its replies instead of waiting for room', (t) => {
  const made = new TestLink();
  made.put('a');
  made.client.flush();
  const [batch] = made.take();
  t.false(made.shard.isClosed);
  closeLink(made.link);
  t.true(made.shard.isClosed);
  // Far more than the reply ring holds, and nobody reads it.
  const message = 'm'.repeat(1000);
  const before = performance.now();
  for (let i = 0; i < 4000; i++) made.shard.replyError(batch.batchId, { code: 'IO', message });
  t.true(performance.now() - before < 30_000, 'a reply that waits for room does so for ever');
});

test('random traffic completes every write once, in the order of its batch', (t) => {
  const prng = seededPrng(t);
  const made = new TestLink({ pendingMax: 15 });
  const levels = [Durability.Always, Durability.Always, Durability.Group, Durability.Os];
  let refused = 0;
  for (let step = 0; step < 5000; step++) {
    const choice = prng.nextBelow(20);
    if (choice < 12) {
      const size = oneIn(prng, 10) ? 10_000 : 100;
      if (made.put(`k${step}`, pick(prng, levels), 'x'.repeat(prng.nextBelow(size))) !== undefined) refused++;
    } else if (choice < 15) made.client.flush();
    else if (choice < 17) made.serve();
    else if (choice < 19) made.client.drainReplies();
    else if (oneIn(prng, 20)) {
      made.client.detach(GONE);
      made.reattach();
    }
  }
  made.settle();
  made.settle();
  t.true(refused > 0);
  t.true(made.completions.all.some(({ error }) => error !== undefined));
  t.true(made.completions.all.filter(({ error }) => error === undefined).length > 500);
  everyWriteCompletedOnce(t, made);
  const written = made.completions.all.filter(({ status }) => status !== undefined).map(({ token }) => token);
  t.true(written.every((token, i) => i === 0 || written[i - 1] < token));
});

test('a patch weighs what the shard must reserve for it: large documents are patched in batches of their own', (t) => {
  const made = new TestLink({ batchBytesMax: 16 * 1024, documentBytes: 5000 });
  for (let i = 0; i < 10; i++) t.is(made.patch('large', `{"n":${i}}`), undefined);
  t.is(made.put('innocent'), undefined);
  made.client.flush();
  t.deepEqual(
    made.serve().map(({ keys }) => keys.length),
    [3, 3, 3, 2],
  );
  made.client.drainReplies();
  everyWriteCompletedOnce(t, made);
});

test('patches of one small document are sent in batches whose worst case is bounded', (t) => {
  const made = new TestLink({ batchBytesMax: 16 * 1024 });
  const text = `{"x":"${'x'.repeat(190)}"}`;
  for (let i = 0; i < 100; i++) t.is(made.patch('hot', text), undefined);
  made.client.flush();
  for (const { keys } of made.serve()) {
    const worstCase = (text.length * keys.length * (keys.length + 1)) / 2;
    t.true(worstCase <= 16 * 1024, `${keys.length} patches`);
  }
  made.client.drainReplies();
  everyWriteCompletedOnce(t, made);
});

test('on a nearly full disk puts are refused before they are in a batch, and deletes travel without them', (t) => {
  const block = createReadOnlyBlock();
  const writer = new ReadOnlyWriter(block);
  const made = new TestLink({ readOnly: new ReadOnlyReader(block) });
  t.is(made.put('before'), undefined);
  writer.publish(READ_ONLY_DISK, '1 MiB is free');
  t.regex(made.put('a')?.message ?? '', /1 MiB is free/);
  t.is(made.remove('b'), undefined);
  t.is(made.patch('c', '{}')?.code, 'READ_ONLY');
  t.is(made.client.beginAtomic(2)?.code, 'READ_ONLY');
  writer.publish(READ_ONLY_OFF, '');
  t.is(made.put('after'), undefined);
  made.client.flush();
  const keys = made.serve().flatMap((batch) => batch.keys);
  t.deepEqual(keys, ['before', 'b', 'after']);
  made.client.drainReplies();
  everyWriteCompletedOnce(t, made);
});

test('an atomic batch that has begun is not torn apart by a disk that fills up meanwhile', (t) => {
  const block = createReadOnlyBlock();
  const made = new TestLink({ readOnly: new ReadOnlyReader(block) });
  t.is(made.client.beginAtomic(2), undefined);
  t.is(made.put('a'), undefined);
  new ReadOnlyWriter(block).publish(READ_ONLY_DISK, 'full');
  t.is(made.put('b'), undefined);
  made.client.endAtomic();
  t.deepEqual(made.serve()[0]?.keys, ['a', 'b']);
  made.client.drainReplies();
  everyWriteCompletedOnce(t, made);
  t.is(made.put('c')?.code, 'READ_ONLY');
});
