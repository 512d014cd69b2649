import test from 'ava';
import { ManualClock } from '../../src/base/clock.js';
import { DbError } from '../../src/base/errors.js';
import { createPrng } from '../../src/base/prng.js';
import { openManifest } from '../../src/manifest/open-manifest.js';
import { tablePath } from '../../src/tools/check-table.js';
import { type Layout, type ReshardReport, reshard } from '../../src/tools/reshard.js';
import { readJournal } from '../../src/tools/reshard-journal.js';
import { manifestPlace, shardPlace } from '../../src/tools/shard-place.js';
import { FaultVfs } from '../../src/vfs/fault.js';
import { MemoryVfs } from '../../src/vfs/memory.js';
import type { Vfs } from '../../src/vfs/vfs.js';
import { operationId, put } from '../support/batches.js';
import { oneIn, pick, seedOf } from '../support/random.js';
import {
  builtDatabase,
  COLLECTIONS,
  check,
  DATA,
  differences,
  documentOf,
  documentsOf,
  flip,
  linesOf,
  losesPower,
  snapshotOf,
  TestDatabase,
  TUNING,
} from './support.js';

const META = `${DATA}/shards`;

/** meta.json in one number, and directories of which only the files go. */
function layoutOf(vfs: Vfs): Layout {
  return {
    setShardCount: (shards) => vfs.writeFileAtomic(META, new TextEncoder().encode(String(shards))),
    removeTree: (path) => {
      if (!vfs.exists(path)) return;
      for (const file of snapshotOf(vfs, path).keys()) vfs.unlink(file);
    },
  };
}

const shardsOf = (vfs: Vfs, before: number): number =>
  vfs.exists(META) ? Number(Buffer.from(vfs.readFile(META)).toString()) : before;

function move(vfs: Vfs, from: number, to: number, deleteOld = false): ReshardReport {
  return reshard({
    vfs,
    dataDirectory: DATA,
    from,
    to,
    collections: COLLECTIONS,
    layout: layoutOf(vfs),
    tuning: TUNING,
    clock: new ManualClock(),
    deleteOld,
  });
}

test('from 2 shards to 1 to 5 shards and back: the same documents, and fsck is content', (t) => {
  const seed = seedOf(t);
  for (const to of [1, 3, 4, 5]) {
    const vfs = new MemoryVfs();
    const { model } = builtDatabase(vfs, createPrng(seed), 2);
    t.true(model.size > 100);
    const there = move(vfs, 2, to);
    t.is(there.built?.documents, model.size);
    t.is(shardsOf(vfs, 2), to);
    t.deepEqual(linesOf(check(vfs, to)), []);
    t.deepEqual(differences(documentsOf(vfs, to), model), []);
    const back = move(vfs, to, 2, true);
    t.is(back.oldDirectory, null);
    t.deepEqual(linesOf(check(vfs, 2)), []);
    t.deepEqual(differences(documentsOf(vfs, 2), model), []);
  }
});

test('new shards hold one run in the deepest level, and go on behind every old seqno', (t) => {
  const vfs = new MemoryVfs();
  builtDatabase(vfs, createPrng(seedOf(t)), 2);
  const last = [0, 1].map((shard) => lastSeqnoOf(vfs, shard));
  move(vfs, 2, 3);
  for (let shard = 0; shard < 3; shard++) {
    const { version, state } = openManifest({
      ...manifestPlace(shardPlace(vfs, DATA, shard)),
      mode: 'read-only',
    });
    t.deepEqual([...new Set(version.tables().map(({ level }) => level))], [6]);
    t.true(version.tableCount > 1, 'tables are cut by size');
    t.true(state.flushedSeqno >= Math.max(...last));
    t.true(version.tables().every(({ tombstones }) => tombstones === 0));
  }
});

function lastSeqnoOf(vfs: MemoryVfs, shard: number): number {
  const { state } = openManifest({ ...manifestPlace(shardPlace(vfs, DATA, shard)), mode: 'read-only' });
  return state.flushedSeqno;
}

test('a resharded database takes writes, and keeps them', (t) => {
  const prng = createPrng(seedOf(t));
  const vfs = new MemoryVfs();
  const { model } = builtDatabase(vfs, prng, 2);
  move(vfs, 2, 3);
  const database = new TestDatabase(vfs, 3);
  for (const [name, text] of model) database.model.set(name, text);
  database.scribble(prng, 300);
  database.flush();
  database.compact();
  database.close();
  t.deepEqual(linesOf(check(vfs, 3)), []);
  t.deepEqual(differences(documentsOf(vfs, 3), database.model), []);
});

test('expired documents and those of dropped collections stay behind', (t) => {
  const vfs = new MemoryVfs();
  const database = new TestDatabase(vfs, 1);
  database.put('stays', 'x');
  database.put('expires later', 'x', 1, 6000);
  database.put('has expired', 'x', 1, 4000);
  database.writeRaw('dropped', documentOf('dropped', 'x'), 3);
  database.flush(); // by which the manifest knows how far database time has come
  database.close();
  const { built } = move(vfs, 1, 2);
  t.is(built?.documents, 2);
  t.is(built?.left, 1, 'the flush has left out the dropped collection');
  t.deepEqual([...documentsOf(vfs, 2).keys()].sort(), ['1/expires later', '1/stays']);
  t.deepEqual(linesOf(check(vfs, 2)), []);
});

test('operation ids of all shards are remembered in every new one', (t) => {
  const vfs = new MemoryVfs();
  const database = new TestDatabase(vfs, 2);
  for (let i = 0; i < 40; i++)
    database.apply(put(`key${i}`, documentOf(`key${i}`, 'x'), { operationId: operationId(i + 1) }));
  database.close();
  move(vfs, 2, 3);
  for (let shard = 0; shard < 3; shard++) {
    const place = manifestPlace(shardPlace(vfs, DATA, shard));
    t.is(openManifest({ ...place, mode: 'read-only' }).state.operationIds.length, 40);
  }
});

test('the same number of shards, a full disk and a damaged table are refused, and nothing has changed', (t) => {
  const image = new MemoryVfs();
  const { model } = builtDatabase(image, createPrng(seedOf(t)), 2);
  t.is(t.throws(() => move(image, 2, 2), { instanceOf: DbError })?.code, 'CONFIG');
  const full = image.kill();
  full.setCapacity(1);
  t.is(t.throws(() => move(full, 2, 3), { instanceOf: DbError })?.code, 'DISK_FULL');
  t.deepEqual(snapshotOf(full, DATA), snapshotOf(image, DATA));
  const place = shardPlace(image, DATA, 1);
  const [table] = openManifest({ ...manifestPlace(place), mode: 'read-only' }).version.tables();
  flip(image, tablePath(place, table.fileNumber), 40);
  t.is(t.throws(() => move(image, 2, 3), { instanceOf: DbError })?.code, 'CORRUPT_TABLE');
  flip(image, tablePath(place, table.fileNumber), 40);
  t.is(shardsOf(image, 2), 2);
  t.deepEqual(differences(documentsOf(image, 2), model), []);
  move(image, 2, 3);
  t.deepEqual(
    differences(documentsOf(image, 3), model),
    [],
    'what the failed one had built is not in the way',
  );
});

test('killed at any step, the old layout is whole or the next run completes the new one', (t) => {
  const seed = seedOf(t);
  const image = new MemoryVfs();
  const database = new TestDatabase(image, 2);
  const prng = createPrng(seed);
  for (let i = 0; i < 60; i++) database.put(`key${i % 40}`, `text ${i}`);
  database.flush();
  for (let i = 0; i < 20; i++) {
    if (oneIn(prng, 3)) database.remove(`key${i}`);
    else database.put(`key${i}`, 'unflushed');
  }
  database.close();
  const { model } = database;
  let before = 0;
  let after = 0;
  for (let step = 1; ; step++) {
    const vfs = image.kill();
    if (!losesPower(vfs, step, (faulty) => move(faulty, 2, 3))) break;
    const left = vfs.crash(prng, pick(prng, ['lost', 'kept', 'mixed'] as const));
    const message = `step ${step}`;
    const isSwitching = readJournal(left, DATA)?.state === 'switching';
    const shards = shardsOf(left, 2);
    if (!isSwitching) {
      // A server may start on this: it must find everything.
      t.deepEqual(differences(documentsOf(left.kill(), shards), model), [], message);
      t.is(check(left, shards).errors, 0, message);
      if (shards === 2) before++;
    } else {
      after++;
      t.is(t.throws(() => move(left, shards, 4), { instanceOf: DbError })?.code, 'CONFIG', message);
    }
    if (isSwitching || shards === 2) {
      const report = move(left, shards, 3);
      t.is(report.resumed, isSwitching, message);
    }
    t.is(shardsOf(left, 2), 3, message);
    t.deepEqual(linesOf(check(left, 3)), [], message);
    t.deepEqual(differences(documentsOf(left, 3), model), [], message);
    t.is(readJournal(left, DATA), undefined, message);
  }
  t.true(before > 20 && after > 5, `${before} before and ${after} during the switch`);
});

test('a device that fails at any step is an error, and the same call completes later', (t) => {
  const image = new MemoryVfs();
  const { model } = builtDatabase(image, createPrng(seedOf(t)), 1);
  for (let step = 1; step < 200; step += 7) {
    const vfs = image.kill();
    const faulty = new FaultVfs(vfs, ({ mutation, isMutation }) =>
      isMutation && mutation === step ? { kind: 'error', errno: 'EIO' } : undefined,
    );
    try {
      move(faulty, 1, 2);
    } catch (error) {
      t.true(error instanceof DbError, String(error));
    }
    if (shardsOf(vfs, 1) === 1 || readJournal(vfs, DATA) !== undefined) move(vfs, shardsOf(vfs, 1), 2);
    t.deepEqual(differences(documentsOf(vfs, 2), model), [], `step ${step}`);
  }
});

test('an interrupted reshard does not stand in its own way on a nearly full disk', (t) => {
  const vfs = new MemoryVfs();
  const { model } = builtDatabase(vfs, createPrng(seedOf(t)), 2);
  const tables = [0, 1].reduce((sum, shard) => {
    const { tableDirectory } = shardPlace(vfs, DATA, shard);
    return (
      sum + vfs.list(tableDirectory).reduce((all, name) => all + vfs.sizeOf(`${tableDirectory}/${name}`), 0)
    );
  }, 0);
  const used = [...snapshotOf(vfs, DATA).keys()].reduce((sum, path) => sum + vfs.sizeOf(path), 0);
  vfs.makeDirectory(`${DATA}/reshard/shard-0000/sst`);
  vfs.writeFileAtomic(`${DATA}/reshard/shard-0000/sst/0000000001.sst`, new Uint8Array(2 * used));
  vfs.setCapacity(3 * used + tables);
  t.notThrows(() => move(vfs, 2, 3));
  t.deepEqual(differences(documentsOf(vfs, 3), model), []);
});

test('a build that fails gives back the space it took', (t) => {
  const vfs = new MemoryVfs();
  builtDatabase(vfs, createPrng(seedOf(t)), 2);
  const faulty = new FaultVfs(vfs, ({ operation, path }) =>
    operation === 'rename' && path.includes('/reshard/shard-0002/')
      ? { kind: 'error', errno: 'EIO' }
      : undefined,
  );
  t.throws(() => move(faulty, 2, 3), { instanceOf: DbError });
  t.deepEqual([...snapshotOf(vfs, `${DATA}/reshard`).keys()], []);
});
