import test from 'ava';
import { DbError } from '../../src/base/errors.js';
import { EXPIRES_NEVER, EXPIRES_UNSET } from '../../src/base/expiry.js';
import type { Prng } from '../../src/base/prng.js';
import type { IndexDefinition } from '../../src/indexes/definition.js';
import { pathExtractor } from '../../src/indexes/extractor.js';
import { IndexInUse } from '../../src/indexes/index-entry.js';
import { ENTRY_TOMBSTONE } from '../../src/iter/entry-cursor.js';
import { forEachNewest } from '../../src/tools/newest-versions.js';
import { MemoryVfs } from '../../src/vfs/memory.js';
import { expire, type Operation, patch, put, remove } from '../support/batches.js';
import { IndexedShard, indexOf } from '../support/indexed-shard.js';
import { oneIn, pick, seededPrng } from '../support/random.js';

const KEYS = Array.from({ length: 60 }, (_, i) => `key-${i}`);
const FIRST = indexOf(2);
const SECOND = indexOf(3, {
  columns: [
    { path: ['a'], descending: true, nullsFirst: true },
    { path: ['n', 'b'], descending: false, nullsFirst: false },
  ],
  include: [['c'], ['n', 'd']],
});

function randomMember(prng: Prng): unknown {
  return pick(prng, [null, 1, 2, 3.5, 'x', 'y', true, 'long '.repeat(200), [1, 'x'], { k: 1 }]);
}

function randomText(prng: Prng, id: string | undefined): string {
  const document: Record<string, unknown> = id === undefined ? {} : { _id: id };
  if (!oneIn(prng, 4)) document['a'] = randomMember(prng);
  if (!oneIn(prng, 3)) document['n'] = oneIn(prng, 5) ? 7 : { b: randomMember(prng), d: prng.nextBelow(3) };
  if (!oneIn(prng, 3)) document['c'] = randomMember(prng);
  return JSON.stringify(document);
}

function randomOperation(prng: Prng, now: number): Operation {
  const key = pick(prng, KEYS);
  const expiresAt = pick(prng, [EXPIRES_UNSET, EXPIRES_UNSET, EXPIRES_NEVER, now + prng.nextBelow(60)]);
  const choice = prng.nextBelow(10);
  if (choice < 5) return put(key, randomText(prng, key), { expiresAt });
  if (choice < 8) return patch(key, randomText(prng, undefined), { expiresAt });
  return remove(key);
}

/** As the sweeper does it: documents and entries alike, each by itself. */
function sweep(rig: IndexedShard, prng: Prng): void {
  const operations: Operation[] = [];
  forEachNewest(rig.shard.cursors(), ({ collection, key, keyOffset, keyLength, kind, expiresAt, seqno }) => {
    if (kind === ENTRY_TOMBSTONE || expiresAt === 0 || expiresAt > rig.now || oneIn(prng, 3)) return;
    const bytes = key.slice(keyOffset, keyOffset + keyLength);
    operations.push({ ...expire('', seqno), collection, key: bytes });
  });
  if (operations.length > 0) rig.write(operations);
}

/** Entries and their bytes as the statistics must have them: all that a sweep has not reached yet. */
function counted(rig: IndexedShard, id: number): { documents: number; bytes: number } {
  const sum = { documents: 0, bytes: 0 };
  forEachNewest(rig.shard.cursors(), ({ collection, kind, keyLength, originalLength }) => {
    if (collection !== id || kind === ENTRY_TOMBSTONE) return;
    sum.documents++;
    sum.bytes += keyLength + originalLength;
  });
  return sum;
}

function compactAll(rig: IndexedShard): void {
  rig.shard.flushAll();
  rig.shard.scheduler.compactManually({ levels: 'all', deleteTombstones: true }, () => {});
}

function checkAll(rig: IndexedShard, whole: readonly IndexDefinition[], step: string): void {
  for (const index of whole) {
    const fault = rig.fault(index);
    if (fault !== undefined) throw new Error(`${step}: index ${index.id}: ${fault}`);
    const stats = rig.shard.engine.stats.snapshot().find(({ collection }) => collection === index.id);
    const { documents, bytes } = counted(rig, index.id);
    if ((stats?.documents ?? 0) !== documents || (stats?.bytes ?? 0) !== bytes)
      throw new Error(`${step}: ${JSON.stringify(stats)} instead of ${documents} entries of ${bytes} bytes`);
  }
}

test('entries are those of the documents after every step, through flushes, compactions, expiry and crashes', (t) => {
  const prng = seededPrng(t);
  const rig = new IndexedShard(new MemoryVfs(), [FIRST, SECOND]);
  const held: Array<{ seqno: number; until: number }> = [];
  for (let step = 0; step < 600; step++) {
    const label = `step ${step}`;
    rig.now += prng.nextBelow(3);
    rig.write(Array.from({ length: 1 + prng.nextBelow(12) }, () => randomOperation(prng, rig.now)));
    if (oneIn(prng, 20)) sweep(rig, prng);
    if (oneIn(prng, 15)) rig.shard.flushAll();
    if (oneIn(prng, 60)) compactAll(rig);
    if (oneIn(prng, 30))
      held.push({ seqno: rig.shard.engine.appliedSeqno, until: step + prng.nextBelow(80) });
    rig.snapshots = held.filter(({ until }) => until >= step).map(({ seqno }) => seqno);
    if (oneIn(prng, 40)) {
      if (oneIn(prng, 2)) {
        rig.shard.close();
        rig.vfs = (rig.vfs as MemoryVfs).crash(prng, 'lost');
      } else rig.vfs = (rig.vfs as MemoryVfs).crash(prng, pick(prng, ['lost', 'kept', 'mixed']));
      rig.open();
    }
    checkAll(rig, rig.indexes, label);
    for (const seqno of oneIn(prng, 4) ? rig.snapshots : []) {
      for (const index of rig.indexes) {
        const fault = rig.fault(index, seqno);
        if (fault !== undefined) throw new Error(`${label}: snapshot ${seqno}, index ${index.id}: ${fault}`);
      }
    }
  }
  t.pass();
});

test('an index that is created, built in slices, and dropped in the middle of a log ends right after any crash', (t) => {
  const prng = seededPrng(t);
  for (let round = 0; round < 40; round++) {
    const rig = new IndexedShard(new MemoryVfs(), [FIRST]);
    const writeSome = (): void => {
      rig.now += prng.nextBelow(2);
      for (let left = 1 + prng.nextBelow(8); left > 0; left--)
        rig.write(Array.from({ length: 1 + prng.nextBelow(12) }, () => randomOperation(prng, rig.now)));
      if (oneIn(prng, 3)) rig.shard.flushAll();
    };
    const crash = (): void => {
      rig.vfs = (rig.vfs as MemoryVfs).crash(prng, pick(prng, ['lost', 'kept', 'mixed']));
      rig.open();
    };
    writeSome();
    const building: IndexDefinition = { ...SECOND, state: 'building' };
    rig.indexes = [FIRST, building];
    // The catalog has it; a crash can come before the shard is told.
    if (oneIn(prng, 4)) crash();
    else rig.setIndexes();
    writeSome();
    rig.shard.buildIndex(new IndexInUse(building, pathExtractor(building)));
    writeSome();
    // A shard's thread that dies while the index is built replays what it had.
    if (oneIn(prng, 3)) crash();
    checkAll(rig, rig.indexes, `round ${round}, built`);
    rig.shard.flushAll();
    const valid = { ...SECOND };
    rig.indexes = [FIRST, valid];
    if (oneIn(prng, 3)) crash();
    else rig.setIndexes();
    writeSome();
    checkAll(rig, rig.indexes, `round ${round}, valid`);
    if (oneIn(prng, 2)) crash();
    writeSome();
    checkAll(rig, rig.indexes, `round ${round}, after a crash`);
    rig.indexes = [FIRST];
    rig.dropped = [valid.id];
    if (oneIn(prng, 3)) crash();
    else rig.setIndexes();
    writeSome();
    crash();
    compactAll(rig);
    checkAll(rig, rig.indexes, `round ${round}, dropped`);
  }
  t.pass();
});

test('a compaction discards the entries of a dropped index', (t) => {
  const rig = new IndexedShard(new MemoryVfs(), [FIRST, SECOND]);
  for (const a of [1, 2]) {
    rig.write(KEYS.map((key) => put(key, JSON.stringify({ _id: key, a }))));
    rig.shard.flushAll();
  }
  rig.shard.close();
  rig.indexes = [FIRST];
  rig.dropped = [SECOND.id];
  rig.open();
  t.is(rig.visible(SECOND.id).size, KEYS.length);
  rig.write(KEYS.map((key) => put(key, JSON.stringify({ _id: key, a: 3 }))));
  compactAll(rig);
  t.is(rig.visible(SECOND.id).size, 0);
  checkAll(rig, rig.indexes, 'compacted');
  t.deepEqual(
    rig.shard.engine.stats.snapshot().map(({ collection }) => collection),
    [1, FIRST.id],
    'nor is it counted any more',
  );
});

test('a write whose entries do not fit is refused as a whole, and nothing of it is in the log', (t) => {
  const rig = new IndexedShard(new MemoryVfs(), [indexOf(2, { include: [['big']] })]);
  const big = 'b'.repeat(3000);
  const operations = Array.from({ length: 40 }, (_, i) => put(`key-${i}`, JSON.stringify({ a: i, big })));
  const before = rig.shard.engine.appliedSeqno;
  const error = t.throws(() => rig.write(operations), { instanceOf: DbError });
  t.is(error?.code, 'PAYLOAD_TOO_LARGE');
  t.is(rig.shard.engine.appliedSeqno, before);
  rig.write(operations.slice(0, 20));
  rig.write(operations.slice(20));
  t.is(rig.fault(rig.indexes[0]), undefined);
});
