import test from 'ava';
import { ManualClock } from '../../src/base/clock.js';
import type { WriteBatchView } from '../../src/batch/write-batch-view.js';
import { SharedWriteGate } from '../../src/engine/write-gate.js';
import { OperationKind } from '../../src/generated/lumadb/schema/operation-kind.js';
import { DiskSpaceMonitor } from '../../src/runtime/disk-space-monitor.js';
import { ReadOnlyState } from '../../src/runtime/read-only-state.js';
import { RESERVE_FILE, ReserveFile } from '../../src/runtime/reserve-file.js';
import { FaultVfs, failWhile } from '../../src/vfs/fault.js';
import { isIoError } from '../../src/vfs/io-error.js';
import { MemoryVfs } from '../../src/vfs/memory.js';
import type { Vfs } from '../../src/vfs/vfs.js';
import { batchOf, put, remove } from '../support/batches.js';
import { ManualTimers } from '../support/manual-timer.js';

const MIB = 2 ** 20;
const DATA = '/data';
const INTERVAL_MS = 1000;

interface LogLine {
  readonly level: string;
  readonly message: string;
}

/** A monitor over a memory device, with all that it acts on. */
class Watched {
  readonly device: MemoryVfs;
  readonly timers = new ManualTimers();
  readonly log: LogLine[] = [];
  readonly readOnly: ReadOnlyState;
  readonly gate: SharedWriteGate;
  readonly reserve: ReserveFile;
  readonly monitor: DiskSpaceMonitor;
  private files = 0;

  constructor(
    capacityMib: number,
    { readOnlyMib = 256, reserveMib = 64, wrap = (vfs: Vfs): Vfs => vfs } = {},
  ) {
    this.device = new MemoryVfs({ capacityBytes: capacityMib * MIB, modelsPowerCuts: false });
    this.device.makeDirectory(DATA);
    const vfs = wrap(this.device);
    const { timer } = this.timers;
    this.readOnly = new ReadOnlyState({ vfs, dataDirectory: DATA, clock: new ManualClock() });
    this.gate = new SharedWriteGate(this.readOnly.block);
    const sizeBytes = reserveMib * MIB;
    this.reserve = new ReserveFile({ vfs, dataDirectory: DATA, sizeBytes, timer, onFailed: () => {} });
    this.monitor = new DiskSpaceMonitor({
      vfs,
      dataDirectory: DATA,
      intervalMs: INTERVAL_MS,
      readOnlyFreeBytes: () => readOnlyMib * MIB,
      reserve: this.reserve,
      timer,
      log: (level, message) => this.log.push({ level, message }),
      onReadOnly: (reason) => this.readOnly.set('disk', reason),
    });
  }

  /** Makes exactly this much free by a file of the right size. */
  leaveFree(mib: number): void {
    if (this.device.exists(`${DATA}/ballast`)) this.device.unlink(`${DATA}/ballast`);
    const file = this.device.open(`${DATA}/ballast`, 'create');
    file.truncate(this.device.freeBytes(DATA) - mib * MIB);
  }

  /** One interval later. */
  tick(): void {
    this.timers.advance(INTERVAL_MS);
  }

  get freeMib(): number {
    return this.device.freeBytes(DATA) / MIB;
  }

  /** What a shard does with a batch, as far as space goes: a put takes 1 MiB, a delete frees it. */
  write(batch: WriteBatchView): string | undefined {
    const refusal = this.gate.refusal(batch);
    if (refusal !== undefined) return refusal.message;
    try {
      if (batch.kind(0) === OperationKind.Delete) this.device.unlink(`${DATA}/${--this.files}`);
      else this.device.open(`${DATA}/${this.files++}`, 'create').truncate(MIB);
      return undefined;
    } catch (error) {
      if (!isIoError(error, 'ENOSPC')) throw error;
      this.device.unlink(`${DATA}/${--this.files}`);
      this.monitor.onDiskFull();
      return 'ENOSPC';
    }
  }
}

const aPut = batchOf([put('k', '{}')]);
const aDelete = batchOf([remove('k')]);

test('a disk that fills up stops writes with the reason, lets deletes through, and returns by itself', (t) => {
  const watched = new Watched(2000);
  watched.monitor.start();
  watched.tick();
  watched.tick();
  t.is(watched.reserve.status, 'held');
  let written = 0;
  let refusal: string | undefined;
  for (; refusal === undefined && written < 3000; written++) {
    refusal = watched.write(aPut);
    if (written % 10 === 0) watched.tick();
  }
  t.regex(
    refusal ?? '',
    /other than deletes.*: 25\d MiB of disk space are free, less than 256 MiB \(storage\./,
  );
  t.like(watched.readOnly.report(), { by: 'disk', enabled: true });
  t.true(watched.freeMib > 240, 'writes stopped in time');

  let deleted = 0;
  for (; watched.readOnly.report() !== false && deleted < 1000; deleted++) {
    t.regex(watched.write(aPut) ?? '', /other than deletes/);
    t.is(watched.write(aDelete), undefined);
    watched.tick();
  }
  t.true(watched.freeMib >= 320 && watched.freeMib < 330, `writes returned at ${watched.freeMib} MiB`);
  t.is(watched.write(aPut), undefined);
  t.is(watched.reserve.status, 'held', 'the last resort was not needed');
});

test('each level is logged once, with figures and advice, on the way up and on the way down', (t) => {
  const watched = new Watched(10_000, { reserveMib: 0 });
  watched.monitor.start();
  for (const free of [5000, 2900, 2950, 2999, 1900, 900, 950, 1500, 4000]) {
    watched.leaveFree(free);
    watched.tick();
    watched.tick();
  }
  t.deepEqual(
    watched.log.map(({ level, message }) => `${level} ${message.split(':')[0]}`),
    [
      'warn disk is over 70 % full',
      'warn disk is over 80 % full',
      'error disk is over 90 % full',
      'info disk is below 90 % again',
      'info disk is below 80 % again',
    ],
  );
  t.regex(watched.log[2]?.message ?? '', /delete documents now.*stop below 256 MiB/);
  t.is(watched.monitor.level, 0);
  t.is(watched.monitor.sample?.freeBytes, 4000 * MIB);
});

test('the reserve is made with plenty of space only, released as the last resort, and made again', (t) => {
  const watched = new Watched(5000);
  watched.leaveFree(600);
  watched.monitor.start();
  watched.tick();
  t.is(watched.reserve.status, 'absent', '600 MiB are less than ten times 64');
  watched.leaveFree(1000);
  watched.timers.advance(4000);
  t.is(watched.reserve.status, 'held');
  watched.leaveFree(100);
  watched.tick();
  t.is(watched.reserve.status, 'held', 'read-only first');
  t.not(watched.readOnly.report(), false);
  watched.leaveFree(20);
  watched.tick();
  t.is(watched.reserve.status, 'released');
  t.is(watched.freeMib, 84);
  t.regex(watched.log.at(-1)?.message ?? '', /released the reserve/);
  watched.leaveFree(380);
  watched.tick();
  t.not(watched.readOnly.report(), false, '64 of the 380 MiB belong to the reserve');
  watched.leaveFree(385);
  watched.tick();
  t.is(watched.readOnly.report(), false);
  t.is(watched.reserve.status, 'released');
  watched.leaveFree(2000);
  watched.timers.advance(4000);
  t.is(watched.reserve.status, 'held');
  t.true(watched.device.exists(`${DATA}/${RESERVE_FILE}`));
});

test('a write that finds no space between two looks stops writes at once and releases the reserve', (t) => {
  const watched = new Watched(1000, { readOnlyMib: 0, reserveMib: 32 });
  watched.monitor.start();
  watched.tick();
  t.is(watched.reserve.status, 'held');
  let outcome: string | undefined;
  for (let n = 0; outcome === undefined && n < 2000; n++) outcome = watched.write(aPut);
  t.is(outcome, 'ENOSPC');
  t.like(watched.readOnly.report(), { by: 'disk', reason: 'a write found no space on the disk' });
  t.is(watched.reserve.status, 'released');
  t.is(watched.freeMib, 32);
  const lines = watched.log.length;
  watched.monitor.onDiskFull();
  watched.tick();
  t.is(watched.log.filter(({ message }) => message.includes('are refused')).length, 1, 'no flapping');
  t.true(watched.log.length <= lines + 1);
  for (let n = 0; n < 21; n++) t.is(watched.write(aDelete), undefined);
  watched.tick();
  t.is(watched.readOnly.report(), false, '53 MiB are free: 32 of the reserve and 1.25 × 16');
});

test('a quota on a disk with much free space does not cost the reserve and does not stop writes for good', (t) => {
  const watched = new Watched(100_000);
  watched.monitor.start();
  watched.timers.advance(4000);
  watched.monitor.onDiskFull();
  t.like(watched.readOnly.report(), { by: 'disk' });
  t.is(watched.reserve.status, 'held');
  watched.tick();
  t.is(watched.readOnly.report(), false);
});

test('a disk whose figures cannot be read is reported once, and what was decided stays', (t) => {
  let broken = false;
  const watched = new Watched(1000, {
    wrap: (vfs) =>
      new FaultVfs(
        vfs,
        failWhile('totalBytes', 'EIO', () => broken),
      ),
  });
  watched.leaveFree(100);
  watched.monitor.start();
  t.like(watched.readOnly.report(), { by: 'disk' });
  broken = true;
  watched.leaveFree(900);
  for (let n = 0; n < 5; n++) watched.tick();
  t.like(watched.readOnly.report(), { by: 'disk' });
  t.is(watched.log.filter(({ message }) => message.includes('cannot tell')).length, 1);
  broken = false;
  watched.tick();
  t.is(watched.readOnly.report(), false);
});

test('a monitor that is closed looks no more and leaves no timer behind', (t) => {
  const watched = new Watched(1000);
  watched.monitor.start();
  watched.tick();
  watched.monitor.close();
  t.is(watched.timers.running, 0);
  watched.leaveFree(1);
  watched.tick();
  t.is(watched.readOnly.report(), false);
});
