import test from 'ava';
import { RESERVE_FILE, ReserveFile } from '../../src/runtime/reserve-file.js';
import { FaultVfs } from '../../src/vfs/fault.js';
import { isIoError } from '../../src/vfs/io-error.js';
import { MemoryVfs } from '../../src/vfs/memory.js';
import type { Vfs } from '../../src/vfs/vfs.js';
import { ManualTimers } from '../support/manual-timer.js';

const MIB = 2 ** 20;
const DATA = '/data';
const FILE = `${DATA}/${RESERVE_FILE}`;

function device(capacityBytes = 1000 * MIB): MemoryVfs {
  const vfs = new MemoryVfs({ capacityBytes, modelsPowerCuts: false });
  vfs.makeDirectory(DATA);
  return vfs;
}

interface Target {
  readonly reserve: ReserveFile;
  readonly timers: ManualTimers;
  readonly failures: unknown[];
}

function open(vfs: Vfs, sizeBytes: number): Target {
  const timers = new ManualTimers();
  const failures: unknown[] = [];
  const onFailed = (error: unknown): void => void failures.push(error);
  const reserve = new ReserveFile({ vfs, dataDirectory: DATA, sizeBytes, timer: timers.timer, onFailed });
  return { reserve, timers, failures };
}

test('the reserve is written in chunks in the background, to the byte', (t) => {
  const vfs = device();
  const { reserve, timers } = open(vfs, 5 * MIB + 7);
  t.is(reserve.status, 'absent');
  t.false(vfs.exists(FILE), 'nothing before it is asked for');
  reserve.fill();
  reserve.fill();
  t.is(reserve.status, 'filling');
  timers.advance(40);
  t.true(reserve.heldBytes > 0 && reserve.heldBytes < 5 * MIB);
  timers.advance(10_000);
  t.is(reserve.status, 'held');
  t.is(vfs.sizeOf(FILE), 5 * MIB + 7);
  t.is(1000 * MIB - vfs.freeBytes(DATA), 5 * MIB + 7, 'the space is taken');
  t.is(timers.running, 0);
});

test('a release gives the space back and owes it until the reserve is there again', (t) => {
  const vfs = device();
  const { reserve, timers } = open(vfs, 3 * MIB);
  reserve.fill();
  timers.advance(10_000);
  t.is(reserve.release(), 3 * MIB);
  t.is(vfs.freeBytes(DATA), 1000 * MIB);
  t.is(reserve.status, 'released');
  t.is(reserve.owedBytes, 3 * MIB);
  t.is(reserve.release(), 0, 'there is nothing left to give');
  reserve.fill();
  t.is(reserve.owedBytes, 3 * MIB);
  timers.advance(10_000);
  t.is(reserve.status, 'held');
  t.is(reserve.owedBytes, 0);
});

test('a reserve that never was owes nothing', (t) => {
  const { reserve } = open(device(), 3 * MIB);
  t.is(reserve.release(), 0);
  t.is(reserve.owedBytes, 0);
  t.is(reserve.status, 'absent');
});

test('a release in the middle of filling stops it', (t) => {
  const vfs = device();
  const { reserve, timers } = open(vfs, 50 * MIB);
  reserve.fill();
  timers.advance(100);
  t.true(reserve.release() > 0);
  timers.advance(10_000);
  t.false(vfs.exists(FILE));
  t.is(timers.running, 0);
});

test('a start takes over a whole reserve, fills up a part, and removes one of another size', (t) => {
  const vfs = device();
  const first = open(vfs, 8 * MIB);
  first.reserve.fill();
  first.timers.advance(60);
  first.reserve.close();
  t.is(first.timers.running, 0);
  const part = vfs.sizeOf(FILE);
  t.true(part > 0 && part < 8 * MIB);

  const second = open(vfs, 8 * MIB);
  t.is(second.reserve.status, 'absent');
  second.reserve.fill();
  second.timers.advance(10_000);
  t.is(vfs.sizeOf(FILE), 8 * MIB);

  t.is(open(vfs, 8 * MIB).reserve.status, 'held');
  t.is(open(vfs, 2 * MIB).reserve.status, 'absent');
  t.false(vfs.exists(FILE));
});

test('a size of 0 removes the reserve and never makes one', (t) => {
  const vfs = device();
  const first = open(vfs, 2 * MIB);
  first.reserve.fill();
  first.timers.advance(10_000);
  const { reserve, timers } = open(vfs, 0);
  t.is(reserve.status, 'off');
  t.false(vfs.exists(FILE));
  reserve.fill();
  timers.advance(10_000);
  t.false(vfs.exists(FILE));
  t.is(reserve.release(), 0);
});

test('a device without room for the reserve gets its space back, and it can be tried again', (t) => {
  const vfs = device(3 * MIB + 100);
  const { reserve, timers, failures } = open(vfs, 10 * MIB);
  reserve.fill();
  timers.advance(10_000);
  t.is(failures.length, 1);
  t.true(isIoError(failures[0], 'ENOSPC'));
  t.is(vfs.freeBytes(DATA), 3 * MIB + 100);
  t.is(reserve.status, 'absent');
  vfs.setCapacity(100 * MIB);
  reserve.fill();
  timers.advance(10_000);
  t.is(reserve.status, 'held');
});

test('a reserve that cannot be removed is still held, and the error says so', (t) => {
  let broken = false;
  const vfs = new FaultVfs(device(), (call) =>
    broken && call.operation === 'unlink' ? { kind: 'error', errno: 'EIO' } : undefined,
  );
  const { reserve, timers } = open(vfs, 2 * MIB);
  reserve.fill();
  timers.advance(10_000);
  broken = true;
  t.throws(() => reserve.release(), { code: 'IO' });
  t.is(reserve.heldBytes, 2 * MIB);
  t.is(reserve.owedBytes, 0);
  broken = false;
  t.is(reserve.release(), 2 * MIB);
});
