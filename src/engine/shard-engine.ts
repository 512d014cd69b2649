/**
 * The write path of one shard: batches are staged into a group, the group is written to the log and made durable, and
 * only then applied to the memtables and answered. Shard thread only; knows nothing of rings, sockets or threads.
 *
 *   stage(batch) ... stage(batch)   reserve memtable room, take a seqno range, append to the log's group buffer
 *   commit()                        one write, at most one fdatasync, apply in order, publish, answer
 *
 * Durability of a batch decides when it is answered. `always` and `os` batches of a group that fails to become durable
 * are not applied. A `group` batch is applied once written and answered when the next fdatasync covers it: until
 * then readers may see it although a power cut could still take it back.
 */
import { assert } from '../base/assert.js';
import { asMillis, asSeqno, type Seqno } from '../base/brand.js';
import type { Clock } from '../base/clock.js';
import { DbError, fromWireError, toWireError, type WireError } from '../base/errors.js';
import type { WriteBatchView } from '../batch/write-batch-view.js';
import { WriteOutcome } from '../batch/write-reply.js';
import { Durability } from '../generated/lumadb/schema/durability.js';
import { WriteStatus } from '../generated/lumadb/schema/write-status.js';
import type { IndexInUse } from '../indexes/index-entry.js';
import { writeSizeMax } from '../memtable/format.js';
import type { MemtablePool } from '../memtable/pool.js';
import type { CommitLog } from '../wal/commit-log.js';
import { BatchApplier } from './apply.js';
import { type CollectionFigure, CollectionStats } from './collection-stats.js';
import { type DocumentCheck, DocumentGate } from './document-gate.js';
import type { Room } from './index-maintainer.js';
import { OperationIds, type RememberedOperationRecord } from './operation-ids.js';
import { PatchBound } from './patch-bound.js';
import { StagedBatch, type UnsyncedBatch } from './staged-batch.js';
import type { FrozenMemtable, TablesBelow } from './tables-below.js';
import type { WriteGate } from './write-gate.js';
import { WriteRefusals } from './write-refusals.js';

/** Takes seqno ranges from the process-wide counter. */
export interface SeqnoSource {
  /** Seqnos are about to be taken: snapshots wait for what has them. */
  groupBegins(): void;
  /** All seqnos taken since groupBegins() are applied and visible, or never will be. */
  groupEnds(): void;
  /** First of `count` consecutive seqnos that nobody else gets. */
  take(count: number): Seqno;
}

/** Where a batch's answer goes. Each call happens exactly once per staged batch. */
export interface BatchAnswer {
  replyOutcome(batchId: number, firstSeqno: number, durability: Durability, outcome: WriteOutcome): void;
  replyError(batchId: number, error: WireError): void;
}

/** Figures the engine reports; the runtime keeps them in shared memory. */
export interface EngineMeter {
  onCommit(batches: number, operations: number, logBytes: number, lastSeqno: number): void;
  /** The thread is about to sync the log; onSync() follows unless that fails. */
  onSyncBegins(): void;
  onSync(durationMs: number): void;
  onPoisoned(error: DbError): void;
}

export interface ShardEngineOptions {
  readonly shard: number;
  readonly memtables: MemtablePool;
  /** May come later, with attachLog(): recovery replays before there is a log to write to. */
  readonly log?: CommitLog;
  readonly seqnos: SeqnoSource;
  /** Where memtables are flushed to. Without it all data stays in memtables. */
  readonly tables?: TablesBelow;
  /** Told of every key after its write can be found and before it is acknowledged: invalidates row caches. */
  readonly stamps?: { bump(hash: number): void };
  /** Refuses batches while the server is read-only; absent: never. */
  readonly gate?: WriteGate;
  readonly clock: Clock;
  readonly meter: EngineMeter;
  /** What Durability.Unspecified means. */
  readonly defaultDurability: Durability;
  /** Longest time a `group` batch waits for its fdatasync, in milliseconds. */
  readonly groupIntervalMs: number;
  /** Recovery mode: replay goes on past operations that need what cannot be read. Default false. */
  readonly isReplayLenient?: boolean;
}

/** What the tables of a shard hold, as far as the write path must know it. */
export interface RestoredState {
  readonly lastSeqno: number;
  readonly stats: readonly CollectionFigure[];
  readonly operationIds: readonly RememberedOperationRecord[];
}

/** 'commit-first': the batch needs the state after this group, or a memtable of its own: commit() and stage() again. */
export type StageResult = 'staged' | 'commit-first' | DbError;

const NO_ROOM: Room = { writes: 0, bytes: 0 };

export class ShardEngine {
  readonly stats = new CollectionStats();
  private readonly operationIds = new OperationIds();
  private readonly applier: BatchApplier;
  private readonly refusals: WriteRefusals;
  private readonly outcome = new WriteOutcome();
  private staged: StagedBatch[] = [];
  private unsynced: UnsyncedBatch[] = [];
  private unsyncedSinceMs = 0;
  /** Of the current group. */
  private readonly reserved: Room = { writes: 0, bytes: 0 };
  private patchBound = new PatchBound();
  private readonly documents: DocumentGate;
  private lastSeqno = 0;
  /** Last operation that is not in the active memtable. */
  private frozenThrough = 0;

  private commitLog: CommitLog | undefined;

  constructor(private readonly options: ShardEngineOptions) {
    this.commitLog = options.log;
    this.refusals = new WriteRefusals(options);
    this.applier = new BatchApplier(options.memtables, options.tables, this.operationIds, this.stats);
    this.documents = new DocumentGate(this.applier);
  }

  /** From now on batches can be staged. */
  attachLog(log: CommitLog): void {
    this.commitLog = log;
  }

  /**
   * The indexes to maintain from now on, all of them. Before the first replay() and then between groups: a batch is applied
   * with the indexes for which room was reserved.
   */
  setIndexes(indexes: readonly IndexInUse[]): void {
    assert(this.staged.length === 0, 'indexes change between groups');
    this.applier.indexes.setIndexes(indexes);
  }

  /** The collections whose documents are checked from now on, by number. Between groups. */
  setChecks(checks: ReadonlyMap<number, DocumentCheck>): void {
    assert(this.staged.length === 0, 'schemas change between groups');
    this.documents.checks = checks;
  }

  /** True for the number of an index that is maintained. */
  isIndex(id: number): boolean {
    return this.applier.indexes.isIndex(id);
  }

  /** Applies one recovered batch. Its room is found the same way as when it was first written. */
  replay(batch: WriteBatchView, firstSeqno: Seqno): void {
    const { memtables } = this.options;
    const room = this.roomFor(batch, NO_ROOM);
    if (!memtables.active.hasRoom(room.writes, room.bytes)) {
      // A chain that is full must still be recoverable, also under a smaller memory.memtables_max than before.
      const isRotated =
        this.rotateFor(batch) || (this.options.tables?.flushNow() === true && this.rotateFor(batch));
      if (!isRotated || !memtables.active.hasRoom(room.writes, room.bytes))
        throw this.refusals.memtablesFull();
    }
    this.applier.indexes.isTrusting = false;
    this.applier.apply(batch, firstSeqno, this.outcome);
    this.applier.indexes.isTrusting = true;
    this.lastSeqno = firstSeqno + Math.max(batch.count, 1) - 1;
    memtables.publishVisible(this.lastSeqno);
    if (!this.options.isReplayLenient) this.requireReadable(firstSeqno);
  }

  /** A write that was acknowledged needs a version that cannot be read now: going on without it would lose it for good. */
  private requireReadable(firstSeqno: Seqno): void {
    const { statuses, count } = this.outcome;
    for (let i = 0; i < count; i++) {
      if (statuses[i] !== WriteStatus.Unreadable) continue;
      const { shard } = this.options;
      const { readError } = this.applier;
      // A disk that fails to read may read another time: that is no damage, and nothing to repair.
      const code = readError?.code === 'IO' ? 'IO' : 'CORRUPT_TABLE';
      const what = `operation ${firstSeqno + i} of the log needs a document in a table that cannot be read`;
      throw new DbError(code, `shard ${shard}: ${what}: ${readError?.message ?? 'see the log'}`, {
        ...readError?.details,
        shard,
        seqno: firstSeqno + i,
      });
    }
  }

  /**
   * Takes a batch into the current group. `view` and the bytes it looks at must stay as they are until commit().
   * An error refuses the batch: nothing of it has happened, and the caller answers it. `isGated`: whether read-only mode
   * applies to it.
   */
  stage(view: WriteBatchView, answer: BatchAnswer, isGated = true): StageResult {
    const { memtables, seqnos, clock } = this.options;
    const { log } = this;
    const poison = log.poisonedBy();
    if (poison !== undefined) return this.writesRefused(poison);
    const broken = this.options.tables?.poisonedBy();
    if (broken !== undefined) return broken;
    const refusal = isGated ? this.options.gate?.refusal(view) : undefined;
    if (refusal !== undefined) return refusal;
    // Recovery may have needed the reserve. It is not for new writes, or the next recovery finds none.
    if (memtables.chainLength > memtables.memtablesMax) return this.refusals.memtablesFull();
    const dependsOnTables =
      view.hasConditions || PatchBound.hasPatches(view) || this.applier.touchesIndexes(view);
    const unreadable = dependsOnTables ? this.applier.unreadableFor(view) : undefined;
    if (unreadable !== undefined) return this.refusals.unreadable(unreadable);
    const isChecked = this.documents.concerns(view);
    if (isChecked && this.documents.mustWait(view)) return 'commit-first';
    const room = this.roomFor(view, this.reserved);
    if (room.bytes > memtables.active.capacityBytes) {
      // Patches are bounded by all that is staged for their documents. Once that is applied, the sizes are known.
      return this.staged.length > 0 ? 'commit-first' : this.refusals.batchTooLarge(view, room.bytes);
    }
    if (!this.fits(room, this.reserved)) {
      if (this.staged.length > 0) return 'commit-first';
      const stall = this.options.tables?.stall();
      if (stall !== undefined) return stall;
      if (
        !this.rotate(view.writtenAt === 0 ? undefined : view.writtenAt) ||
        !memtables.active.hasRoom(room.writes, room.bytes)
      )
        return this.refusals.memtablesFull();
    }
    try {
      log.ensureRoom(view.bytes.length);
    } catch (error) {
      const cause = log.poisonedBy();
      if (cause !== undefined) return this.writesRefused(cause);
      // No space for another segment: nothing is broken, the client may try again once there is space.
      return this.refusals.noRoom(error);
    }
    const faults = isChecked ? this.documents.refuse(view) : undefined;
    if (this.staged.length === 0) seqnos.groupBegins();
    const firstSeqno = seqnos.take(Math.max(view.count, 1));
    log.append(view.bytes, {
      firstSeqno,
      operationCount: view.count,
      wallClockMs: asMillis(clock.wallMs()),
    });
    this.reserved.writes += room.writes;
    this.reserved.bytes += room.bytes;
    const durability =
      view.durability === Durability.Unspecified ? this.options.defaultDurability : view.durability;
    this.staged.push(new StagedBatch(view, answer, firstSeqno, durability, faults));
    return 'staged';
  }

  /**
   * Writes one batch of the shard's own, at once and alone. Returns how many operations deleted something; throws the
   * DbError that refuses it. `isGated`: as for stage().
   */
  writeNow(view: WriteBatchView, isGated = true): number {
    let deleted = 0;
    let failed: DbError | undefined;
    const answer: BatchAnswer = {
      replyOutcome: (_id, _seqno, _durability, { statuses, count }) => {
        for (let i = 0; i < count; i++) if (statuses[i] === WriteStatus.Deleted) deleted++;
      },
      replyError: (_id, error) => {
        failed = fromWireError(error);
      },
    };
    const result = this.stage(view, answer, isGated);
    assert(result !== 'commit-first', 'writeNow is called between groups');
    if (result !== 'staged') throw result;
    this.commit();
    if (failed !== undefined) throw failed;
    return deleted;
  }

  get stagedCount(): number {
    return this.staged.length;
  }

  /** Milliseconds until a waiting `group` batch must be synced; undefined when none waits. */
  syncDueInMs(): number | undefined {
    if (this.unsynced.length === 0) return undefined;
    return Math.max(
      0,
      this.unsyncedSinceMs + this.options.groupIntervalMs - this.options.clock.monotonicMs(),
    );
  }

  /** Writes, syncs as needed, applies and answers everything staged. Never throws for I/O: failures are answered. */
  commit(): void {
    const staged = this.staged;
    if (staged.length === 0 && this.syncDueInMs() !== 0) return;
    const mustSync =
      this.syncDueInMs() === 0 || staged.some((batch) => batch.durability === Durability.Always);
    this.resetGroup();
    try {
      this.log.write();
      if (mustSync) this.sync();
    } catch (error) {
      this.options.seqnos.groupEnds();
      this.failGroup(staged, error);
      return;
    }
    this.applyGroup(staged, mustSync);
    this.options.seqnos.groupEnds();
    if (mustSync) this.answerUnsynced();
  }

  /** Makes everything durable, whatever its level. For shutdown. */
  flush(): void {
    this.commit();
    const poison = this.log.poisonedBy();
    if (poison !== undefined) {
      // It may have failed outside of a group: what waits for a sync is answered all the same.
      this.failGroup([], poison);
      return;
    }
    try {
      this.sync();
    } catch (error) {
      this.failGroup([], error);
      return;
    }
    this.answerUnsynced();
  }

  /**
   * Ends the active memtable although it is not full, so that it is flushed. False when there is nothing to flush or no
   * slot for another one. An empty one counts if the log has anything since the last: operations that changed nothing
   * take room there all the same. Nothing may be staged.
   */
  freeze(): boolean {
    assert(this.staged.length === 0, 'a memtable is frozen between groups');
    return this.hasUnfrozen && this.rotate();
  }

  /** True when operations were applied since the last memtable was frozen. */
  get hasUnfrozen(): boolean {
    return this.lastSeqno > this.frozenThrough;
  }

  /** Last operation that is not in the active memtable. */
  get frozenSeqno(): number {
    return this.frozenThrough;
  }

  /** Goes on from what tables hold: call before the first replay(). */
  restore(state: RestoredState): void {
    this.lastSeqno = state.lastSeqno;
    this.frozenThrough = state.lastSeqno;
    this.stats.restore(state.stats);
    this.operationIds.restore(state.operationIds);
    this.options.memtables.publishVisible(this.lastSeqno);
  }

  /** Seqno of the last applied operation; 0 when there is none. */
  get appliedSeqno(): number {
    return this.lastSeqno;
  }

  private get log(): CommitLog {
    assert(this.commitLog !== undefined, 'a batch was staged before the shard was open');
    return this.commitLog;
  }

  /** Between groups, so that everything applied so far is in the memtables that are no longer active. */
  private rotate(nextWrittenAt?: number): boolean {
    const slot = this.options.memtables.activeSlot;
    if (!this.options.memtables.rotate()) return false;
    this.options.tables?.onFrozen(this.frozenIn(slot), nextWrittenAt);
    return true;
  }

  /** The same for a batch that is replayed. It may take the slot in reserve. */
  private rotateFor({ writtenAt }: WriteBatchView): boolean {
    const slot = this.options.memtables.activeSlot;
    if (!this.options.memtables.rotate(true)) return false;
    this.options.tables?.onFrozen(this.frozenIn(slot), writtenAt);
    return true;
  }

  private frozenIn(slot: number): FrozenMemtable {
    this.frozenThrough = this.lastSeqno;
    return {
      slot,
      lastSeqno: this.lastSeqno,
      stats: this.stats.snapshot(),
      operationIds: this.operationIds.takeNew(),
    };
  }

  private resetGroup(): void {
    this.staged = [];
    this.reserved.writes = 0;
    this.reserved.bytes = 0;
    this.patchBound.reset();
    this.documents.reset();
  }

  private sync(): void {
    const { clock, meter } = this.options;
    const start = clock.monotonicMs();
    meter.onSyncBegins();
    this.log.sync();
    meter.onSync(clock.monotonicMs() - start);
  }

  private applyGroup(staged: readonly StagedBatch[], synced: boolean): void {
    let operations = 0;
    let bytes = 0;
    for (const batch of staged) {
      // `group` batches keep their outcome until they are synced; the others are answered at once and share one.
      const deferred = batch.durability === Durability.Group && !synced;
      const outcome = deferred ? new WriteOutcome() : this.outcome;
      this.applier.apply(batch.view, batch.firstSeqno, outcome);
      outcome.faults = batch.faults;
      this.lastSeqno = batch.firstSeqno + Math.max(batch.view.count, 1) - 1;
      this.bumpStamps(batch.view, outcome);
      // Before the answer: whoever has been answered may read at the visible seqno and must find the write.
      this.options.memtables.publishVisible(this.lastSeqno);
      operations += batch.view.count;
      bytes += batch.view.bytes.length;
      if (deferred) this.deferAnswer(batch, outcome);
      else batch.answer.replyOutcome(batch.view.batchId, batch.firstSeqno, batch.durability, outcome);
    }
    if (staged.length === 0) return;
    this.options.meter.onCommit(staged.length, operations, bytes, this.lastSeqno);
  }

  private bumpStamps(view: WriteBatchView, { statuses }: WriteOutcome): void {
    const { stamps } = this.options;
    if (stamps === undefined) return;
    // Operations that were refused have changed nothing: no row becomes invalid by them.
    for (let i = 0; i < view.count; i++) if (statuses[i] <= WriteStatus.Deleted) stamps.bump(view.keyHash(i));
  }

  private deferAnswer(batch: StagedBatch, outcome: WriteOutcome): void {
    if (this.unsynced.length === 0) this.unsyncedSinceMs = this.options.clock.monotonicMs();
    const { batchId } = batch.view;
    this.unsynced.push({ batchId, answer: batch.answer, firstSeqno: batch.firstSeqno, outcome });
  }

  private answerUnsynced(): void {
    const waiting = this.unsynced;
    this.unsynced = [];
    for (const batch of waiting) {
      batch.answer.replyOutcome(batch.batchId, batch.firstSeqno, Durability.Group, batch.outcome);
    }
  }

  /** The log failed: nothing of the group was applied, and nothing waiting for a sync can be promised any more. */
  private failGroup(staged: readonly StagedBatch[], error: unknown): void {
    const poison = this.log.poisonedBy();
    assert(poison !== undefined, () => `a failed log is poisoned: ${String(error)}`);
    this.options.meter.onPoisoned(poison);
    const answer = toWireError(this.refusals.outcomeUnknown(poison));
    for (const batch of staged) batch.answer.replyError(batch.view.batchId, answer);
    for (const batch of this.unsynced) batch.answer.replyError(batch.batchId, answer);
    this.unsynced = [];
  }

  /**
   * What applying the batch can take of a memtable, behind what is reserved. Index entries are counted loosely as long as that
   * fits, and exactly when it does not: it means working out all of them once more.
   */
  private roomFor(batch: WriteBatchView, reserved: Room): Room {
    const room = { writes: batch.count, bytes: this.documentBytesMax(batch) };
    if (!this.applier.touchesIndexes(batch)) return room;
    const loose = { ...room };
    this.applier.addLooseIndexRoom(batch, loose);
    if (this.fits(loose, reserved)) return loose;
    this.applier.addIndexRoom(batch, room);
    return room;
  }

  private fits(room: Room, reserved: Room): boolean {
    const { active } = this.options.memtables;
    return active.hasRoom(reserved.writes + room.writes, reserved.bytes + room.bytes);
  }

  /** Most memtable bytes that the documents of the batch can take. */
  private documentBytesMax(batch: WriteBatchView): number {
    const perOperation = writeSizeMax(0, 0) + 16; // 16: key and value are each rounded up to 8
    const bytes = batch.keys.length + batch.values.length + batch.count * perOperation;
    if (!PatchBound.hasPatches(batch)) return bytes;
    this.patchBound.catchUp(this.staged);
    return bytes + this.patchBound.bytesMax(batch, (index) => this.applier.currentValueBytes(batch, index));
  }

  private writesRefused(poison: DbError): DbError {
    // Again for every batch: a log that broke while it made room for one, with nothing staged, has no group to fail.
    this.options.meter.onPoisoned(poison);
    return this.refusals.writesRefused(poison);
  }
}

/** A counter for one process: tests and tools. The server's lives in shared memory. */
export function localSeqnoSource(last = 0): SeqnoSource {
  let next = last + 1;
  return {
    groupBegins() {},
    groupEnds() {},
    take(count) {
      const first = next;
      next += count;
      return asSeqno(first);
    },
  };
}
