/**
 * A small history of one shard in which everything happens that touches files: groups of all durabilities, log segments
 * that fill and are released, flushes, compactions, sweeps, rewrites of the manifest, clean restarts. Each step draws from
 * a generator of its own, so that a history that meets a fault goes on as the one that meets none.
 */
import { ManualClock } from '../../src/base/clock.js';
import { DbError, type DbErrorCode } from '../../src/base/errors.js';
import { createPrng, type Prng } from '../../src/base/prng.js';
import { Durability } from '../../src/generated/lumadb/schema/durability.js';
import type { HeldSnapshot } from '../../src/shm/seqno-board.js';
import type { Vfs } from '../../src/vfs/vfs.js';
import { type Operation, put } from './batches.js';
import { checkGet, checkScan, checkState, FiguresMismatch, Mismatch, settleRecovery } from './lsm-checks.js';
import { NEWEST } from './lsm-model.js';
import { keyUniverse, RandomOperations } from './lsm-operations.js';
import { LsmRig, LsmWorld, newProcess, TINY_TUNING } from './lsm-rig.js';
import { oneIn, pick } from './random.js';

export const HISTORY_COLLECTIONS: readonly number[] = [1, 2];
const LEVELS = [Durability.Always, Durability.Group, Durability.Os];
const ARENA_BYTES = 24 * 1024;
const ATTEMPTS_MAX = 50;
/** Longer than any pause after a failed job. */
const PAUSE_MS = 60_000;

/** What a write may be told when something is wrong with files, and when it helps to start the shard anew. */
const REFUSALS: ReadonlySet<DbErrorCode> = new Set(['WAL_POISONED', 'MANIFEST_POISONED', 'DISK_FULL', 'IO']);
const STALLS: ReadonlySet<DbErrorCode> = new Set(['MEMTABLES_FULL', 'L0_STOP']);

export interface LsmHistoryOptions {
  readonly seed: number;
  readonly vfs: Vfs;
  readonly steps: number;
  readonly onStep?: (step: number) => void;
  /** True while writes may be refused for long: they are then given up. */
  readonly mayRefuse?: () => boolean;
}

export function newHistoryWorld(): LsmWorld {
  return new LsmWorld({
    clock: new ManualClock(),
    arenaBytes: ARENA_BYTES,
    segmentBytes: 64 * 1024,
    manifestRewriteBytesMin: 2 * 1024,
    tuning: {
      ...TINY_TUNING,
      picker: { ...TINY_TUNING.picker, levelBaseBytes: 24 * 1024, l0RunsTrigger: 2 },
      tables: { ...TINY_TUNING.tables, tableSizeBytes: 16 * 1024 },
    },
  });
}

export function openHistoryRig(world: LsmWorld, vfs: Vfs): LsmRig {
  return new LsmRig(world, { vfs, process: newProcess(), seed: 7, slots: 5 });
}

export class LsmHistory {
  readonly world = newHistoryWorld();
  /** Errors that steps met and got over. */
  readonly errors: DbError[] = [];
  rig: LsmRig;
  private prng: Prng;
  private readonly keys = keyUniverse(40);
  private snapshots: HeldSnapshot[] = [];
  private readonly operations: RandomOperations;

  constructor(private readonly options: LsmHistoryOptions) {
    this.prng = createPrng(options.seed);
    const current = (): Prng => this.prng;
    this.operations = new RandomOperations({
      prng: {
        nextUint32: () => current().nextUint32(),
        nextFloat: () => current().nextFloat(),
        nextBelow: (bound) => current().nextBelow(bound),
      },
      keys: this.keys,
      collections: HISTORY_COLLECTIONS,
      padBytesMax: 3000,
      nowSeconds: () => this.world.databaseClock.nowSeconds(),
      seqnoOf: (collection, key) => this.world.model.at(collection, key, NEWEST)?.seqno ?? 0,
    });
    this.rig = this.open();
  }

  run(): void {
    const { seed, steps } = this.options;
    for (let step = 0; step < steps; step++) {
      this.prng = createPrng(seed + 7919 * (step + 1));
      this.options.onStep?.(step);
      this.step(step);
    }
    this.finish();
  }

  private step(step: number): void {
    const { prng, rig } = this;
    const choice = prng.nextBelow(20);
    if (choice < 9) this.writeGroup();
    else if (choice < 14) for (let left = 3; left > 0; left--) rig.jobs.step(prng.nextBelow(2));
    else if (choice === 14) this.checkOne(pick(prng, this.keys));
    else if (choice === 15)
      this.attempt(() => checkScan(this.rig, pick(prng, HISTORY_COLLECTIONS), this.rig.appliedSeqno));
    else if (choice === 16) this.attempt(() => this.sweep());
    else if (choice === 17) this.changeSnapshots();
    else if (choice === 18) this.passTime(prng.nextBelow(100_000));
    else if (oneIn(prng, 3))
      rig.shard.scheduler.compactManually({ levels: 'all', deleteTombstones: true }, () => {});
    // At fixed places, so that every history has them.
    if (step % 40 === 39) this.restart();
  }

  /** Everything at rest. What fails here, once, must not fail again. */
  private finish(): void {
    for (let attempt = 0; ; attempt++) {
      this.settle();
      // So that there is something to flush.
      this.stage([put('last', '{"_id":"last"}')], false, Durability.Always);
      this.commit();
      const { rig } = this;
      const before = rig.failures.length;
      rig.shard.engine.freeze();
      rig.shard.scheduler.schedule();
      this.settle();
      if (rig === this.rig && rig.failures.length === before) break;
      if (attempt === 2) throw new Mismatch(`still failing: ${rig.failures.at(-1)?.message}`);
    }
    this.attempt(() => checkState(this.rig, HISTORY_COLLECTIONS));
    this.close();
  }

  private writeGroup(): void {
    const { prng, operations } = this;
    for (let left = 1 + prng.nextBelow(2); left > 0; left--) {
      const batch = Array.from({ length: 1 + prng.nextBelow(8) }, () => operations.next());
      this.stage(batch, oneIn(prng, 4), pick(prng, LEVELS));
    }
    this.commit();
  }

  private stage(batch: readonly Operation[], allOrNothing: boolean, durability: Durability): void {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const writtenAt = this.world.databaseClock.nowSeconds();
      const result = this.rig.stage(batch, { allOrNothing, durability, writtenAt });
      if (result === 'staged') return;
      this.commit();
      if (result === 'commit-first') continue;
      if (STALLS.has(result.code)) {
        this.settle();
        if (this.options.mayRefuse?.() === true && attempt > 2) return;
        continue;
      }
      if (result.code === 'PAYLOAD_TOO_LARGE' || result.code === 'OVERLOADED') return;
      if (!REFUSALS.has(result.code)) throw result;
      this.errors.push(result);
      if (result.code !== 'DISK_FULL') this.replaceRig();
      else if (this.options.mayRefuse?.() === true) return;
    }
    throw new Mismatch('a write is refused again and again');
  }

  private commit(): void {
    this.rig.commit();
    // An operation that could not read what it depends on was answered so, but is in the log: only replay does it right.
    if (this.rig.isBroken || this.rig.readErrors.length > 0) this.replaceRig();
  }

  private settle(): void {
    this.rig.jobs.settle();
    // What failed is tried again after a pause.
    this.passTime(PAUSE_MS);
    this.rig.jobs.settle();
    if (this.rig.isBroken) this.replaceRig();
  }

  private sweep(): void {
    const { sweeper } = this.rig;
    sweeper.start();
    sweeper.slice();
  }

  private changeSnapshots(): void {
    const { rig, snapshots } = this;
    if (snapshots.length < 2) snapshots.push(rig.holdSnapshot());
    else for (const held of snapshots.splice(0)) rig.board.release(held);
  }

  /** As it is, and as every snapshot sees it. */
  private checkOne(key: string): void {
    this.attempt(() => checkGet(this.rig, 1, key));
    for (const { seqno } of [...this.snapshots]) this.attempt(() => checkGet(this.rig, 1, key, seqno));
  }

  private passTime(ms: number): void {
    this.world.options.clock.advance(ms);
    this.commit();
    this.rig.shard.store.reclaim();
    this.rig.shard.scheduler.schedule();
  }

  private restart(): void {
    const { world } = this;
    this.snapshots = [];
    this.close();
    const certain = this.rig.isBroken
      ? world.writtenSeqno
      : Math.max(world.writtenSeqno, this.rig.appliedSeqno);
    this.reopen(certain);
  }

  private close(): void {
    try {
      this.rig.close();
    } catch (error) {
      this.expected(error);
    }
  }

  /** The shard takes no writes any more: its thread ends, and the next one starts with what is in the files. */
  private replaceRig(): void {
    this.snapshots = [];
    this.rig.abandon();
    this.reopen(this.world.writtenSeqno);
  }

  private reopen(certainSeqno: number): void {
    this.errors.push(...this.rig.failures);
    this.rig = this.open();
    settleRecovery(this.rig, certainSeqno);
    this.attempt(() => checkState(this.rig, HISTORY_COLLECTIONS));
  }

  /** A start that fails may be tried again; what it must not do is find damage. */
  private open(): LsmRig {
    for (let attempt = 0; ; attempt++) {
      try {
        return openHistoryRig(this.world, this.options.vfs);
      } catch (error) {
        if (!(error instanceof DbError) || error.code !== 'IO' || attempt === 2) throw error;
        this.errors.push(error);
      }
    }
  }

  /** A read may fail, loudly. Once more, and it works. */
  private attempt(read: () => void): void {
    try {
      read();
    } catch (error) {
      // A put over a version that could not be read counts as one of a new document, as long as the shard runs.
      const isMiscounted = error instanceof FiguresMismatch && this.rig.readErrors.length > 0;
      const code = isMiscounted ? undefined : this.expected(error).code;
      if (this.rig.isBroken || this.rig.readErrors.length > 0) this.replaceRig();
      else if (code === 'IO') read();
    }
  }

  private expected(error: unknown): DbError {
    if (!(error instanceof DbError) || !(REFUSALS.has(error.code) || STALLS.has(error.code))) throw error;
    this.errors.push(error);
    return error;
  }
}
