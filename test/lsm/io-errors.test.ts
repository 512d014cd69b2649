/**
 * One error at every file operation of a history, one history for each: whatever fails, acknowledged data stays, reads are
 * right or fail loudly, writes are taken or refused by name, and once the error is over all is as if it had never been.
 */
import test from 'ava';
import { createPrng } from '../../src/base/prng.js';
import { type Fault, type FaultCall, type FaultRule, FaultVfs } from '../../src/vfs/fault.js';
import { MemoryVfs } from '../../src/vfs/memory.js';
import { checkFiles, checkState, settleRecovery } from '../support/lsm-checks.js';
import { HISTORY_COLLECTIONS, LsmHistory, openHistoryRig } from '../support/lsm-history.js';
import { seedOf } from '../support/random.js';

const STEPS = 90;
/** Tests that the calls of the history are divided among. */
const PARTS = 3;

/** Everything that can happen to an operation, in turn. To ask whether a file exists cannot fail. */
function faultsOf({ operation, isMutation, length }: FaultCall): Fault[] {
  if (operation === 'exists') return [];
  if (operation === 'open')
    return [
      { kind: 'error', errno: 'EMFILE' },
      { kind: 'error', errno: 'EIO' },
    ];
  const failed: Fault[] = [{ kind: 'error', errno: 'EIO' }];
  if (!isMutation) return failed;
  failed.push({ kind: 'error-after', errno: 'EIO' });
  if (operation === 'pwrite')
    failed.push({ kind: 'error', errno: 'ENOSPC' }, { kind: 'short-write', bytes: length >> 1 });
  return failed;
}

/** Temporary files of tables and of the log. */
function leftovers(vfs: MemoryVfs): string[] {
  return ['sst', 'wal'].flatMap((directory) =>
    vfs.list(`/data/shard-0000/${directory}`).filter((name) => name.endsWith('.tmp')),
  );
}

/** Tables that no version names. */
function orphans(vfs: MemoryVfs, { rig }: LsmHistory): string[] {
  const named = new Set(rig.shard.store.version.tables().map(({ fileNumber }) => fileNumber));
  return vfs
    .list('/data/shard-0000/sst')
    .filter((name) => name.endsWith('.sst') && !named.has(Number.parseInt(name, 10)));
}

function runWith(seed: number, rule: FaultRule): { memory: MemoryVfs; history: LsmHistory } {
  const memory = new MemoryVfs();
  const vfs = new FaultVfs(memory, rule);
  const history = new LsmHistory({ seed, vfs, steps: STEPS });
  history.run();
  return { memory, history };
}

/** The calls of a history that meets no error. */
function callsOf(seed: number): FaultCall[] {
  const calls: FaultCall[] = [];
  runWith(seed, (call) => {
    calls.push(call);
    return undefined;
  });
  return calls;
}

function checkEnd(memory: MemoryVfs, history: LsmHistory, hitUnlink: boolean): void {
  checkFiles(memory, HISTORY_COLLECTIONS);
  const left = hitUnlink ? [] : [...leftovers(memory), ...orphans(memory, history)];
  if (left.length > 0) throw new Error(`files are left: ${left.join(', ')}`);
  const { world } = history;
  const rig = openHistoryRig(world, memory.crash(createPrng(1), 'lost'));
  settleRecovery(rig, world.durableSeqno);
  checkState(rig, HISTORY_COLLECTIONS);
}

for (let part = 0; part < PARTS; part++) {
  test(`an error at any file operation loses nothing, is named, and is over when it is over (${part + 1})`, (t) => {
    const seed = seedOf(t);
    const calls = callsOf(seed);
    let noticed = 0;
    let runs = 0;
    for (const [index, target] of calls.entries()) {
      if (index % PARTS !== part) continue;
      for (const fault of faultsOf(target)) {
        // Reads and sizes come in hundreds that are alike: every fourth of them.
        if (!target.isMutation && target.operation !== 'open' && index % 4 !== seed % 4) continue;
        let seen = 0;
        const where = `SEED=${seed}, ${JSON.stringify(fault)} at call ${index}, ${target.operation} of ${target.path}`;
        try {
          const { memory, history } = runWith(seed, () => (seen++ === index ? fault : undefined));
          checkEnd(memory, history, target.operation === 'unlink');
          runs++;
          if (history.errors.length > 0) noticed++;
        } catch (error) {
          t.log(where);
          throw error;
        }
      }
    }
    t.log(`${runs} errors, ${noticed} of them noticed by clients or jobs`);
    t.true(runs > 60 && noticed > 20);
  });
}

test('while the disk is full writes are refused by name, and all goes on once there is space', (t) => {
  const seed = seedOf(t);
  let refused = 0;
  for (let round = 0; round < 6; round++) {
    const prng = createPrng(seed + round);
    const memory = new MemoryVfs();
    const from = 5 + prng.nextBelow(40);
    const until = from + 5 + prng.nextBelow(60);
    let isFull = false;
    const history = new LsmHistory({
      seed: seed + round,
      vfs: memory,
      steps: STEPS + 40,
      mayRefuse: () => isFull,
      onStep: (step) => {
        if (step === from) memory.setCapacity(usedBytes(memory) + prng.nextBelow(6000));
        if (step === until) memory.setCapacity(Number.MAX_SAFE_INTEGER);
        isFull = step >= from && step < until;
      },
    });
    history.run();
    refused += history.errors.length;
    checkEnd(memory, history, false);
  }
  t.true(refused > 0, 'the disk was full at times');
});

function usedBytes(vfs: MemoryVfs): number {
  return vfs.totalBytes('/data') - vfs.freeBytes('/data');
}
