import test from 'ava';
import { asSeqno } from '../../src/base/brand.js';
import { createSeqnoBoard, SeqnoBoard, SNAPSHOTS_PER_READER } from '../../src/shm/seqno-board.js';

const boardOf = (shards: number): SeqnoBoard => new SeqnoBoard(createSeqnoBoard(shards));

test('seqnos are consecutive and taken once, whoever takes them', (t) => {
  const buffer = createSeqnoBoard(2);
  const one = new SeqnoBoard(buffer);
  const other = new SeqnoBoard(buffer);
  t.is(one.take(3), asSeqno(1));
  t.is(other.take(2), asSeqno(4));
  t.is(one.take(1), asSeqno(6));
  t.is(other.last(), asSeqno(6));
});

test('raiseTo never lowers the counter', (t) => {
  const board = boardOf(1);
  board.raiseTo(100);
  board.raiseTo(50);
  t.is(board.last(), asSeqno(100));
  t.is(board.take(1), asSeqno(101));
});

test('a snapshot is settled once what was in flight before it has been applied', (t) => {
  const board = boardOf(2);
  board.take(10);
  board.groupBegins(1);
  board.take(5);
  const held = board.hold(0);
  t.is(held?.seqno, asSeqno(15));
  t.false(board.isSettled(15), 'shard 1 has 11 to 15 in flight');
  t.true(board.isSettled(10));
  board.groupEnds(1);
  t.true(board.isSettled(15));
});

test('a group that begins after a snapshot does not hold it up', (t) => {
  const board = boardOf(1);
  board.take(7);
  const held = board.hold(3);
  board.groupBegins(0);
  board.take(4);
  t.is(held?.seqno, asSeqno(7));
  t.true(board.isSettled(7));
});

test('held snapshots are reported in order, each seqno once, until they are released', (t) => {
  const board = boardOf(1);
  board.take(5);
  const first = board.hold(0);
  const twin = board.hold(1);
  board.take(5);
  const second = board.hold(0);
  t.deepEqual(board.heldSnapshots(), [5, 10]);
  if (first === undefined || twin === undefined || second === undefined) return t.fail('no slot was free');
  board.release(first);
  t.deepEqual(board.heldSnapshots(), [5, 10]);
  board.release(twin);
  t.deepEqual(board.heldSnapshots(), [10]);
  board.releaseAllOf(0);
  t.deepEqual(board.heldSnapshots(), []);
});

test('a reader holds a bounded number of snapshots, and another reader is not affected', (t) => {
  const board = boardOf(1);
  for (let i = 0; i < SNAPSHOTS_PER_READER; i++) t.not(board.hold(2), undefined);
  t.is(board.hold(2), undefined);
  t.not(board.hold(3), undefined);
});

test('a snapshot of an empty database does not see the first operation', (t) => {
  const board = boardOf(1);
  t.is(board.hold(0)?.seqno, asSeqno(0));
  t.is(board.take(1), asSeqno(1), 'which it does not see');
  t.deepEqual(board.heldSnapshots(), [0]);
});
