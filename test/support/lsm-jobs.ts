/**
 * Flushes and compactions under a test's control: a job is carried out and its result delivered when the test says so, in
 * steps of its own, so that writes, snapshots and crashes come between any two of them. Compactions advance by slices.
 */
import type { Clock } from '../../src/base/clock.js';
import { DbError, toWireError } from '../../src/base/errors.js';
import { Compaction } from '../../src/compaction/compaction-job.js';
import { runFlush } from '../../src/compaction/flush-job.js';
import type {
  CompactionJob,
  CompactionResult,
  FlushJob,
  FlushResult,
} from '../../src/compaction/job-types.js';
import type { JobOutcome, JobRunner } from '../../src/engine/store-scheduler.js';
import type { Vfs } from '../../src/vfs/vfs.js';

interface Job {
  /** Works on; true once there is a result. */
  advance(): boolean;
  deliver(): void;
  cancel(): void;
}

interface Pending {
  readonly job: Job;
  isDone: boolean;
}

/** Steps after which a test gives up hope that jobs come to an end. */
const STEPS_MAX = 100_000;

export class LsmJobs implements JobRunner {
  private pending: Pending[] = [];
  flushes = 0;
  compactions = 0;

  constructor(
    private readonly vfs: Vfs,
    private readonly clock: Clock,
  ) {}

  get count(): number {
    return this.pending.length;
  }

  flush(job: FlushJob, done: (outcome: JobOutcome<FlushResult>) => void): void {
    this.flushes++;
    let outcome: JobOutcome<FlushResult> | undefined;
    this.add({
      advance: () => {
        outcome = attempt(() => runFlush(job, { vfs: this.vfs, clock: this.clock }));
        return true;
      },
      deliver: () => outcome !== undefined && done(outcome),
      cancel: () => {},
    });
  }

  compact(job: CompactionJob, done: (outcome: JobOutcome<CompactionResult>) => void): void {
    this.compactions++;
    const compaction = new Compaction(job, { vfs: this.vfs, clock: this.clock });
    let outcome: JobOutcome<CompactionResult> | undefined;
    this.add({
      advance: () => {
        // The clock stands still, so a budget of 0 is one slice and any other one is all of the job.
        const step = attempt(() => compaction.step(0));
        if (step.error === undefined && !step.result) return false;
        outcome = step.error === undefined ? { result: compaction.result() } : { error: step.error };
        return true;
      },
      deliver: () => outcome !== undefined && done(outcome),
      cancel: () => compaction.cancel(),
    });
  }

  /** One step of one job: `index` modulo the number of jobs. False when there is none. */
  step(index: number): boolean {
    if (this.pending.length === 0) return false;
    const chosen = this.pending[index % this.pending.length];
    if (!chosen.isDone) {
      chosen.isDone = chosen.job.advance();
      return true;
    }
    this.pending = this.pending.filter((each) => each !== chosen);
    chosen.job.deliver();
    return true;
  }

  /** Until no job is left, those included that results lead to. */
  settle(): void {
    for (let steps = 0; this.step(0); steps++)
      if (steps === STEPS_MAX) throw new Error('jobs never come to an end');
  }

  /** A shutdown: compactions that are not done remove what they wrote. */
  cancel(): void {
    for (const { job, isDone } of this.pending) if (!isDone) job.cancel();
    this.pending = [];
  }

  private add(job: Job): void {
    this.pending.push({ job, isDone: false });
  }
}

/** As the compactor thread does it, except that what is no expected failure ends the test. */
function attempt<Result>(work: () => Result): JobOutcome<Result> {
  try {
    return { result: work() };
  } catch (error) {
    if (!(error instanceof DbError)) throw error;
    return { error: toWireError(error) };
  }
}
