import test from 'ava';
import { EXPIRES_KEPT, EXPIRES_NEVER } from '../../src/base/expiry.js';
import { ConditionKind } from '../../src/generated/lumadb/schema/condition-kind.js';
import { WriteStatus } from '../../src/generated/lumadb/schema/write-status.js';
import { expire, type Operation, patch, put, remove } from '../support/batches.js';
import { TestEngine } from '../support/engines.js';

const { Created, Replaced, Deleted, NotFound, PreconditionFailed, Aborted } = WriteStatus;
const ifAbsent = { condition: ConditionKind.IfAbsent };
const ifPresent = { condition: ConditionKind.IfPresent };
const ifMatch = (expectedSeqno: number) => ({ condition: ConditionKind.IfMatchSeqno, expectedSeqno });
const T = 1_800_000_000;

/** An engine in which document `a`, seqno 1, was written at T and expires at T + 10. */
function withExpiring(text = '{"x":1}'): TestEngine {
  const made = new TestEngine();
  made.write([put('a', text, { expiresAt: T + 10 })], { writtenAt: T });
  return made;
}

const statusAt = (made: TestEngine, writtenAt: number, operation: Operation): WriteStatus =>
  made.statusesOf([operation], { writtenAt })[0];
const expiryOfA = (made: TestEngine): number | undefined =>
  made.documents().find(({ key }) => key === 'a')?.expiresAt;
const figures = (made: TestEngine) => made.engine.stats.snapshot();

test('a document is there up to the second before it expires and gone in that second', (t) => {
  t.is(statusAt(withExpiring(), T + 9, put('a', '{}')), Replaced);
  t.is(statusAt(withExpiring(), T + 10, put('a', '{}')), Created);
});

test('an expired document is absent for every kind of write and condition', (t) => {
  const cases: Array<[Operation, WriteStatus]> = [
    [put('a', '{}'), Created],
    [patch('a', '{"y":2}'), NotFound],
    [remove('a'), NotFound],
    [put('a', '{}', ifAbsent), Created],
    [put('a', '{}', ifPresent), PreconditionFailed],
    [put('a', '{}', ifMatch(1)), PreconditionFailed],
    [remove('a', ifMatch(1)), PreconditionFailed],
  ];
  for (const [operation, expected] of cases) t.is(statusAt(withExpiring(), T + 10, operation), expected);
});

test('an all-or-nothing batch sees an expired document as absent too', (t) => {
  const made = withExpiring();
  t.deepEqual(
    made.statusesOf([put('b', '{}'), put('a', '{}', ifPresent)], { allOrNothing: true, writtenAt: T + 10 }),
    [Aborted, PreconditionFailed],
  );
});

test('a put decides the expiry anew, a patch keeps it unless it brings its own', (t) => {
  const made = withExpiring();
  statusAt(made, T, patch('a', '{"y":2}'));
  t.is(expiryOfA(made), T + 10);
  statusAt(made, T, patch('a', '{}', { expiresAt: T + 20 }));
  t.is(expiryOfA(made), T + 20);
  statusAt(made, T, patch('a', '{}', { expiresAt: EXPIRES_NEVER }));
  t.is(expiryOfA(made), 0);
  statusAt(made, T, put('a', '{}', { expiresAt: T + 30 }));
  t.is(expiryOfA(made), T + 30);
  statusAt(made, T, put('a', '{}'));
  t.is(expiryOfA(made), 0);
  statusAt(made, T, put('a', '{}', { expiresAt: EXPIRES_NEVER }));
  t.is(expiryOfA(made), 0);
});

test('a put that is to keep the expiry does so, and has none where there is nothing to keep', (t) => {
  const made = withExpiring();
  statusAt(made, T, put('a', '{"y":2}', { expiresAt: EXPIRES_KEPT }));
  t.is(expiryOfA(made), T + 10);
  statusAt(made, T + 10, put('a', '{"y":3}', { expiresAt: EXPIRES_KEPT }));
  t.is(expiryOfA(made), 0, 'what has expired is not there');
});

test('an expired document counts until a write takes its place', (t) => {
  const made = withExpiring('{"x":1}');
  t.is(statusAt(made, T + 10, patch('a', '{}')), NotFound);
  t.deepEqual(figures(made), [{ collection: 1, documents: 1, bytes: 7 }]);
  t.is(statusAt(made, T + 10, put('a', '{"longer":1}')), Created);
  t.deepEqual(figures(made), [{ collection: 1, documents: 1, bytes: 12 }]);
});

test('the sweeper collects exactly the version it saw, and only once it has expired', (t) => {
  const made = withExpiring();
  t.is(statusAt(made, T + 9, expire('a', 1)), NotFound, 'not expired yet');
  t.is(statusAt(made, T + 10, expire('a', 2)), NotFound, 'another version');
  t.deepEqual(figures(made), [{ collection: 1, documents: 1, bytes: 7 }]);
  t.is(statusAt(made, T + 10, expire('a', 1)), Deleted);
  t.deepEqual(figures(made), [{ collection: 1, documents: 0, bytes: 0 }]);
  t.is(made.get('a'), undefined);
  t.is(statusAt(made, T + 10, expire('a', 1)), NotFound, 'collected already');
});

test('the sweeper never removes a document that was written again', (t) => {
  const made = withExpiring();
  t.is(statusAt(made, T + 10, put('a', '{"new":1}')), Created);
  t.is(statusAt(made, T + 11, expire('a', 1)), NotFound);
  t.is(made.get('a'), '{"new":1}');
  t.is(statusAt(made, T + 11, expire('nothing', 0)), NotFound, 'a key that never was');
});

test('a log that says nothing of time lets nothing expire while it is replayed', (t) => {
  const made = withExpiring();
  t.is(statusAt(made, 0, patch('a', '{"y":2}')), Replaced);
  t.is(made.get('a'), '{"x":1,"y":2}');
});

test('replay decides by the time of the batches, not of the replay, and ends in the same state', (t) => {
  const made = withExpiring();
  statusAt(made, T + 5, patch('a', '{"y":2}')); // still there
  statusAt(made, T + 15, patch('a', '{"z":3}')); // gone
  statusAt(made, T + 15, put('b', '{}', { expiresAt: T + 16 }));
  statusAt(made, T + 20, expire('b', 4));
  const replayed = new TestEngine();
  replayed.clock.jumpWall(-86_400_000);
  replayed.replay(made.log);
  t.deepEqual(replayed.visibleState([1]), made.visibleState([1]));
  t.is(replayed.get('a'), '{"x":1,"y":2}');
});
