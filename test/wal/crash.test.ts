import test from 'ava';
import { asSeqno } from '../../src/base/brand.js';
import { createPrng, type Prng } from '../../src/base/prng.js';
import { FaultVfs } from '../../src/vfs/fault.js';
import { MemoryVfs } from '../../src/vfs/memory.js';
import type { CrashMode } from '../../src/vfs/memory-inode.js';
import { recordSpan } from '../../src/wal/format.js';
import { testSeed } from '../support/random.js';
import { append, openLog, payloadText, type Replayed } from './support.js';

const seed = testSeed();

/** Thrown by the file system in the place of the power cut. */
class PowerCut extends Error {}

interface Appended {
  readonly seqno: number;
  readonly length: number;
}

/** What the clients of one log know, across all its crashes. */
class Ledger {
  /** In the log for certain, or recovered once: nobody may lose or change these again. */
  kept: Appended[] = [];
  /** Appended in this run, of which the first `acknowledged` were synced. */
  fresh: Appended[] = [];
  acknowledged = 0;
  /** Everything up to here is in SSTables. */
  flushed = 0;
  lastSeqno = 0;

  /** Compares with what a recovery delivered; returns what is wrong, or undefined. Then starts the next run. */
  settle(records: readonly Replayed[]): string | undefined {
    const all = [...this.kept, ...this.fresh].filter(({ seqno }) => seqno > this.flushed);
    const certain = [...this.kept, ...this.fresh.slice(0, this.acknowledged)].filter(
      ({ seqno }) => seqno > this.flushed,
    );
    if (records.length < certain.length)
      return `lost: ${records.length} records, ${certain.length} were acknowledged`;
    if (records.length > all.length) return `${records.length} records, only ${all.length} were appended`;
    for (const [index, record] of records.entries()) {
      const wanted = all[index];
      if (wanted === undefined || record.firstSeqno !== wanted.seqno) {
        return `record ${index} has seqno ${record.firstSeqno}, not ${wanted?.seqno}`;
      }
      if (record.text !== payloadText(wanted.seqno, wanted.length)) return `record ${wanted.seqno} is torn`;
    }
    this.kept = all.slice(0, records.length);
    this.fresh = [];
    this.acknowledged = 0;
    return undefined;
  }
}

/** One run of a shard: groups of random size, rotations, flushes that release segments, spares prepared. */
function run(vfs: FaultVfs, ledger: Ledger, prng: Prng, groups: number): string | undefined {
  const options = { recovery: { fromSeqno: asSeqno(ledger.flushed + 1) } };
  const { writer, pool, records, report } = openLog(vfs, options);
  const problem = ledger.settle(records);
  if (problem !== undefined) return problem;
  if (report.damage.length > 0) return 'damage reported';
  for (let group = 0; group < groups; group++) {
    const count = 1 + prng.nextBelow(6);
    for (let index = 0; index < count; index++) {
      const length = prng.nextBelow(10) === 0 ? prng.nextBelow(30_000) : prng.nextBelow(700);
      const seqno = ledger.lastSeqno + 1 + prng.nextBelow(3);
      ledger.lastSeqno = seqno;
      // Before the append: a rotation inside it may make earlier records of the group durable, or fail.
      ledger.fresh.push({ seqno, length });
      append(writer, seqno, length);
    }
    writer.write();
    if (prng.nextBelow(4) === 0) continue;
    writer.sync();
    ledger.acknowledged = ledger.fresh.length;
    if (prng.nextBelow(5) === 0) pool.prepareSpare();
    if (prng.nextBelow(4) === 0) {
      ledger.flushed = Math.max(ledger.flushed, ledger.lastSeqno - prng.nextBelow(40));
      writer.releaseThrough(asSeqno(ledger.flushed));
    }
  }
  writer.close();
  ledger.acknowledged = ledger.fresh.length;
  return undefined;
}

/** Runs until the `crashAt`-th change to the device, where the power fails. True if it got that far. */
function crashes(
  vfs: MemoryVfs,
  ledger: Ledger,
  prng: Prng,
  crashAt: number,
): { crashed: boolean; problem?: string } {
  const fault = new FaultVfs(vfs, (call) => {
    if (call.isMutation && call.mutation >= crashAt) throw new PowerCut();
    return undefined;
  });
  try {
    const problem = run(fault, ledger, prng, 14);
    return problem === undefined ? { crashed: false } : { crashed: false, problem };
  } catch (error) {
    if (rootCause(error) instanceof PowerCut) return { crashed: true };
    throw error;
  }
}

function rootCause(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? rootCause(error.cause) : error;
}

test(`a power cut at any step loses nothing acknowledged and tears nothing (seed ${seed})`, (t) => {
  const modes: CrashMode[] = ['mixed', 'mixed', 'lost', 'kept'];
  for (let round = 0; round < 4; round++) {
    for (let crashAt = 1, crashed = true; crashed; crashAt++) {
      const prng = createPrng(seed + round * 1000);
      const chaos = createPrng(seed + round * 1_000_003 + crashAt);
      const ledger = new Ledger();
      const before = new MemoryVfs();
      const where = `SEED=${seed} round ${round} crash at ${crashAt}`;
      const outcome = crashes(before, ledger, prng, crashAt);
      crashed = outcome.crashed;
      if (outcome.problem !== undefined) return t.fail(`${where}: ${outcome.problem}`);
      const left = before.crash(chaos, modes[round] ?? 'mixed');
      const problem = run(new FaultVfs(left), ledger, prng, 2);
      if (problem !== undefined) return t.fail(`${where}: ${problem}`);
      const last = openLog(left.crash(chaos, 'lost'), {
        recovery: { fromSeqno: asSeqno(ledger.flushed + 1) },
      });
      const lastProblem = ledger.settle(last.records);
      if (lastProblem !== undefined) return t.fail(`${where}, third run: ${lastProblem}`);
    }
  }
  t.pass();
});

test(`a log survives one crash after another, power cuts and kills, also in recovery (seed ${seed})`, (t) => {
  for (let life = 0; life < 25; life++) {
    const prng = createPrng(seed + 7 + life);
    const ledger = new Ledger();
    let vfs = new MemoryVfs();
    for (let crash = 0; crash < 12; crash++) {
      const outcome = crashes(vfs, ledger, prng, 1 + prng.nextBelow(crash % 3 === 0 ? 8 : 120));
      if (outcome.problem !== undefined)
        return t.fail(`SEED=${seed} life ${life} crash ${crash}: ${outcome.problem}`);
      vfs = prng.nextBelow(3) === 0 ? vfs.kill() : vfs.crash(prng, 'mixed');
    }
    const { records } = openLog(vfs, { recovery: { fromSeqno: asSeqno(ledger.flushed + 1) } });
    const problem = ledger.settle(records);
    if (problem !== undefined) return t.fail(`SEED=${seed} life ${life}: ${problem}`);
  }
  t.pass();
});

test('the payloads of the crash tests are large enough to be torn', (t) => {
  t.true(recordSpan(700) > 512);
});
