/**
 * A random life of one shard beside its model: writes, reads, snapshots, time, jobs, restarts and crashes in random order.
 * The seed decides everything, so a failure is found again by its seed, and a prefix of the steps is a smaller one.
 */
import { ManualClock } from '../../src/base/clock.js';
import { DbError } from '../../src/base/errors.js';
import { createPrng, type Prng } from '../../src/base/prng.js';
import type { ManualRequest } from '../../src/compaction/manual-plan.js';
import { Durability } from '../../src/generated/lumadb/schema/durability.js';
import { OperationKind } from '../../src/generated/lumadb/schema/operation-kind.js';
import type { ScanRange } from '../../src/router/document-reader.js';
import type { HeldSnapshot } from '../../src/shm/seqno-board.js';
import { MemoryVfs } from '../../src/vfs/memory.js';
import type { CrashMode } from '../../src/vfs/memory-inode.js';
import type { Operation } from './batches.js';
import {
  checkFigures,
  checkFiles,
  checkGet,
  checkScan,
  checkState,
  Mismatch,
  settleRecovery,
} from './lsm-checks.js';
import { noCounts } from './lsm-counts.js';
import { LongRead } from './lsm-long-read.js';
import { NEWEST } from './lsm-model.js';
import { keyUniverse, RandomOperations } from './lsm-operations.js';
import { LsmRig, LsmWorld, newProcess, type WriteOptions } from './lsm-rig.js';
import { oneIn, pick } from './random.js';
import { textOf, utf8 } from './text.js';

const ARENA_BYTES = 80 * 1024;
const LEVELS = [Durability.Unspecified, Durability.Always, Durability.Group, Durability.Os];
const MODES: readonly CrashMode[] = ['lost', 'kept', 'mixed', 'mixed'];
const SNAPSHOTS_MAX = 5;
/** Refusals of one batch before the test says that writes hang. */
const ATTEMPTS_MAX = 200;
const SWEEPS_MAX = 4;

export class LsmRun {
  readonly counts = noCounts();
  private readonly prng: Prng;
  private readonly clock = new ManualClock();
  private readonly world: LsmWorld;
  private readonly keys: readonly string[];
  private readonly operations: RandomOperations;
  private collections = [1, 2, 3];
  private vfs = new MemoryVfs();
  private process = newProcess();
  private rig: LsmRig;
  private snapshots: HeldSnapshot[] = [];
  private longRead: LongRead | undefined;

  constructor(readonly seed: number) {
    this.prng = createPrng(seed);
    this.keys = keyUniverse(60 + this.prng.nextBelow(300));
    this.world = new LsmWorld({
      clock: this.clock,
      arenaBytes: ARENA_BYTES,
      segmentBytes: 64 * 1024,
      manifestRewriteBytesMin: 8 * 1024,
    });
    this.operations = new RandomOperations({
      prng: this.prng,
      keys: this.keys,
      collections: this.collections,
      padBytesMax: ARENA_BYTES / 4,
      nowSeconds: () => this.world.databaseClock.nowSeconds(),
      seqnoOf: (collection, key) => this.world.model.at(collection, key, NEWEST)?.seqno ?? 0,
    });
    this.rig = this.open();
  }

  /** Lives through `steps` steps and compares everything at the end. An error names the seed and the step. */
  go(steps: number): void {
    let step = 0;
    try {
      for (; step < steps; step++) this.step();
      this.finish();
    } catch (cause) {
      throw new Error(`SEED=${this.seed} SOAK_STEPS=${step + 1}: ${cause}`, { cause });
    }
  }

  private step(): void {
    const { prng } = this;
    const choice = prng.nextBelow(1000);
    if (choice < 550) this.writeGroup();
    else if (choice < 740) this.get();
    else if (choice < 780) this.scan();
    else if (choice < 810) this.changeSnapshots();
    else if (choice < 830) this.readOn();
    else if (choice < 870) this.passTime();
    else if (choice < 960) this.work();
    else if (choice < 966) this.rig.shard.engine.freeze();
    else if (choice < 972) this.compactManually();
    else if (choice < 985) {
      this.rig.sweeper.start();
      this.sweepOn();
    } else if (choice < 988) this.sweepAll();
    else if (choice < 990) checkFigures(this.rig, this.collections);
    else if (choice < 992) checkFiles(this.vfs.kill(), this.allCollections());
    else if (choice === 992) this.dropCollection();
    else if (choice < 996) this.restart();
    else if (choice < 999) this.crash();
    else if (oneIn(prng, 4)) this.settle();
  }

  /** Lets all jobs come to an end and compares everything. */
  private finish(): void {
    this.endLongRead();
    this.settle();
    this.rig.close();
    checkFiles(this.vfs, this.allCollections());
    this.noteRig();
    this.reopen();
    checkState(this.rig, this.collections);
    for (const collection of this.collections)
      for (const key of this.keys) checkGet(this.rig, collection, key);
    this.rig.close();
  }

  private writeGroup(): void {
    const { prng, operations, rig } = this;
    for (let left = 1 + prng.nextBelow(3); left > 0; left--) {
      const made = Array.from({ length: prng.nextBelow(9) }, () => operations.next());
      const allOrNothing = oneIn(prng, 4);
      // Not across collections: when one is dropped, replay cannot tell any more whether its conditions held.
      const batch = allOrNothing ? made.filter(({ collection }) => collection === made[0].collection) : made;
      this.stage(batch, {
        allOrNothing,
        durability: pick(prng, LEVELS),
        writtenAt: operations.writtenAt(),
      });
      // Nobody sees a batch before its group is committed.
      if (batch.length > 0 && oneIn(prng, 20)) checkGet(rig, batch[0].collection, textOf(batch[0].key));
    }
    rig.commit();
    if (oneIn(prng, 3)) this.get();
  }

  private stage(batch: readonly Operation[], options: WriteOptions): void {
    const { rig, counts } = this;
    for (let attempt = 0; ; attempt++) {
      const result = rig.stage(batch, options);
      if (result === 'staged') {
        counts.operations += batch.length;
        return;
      }
      rig.commit();
      if (result === 'commit-first') continue;
      counts.refusals++;
      switch (result.code) {
        case 'PAYLOAD_TOO_LARGE':
        case 'OVERLOADED':
          if (!hasPatches(batch) && batchBytes(batch) < ARENA_BYTES / 2)
            throw new Mismatch(`a small batch: ${result.message}`);
          return;
        case 'MEMTABLES_FULL':
        case 'L0_STOP':
          // What holds memtables back may be our own long read.
          if (attempt === ATTEMPTS_MAX / 2) this.endLongRead();
          if (attempt === ATTEMPTS_MAX) throw new Mismatch(`writes hang: ${result.message}`);
          this.work();
          break;
        default:
          throw result;
      }
    }
  }

  private get(): void {
    const { prng, keys } = this;
    const collection = pick(prng, this.collections);
    // Neighbours share blocks, and who asks twice finds a row that is cached.
    const first = prng.nextBelow(keys.length);
    for (let left = 1 + prng.nextBelow(6); left > 0; left--) {
      this.counts.gets++;
      const key = oneIn(prng, 2) ? keys[(first + left) % keys.length] : this.operations.key(keys);
      checkGet(this.rig, collection, key);
      if (oneIn(prng, 2)) checkGet(this.rig, collection, key);
      for (const { seqno } of this.snapshots) checkGet(this.rig, collection, key, seqno);
    }
  }

  private scan(): void {
    const { prng, rig, keys } = this;
    this.counts.scans++;
    const snapshot =
      this.snapshots.length > 0 && oneIn(prng, 2) ? pick(prng, this.snapshots).seqno : rig.appliedSeqno;
    const bound = (): ScanRange['from'] =>
      oneIn(prng, 3) ? undefined : { key: utf8(pick(prng, keys)), inclusive: oneIn(prng, 2) };
    const range = { from: bound(), to: bound(), backward: oneIn(prng, 2) };
    const budget = {
      keys: oneIn(prng, 2) ? 1 + prng.nextBelow(20) : 1000,
      bytes: oneIn(prng, 3) ? 1 + prng.nextBelow(2000) : 1_000_000,
    };
    const limit = oneIn(prng, 2) ? 1 + prng.nextBelow(30) : Number.MAX_SAFE_INTEGER;
    checkScan(rig, pick(prng, this.collections), snapshot, range, budget, limit);
  }

  private changeSnapshots(): void {
    const { prng, rig, snapshots } = this;
    if (snapshots.length < SNAPSHOTS_MAX && oneIn(prng, 2)) {
      snapshots.push(rig.holdSnapshot());
      return;
    }
    if (snapshots.length === 0) return;
    const index = prng.nextBelow(snapshots.length);
    const [held] = snapshots.splice(index, 1);
    if (oneIn(prng, 2)) checkScan(rig, pick(prng, this.collections), held.seqno);
    rig.board.release(held);
  }

  /** Begins a long read, takes it a few documents further, or ends it. */
  private readOn(): void {
    const { prng, longRead } = this;
    if (longRead === undefined) {
      if (oneIn(prng, 2))
        this.longRead = new LongRead(this.rig, pick(prng, this.collections), oneIn(prng, 2));
      return;
    }
    longRead.readOn(prng.nextBelow(20));
    if (oneIn(prng, 5)) this.endLongRead();
  }

  private endLongRead(): void {
    this.longRead?.close();
    this.longRead = undefined;
  }

  private passTime(): void {
    const { prng, clock } = this;
    const choice = prng.nextBelow(40);
    clock.advance(
      choice < 20 ? prng.nextBelow(20) : choice < 39 ? prng.nextBelow(5000) : prng.nextBelow(400_000),
    );
    this.rig.commit();
    this.rig.shard.scheduler.schedule();
  }

  /** A few steps of whatever flushes and compactions there are. */
  private work(): void {
    const { prng, rig } = this;
    for (let left = 1 + prng.nextBelow(12); left > 0; left--) rig.jobs.step(prng.nextBelow(2));
    if (oneIn(prng, 3)) rig.shard.store.reclaim();
    this.requireNoFailures();
  }

  private compactManually(): void {
    const { prng, rig, collections } = this;
    const from = prng.nextBelow(3);
    const request: ManualRequest = {
      levels: oneIn(prng, 2) ? 'all' : { from, to: from + prng.nextBelow(2) },
      deleteTombstones: oneIn(prng, 2),
      ...(oneIn(prng, 3) ? { collection: pick(prng, collections) } : {}),
    };
    rig.shard.scheduler.compactManually(request, (error) => {
      if (error !== undefined && error.code !== 'DRAINING') throw error;
    });
  }

  /** A slice of a sweep. Deletions are refused like other writes while memtables or level 0 are full. */
  private sweepOn(): void {
    try {
      this.rig.sweeper.slice();
    } catch (error) {
      if (!(error instanceof DbError) || !['MEMTABLES_FULL', 'L0_STOP'].includes(error.code)) throw error;
      this.work();
    }
  }

  /**
   * Who asks for the documents of one collection gets all that have expired. What a pass misses because a job moves it
   * meanwhile, the next one finds.
   */
  private sweepAll(): void {
    const { rig, prng, world } = this;
    const collection = pick(prng, this.collections);
    const now = world.databaseClock.nowSeconds();
    let left: string | undefined;
    for (let pass = 0; pass < SWEEPS_MAX; pass++) {
      // As for any write: what holds memtables back, so that deletions are refused, may be our own long read.
      if (pass === SWEEPS_MAX / 2) this.endLongRead();
      while (rig.sweeper.isActive) this.sweepOn();
      rig.sweeper.start(collection);
      while (rig.sweeper.isActive) {
        rig.jobs.settle();
        this.sweepOn();
      }
      rig.jobs.settle();
      [left] = world.model.uncollected(collection, rig.appliedSeqno, now);
      if (left === undefined) return;
    }
    throw new Mismatch(`the sweeper never removes ${collection}/${left}`);
  }

  private dropCollection(): void {
    const { prng, collections, world } = this;
    if (this.longRead !== undefined) return;
    const index = prng.nextBelow(collections.length);
    const dropped = collections[index];
    const next = Math.max(...collections, ...world.dropped) + 1;
    // In place: the source of operations looks at the same list.
    collections[index] = next;
    world.dropped.push(dropped);
    world.model.dropCollection(dropped);
    this.rig.shard.engine.stats.setDropped(world.dropped);
  }

  /** A clean stop, or a process or shard thread that dies while the machine goes on. */
  private restart(): void {
    const { prng, world } = this;
    this.counts.restarts++;
    const kind = prng.nextBelow(3);
    let certain = world.writtenSeqno;
    if (kind === 0) {
      this.endLongRead();
      if (oneIn(prng, 2)) this.settle();
      this.rig.close();
      certain = this.rig.appliedSeqno;
    } else this.vfs = this.vfs.kill();
    this.noteRig();
    // Of a process whose shard thread has died, readers live on, and with them their snapshots.
    if (kind !== 2) this.forgetProcess();
    else this.endLongRead();
    this.reopen(certain);
  }

  private crash(): void {
    this.counts.crashes++;
    this.vfs = this.vfs.crash(this.prng, pick(this.prng, MODES));
    this.noteRig();
    this.forgetProcess();
    this.reopen(this.world.durableSeqno);
  }

  private forgetProcess(): void {
    this.process = newProcess();
    this.snapshots = [];
    this.longRead = undefined;
  }

  private reopen(certainSeqno = this.world.writtenSeqno): void {
    if (oneIn(this.prng, 2)) this.clock.advance(this.prng.nextBelow(300_000));
    this.rig = this.open();
    settleRecovery(this.rig, certainSeqno);
    checkState(this.rig, this.collections);
    for (const { seqno } of this.snapshots) checkScan(this.rig, pick(this.prng, this.collections), seqno);
    this.world.model.settleThrough(
      Math.min(this.rig.appliedSeqno, ...this.snapshots.map(({ seqno }) => seqno)),
    );
  }

  private open(): LsmRig {
    const { prng, vfs, process } = this;
    return new LsmRig(this.world, { vfs, process, seed: prng.nextUint32(), slots: 4 + prng.nextBelow(3) });
  }

  /** Everything at rest, and everything compared. */
  private settle(): void {
    const { rig, collections } = this;
    rig.commit();
    rig.jobs.settle();
    this.requireNoFailures();
    checkState(rig, collections);
    for (const collection of collections) checkScan(rig, collection, rig.appliedSeqno, { backward: true });
    for (const { seqno } of this.snapshots)
      for (const collection of collections) checkScan(rig, collection, seqno);
  }

  private requireNoFailures(): void {
    const failure = this.rig.failures[0] ?? this.rig.readErrors[0];
    if (failure !== undefined) throw failure;
  }

  private noteRig(): void {
    const { counts, rig } = this;
    counts.flushes += rig.jobs.flushes;
    counts.compactions += rig.jobs.compactions;
    counts.swept += rig.sweeper.removed;
    counts.rowCacheHits += rig.reader.rowCacheHits;
    const deepest = rig.shard.store.version.levels.findLastIndex((runs) => runs.length > 0);
    counts.deepestLevel = Math.max(counts.deepestLevel, deepest);
  }

  private allCollections(): number[] {
    return this.collections;
  }
}

/** Each patch may need as much as its document and all that the group has for it. */
function hasPatches(batch: readonly Operation[]): boolean {
  return batch.some(({ kind }) => kind === OperationKind.Patch);
}

function batchBytes(batch: readonly Operation[]): number {
  return batch.reduce((sum, { key, value }) => sum + key.length + value.length + 128, 0);
}
