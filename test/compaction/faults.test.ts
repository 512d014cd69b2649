import test, { type ExecutionContext } from 'ava';
import { ManualClock } from '../../src/base/clock.js';
import { DbError } from '../../src/base/errors.js';
import { runFlush } from '../../src/compaction/flush-job.js';
import { chooseLevelZero } from '../../src/compaction/level-zero.js';
import type { CompactionChoice } from '../../src/compaction/picker-state.js';
import { classifyTableName } from '../../src/sst/table-names.js';
import { type FaultCall, FaultVfs } from '../../src/vfs/fault.js';
import { MemoryVfs } from '../../src/vfs/memory.js';
import { hardText, LSM_DIRECTORY, LsmShard } from '../support/lsm-shard.js';

const NEWEST = Number.MAX_SAFE_INTEGER;

interface Scene {
  readonly memory: MemoryVfs;
  readonly vfs: FaultVfs;
  readonly shard: LsmShard;
  readonly choice: CompactionChoice;
}

/** Two runs of three tables each, and a memtable. */
function scene(): Scene {
  const memory = new MemoryVfs();
  const vfs = new FaultVfs(memory);
  memory.makeDirectory(LSM_DIRECTORY);
  const shard = new LsmShard(vfs);
  for (let run = 0; run < 3; run++) {
    if (run > 0) shard.flush();
    for (let i = 0; i < 120; i++) {
      shard.put(1, `key-${(i * 7 + run) % 150}`, hardText(i + run * 1000));
    }
  }
  const choice = chooseLevelZero(shard.state(), 'manual', () => true);
  if (choice === undefined) throw new Error('two overlapping runs make a choice');
  return { memory, vfs, shard, choice };
}

type Job = (scene: Scene) => void;

const JOBS: Readonly<Record<string, Job>> = {
  flush: ({ vfs, shard }) => {
    runFlush(shard.flushJob(), { vfs, clock: new ManualClock() });
  },
  compaction: ({ shard, choice }) => {
    shard.run(shard.compactionJob(choice));
  },
};

/** Errors that an operation has in life. */
function errnosOf({ operation }: FaultCall): string[] {
  if (operation === 'open') return ['EMFILE', 'EIO'];
  return operation === 'pwrite' ? ['ENOSPC', 'EIO'] : ['EIO'];
}

/** The calls of a job that meets no fault. */
function callsOf(job: Job): FaultCall[] {
  const made = scene();
  const calls: FaultCall[] = [];
  made.vfs.addRule((call) => {
    calls.push(call);
    return undefined;
  });
  job(made);
  return calls;
}

function contents(memory: MemoryVfs): Map<string, string> {
  return new Map(
    memory
      .list(LSM_DIRECTORY)
      .map((name) => [name, Buffer.from(memory.readFile(`${LSM_DIRECTORY}/${name}`)).toString('latin1')]),
  );
}

/** Files that were there are there, byte by byte; new ones may be removed at any time. Returns the new ones. */
function checkLeftovers(t: ExecutionContext, before: Map<string, string>, memory: MemoryVfs): string[] {
  const after = contents(memory);
  for (const [name, bytes] of before) if (after.get(name) !== bytes) t.fail(`${name} has changed`);
  const added = [...after.keys()].filter((name) => !before.has(name));
  t.true(added.every((name) => classifyTableName(name).kind === 'temporary'));
  return added;
}

function isExpected(error: unknown): boolean {
  return error instanceof DbError && error.code === 'IO';
}

for (const [name, job] of Object.entries(JOBS)) {
  for (const isLasting of [false, true]) {
    const lasting = isLasting ? 'and all after it ' : '';
    test(`${name}: the failure of any call ${lasting}leaves the inputs, and the job can be tried again`, (t) => {
      const calls = callsOf(job);
      t.true(calls.length > 12, `${calls.length} calls`);
      calls.forEach((target, index) => {
        for (const errno of errnosOf(target)) {
          const made = scene();
          const before = contents(made.memory);
          let count = 0;
          const removeRule = made.vfs.addRule(() => {
            const isHit = isLasting ? count >= index : count === index;
            count++;
            return isHit ? { kind: 'error', errno } : undefined;
          });
          const error = t.throws(() => job(made), { any: true });
          t.true(isExpected(error), `${target.operation} ${index}: ${error}`);
          removeRule();
          const left = checkLeftovers(t, before, made.memory);
          if (!isLasting) t.deepEqual(left, [], `${target.operation} ${index}`);
          t.notThrows(() => job(made));
          t.deepEqual(made.shard.read(1, NEWEST), made.shard.expected(1, NEWEST));
        }
      });
    });
  }

  test(`${name}: a disk that is full at any size fails it and keeps what is there`, (t) => {
    const made = scene();
    const before = contents(made.memory);
    const used = [...before.values()].reduce((sum, bytes) => sum + bytes.length, 0);
    for (let free = 0; free < 3000; free += 301) {
      made.memory.setCapacity(used + free);
      const error = t.throws(() => job(made), { any: true });
      t.true(isExpected(error));
      t.deepEqual(checkLeftovers(t, before, made.memory), []);
    }
    made.memory.setCapacity(Number.MAX_SAFE_INTEGER);
    t.notThrows(() => job(made));
  });
}
