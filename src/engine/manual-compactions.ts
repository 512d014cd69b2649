/**
 * Compactions that operators have asked for, in turn: an urgent one before all others, otherwise the first first. Knows
 * which is to go on with which step; the scheduler carries the steps out. Shard thread only.
 *
 * One that is to include what was written before it waits until `afterSeqno` is in tables. An urgent one does not wait for
 * a flush that fails: on a full disk it is the compaction that makes room.
 */
import { assert } from '../base/assert.js';
import { DbError } from '../base/errors.js';
import type { CompactionResult } from '../compaction/job-types.js';
import {
  type ManualPlan,
  type ManualRequest,
  nextManualStep,
  planManual,
} from '../compaction/manual-plan.js';
import { remainingBytes, stepBytes } from '../compaction/manual-progress.js';
import type { CompactionChoice, PickerState } from '../compaction/picker-state.js';
import type { TableTotals } from '../manifest/run.js';

/** A step of an urgent compaction is tried this often: the first failure may have released the reserve. */
const URGENT_ATTEMPTS = 4;

/** What a manual compaction has done. */
export interface ManualFigures {
  /** All tables of the shard when it began, after the flush. */
  before: TableTotals;
  /** Merges and moves. */
  steps: number;
  /** Bytes of tables that have left their place. */
  doneBytes: number;
  bytesRead: number;
  bytesWritten: number;
  /** Versions that nobody sees any more, tombstones not among them. */
  droppedVersions: number;
  droppedTombstones: number;
}

export interface ManualProgress {
  /** Bytes of tables that have left their place, and an estimate of how many that will be in the end. */
  readonly doneBytes: number;
  readonly totalBytes: number;
  /** Why it has not begun or does not go on; undefined while it does. */
  readonly waitsFor: 'flush' | 'turn' | undefined;
}

export interface ManualOptions {
  /** What it must include: it begins when all operations up to this one are in tables. Default 0. */
  readonly afterSeqno?: number;
  /** Before all others, even before level 0 is out of trouble. Default false. */
  readonly isUrgent?: boolean;
}

const NOTHING: TableTotals = { tables: 0, bytes: 0, entries: 0, tombstones: 0, rawBytes: 0 };

export type ManualDone = (error: DbError | undefined, figures: ManualFigures) => void;

interface Entry {
  readonly request: ManualRequest;
  readonly afterSeqno: number;
  readonly isUrgent: boolean;
  readonly done: ManualDone;
  readonly figures: ManualFigures;
  /** Undefined before it begins. */
  plan: ManualPlan | undefined;
  /** The plan to go back to when the step under way fails. */
  planBefore: ManualPlan | undefined;
  failures: number;
  waitsForFlush: boolean;
}

/** What its owner knows of a compaction that is on its way. */
export interface ManualHandle {
  progress(state: PickerState): ManualProgress;
}

export class ManualCompactions {
  private readonly queue: Entry[] = [];
  /** Whose step is being carried out. */
  private running: Entry | undefined;

  get length(): number {
    return this.queue.length;
  }

  add(request: ManualRequest, done: ManualDone, options: ManualOptions): ManualHandle {
    const entry: Entry = {
      request,
      afterSeqno: options.afterSeqno ?? 0,
      isUrgent: options.isUrgent ?? false,
      done,
      figures: {
        before: NOTHING,
        steps: 0,
        doneBytes: 0,
        bytesRead: 0,
        bytesWritten: 0,
        droppedVersions: 0,
        droppedTombstones: 0,
      },
      plan: undefined,
      planBefore: undefined,
      failures: 0,
      waitsForFlush: true,
    };
    const firstPatient = this.queue.findIndex(({ isUrgent }) => !isUrgent);
    this.queue.splice(entry.isUrgent && firstPatient >= 0 ? firstPatient : this.queue.length, 0, entry);
    return { progress: (state) => this.progressOf(entry, state) };
  }

  /** The next step; its outcome comes back to onCarriedOut() or onFailure(). `isLevelZeroFull`: writes depend on level 0. */
  next(state: PickerState, flushedSeqno: number, isLevelZeroFull: boolean): CompactionChoice | undefined {
    assert(this.running === undefined, 'one step at a time');
    for (let entry = this.queue[0]; entry !== undefined; entry = this.queue[0]) {
      if (isLevelZeroFull && !entry.isUrgent) return undefined;
      if (entry.waitsForFlush && flushedSeqno < entry.afterSeqno) return undefined;
      if (entry.plan === undefined) {
        entry.plan = planManual(state.version, entry.request);
        entry.figures.before = state.version.totals;
      }
      const step = nextManualStep(state, entry.plan);
      if (step.kind === 'blocked') return undefined;
      if (step.kind === 'choice') {
        entry.planBefore = entry.plan;
        entry.plan = step.plan;
        this.running = entry;
        return step.choice;
      }
      this.finish(entry, undefined);
    }
    return undefined;
  }

  /** `result`: undefined for a move. Also told of choices that are not from here. */
  onCarriedOut(choice: CompactionChoice, result: CompactionResult | undefined): void {
    const entry = this.running;
    if (entry === undefined) return;
    this.running = undefined;
    entry.failures = 0;
    const { figures } = entry;
    figures.doneBytes += stepBytes(choice);
    figures.steps++;
    figures.bytesRead += result?.bytesRead ?? 0;
    figures.bytesWritten += result?.bytesWritten ?? 0;
    figures.droppedVersions += result?.droppedVersions ?? 0;
    figures.droppedTombstones += result?.droppedTombstones ?? 0;
  }

  /** Also told of failures of choices that are not from here. */
  onFailure(error: DbError): void {
    const entry = this.running;
    if (entry === undefined) return;
    this.running = undefined;
    entry.plan = entry.planBefore;
    if (!entry.isUrgent || ++entry.failures >= URGENT_ATTEMPTS) this.finish(entry, error);
  }

  /** Those that wait for the flush fail with it, or, if they are urgent, go on without it. */
  onFlushFailed(error: DbError, flushedSeqno: number): void {
    for (const entry of [...this.queue]) {
      if (entry.plan !== undefined || flushedSeqno >= entry.afterSeqno) continue;
      if (entry.isUrgent) entry.waitsForFlush = false;
      else this.finish(entry, error);
    }
  }

  close(): void {
    const error = new DbError('DRAINING', 'the server is shutting down');
    for (const entry of [...this.queue]) this.finish(entry, error);
  }

  private finish(entry: Entry, error: DbError | undefined): void {
    const at = this.queue.indexOf(entry);
    if (at < 0) return;
    this.queue.splice(at, 1);
    entry.done(error, entry.figures);
  }

  private progressOf(entry: Entry, state: PickerState): ManualProgress {
    const { version, nowSeconds } = state;
    const plan = entry.plan ?? planManual(version, entry.request);
    // The step under way is not done yet, so its tables are still counted as left.
    const left = entry === this.running ? (entry.planBefore ?? plan) : plan;
    const { doneBytes } = entry.figures;
    const totalBytes = doneBytes + remainingBytes(version, nowSeconds, left);
    const isFirst = this.queue[0] === entry;
    const waitsFor = entry.plan !== undefined ? undefined : isFirst ? 'flush' : 'turn';
    return { doneBytes, totalBytes, waitsFor };
  }
}
