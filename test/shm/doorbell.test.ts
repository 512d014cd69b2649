import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { AsyncDoorbell, BlockingDoorbell, createDoorbell, DoorbellRinger } from '../../src/shm/doorbell.js';
import { until } from '../support/time.js';

/** Of owners that are woken long before it is over. */
const SLEEP_MS = 60_000;

/** An event-loop owner with work that its ring handler takes away. */
function ownerWithWork(work: number) {
  const sab = createDoorbell();
  const owner = { work, rings: 0, sab, ringer: new DoorbellRinger(sab) };
  const doorbell = new AsyncDoorbell(
    sab,
    () => {
      owner.rings++;
      owner.work = 0;
    },
    () => owner.work > 0,
  );
  return { owner, doorbell };
}

/** Waiters on a doorbell; wakes them as a side effect. */
const wakeAll = (sab: SharedArrayBuffer): number => Atomics.notify(new Int32Array(sab), 0);

test('a blocking owner does not sleep when work is already there', (t) => {
  const start = performance.now();
  new BlockingDoorbell(createDoorbell()).sleep(SLEEP_MS, () => true);
  t.true(performance.now() - start < SLEEP_MS / 2);
});

test('a blocking owner wakes up by itself when its time is over', (t) => {
  const start = performance.now();
  new BlockingDoorbell(createDoorbell()).sleep(20, () => false);
  t.true(performance.now() - start >= 15);
});

test('a ring between the announcement and the wait is not lost', (t) => {
  const sab = createDoorbell();
  const start = performance.now();
  new BlockingDoorbell(sab).sleep(SLEEP_MS, () => {
    new DoorbellRinger(sab).ring();
    return false;
  });
  t.true(performance.now() - start < SLEEP_MS / 2);
});

test('ringing an owner that is awake changes nothing', (t) => {
  const sab = createDoorbell();
  const before = new Uint8Array(sab).slice();
  new DoorbellRinger(sab).ring();
  t.deepEqual(new Uint8Array(sab), before);
});

test('an event-loop owner is called once per wake-up and stays armed', async (t) => {
  const { owner, doorbell } = ownerWithWork(0);
  doorbell.arm();
  for (let round = 1; round <= 5; round++) {
    owner.work = 1;
    owner.ringer.ring();
    await until('the owner is called', () => owner.rings >= round, { pollMs: 1 });
    t.is(owner.rings, round);
    t.is(owner.work, 0);
  }
  doorbell.close();
});

test('work that is there when the owner arms is handled without a ring', async (t) => {
  const { owner, doorbell } = ownerWithWork(3);
  doorbell.arm();
  t.is(owner.rings, 0, 'the handler runs on the event loop, not inside arm()');
  await until('the owner is called', () => owner.rings > 0, { pollMs: 1 });
  t.is(owner.rings, 1);
  doorbell.close();
});

test('arming twice while work is waiting wakes the owner once and leaves one waiter', async (t) => {
  const { owner, doorbell } = ownerWithWork(1);
  doorbell.arm();
  doorbell.arm();
  doorbell.arm();
  await until('the owner is called', () => owner.rings > 0, { pollMs: 1 });
  await delay(5);
  t.is(owner.rings, 1);
  doorbell.arm();
  t.is(wakeAll(owner.sab), 1);
  doorbell.close();
});

test('closing releases the waiter and silences the owner for good', async (t) => {
  const { owner, doorbell } = ownerWithWork(0);
  doorbell.arm();
  doorbell.close();
  owner.work = 1;
  owner.ringer.ring();
  doorbell.arm();
  await delay(5);
  t.is(owner.rings, 0);
  t.is(wakeAll(owner.sab), 0);
});
