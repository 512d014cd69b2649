import test from 'ava';
import { DroppedIds } from '../../src/runtime/dropped-ids.js';
import { createSeqnoBoard, SeqnoBoard } from '../../src/shm/seqno-board.js';
import { ManualTimers } from '../support/manual-timer.js';

const LATER_MS = 10_000;

class Rig {
  readonly board = new SeqnoBoard(createSeqnoBoard(1));
  readonly timers = new ManualTimers();
  readonly reading = new Set<number>();
  announced = 0;
  readonly dropped = new DroppedIds({
    droppedIds: () => [1, 2, 3],
    seqnos: this.board,
    isRead: (id) => this.reading.has(id),
    announce: () => this.announced++,
    timer: this.timers.timer,
  });

  constructor() {
    this.board.take(10);
  }
}

test('a number that is leaving is not dropped before it has left, and then at once where nobody reads', (t) => {
  const { dropped, timers, ...rig } = new Rig();
  dropped.leave([2]);
  timers.advance(LATER_MS);
  t.deepEqual(dropped.all(), [1, 3]);
  dropped.left([2]);
  t.deepEqual(dropped.all(), [1, 2, 3]);
  t.is(timers.running, 0, 'nothing is waited for');
  t.truthy(rig);
});

test('a snapshot from before keeps it, one from after does not', (t) => {
  const rig = new Rig();
  const { dropped, board, timers } = rig;
  const before = board.hold(0);
  dropped.leave([2]);
  dropped.left([2]);
  board.take(5);
  const after = board.hold(0);
  if (before === undefined || after === undefined) throw new Error('there is room for snapshots');
  timers.advance(LATER_MS);
  t.deepEqual(dropped.all(), [1, 3]);
  t.is(rig.announced, 0);
  board.release(before);
  timers.advance(LATER_MS);
  t.deepEqual(dropped.all(), [1, 2, 3]);
  t.is(rig.announced, 1);
  t.is(timers.running, 0);
});

test('a statement that has no snapshot yet keeps it', (t) => {
  const { dropped, reading, timers } = new Rig();
  reading.add(2);
  dropped.leave([2]);
  dropped.left([2]);
  timers.advance(LATER_MS);
  t.deepEqual(dropped.all(), [1, 3]);
  reading.delete(2);
  timers.advance(LATER_MS);
  t.deepEqual(dropped.all(), [1, 2, 3]);
});
