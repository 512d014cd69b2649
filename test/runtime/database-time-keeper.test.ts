import test from 'ava';
import { ManualClock } from '../../src/base/clock.js';
import { DatabaseTimeKeeper } from '../../src/runtime/database-time-keeper.js';
import { FaultVfs, failWhile } from '../../src/vfs/fault.js';
import { MemoryVfs } from '../../src/vfs/memory.js';
import type { Vfs } from '../../src/vfs/vfs.js';
import { textOf, utf8 } from '../support/text.js';

const START_SECONDS = 1_700_000_000;
const DAY_SECONDS = 86_400;
const FILE = '/data/clock.json';

function memory(content?: string): MemoryVfs {
  const vfs = new MemoryVfs();
  vfs.makeDirectory('/data');
  if (content !== undefined) vfs.writeFileAtomic(FILE, utf8(content));
  return vfs;
}

/** One run of a process over `vfs`, on clocks of its own. */
function run(vfs: Vfs, wallSeconds = START_SECONDS) {
  const clock = new ManualClock(wallSeconds * 1000);
  const warnings: string[] = [];
  const keeper = new DatabaseTimeKeeper({
    vfs,
    dataDirectory: '/data',
    clock,
    monotonicMs: () => clock.monotonicMs(),
    warn: (_fields, message) => warnings.push(message),
  });
  return { clock, keeper, warnings };
}

test('a run that starts with its wall clock set back goes on where the last one stopped, and says so', (t) => {
  const vfs = memory();
  const first = run(vfs);
  first.keeper.start();
  first.clock.advance(500_000);
  first.keeper.stop();
  const second = run(vfs, START_SECONDS - DAY_SECONDS);
  t.is(second.keeper.time.nowSeconds(), START_SECONDS + 500);
  t.is(second.warnings.length, 1);
  second.clock.advance(10_000);
  t.is(second.keeper.time.nowSeconds(), START_SECONDS + 510);
});

test('a run that starts with its wall clock ahead believes it', (t) => {
  const vfs = memory();
  run(vfs).keeper.start();
  const second = run(vfs, START_SECONDS + DAY_SECONDS);
  t.is(second.keeper.time.nowSeconds(), START_SECONDS + DAY_SECONDS);
  t.deepEqual(second.warnings, []);
});

test('the time is remembered from the start on: a run that is killed in its first minute counts', (t) => {
  const vfs = memory();
  run(vfs).keeper.start();
  t.is(textOf(vfs.readFile(FILE)), `{"format_version":1,"database_seconds":${START_SECONDS}}\n`);
});

test('stop() without start() writes nothing: a start that failed leaves the directory as it was', (t) => {
  const vfs = memory();
  run(vfs).keeper.stop();
  t.false(vfs.exists(FILE));
});

test('a file that cannot be read is moved aside and reported, and the wall clock is believed', (t) => {
  const damaged = [
    '',
    '{',
    'null',
    '{"format_version":2,"database_seconds":1}',
    '{"format_version":1,"database_seconds":-1}',
    '{"format_version":1,"database_seconds":1e300}',
    '{"format_version":1,"database_seconds":4294967296}',
    '{"format_version":1,"database_seconds":"1"}',
    '{"format_version":1}',
  ];
  for (const content of damaged) {
    const vfs = memory(content);
    const { keeper, warnings } = run(vfs);
    t.is(keeper.time.nowSeconds(), START_SECONDS, content);
    t.is(warnings.length, 1, content);
    t.is(textOf(vfs.readFile(`${FILE}.damaged`)), content);
    keeper.start();
    keeper.stop();
    t.deepEqual(run(vfs).warnings, []);
  }
});

test('a disk that refuses the file is reported once and costs nothing else', (t) => {
  const vfs = new FaultVfs(
    memory(),
    failWhile('rename', 'ENOSPC', () => true),
  );
  const { clock, keeper, warnings } = run(vfs);
  keeper.start();
  clock.advance(5_000);
  keeper.stop();
  t.is(warnings.length, 1);
  t.is(keeper.time.nowSeconds(), START_SECONDS + 5);
});
