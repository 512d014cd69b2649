import test from 'ava';
import { spaceProblem, spaceStatus } from '../../src/admin/space-report.js';
import { ManualClock } from '../../src/base/clock.js';
import { defaultConfig } from '../../src/config/schema.js';
import { SpaceKeeper } from '../../src/runtime/space-keeper.js';
import { FaultVfs, failWhile } from '../../src/vfs/fault.js';
import { MemoryVfs } from '../../src/vfs/memory.js';
import type { Vfs } from '../../src/vfs/vfs.js';
import { ManualTimers } from '../support/manual-timer.js';

const GIB = 2 ** 30;
const DATA = '/data';

function device(capacityBytes: number): MemoryVfs {
  const vfs = new MemoryVfs({ capacityBytes, modelsPowerCuts: false });
  vfs.makeDirectory(DATA);
  return vfs;
}

function keeperOf(vfs: Vfs): { keeper: SpaceKeeper; timers: ManualTimers; log: string[] } {
  const timers = new ManualTimers();
  const log: string[] = [];
  const keeper = new SpaceKeeper({
    storage: defaultConfig().storage,
    dataDirectory: DATA,
    vfs,
    clock: new ManualClock(),
    timer: timers.timer,
    log: (level, message) => log.push(`${level} ${message}`),
  });
  return { keeper, timers, log };
}

test('the facts show the disk, the reserve and every cause', (t) => {
  const { keeper, timers } = keeperOf(device(10 * GIB));
  t.is(keeper.facts().disk, undefined, 'nothing was looked at yet');
  keeper.start();
  timers.advance(10_000);
  const facts = keeper.facts();
  t.deepEqual(facts.reserve, { status: 'held', heldBytes: 64 * 2 ** 20 });
  t.deepEqual(
    facts.readOnlyCauses.map(({ cause, holds }) => `${cause} ${holds}`),
    ['operator false', 'recovery false', 'disk false'],
  );
  t.is(facts.disk?.totalBytes, 10 * GIB);
  keeper.close();
  t.is(timers.running, 0);
});

test('an operator on a full disk gets read-only mode, and is told that it would not outlive a restart', (t) => {
  const { keeper, log } = keeperOf(device(0));
  keeper.start();
  const { httpStatus, body } = keeper.setReadOnly({ enabled: true, reason: 'clean-up' });
  t.is(httpStatus, 200);
  const answer = JSON.parse(body) as { persisted: boolean; warning: string; read_only: object };
  t.false(answer.persisted);
  t.regex(answer.warning, /restart: .*ENOSPC/);
  t.like(answer.read_only, { reason: 'clean-up', by: 'operator' });
  t.true(log.some((line) => line.startsWith('warn read-only mode enabled')));
});

test('ending read-only mode on a full disk leaves the cause of the disk', (t) => {
  const { keeper } = keeperOf(device(0));
  keeper.start();
  keeper.setReadOnly({ enabled: true });
  const { read_only } = JSON.parse(keeper.setReadOnly({ enabled: false }).body) as {
    read_only: { by: string };
  };
  t.is(read_only.by, 'disk');
});

test('a shard that met a full disk stops the writes of all', (t) => {
  const { keeper } = keeperOf(device(10 * GIB));
  keeper.start();
  keeper.onDiskFull();
  t.like(keeper.facts().readOnly, { by: 'disk' });
});

test('storage is ill when the server stopped writes by itself, and well when an operator did', (t) => {
  const { keeper } = keeperOf(device(10 * GIB));
  keeper.start();
  t.is(spaceProblem(keeper.facts()), undefined);
  keeper.setReadOnly({ enabled: true, reason: 'x' });
  t.is(spaceProblem(keeper.facts()), undefined);
  keeper.setReadOnly({ enabled: false });
  keeper.readOnly.set('recovery', 'shard 1 lost records');
  t.regex(spaceProblem(keeper.facts()) ?? '', /shard 1 lost records/);
});

test('a disk that does not say how full it is shows as unknown, not as full', (t) => {
  const { keeper, log } = keeperOf(
    new FaultVfs(
      device(GIB),
      failWhile('freeBytes', 'EIO', () => true),
    ),
  );
  keeper.start();
  t.false(keeper.facts().readOnly);
  t.like(spaceStatus(keeper.facts()), { disk: { free_bytes: null, used_ratio: null } });
  t.is(log.filter((line) => line.includes('cannot tell how full')).length, 1);
});
