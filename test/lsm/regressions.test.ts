/** What the model tests of this folder have found, each as the shortest story that shows it. */
import test from 'ava';
import { ManualClock } from '../../src/base/clock.js';
import { ConditionKind } from '../../src/generated/lumadb/schema/condition-kind.js';
import { Durability } from '../../src/generated/lumadb/schema/durability.js';
import { MergingCursor } from '../../src/iter/merging-cursor.js';
import { FaultVfs } from '../../src/vfs/fault.js';
import { MemoryVfs } from '../../src/vfs/memory.js';
import type { Vfs } from '../../src/vfs/vfs.js';
import { type Operation, patch, put, remove } from '../support/batches.js';
import { checkState, settleRecovery } from '../support/lsm-checks.js';
import { LsmRig, LsmWorld, newProcess } from '../support/lsm-rig.js';
import { hardText } from '../support/lsm-shard.js';

const ARENA_BYTES = 32 * 1024;
const KEYS = 30;

function newWorld(clock = new ManualClock()): LsmWorld {
  return new LsmWorld({
    clock,
    arenaBytes: ARENA_BYTES,
    segmentBytes: 64 * 1024,
    manifestRewriteBytesMin: 64 * 1024,
  });
}

function open(world: LsmWorld, vfs: Vfs): LsmRig {
  return new LsmRig(world, { vfs, process: newProcess(), seed: 1, slots: 6 });
}

function write(rig: LsmRig, ...operations: Operation[]): void {
  const writtenAt = rig.world.databaseClock.nowSeconds();
  const options = { durability: Durability.Always, allOrNothing: false, writtenAt };
  if (rig.stage(operations, options) !== 'staged') throw new Error('refused');
  rig.commit();
}

const text = (key: string, pad = 0): string => JSON.stringify({ _id: key, pad: 'x'.repeat(pad) });

const tableFiles = (vfs: Vfs): string[] =>
  vfs.list('/data/shard-0000/sst').filter((name) => name.includes('.sst'));

/** `count` flushes of the same keys, each of several blocks; compactions wait. */
function levelZero(rig: LsmRig, count: number): void {
  for (let run = 0; run < count; run++) {
    for (let i = 0; i < KEYS; i++) {
      const id = `key-${String(i).padStart(2, '0')}`;
      write(rig, put(id, JSON.stringify({ _id: id, pad: hardText(run * KEYS + i) })));
    }
    rig.shard.engine.freeze();
    const last = rig.jobs.count - 1;
    for (let steps = 0; steps < 2; steps++) rig.jobs.step(last);
  }
}

test('a read goes on in its tables when more are open than the cache of open tables allows', (t) => {
  const rig = open(newWorld(), new MemoryVfs());
  levelZero(rig, 8);
  t.is(rig.shard.store.version.levels[0].length, 8);
  t.notThrows(() => checkState(rig, [1]));
});

test('running out of file handles closes no table that a read stands in', (t) => {
  let isShort = false;
  const vfs = new FaultVfs(new MemoryVfs(), ({ operation }) =>
    operation === 'open' && isShort ? { kind: 'error', errno: 'EMFILE' } : undefined,
  );
  const rig = open(newWorld(), vfs);
  levelZero(rig, 3);
  rig.reader.enter();
  const sources = rig.reader.cursors(false);
  const merge = new MergingCursor(sources.slice(0, -1));
  merge.seekToFirst();
  isShort = true;
  t.throws(() => sources.at(-1)?.seekToFirst(), { code: 'IO' }, 'nothing else is open that could be closed');
  let entries = 0;
  for (; merge.isValid; merge.next()) entries++;
  t.is(entries, 2 * KEYS, 'two versions of each key');
  for (const source of sources) source.close();
  rig.reader.leave();
});

test('deletions in a dropped collection are not counted, and its flush and its recovery go on', (t) => {
  const world = newWorld();
  const vfs = new MemoryVfs();
  let rig = open(world, vfs);
  write(rig, put('a', text('a'), { collection: 7 }), put('b', text('b'), { collection: 7 }));
  rig.shard.engine.freeze();
  rig.jobs.settle();
  world.dropped.push(7);
  rig.shard.engine.stats.setDropped(world.dropped);
  // A client's deletion that was under way when the collection was dropped.
  write(rig, remove('a', { collection: 7 }));
  t.deepEqual(rig.shard.engine.stats.snapshot(), []);
  rig.shard.engine.freeze();
  t.notThrows(() => rig.jobs.settle());
  write(rig, remove('b', { collection: 7 }));
  rig = open(world, vfs.kill());
  rig.shard.engine.freeze();
  t.notThrows(() => rig.jobs.settle());
  t.deepEqual(rig.shard.engine.stats.snapshot(), []);
});

test('a condition that failed because a document was there fails in every replay, however late it comes', (t) => {
  const clock = new ManualClock();
  const world = newWorld(clock);
  let vfs = new MemoryVfs();
  let rig = open(world, vfs);
  const seconds = world.databaseClock.nowSeconds();
  write(rig, put('soon-gone', text('soon-gone'), { expiresAt: seconds + 10 }));
  // The memtable that has it is full and waits for its flush; the refused write is in the log of the next one.
  for (let i = 0; rig.shard.scheduler.waitingMemtables === 0; i++)
    write(rig, put(`fill-${i}`, text(`fill-${i}`, 1000)));
  write(rig, put('soon-gone', text('soon-gone', 5), { condition: ConditionKind.IfAbsent }));
  for (let restart = 0; restart < 2; restart++) {
    vfs = vfs.kill();
    clock.advance(1000_000);
    rig = open(world, vfs);
    settleRecovery(rig, world.writtenSeqno);
    t.notThrows(() => checkState(rig, [1]), `restart ${restart}`);
    // Only the older memtable gets into a table, with the document that has expired.
    rig.jobs.settle();
  }
  t.is(rig.shard.store.version.tables().length > 0, true);
});

test('tables that could not be installed are removed, however often it is tried', (t) => {
  const memory = new MemoryVfs();
  let isBroken = false;
  const vfs = new FaultVfs(memory, ({ operation, path }) =>
    isBroken && operation === 'rename' && path.endsWith('.sst.tmp')
      ? { kind: 'error', errno: 'EIO' }
      : undefined,
  );
  const world = newWorld();
  const rig = open(world, vfs);
  write(rig, put('key', text('key')));
  isBroken = true;
  rig.shard.engine.freeze();
  for (let attempt = 1; attempt <= 3; attempt++) {
    rig.jobs.settle();
    t.is(rig.failures.length, attempt);
    t.deepEqual(tableFiles(memory), []);
    world.options.clock.advance(60_000);
    rig.shard.scheduler.schedule();
  }
  isBroken = false;
  rig.jobs.settle();
  t.is(tableFiles(memory).length, 1);
  checkState(rig, [1]);
});

test('an edit that may be in the manifest keeps its tables', (t) => {
  const memory = new MemoryVfs();
  let isBroken = false;
  const vfs = new FaultVfs(memory, ({ operation, path }) =>
    isBroken && operation === 'fdatasync' && path.includes('MANIFEST')
      ? { kind: 'error-after', errno: 'EIO' }
      : undefined,
  );
  const world = newWorld();
  const rig = open(world, vfs);
  write(rig, put('key', text('key')));
  isBroken = true;
  rig.shard.engine.freeze();
  rig.jobs.settle();
  t.is(rig.failures.length, 1);
  isBroken = false;
  const next = open(world, memory.kill());
  t.is(next.shard.store.version.tableCount, 1);
  settleRecovery(next, world.writtenSeqno);
  checkState(next, [1]);
});

test('a segment whose release failed half way does not stand in the way of later releases', (t) => {
  let isBroken = false;
  const vfs = new FaultVfs(new MemoryVfs(), ({ operation, path }) =>
    isBroken && operation === 'rename' && path.endsWith('.wal')
      ? { kind: 'error-after', errno: 'EIO' }
      : undefined,
  );
  const rig = open(newWorld(), vfs);
  const fillSegment = (): void => {
    const { segmentsOpened } = rig.shard.log.counters();
    for (let i = 0; rig.shard.log.counters().segmentsOpened === segmentsOpened; i++) {
      write(rig, put(`key-${i}`, text(`key-${i}`, 4000)));
      rig.jobs.settle();
    }
  };
  fillSegment();
  fillSegment();
  isBroken = true;
  rig.shard.engine.freeze();
  rig.jobs.settle();
  isBroken = false;
  fillSegment();
  rig.shard.engine.freeze();
  rig.jobs.settle();
  t.deepEqual(rig.failures, [], 'the flushes are not to blame');
  t.is(rig.shard.log.counters().segmentsRetained, 1);
});

test('a directory that could not be synced after a release takes no more of the log', (t) => {
  let isBroken = false;
  const vfs = new FaultVfs(new MemoryVfs(), ({ operation, path }) =>
    isBroken && operation === 'syncDirectory' && path.endsWith('/wal')
      ? { kind: 'error', errno: 'EIO' }
      : undefined,
  );
  const rig = open(newWorld(), vfs);
  for (let i = 0; rig.shard.log.counters().segmentsOpened < 2; i++)
    write(rig, put(`key-${i}`, text(`key-${i}`, 4000)));
  rig.jobs.settle();
  isBroken = true;
  rig.shard.engine.freeze();
  rig.jobs.settle();
  t.is(rig.shard.log.poisonedBy()?.code, 'WAL_POISONED');
});

test('who asks for the expired documents of one collection gets those in memory too, however lately it was swept', (t) => {
  const world = newWorld();
  const rig = open(world, new MemoryVfs());
  const now = world.databaseClock.nowSeconds();
  const sweep = (collection?: number): void => {
    rig.sweeper.start(collection);
    while (rig.sweeper.isActive) rig.sweeper.slice();
  };
  write(
    rig,
    put('first', text('first'), { expiresAt: now + 2 }),
    put('next', text('next'), { expiresAt: now + 4 }),
  );
  // It makes the memtable look as if a sweep could wait for long.
  write(rig, put('last', text('last'), { expiresAt: now + 100_000 }));
  world.options.clock.advance(2000);
  sweep();
  t.is(rig.sweeper.removed, 1);
  world.options.clock.advance(2000);
  sweep(1);
  t.is(rig.sweeper.removed, 2);
});

test('a write that cannot read what it depends on is refused with the error of the read, and taken once that is over', (t) => {
  let isBroken = false;
  const vfs = new FaultVfs(new MemoryVfs(), ({ operation, path }) =>
    isBroken && operation === 'open' && path.endsWith('.sst') ? { kind: 'error', errno: 'EIO' } : undefined,
  );
  const rig = open(newWorld(), vfs);
  write(rig, put('key', text('key')));
  rig.shard.engine.freeze();
  rig.jobs.settle();
  const change = [patch('key', '{"a":1}')];
  const options = { durability: Durability.Always, allOrNothing: false, writtenAt: 0 };
  isBroken = true;
  t.like(rig.stage(change, options), { code: 'IO', details: { operation: 'open', errno: 'EIO' } });
  isBroken = false;
  t.is(rig.stage(change, options), 'staged');
  rig.commit();
  t.notThrows(() => checkState(rig, [1]));
});
