/**
 * A crash before every single change to the device, of a history that flushes, compacts, rewrites its manifest, recycles
 * its log and restarts; and a crash before every change of the recovery that follows. The history itself goes on: each
 * crash is tried out beside it, on a copy of the device as the crash would leave it.
 */
import test from 'ava';
import { createPrng, type Prng } from '../../src/base/prng.js';
import { Durability } from '../../src/generated/lumadb/schema/durability.js';
import { FaultVfs } from '../../src/vfs/fault.js';
import { MemoryVfs } from '../../src/vfs/memory.js';
import type { CrashMode } from '../../src/vfs/memory-inode.js';
import { put } from '../support/batches.js';
import { checkFiles, checkState, settleRecovery } from '../support/lsm-checks.js';
import { HISTORY_COLLECTIONS, LsmHistory, openHistoryRig } from '../support/lsm-history.js';
import type { LsmWorld } from '../support/lsm-rig.js';
import { seedOf } from '../support/random.js';

const STEPS = 110;
type Crash = CrashMode | 'kill';

interface Fork {
  readonly world: LsmWorld;
  readonly vfs: MemoryVfs;
  /** What must be there afterwards. */
  readonly certainSeqno: number;
}

function crashed(vfs: MemoryVfs, world: LsmWorld, crash: Crash, chaos: Prng): Fork {
  if (crash === 'kill') return { world: world.fork(), vfs: vfs.kill(), certainSeqno: world.writtenSeqno };
  return { world: world.fork(), vfs: vfs.crash(chaos, crash), certainSeqno: world.durableSeqno };
}

/** Recovers and compares. `onMutation` is called before each change that recovery makes. */
function recover({ world, vfs, certainSeqno }: Fork, onMutation: () => void): void {
  const watched = new FaultVfs(vfs, ({ isMutation }) => {
    if (isMutation) onMutation();
    return undefined;
  });
  const rig = openHistoryRig(world, watched);
  settleRecovery(rig, certainSeqno);
  checkState(rig, HISTORY_COLLECTIONS);
}

/** Writes, flushes and compacts, so that what recovery left is built upon, and loses the power after a clean end. */
function goOn({ world, vfs }: Fork, chaos: Prng): void {
  const rig = openHistoryRig(world, vfs);
  settleRecovery(rig, world.durableSeqno);
  const writtenAt = world.databaseClock.nowSeconds();
  for (let i = 0; i < 3; i++) {
    rig.stage([put(`after-${i}`, `{"_id":"after-${i}"}`)], {
      durability: Durability.Always,
      allOrNothing: false,
      writtenAt,
    });
    rig.commit();
  }
  rig.shard.engine.freeze();
  rig.jobs.settle();
  checkState(rig, HISTORY_COLLECTIONS);
  rig.close();
  checkFiles(vfs, HISTORY_COLLECTIONS);
  const last = openHistoryRig(world, vfs.crash(chaos, 'lost'));
  settleRecovery(last, world.durableSeqno);
  checkState(last, HISTORY_COLLECTIONS);
}

for (const [round, crash] of (['mixed', 'lost', 'kept', 'kill'] as const).entries()) {
  test(`${crash}: no crash at any step, nor one in the recovery after it, loses or tears what was acknowledged`, (t) => {
    const seed = seedOf(t) + round;
    const memory = new MemoryVfs();
    let crashes = 0;
    let inRecovery = 0;
    let history: LsmHistory | undefined;
    const tryCrash = (world: LsmWorld, at: number): void => {
      const chaos = createPrng(seed * 1_000_003 + at);
      const fork = crashed(memory, world, crash, chaos);
      let step = 0;
      recover(fork, () => {
        // Every other step, in turn: those of one recovery are hardly different from those of the next.
        if (++step % 2 !== at % 2) return;
        inRecovery++;
        const again = crashed(fork.vfs, fork.world, crash, chaos);
        recover({ ...again, certainSeqno: fork.certainSeqno }, () => {});
      });
      crashes++;
      if (at % 8 === 0) goOn(crashed(memory, world, crash, chaos), chaos);
    };
    // Kept and thrown at the end: thrown here, it would pass for an error of the file system.
    let problem: Error | undefined;
    const vfs = new FaultVfs(memory, ({ isMutation, mutation, operation, path }) => {
      // While the shard is created nothing can be lost, and there is no history yet.
      if (!isMutation || history === undefined || problem !== undefined) return undefined;
      try {
        tryCrash(history.world, mutation);
      } catch (cause) {
        problem = new Error(`${crash} before change ${mutation}, ${operation} of ${path}: ${cause}`, {
          cause,
        });
      }
      return undefined;
    });
    history = new LsmHistory({ seed, vfs, steps: STEPS });
    history.run();
    if (problem !== undefined) throw problem;
    t.log(`${crashes} crashes, ${inRecovery} of them followed by one in the recovery`);
    t.true(crashes > 50 && inRecovery > 50);
  });
}
