import test from 'ava';
import { asSeqno } from '../../src/base/brand.js';
import { DbError } from '../../src/base/errors.js';
import { OPERATION_IDS_MAX, OperationIds } from '../../src/engine/operation-ids.js';
import { ConditionKind } from '../../src/generated/lumadb/schema/condition-kind.js';
import { WriteStatus } from '../../src/generated/lumadb/schema/write-status.js';
import { batchOf, operationId, patch, put, remove } from '../support/batches.js';
import { everyBatchAnsweredOnce, TestEngine } from '../support/engines.js';

const { Created, Replaced, Deleted, NotFound, PreconditionFailed, OperationIdReused, TooLarge, Aborted } =
  WriteStatus;
const ifAbsent = { condition: ConditionKind.IfAbsent };
const ifPresent = { condition: ConditionKind.IfPresent };
const ifMatch = (expectedSeqno: number) => ({ condition: ConditionKind.IfMatchSeqno, expectedSeqno });

test('each kind of write says what it did', (t) => {
  const made = new TestEngine();
  t.deepEqual(made.statusesOf([put('a', '{"x":1}'), put('a', '{"x":2}')]), [Created, Replaced]);
  t.deepEqual(made.statusesOf([patch('a', '{"y":3}'), patch('b', '{}')]), [Replaced, NotFound]);
  t.is(made.get('a'), '{"x":2,"y":3}');
  t.deepEqual(made.statusesOf([remove('a'), remove('a'), patch('a', '{}')]), [Deleted, NotFound, NotFound]);
  t.is(made.get('a'), undefined);
  t.deepEqual(made.statusesOf([put('a', '{}')]), [Created], 'a deleted document is created again');
  everyBatchAnsweredOnce(t, made);
});

test('conditions look at the document as the operations before left it', (t) => {
  const made = new TestEngine();
  t.deepEqual(made.statusesOf([put('a', '1', ifAbsent), put('a', '2', ifAbsent)]), [
    Created,
    PreconditionFailed,
  ]);
  t.deepEqual(made.statusesOf([put('b', '1', ifPresent), put('a', '3', ifPresent)]), [
    PreconditionFailed,
    Replaced,
  ]);
  t.deepEqual(made.statusesOf([remove('b', ifPresent), remove('a', ifPresent)]), [
    PreconditionFailed,
    Deleted,
  ]);
  t.deepEqual(made.statusesOf([put('a', '4', ifPresent), put('a', '4', ifAbsent)]), [
    PreconditionFailed,
    Created,
  ]);
  t.is(made.get('a'), '4');
});

test('an expected seqno matches that version of a document only', (t) => {
  const made = new TestEngine();
  made.write([put('a', '1')]); // seqno 1
  t.deepEqual(made.statusesOf([put('a', '2', ifMatch(2)), put('a', '2', ifMatch(1))]), [
    PreconditionFailed,
    Replaced,
  ]);
  t.is(made.documents()[0].seqno, 3, 'a failed operation takes a seqno too');
  t.deepEqual(made.statusesOf([put('b', '1', ifMatch(0)), patch('a', '{}', ifMatch(3))]), [
    PreconditionFailed,
    Replaced,
  ]);
  made.write([remove('a')]); // seqno 6
  t.deepEqual(
    made.statusesOf([put('a', '1', ifMatch(6))]),
    [PreconditionFailed],
    'a tombstone matches nothing',
  );
});

test('an all-or-nothing batch does nothing if one condition fails, and says which', (t) => {
  const made = new TestEngine();
  made.write([put('a', '1')]);
  const before = made.documents();
  t.deepEqual(
    made.statusesOf([put('b', '1', ifAbsent), put('a', '2', ifAbsent), put('c', '1')], {
      allOrNothing: true,
    }),
    [Aborted, PreconditionFailed, Aborted],
  );
  t.deepEqual(made.documents(), before);
  t.deepEqual(made.statusesOf([put('b', '1', ifAbsent), put('a', '2', ifPresent)], { allOrNothing: true }), [
    Created,
    Replaced,
  ]);
});

test('a retried operation gets the first answer and changes nothing', (t) => {
  const made = new TestEngine();
  const first = made.write([put('a', '1', { operationId: operationId(7) })]);
  made.write([put('a', '2')]);
  const again = made.write([put('a', '1', { operationId: operationId(7) }), put('b', '1')]);
  t.like(first, { statuses: [Created], seqnos: [1] });
  t.like(again, { statuses: [Created, Created], seqnos: [1, 4] });
  t.is(made.get('a'), '2');
});

test('a retry inside the same batch is answered as well', (t) => {
  const made = new TestEngine();
  const twice = [
    put('a', '1', { operationId: operationId(7) }),
    put('a', '1', { operationId: operationId(7) }),
  ];
  t.like(made.write(twice), { statuses: [Created, Created], seqnos: [1, 1] });
});

test('failures are remembered too', (t) => {
  const made = new TestEngine();
  const failed = patch('a', '{}', { operationId: operationId(7) });
  t.like(made.write([failed]), { statuses: [NotFound], seqnos: [1] });
  made.write([put('a', '{}')]);
  t.like(made.write([failed]), { statuses: [NotFound], seqnos: [1] });
});

test('an operation id with another request is refused and the first stays remembered', (t) => {
  const made = new TestEngine();
  made.write([put('a', '1', { operationId: operationId(7, 100) })]);
  t.like(made.write([put('a', '2', { operationId: operationId(7, 101) })]), {
    statuses: [OperationIdReused],
    seqnos: [2],
  });
  t.like(made.write([put('a', '1', { operationId: operationId(7, 100) })]), {
    statuses: [Created],
    seqnos: [1],
  });
  t.is(made.get('a'), '1');
});

test('a retried all-or-nothing batch is answered as the first time, though its conditions no longer hold', (t) => {
  const made = new TestEngine();
  const batch = [
    put('a', '1', { ...ifAbsent, operationId: operationId(1) }),
    put('b', '1', { ...ifAbsent, operationId: operationId(2) }),
  ];
  t.like(made.write(batch, { allOrNothing: true }), { statuses: [Created, Created], seqnos: [1, 2] });
  t.like(made.write(batch, { allOrNothing: true }), { statuses: [Created, Created], seqnos: [1, 2] });
});

test('a reused operation id fails its all-or-nothing batch', (t) => {
  const made = new TestEngine();
  made.write([put('a', '1', { operationId: operationId(7, 100) })]);
  const batch = [put('b', '1'), put('a', '2', { operationId: operationId(7, 101) })];
  t.deepEqual(made.statusesOf(batch, { allOrNothing: true }), [Aborted, OperationIdReused]);
  t.is(made.get('b'), undefined);
});

test('operation ids are forgotten first in, first out', (t) => {
  const ids = new OperationIds(3);
  for (const identity of [1, 2, 3]) ids.remember(identity, { fingerprint: 0, status: 1, seqno: identity });
  ids.find(1);
  ids.remember(4, { fingerprint: 0, status: 1, seqno: 4 });
  t.is(ids.size, 3);
  t.deepEqual(
    [1, 2, 3, 4].map((identity) => ids.find(identity)?.seqno),
    [undefined, 2, 3, 4],
  );
});

test('a shard remembers exactly as many operation ids as it says', (t) => {
  const made = new TestEngine({ arenaBytes: 4 * 1024 * 1024 });
  const deletes = Array.from({ length: OPERATION_IDS_MAX + 1 }, (_, i) =>
    remove('k', { operationId: operationId(i + 1) }),
  );
  for (let start = 0; start < deletes.length; start += 16_384) {
    made.statusesOf(deletes.slice(start, start + 16_384));
  }
  const last = OPERATION_IDS_MAX + 1;
  t.like(made.write([remove('k', { operationId: operationId(2) })]), { seqnos: [2] });
  t.like(made.write([remove('k', { operationId: operationId(last) })]), { seqnos: [last] });
  t.like(
    made.write([remove('k', { operationId: operationId(1) })]),
    { seqnos: [last + 3] },
    'the first is forgotten',
  );
});

test('a patch result above the document limit is refused and the document stays', (t) => {
  const made = new TestEngine({ arenaBytes: 64 * 1024 * 1024 });
  made.write([put('a', `{"x":"${'x'.repeat(16 * 1024 * 1024 - 20)}"}`)]);
  t.deepEqual(made.statusesOf([patch('a', `{"y":"${'y'.repeat(100)}"}`)]), [TooLarge]);
  t.is(made.documents()[0].seqno, 1);
});

test('a document that grows by patches is never larger than the room reserved for it', (t) => {
  const made = new TestEngine({ slots: 5, arenaBytes: 256 * 1024 });
  made.write([put('a', '{}')]);
  let refusal: unknown;
  for (let i = 0; refusal === undefined && i < 3000; i++) {
    const patches = Array.from({ length: 1 + (i % 5) }, (_, j) =>
      patch('a', `{"f${i}_${j}":"${'v'.repeat(40)}"}`),
    );
    const answer = made.write(patches);
    if (answer instanceof DbError) refusal = answer;
  }
  t.like(refusal, { code: 'MEMTABLES_FULL' });
  everyBatchAnsweredOnce(t, made);
});

test('a batch that finds the memtable full goes into the next one, after the group before it', (t) => {
  const made = new TestEngine({ arenaBytes: 256 * 1024 });
  const big = `"${'x'.repeat(100_000)}"`;
  t.is(made.stage([put('a', big)]).result, 'staged');
  t.is(made.stage([put('b', big)]).result, 'staged');
  t.is(made.stage([put('c', big)]).result, 'commit-first');
  t.is(made.memtables.pool.chainLength, 1);
  t.is(made.engine.stagedCount, 2);
  made.engine.commit();
  t.is(made.stage([put('c', big)]).result, 'staged');
  t.is(made.memtables.pool.chainLength, 2);
  made.engine.commit();
  t.deepEqual(
    made.documents().map(({ key }) => key),
    ['a', 'b', 'c'],
  );
  everyBatchAnsweredOnce(t, made);
});

test('when all memtables are full a batch is refused and nothing changes', (t) => {
  const made = new TestEngine({ arenaBytes: 256 * 1024 });
  const big = `"${'x'.repeat(100_000)}"`;
  for (let i = 0; i < 6; i++) t.notThrows(() => made.write([put(`k${i}`, big)]));
  const state = made.visibleState([1]);
  const calls = made.log.calls.length;
  for (let i = 0; i < 3; i++) {
    const { result } = made.stage([put('k0', big), put('z', big)]);
    t.true(result instanceof DbError && result.code === 'MEMTABLES_FULL');
  }
  made.engine.commit();
  t.deepEqual(made.visibleState([1]), state);
  t.is(made.log.calls.length, calls, 'the log was not touched');
  t.deepEqual(
    made.statusesOf([put('small', '1')]),
    [Created],
    'what still fits is taken, and no seqno was lost',
  );
  t.is(made.documents().find(({ key }) => key === 'small')?.seqno, 7);
  everyBatchAnsweredOnce(t, made);
});

test('retiring the oldest memtable makes a full shard take writes again', (t) => {
  const made = new TestEngine({ arenaBytes: 256 * 1024 });
  const big = `"${'x'.repeat(100_000)}"`;
  for (let i = 0; i < 6; i++) made.write([put(`k${i}`, big)]);
  t.true(made.write([put('k6', big)]) instanceof DbError);
  made.memtables.pool.retireOldest();
  t.deepEqual(made.statusesOf([put('k6', big)]), [Created]);
});

test('a batch larger than a memtable is refused for good and uses up no memtable', (t) => {
  const made = new TestEngine({ arenaBytes: 256 * 1024 });
  made.write([put('a', '1')]);
  for (let i = 0; i < 5; i++) {
    const { result } = made.stage([put('big', `"${'x'.repeat(300_000)}"`)]);
    t.true(result instanceof DbError && result.code === 'PAYLOAD_TOO_LARGE', String(result));
  }
  const many = Array.from({ length: 4000 }, (_, i) => put(`${i}`, '1'));
  t.like(made.stage(many).result, { code: 'PAYLOAD_TOO_LARGE' });
  t.is(made.memtables.pool.chainLength, 1);
  t.deepEqual(made.statusesOf([put('a', '2')]), [Replaced]);
});

test('a batch of patches of many documents reserves what they can grow by, not its square', (t) => {
  const made = new TestEngine({ arenaBytes: 4 * 1024 * 1024 });
  const keys = Array.from({ length: 2000 }, (_, i) => `key-${i}`);
  made.write(keys.map((key) => put(key, '{"a":1}')));
  const text = `{"b":"${'x'.repeat(300)}"}`;
  const answer = made.write(keys.map((key) => patch(key, text)));
  t.false(answer instanceof DbError, String(answer));
  t.is(made.get('key-1999'), `{"a":1,"b":"${'x'.repeat(300)}"}`);
});

test('a full disk refuses batches one by one and breaks nothing', (t) => {
  const made = new TestEngine();
  made.log.isDiskFull = true;
  t.like(made.stage([put('a', '1')]).result, { code: 'DISK_FULL' });
  made.engine.commit();
  made.log.isDiskFull = false;
  t.like(made.write([put('a', '1')]), { firstSeqno: 1, statuses: [Created] });
  t.deepEqual(made.meter.poisons, []);
});

test('a batch is visible to readers before it is answered', (t) => {
  const made = new TestEngine();
  const { reader } = made.memtables;
  let late = 0;
  made.answers.onAnswer = ({ firstSeqno, statuses }) => {
    if (reader.visibleSeqno() < firstSeqno + statuses.length - 1) late++;
  };
  for (let i = 0; i < 3; i++) made.stage([put(`k${i}`, '1'), put(`l${i}`, '1')]);
  made.engine.commit();
  t.is(made.answers.all.length, 3);
  t.is(late, 0);
});

test('a batch without operations takes a seqno and is answered', (t) => {
  const made = new TestEngine();
  t.like(made.write([]), { firstSeqno: 1, statuses: [] });
  t.like(made.write([put('a', '1')]), { firstSeqno: 2 });
  t.is(made.engine.appliedSeqno, 2);
});

test('replay goes into the reserve when the memtables were full, and stops beyond it', (t) => {
  const big = `"${'x'.repeat(200_000)}"`;
  const recovered = new TestEngine({ arenaBytes: 256 * 1024 });
  for (let i = 1; i <= 4; i++) recovered.engine.replay(batchOf([put(`k${i}`, big)]), asSeqno(i));
  t.is(recovered.memtables.pool.chainLength, 4);
  t.throws(() => recovered.engine.replay(batchOf([put('k5', big)]), asSeqno(5)), { code: 'MEMTABLES_FULL' });
});

test('new writes wait until the reserve that replay used is free again', (t) => {
  const big = `"${'x'.repeat(200_000)}"`;
  const recovered = new TestEngine({ arenaBytes: 256 * 1024 });
  for (let i = 1; i <= 4; i++) recovered.engine.replay(batchOf([put(`k${i}`, big)]), asSeqno(i));
  t.like(recovered.write([put('small', '1')]), { code: 'MEMTABLES_FULL' });
  recovered.memtables.pool.retireOldest();
  t.deepEqual(recovered.statusesOf([put('small', '1')]), [Created]);
});

test('patches of one document in several batches are staged apart once their bound outgrows a memtable', (t) => {
  const made = new TestEngine({ arenaBytes: 256 * 1024 });
  made.write([put('a', '{}')]);
  const patches = Array.from({ length: 30 }, (_, i) => patch('a', `{"n":${i},"x":"${'x'.repeat(200)}"}`));
  let commits = 0;
  for (let batch = 0; batch < 20; batch++) {
    let { result } = made.stage(patches);
    if (result === 'commit-first') {
      commits++;
      made.engine.commit();
      ({ result } = made.stage(patches));
    }
    t.is(result, 'staged');
  }
  made.engine.commit();
  t.true(commits > 0);
  everyBatchAnsweredOnce(t, made);
});

test('patches that are too large together may be tried again, one that is too large alone may not', (t) => {
  const made = new TestEngine({ arenaBytes: 256 * 1024 });
  made.write([put('a', `{"x":"${'x'.repeat(100_000)}"}`), put('b', '{}')]);
  const patches = ['{"w":1}', '{"y":1}', '{"z":1}'].map((text) => patch('a', text));
  const together = [...patches, put('b', '{"innocent":true}')];
  t.like(made.write(together), { code: 'OVERLOADED' });
  t.like(made.write(together, { allOrNothing: true }), { code: 'PAYLOAD_TOO_LARGE' });
  t.like(made.write([patch('b', `{"x":"${'x'.repeat(300_000)}"}`)]), { code: 'PAYLOAD_TOO_LARGE' });
  for (const each of together) t.deepEqual(made.statusesOf([each]), [Replaced]);
});

test('an operation id of a collection says nothing about another collection', (t) => {
  const made = new TestEngine();
  const extras = { operationId: operationId(7) };
  t.deepEqual(made.statusesOf([put('a', '1', extras)]), [Created]);
  t.deepEqual(made.statusesOf([put('a', '1', { ...extras, collection: 2 })]), [Created]);
  t.is(made.get('a', 2), '1', 'the collection was dropped and created again: its write must happen');
  t.deepEqual(made.statusesOf([put('a', '1', { operationId: Uint32Array.of(0, 0, 1, 1) })]), [Replaced]);
  t.deepEqual(made.statusesOf([put('a', '2', { operationId: Uint32Array.of(0, 0, 2, 2) })]), [Replaced]);
});

test('a log that breaks while it makes room, with nothing staged, is reported', (t) => {
  const made = new TestEngine();
  made.log.failNextRoom = true;
  t.like(made.write([put('a', '1')]), { code: 'WAL_POISONED' });
  t.true(made.meter.poisons.length > 0);
});
