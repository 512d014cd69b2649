/** Reports of storage as pure functions: memory, levels, dumps, ages of snapshots. */
import test from 'ava';
import type { StorageFacts } from '../../src/admin/storage-facts.js';
import { ManualClock } from '../../src/base/clock.js';
import { levelBacklog, readAmplification, spaceAmplification } from '../../src/compaction/backlog.js';
import { compactionReport } from '../../src/runtime/compaction-report.js';
import { planMemory } from '../../src/runtime/memory-plan.js';
import { memoryReport } from '../../src/runtime/memory-report.js';
import { SnapshotWatch } from '../../src/runtime/snapshot-watch.js';
import { dumpedBound, dumpedVersion } from '../../src/runtime/state-dump.js';
import {
  COMPACTOR_CELLS,
  SHARD_CELLS,
  SHARD_COMPACTION_WRITTEN_BYTES,
  SHARD_FLUSH_BYTES,
  SHARD_WAL_BYTES,
  SHARD_WAL_RECORD_BYTES,
} from '../../src/shm/stats-format.js';
import { ManualTimers } from '../support/manual-timer.js';
import { utf8 } from '../support/text.js';
import { fourRunsOverEverything, MIB, PICKER_OPTIONS, sideBySide, versionOf } from '../support/versions.js';

const CACHE = { requests: 0, hits: 0, evictions: 0, usedBytes: 0, capacityBytes: 0 };
const FACTS: StorageFacts = {
  shards: [],
  blockCache: { ...CACHE, usedBytes: 30 },
  rowCache: { ...CACHE, usedBytes: 20 },
  snapshots: { held: 0, oldestAgeSeconds: 0 },
  indexBytes: 10,
  memtableBytes: 40,
};

const plan = planMemory({
  memory: {
    memtable_size: MIB,
    memtables_max: 2,
    ring_bytes: 64 * MIB,
    block_cache_size: 8 * MIB,
    row_cache_size: 4 * MIB,
  },
  shards: 1,
  fronts: 1,
  limitBytes: 1024 * MIB,
});

test('memory is the parts and the rest, in the shape of the manual', (t) => {
  const report = memoryReport(150, FACTS, plan);
  t.like(report, {
    total_bytes: 150,
    memtables: 40,
    block_cache: 30,
    row_cache: 20,
    indexes: 10,
    other: 50,
    limit_bytes: 1024 * MIB,
  });
  t.like(report['planned'], { memtables: 2 * MIB, block_cache: 8 * MIB, row_cache: 4 * MIB });
});

test('what the parts count and the system does not leaves no negative rest', (t) => {
  t.is(memoryReport(1, FACTS, plan)['other'], 0);
});

test('a level waits with what is above its target, level 0 with all of it', (t) => {
  const version = versionOf(...fourRunsOverEverything(), ...sideBySide(12, { level: 1 }));
  const [zero, one, two] = levelBacklog(version, PICKER_OPTIONS);
  t.like(zero, { tables: 4, runs: 4, score: 1, pendingBytes: 4 * MIB, targetBytes: undefined });
  t.like(one, { tables: 12, runs: 1, score: 1.2, pendingBytes: 2 * MIB, targetBytes: 10 * MIB });
  t.like(two, { tables: 0, score: 0, pendingBytes: 0 });
  t.is(readAmplification(version), 5);
});

test('space amplification is told against the deepest level, and not while there is only level 0', (t) => {
  const levels = levelBacklog(
    versionOf(...sideBySide(2, { level: 1 }), ...sideBySide(4, { level: 2 })),
    PICKER_OPTIONS,
  );
  t.is(spaceAmplification(levels), 1.5);
  t.is(spaceAmplification(levelBacklog(versionOf(...fourRunsOverEverything()), PICKER_OPTIONS)), undefined);
});

test('write amplification is told with the log and without', (t) => {
  const cells = new Float64Array(SHARD_CELLS);
  cells[SHARD_WAL_BYTES] = 100;
  cells[SHARD_WAL_RECORD_BYTES] = 110;
  cells[SHARD_FLUSH_BYTES] = 90;
  cells[SHARD_COMPACTION_WRITTEN_BYTES] = 210;
  const shard = {
    shard: 0,
    state: 'ready',
    cells,
    compactor: new Float64Array(COMPACTOR_CELLS),
    levels: levelBacklog(versionOf(...fourRunsOverEverything()), PICKER_OPTIONS),
    rateLimitBytes: 0,
    storage: undefined,
  };
  const report = compactionReport([shard]);
  t.like(report['totals'], { write_amplification: { with_wal: 4.1, tables_only: 3 } });
  t.like(report['pending'], { bytes: 4 * MIB, levels: [{ shard: 0, level: 0, score: 1, bytes: 4 * MIB }] });
  t.like(compactionReport([{ ...shard, cells: new Float64Array(SHARD_CELLS) }])['totals'], {
    write_amplification: { with_wal: null, tables_only: null },
  });
});

test('a dump shows keys as text where they are text, else as hex, and cuts long ones', (t) => {
  t.deepEqual(dumpedBound({ collection: 1, key: utf8('ключ') }), { collection: 1, key: 'ключ' });
  t.deepEqual(dumpedBound({ collection: 1, key: Uint8Array.of(0xff, 0) }), {
    collection: 1,
    key_hex: 'ff00',
  });
  t.deepEqual(dumpedBound({ collection: 1, key: utf8('a\u001b[2J') }), {
    collection: 1,
    key_hex: '611b5b324a',
  });
  t.deepEqual(dumpedBound({ collection: 2, key: utf8('x'.repeat(100)) }), {
    collection: 2,
    key: 'x'.repeat(64),
    key_bytes: 100,
  });
});

test('a dump lists no more tables than it may, and says how many there are', (t) => {
  const version = versionOf(...sideBySide(5));
  const dump = dumpedVersion(version, 3, 2);
  t.like(dump, { number: 3, tables_total: 5 });
  t.is((dump['tables'] as unknown[]).length, 2);
});

test('the age of a snapshot counts from when it was first seen', (t) => {
  const clock = new ManualClock();
  const timers = new ManualTimers();
  let seqnos = [5];
  const watch = new SnapshotWatch({ heldSnapshots: () => seqnos }, clock, timers.timer);
  watch.start();
  const pass = (looks: number): void => {
    for (let i = 0; i < looks; i++) {
      clock.advance(5000);
      timers.advance(5000);
    }
  };
  pass(3);
  seqnos = [5, 9];
  pass(2);
  t.deepEqual(watch.held(), [
    { seqno: 5, ageSeconds: 20 },
    { seqno: 9, ageSeconds: 5 },
  ]);
  seqnos = [];
  pass(1);
  t.deepEqual(watch.held(), []);
  watch.close();
  t.is(timers.running, 0);
});
