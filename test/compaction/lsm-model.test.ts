import test, { type ExecutionContext } from 'ava';
import type { Prng } from '../../src/base/prng.js';
import { nextManualStep, planManual } from '../../src/compaction/manual-plan.js';
import { pickCompaction } from '../../src/compaction/picker.js';
import { ENTRY_DOCUMENT, ENTRY_TOMBSTONE } from '../../src/iter/entry-cursor.js';
import { MemoryVfs } from '../../src/vfs/memory.js';
import { LSM_DIRECTORY, LsmShard } from '../support/lsm-shard.js';
import { oneIn, pick, seededPrng } from '../support/random.js';

const COLLECTIONS = [1, 2, 300] as const;
const NEWEST = Number.MAX_SAFE_INTEGER;

function newShard(): LsmShard {
  const vfs = new MemoryVfs();
  vfs.makeDirectory(LSM_DIRECTORY);
  return new LsmShard(vfs);
}

/** Some writes, mostly to a part of the keys, so that tables differ in where they lie. */
function write(prng: Prng, shard: LsmShard): void {
  const start = prng.nextBelow(200);
  const width = oneIn(prng, 2) ? 20 : 200;
  const writes = 1 + prng.nextBelow(150);
  for (let i = 0; i < writes; i++) {
    const key = `document-${String((start + prng.nextBelow(width)) % 250).padStart(5, '0')}`;
    const expiresAt = oneIn(prng, 4) ? shard.nowSeconds + prng.nextBelow(12) : 0;
    const isDeletion = oneIn(prng, 4);
    const value = isDeletion ? undefined : `{"at":${shard.seqno},"pad":"${'x'.repeat(prng.nextBelow(60))}"}`;
    shard.put(pick(prng, COLLECTIONS), key, value, isDeletion ? 0 : expiresAt);
  }
}

function changeSnapshots(prng: Prng, { snapshots, seqno }: LsmShard): void {
  if (oneIn(prng, 3)) snapshots.add(seqno);
  if (snapshots.size > 0 && (oneIn(prng, 4) || snapshots.size > 4))
    snapshots.delete(pick(prng, [...snapshots]));
}

function check(t: ExecutionContext, shard: LsmShard, what: string): void {
  for (const collection of COLLECTIONS) {
    if (shard.droppedCollections.includes(collection)) continue;
    for (const seqno of [...shard.snapshots, NEWEST]) {
      // As one text: comparing arrays takes longer than all the rest.
      const expected = shard.expected(collection, seqno).join('\n');
      t.is(
        shard.read(collection, seqno).join('\n'),
        expected,
        `${what}: collection ${collection} at ${seqno}`,
      );
      if (seqno !== NEWEST) continue;
      t.is(shard.read(collection, seqno, true).join('\n'), expected, `${what}: backward in ${collection}`);
    }
  }
}

test('random writes, snapshots, expiry, flushes and compactions read as the history of all versions', (t) => {
  const prng = seededPrng(t);
  const reasons = new Set<string>();
  let stripped = 0;
  let deepest = 0;
  const hasSeenAll = () =>
    deepest >= 2 && stripped > 0 && reasons.has('l0-runs merge') && reasons.has('level-size merge');
  for (let round = 0; round < 2 || (round < 8 && !hasSeenAll()); round++) {
    const shard = newShard();
    for (let step = 0; step < 40; step++) {
      write(prng, shard);
      changeSnapshots(prng, shard);
      if (oneIn(prng, 2)) shard.nowSeconds += prng.nextBelow(6);
      if (oneIn(prng, 2)) shard.flush();
      if (oneIn(prng, 5)) check(t, shard, `round ${round} step ${step}`);
      for (let jobs = prng.nextBelow(4); jobs > 0; jobs--) {
        const choice = pickCompaction(shard.state());
        if (choice === undefined) break;
        reasons.add(`${choice.reason} ${choice.kind}`);
        stripped += shard.compact(choice)?.strippedExpired ?? 0;
        check(t, shard, `round ${round} step ${step} after ${choice.reason}`);
      }
    }
    deepest = Math.max(
      deepest,
      shard.version.levels.findLastIndex((runs) => runs.length > 0),
    );
  }
  t.log([...reasons].join(', '));
  t.true(hasSeenAll(), `down to level ${deepest}, ${stripped} expired documents removed`);
});

test('once snapshots are gone, an emergency leaves one version per key and no tombstone', (t) => {
  const prng = seededPrng(t);
  const shard = newShard();
  for (let step = 0; step < 25; step++) {
    write(prng, shard);
    changeSnapshots(prng, shard);
    shard.flush();
    const choice = pickCompaction(shard.state());
    if (choice !== undefined) shard.compact(choice);
  }
  shard.snapshots.clear();
  shard.nowSeconds += 100;
  let plan = planManual(shard.version, { levels: 'all', deleteTombstones: true });
  for (;;) {
    const step = nextManualStep(shard.state(), plan);
    if (step.kind !== 'choice') break;
    shard.compact(step.choice);
    plan = step.plan;
  }
  check(t, shard, 'after the emergency');
  const entries = shard.tableEntries();
  t.false(entries.some(({ kind }) => kind === ENTRY_TOMBSTONE));
  const documents = COLLECTIONS.flatMap((collection) => shard.expected(collection, NEWEST));
  t.is(entries.filter(({ kind }) => kind === ENTRY_DOCUMENT).length, documents.length);
});

test('nothing of a dropped collection outlives the compaction of its tables, and the others stay', (t) => {
  const prng = seededPrng(t);
  const shard = newShard();
  for (let step = 0; step < 10; step++) {
    write(prng, shard);
    shard.snapshots.add(shard.seqno);
    shard.flush();
  }
  shard.droppedCollections.push(2);
  let plan = planManual(shard.version, { levels: 'all', collection: 2, deleteTombstones: false });
  for (;;) {
    const step = nextManualStep(shard.state(), plan);
    if (step.kind !== 'choice') break;
    shard.compact(step.choice);
    plan = step.plan;
  }
  t.false(shard.tableEntries().some(({ collection }) => collection === 2));
  check(t, shard, 'after the drop');
});
