import test from 'ava';
import { ManualClock } from '../../src/base/clock.js';
import { createPrng } from '../../src/base/prng.js';
import { READ_ONLY_FILE, ReadOnlyState } from '../../src/runtime/read-only-state.js';
import { READ_ONLY_ALL, READ_ONLY_DISK, READ_ONLY_OFF } from '../../src/shm/read-only-format.js';
import { ReadOnlyReader } from '../../src/shm/read-only-reader.js';
import { FaultVfs } from '../../src/vfs/fault.js';
import { isIoError } from '../../src/vfs/io-error.js';
import { MemoryVfs } from '../../src/vfs/memory.js';
import type { Vfs } from '../../src/vfs/vfs.js';

const DATA = '/data';
const FILE = `${DATA}/${READ_ONLY_FILE}`;
const SINCE = '2023-11-14T22:13:20.000Z'; // where a ManualClock starts

function emptyDirectory(): MemoryVfs {
  const vfs = new MemoryVfs();
  vfs.makeDirectory(DATA);
  return vfs;
}

const open = (vfs: Vfs, clock = new ManualClock()): ReadOnlyState =>
  new ReadOnlyState({ vfs, dataDirectory: DATA, clock });

const published = (state: ReadOnlyState): number => new ReadOnlyReader(state.block).state;

test('a new database takes writes', (t) => {
  const state = open(emptyDirectory());
  t.is(state.report(), false);
  t.is(published(state), READ_ONLY_OFF);
});

test('what an operator says outlives a restart and a power cut, until it is taken back', (t) => {
  const vfs = emptyDirectory();
  const state = open(vfs);
  t.is(state.enable('Emergency maintenance'), undefined);
  const expected = { enabled: true, reason: 'Emergency maintenance', since: SINCE, by: 'operator' };
  t.deepEqual(state.report(), expected);
  t.is(published(state), READ_ONLY_ALL);

  const later = new ManualClock();
  later.advance(3_600_000);
  const again = open(vfs.crash(createPrng(1), 'lost'), later);
  t.deepEqual(again.report(), expected);
  t.is(published(again), READ_ONLY_ALL);

  state.disable();
  t.is(state.report(), false);
  t.is(published(state), READ_ONLY_OFF);
  t.is(open(vfs.crash(createPrng(1), 'lost')).report(), false);
  state.disable();
});

test('a second reason replaces the first and keeps the time since when', (t) => {
  const vfs = emptyDirectory();
  const clock = new ManualClock();
  const state = open(vfs, clock);
  state.enable();
  clock.advance(60_000);
  state.enable('second');
  t.deepEqual(open(vfs).report(), { enabled: true, reason: 'second', since: SINCE, by: 'operator' });
});

test('the strongest cause is shown, and the others are still there when it goes', (t) => {
  const state = open(emptyDirectory());
  state.set('disk', '10 MiB are free');
  t.is(published(state), READ_ONLY_DISK);
  state.set('recovery', 'shard 2 lost records');
  state.enable('looking at it');
  t.like(state.report(), { by: 'operator', reason: 'looking at it' });
  state.disable();
  t.like(state.report(), { by: 'recovery', reason: 'shard 2 lost records' });
  t.is(published(state), READ_ONLY_ALL);
  state.set('recovery', undefined);
  t.like(state.report(), { by: 'disk', reason: '10 MiB are free' });
  t.is(published(state), READ_ONLY_DISK);
  t.true(state.isHeldBy('disk'));
  state.set('disk', undefined);
  t.is(state.report(), false);
});

test('causes that the server finds by itself are not written down', (t) => {
  const vfs = emptyDirectory();
  const state = open(vfs);
  state.set('disk', 'full');
  state.set('recovery', 'damaged');
  t.deepEqual(vfs.list(DATA), []);
});

test('on a full disk read-only mode holds, and says that it would not outlive a restart', (t) => {
  const vfs = emptyDirectory();
  vfs.setCapacity(0);
  const state = open(vfs);
  t.true(isIoError(state.enable('disk emergency'), 'ENOSPC'));
  t.is(published(state), READ_ONLY_ALL);
  t.deepEqual(vfs.list(DATA), []);
  vfs.setCapacity(10_000);
  t.is(state.enable('disk emergency'), undefined);
  t.like(open(vfs).report(), { reason: 'disk emergency' });
});

test('a file that cannot be removed keeps the database read-only', (t) => {
  let broken = false;
  const vfs = new FaultVfs(emptyDirectory(), (call) =>
    broken && call.operation === 'unlink' ? { kind: 'error', errno: 'EROFS' } : undefined,
  );
  const state = open(vfs);
  state.enable('x');
  broken = true;
  t.true(
    isIoError(
      t.throws(() => state.disable()),
      'EROFS',
    ),
  );
  t.is(published(state), READ_ONLY_ALL);
  broken = false;
  state.disable();
  t.is(state.report(), false);
});

test('a damaged file means read-only, and an operator can end it', (t) => {
  for (const content of [
    '',
    '{',
    '[]',
    '{"format_version":9}',
    '{"format_version":1,"reason":"","since":""}',
  ]) {
    const vfs = emptyDirectory();
    vfs.writeFileAtomic(FILE, new TextEncoder().encode(content));
    const state = open(vfs);
    const report = state.report();
    t.true(report !== false && report.by === 'operator', content);
    t.regex(report === false ? '' : report.reason, /read-only\.json cannot be read \(.+\)/, content);
    t.is(published(state), READ_ONLY_ALL);
    state.disable();
    t.is(open(vfs).report(), false);
  }
});

test('collections change only while that is allowed', (t) => {
  const state = open(emptyDirectory());
  state.requireCatalogChange('create');
  state.set('disk', '1 MiB is free');
  state.requireCatalogChange('drop');
  t.throws(() => state.requireCatalogChange('create'), {
    code: 'READ_ONLY',
    message: /create.*1 MiB is free/,
  });
  state.enable('frozen');
  t.throws(() => state.requireCatalogChange('drop'), { code: 'READ_ONLY', message: /drop.*frozen/ });
});
