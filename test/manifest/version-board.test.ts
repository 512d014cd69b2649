import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import test from 'ava';
import { AssertionError } from '../../src/base/assert.js';
import { DbError } from '../../src/base/errors.js';
import { Version } from '../../src/manifest/version.js';
import { createVersionBoard, HALF_TABLES_AT, HEAD_SEQUENCE } from '../../src/manifest/version-board.js';
import { VersionPublisher } from '../../src/manifest/version-publisher.js';
import { VersionSubscriber } from '../../src/manifest/version-subscriber.js';
import { seedOf } from '../support/random.js';
import { cpuMs, until } from '../support/time.js';
import { resultOf } from '../support/worker.js';
import { type BoardPeerData, type BoardPeerResult, VERSIONS_MIN } from './board-peer.js';
import { edit, table } from './support.js';

const SECONDS = Number(process.env['HAMMER_SECONDS'] ?? 3);
/** For threads that have little of a busy machine. */
const GRACE_MS = 120_000;

/** `count` tables in level 1. */
const wideVersion = (count: number): Version =>
  Version.empty().apply(
    edit({
      addedTables: Array.from({ length: count }, (_, index) => {
        const key = String(index).padStart(6, '0');
        return table(index + 1, key, `${key}x`);
      }),
    }),
  );

test('a subscriber sees the last version, and nothing new until the next', (t) => {
  const board = createVersionBoard();
  const publisher = new VersionPublisher(board);
  const subscriber = new VersionSubscriber(board);
  t.false(subscriber.refresh());
  t.is(subscriber.version.tableCount, 0);
  t.is(subscriber.versionNumber, 0);
  const first = Version.empty().apply(
    edit({ addedTables: [table(1, 'a', 'c'), table(2, 'd', 'f'), table(3, 'a', 'z', { level: 0, run: 5 })] }),
  );
  const second = first.apply(edit({ removedTables: [3], addedTables: [table(4, 'g', 'h')] }));
  publisher.publish(first, 2 ** 40);
  t.true(subscriber.refresh());
  t.is(subscriber.versionNumber, 2 ** 40);
  t.deepEqual(subscriber.version.tables(), first.tables());
  t.false(subscriber.refresh());
  publisher.publish(second, 2 ** 40 + 1);
  publisher.publish(Version.empty(), 2 ** 40 + 2);
  publisher.publish(second, 2 ** 40 + 3);
  t.true(subscriber.refresh());
  t.deepEqual(subscriber.version.tables(), second.tables());
});

test('tables and runs that two versions share are the same objects for a subscriber', (t) => {
  const board = createVersionBoard();
  const publisher = new VersionPublisher(board);
  const subscriber = new VersionSubscriber(board);
  const first = wideVersion(50).apply(edit({ addedTables: [table(60, 'a', 'z', { level: 2 })] }));
  publisher.publish(first, 1);
  subscriber.refresh();
  const before = subscriber.version;
  publisher.publish(
    first.apply(edit({ removedTables: [1, 60], addedTables: [table(60, 'a', 'z', { level: 3 })] })),
    2,
  );
  subscriber.refresh();
  t.is(subscriber.version.levels[1]?.[0]?.tables[0], before.levels[1]?.[0]?.tables[1]);
  t.is(subscriber.version.levels[3]?.[0]?.tables[0]?.level, 3, 'a moved table is a new object');
  const same = subscriber.version.levels[1]?.[0];
  publisher.publish(
    first.apply(edit({ removedTables: [1, 60], addedTables: [table(61, 'a', 'z', { level: 3 })] })),
    3,
  );
  subscriber.refresh();
  t.is(subscriber.version.levels[1]?.[0], same);
});

test('a publisher that dies in the middle leaves the last version readable', (t) => {
  const board = createVersionBoard();
  const publisher = new VersionPublisher(board);
  publisher.publish(wideVersion(3), 1);
  const next = board.halves[(new Int32Array(board.head)[HEAD_SEQUENCE] + 1) & 1];
  new Uint8Array(next).fill(0xee);
  const late = new VersionSubscriber(board);
  t.true(late.refresh());
  t.is(late.version.tableCount, 3);
});

test('a half that does not match its checksum is never taken over', (t) => {
  const board = createVersionBoard();
  new VersionPublisher(board).publish(wideVersion(3), 1);
  const half = new Uint8Array(board.halves[1]);
  half[HALF_TABLES_AT + 20] ^= 1;
  const subscriber = new VersionSubscriber(board);
  t.throws(() => subscriber.refresh(), { instanceOf: AssertionError, message: /faster than it can be read/ });
  t.is(subscriber.version.tableCount, 0);
});

test('a board that fills up says so before it is full, and keeps the last version when it is', (t) => {
  const board = createVersionBoard(4096);
  const publisher = new VersionPublisher(board);
  const fitting = wideVersion(20);
  t.notThrows(() => publisher.requireRoom(fitting));
  publisher.publish(fitting, 1);
  let count = 21;
  for (;;) {
    try {
      publisher.requireRoom(wideVersion(count));
      count++;
    } catch (error) {
      t.true(error instanceof DbError && error.code === 'OVERLOADED');
      if (error instanceof DbError) {
        t.like(error.details, { limit: 'version board', capacityBytes: 4096, tables: count });
      }
      break;
    }
  }
  t.notThrows(() => publisher.publish(wideVersion(count), 2), 'what was decided already still fits');
  t.throws(() => publisher.publish(wideVersion(60), 3), {
    instanceOf: DbError,
    message: /board is full: 60 tables/,
  });
  const subscriber = new VersionSubscriber(board);
  subscriber.refresh();
  t.is(subscriber.version.tableCount, count);
});

test('a hundred thousand tables fit the default board', (t) => {
  const board = createVersionBoard();
  const publisher = new VersionPublisher(board);
  const subscriber = new VersionSubscriber(board);
  const version = wideVersion(100_000);
  publisher.requireRoom(version);
  publisher.publish(version, 1);
  subscriber.refresh();
  t.is(subscriber.version.tableCount, 100_000);
  t.log(`${board.halves[1].byteLength} bytes`);
});

test('an update of a version of 5000 tables costs a few milliseconds', (t) => {
  const board = createVersionBoard();
  const publisher = new VersionPublisher(board);
  const subscriber = new VersionSubscriber(board);
  let version = wideVersion(5000);
  publisher.publish(version, 1);
  subscriber.refresh();
  const rounds = 20;
  let publishMs = 0;
  let refreshMs = 0;
  for (let round = 1; round <= rounds; round++) {
    version = version.apply(
      edit({
        removedTables: [round],
        addedTables: [table(9000 + round, `9${round + 10}`, `9${round + 10}x`)],
      }),
    );
    const start = cpuMs();
    publisher.publish(version, 1 + round);
    const middle = cpuMs();
    subscriber.refresh();
    refreshMs += cpuMs() - middle;
    publishMs += middle - start;
  }
  t.log(`publish ${(publishMs / rounds).toFixed(2)} ms, refresh ${(refreshMs / rounds).toFixed(2)} ms`);
  t.is(subscriber.version.tableCount, 5000);
  t.true((publishMs + refreshMs) / rounds < 100);
});

function startPeer(data: BoardPeerData): Promise<BoardPeerResult> {
  const worker = new Worker(new URL('./board-peer.js', import.meta.url), { workerData: data });
  return resultOf<BoardPeerResult>(worker, SECONDS * 1000 + GRACE_MS);
}

test.serial(
  'subscribers on other threads never see a torn or older version while it changes all the time',
  async (t) => {
    const shared = { board: createVersionBoard(), stop: new SharedArrayBuffer(8), seed: seedOf(t) };
    const flag = new Int32Array(shared.stop);
    const publisher = startPeer({ ...shared, role: 'publisher' });
    const subscribers = [1, 2, 3].map(() => startPeer({ ...shared, role: 'subscriber' }));
    const goOn = async (): Promise<void> => {
      await delay(SECONDS * 1000);
      const isEnough = (): boolean => Atomics.load(flag, 1) === subscribers.length;
      await until('all subscribers have seen enough', isEnough, { timeoutMs: GRACE_MS / 2 });
    };
    await Promise.race([goOn().catch((error: Error) => t.log(error.message)), Promise.all(subscribers)]);
    Atomics.store(flag, 0, 1);
    const { versions, lastNumber } = await publisher;
    t.log(`${versions} versions published`);
    for (const seen of await Promise.all(subscribers)) {
      t.log(JSON.stringify(seen));
      t.is(seen.fault, undefined);
      t.true(seen.versions >= VERSIONS_MIN);
      t.true(seen.lastNumber <= lastNumber);
    }
  },
);
