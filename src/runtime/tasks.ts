/**
 * Long work that operators ask for: each is a task, which a request starts and others look at. Kept in memory, the last
 * hundred of them; a restart forgets them. Main thread only.
 */
import type { Clock } from '../base/clock.js';
import { DbError, toWireError } from '../base/errors.js';

/** Tasks remembered, running ones included. */
export const TASKS_MAX = 100;
/** Tasks running at a time. */
export const TASKS_RUNNING_MAX = 16;

export interface TaskProgress {
  readonly done: number;
  /** May change while the task runs. */
  readonly total: number;
  readonly unit: string;
}

/** One shard's part, as the report shows it. */
export interface ShardTask {
  readonly shard: number;
  readonly state: 'waiting' | 'running' | 'done' | 'failed';
  readonly error?: string;
  readonly [figure: string]: unknown;
}

/** The JSON of /admin/tasks. */
export interface TaskReport {
  readonly id: string;
  readonly kind: string;
  readonly request: unknown;
  readonly state: 'running' | 'done' | 'failed';
  readonly started_at: string;
  readonly finished_at: string | null;
  readonly progress: TaskProgress;
  readonly shards: readonly ShardTask[];
  /** Sums over all shards, once it is done. */
  readonly result?: unknown;
  readonly error?: string;
}

export interface TaskStart {
  readonly kind: string;
  readonly request: unknown;
  readonly shards: number;
  /** Does the work; what it throws or returns ends the task. */
  readonly run: (task: Task) => Promise<unknown>;
  /** Asks the work to end soon, with an error; absent: it cannot be stopped. */
  readonly cancel?: (task: Task) => Promise<void>;
  /** Brings `progress` and `shards` up to date, before they are shown. */
  readonly refresh?: (task: Task) => Promise<void>;
}

export class Task {
  progress: TaskProgress = { done: 0, total: 0, unit: 'shards' };
  readonly shards: ShardTask[];
  private state: TaskReport['state'] = 'running';
  private readonly startedMs: number;
  private finishedMs: number | undefined;
  private result: unknown;
  private error: string | undefined;

  constructor(
    readonly id: string,
    private readonly start: TaskStart,
    private readonly clock: Clock,
  ) {
    this.startedMs = clock.wallMs();
    this.shards = Array.from({ length: start.shards }, (_, shard) => ({ shard, state: 'waiting' }));
  }

  get isRunning(): boolean {
    return this.state === 'running';
  }

  /** Resolves when the task has ended; never rejects. */
  async run(): Promise<void> {
    try {
      this.result = await this.start.run(this);
      this.state = 'done';
    } catch (error) {
      this.state = 'failed';
      this.error = toWireError(error).message;
    }
    this.finishedMs = this.clock.wallMs();
  }

  async refresh(): Promise<void> {
    if (this.isRunning) await this.start.refresh?.(this);
  }

  /** Throws DbError('CONFLICT') when it cannot be stopped, or has ended. */
  async cancel(): Promise<void> {
    const { start } = this;
    if (!this.isRunning || start.cancel === undefined) {
      const why = this.isRunning ? 'goes on to its end' : `is ${this.state} already`;
      throw new DbError('CONFLICT', `task ${this.id} cannot be cancelled: it ${why}`);
    }
    await start.cancel(this);
  }

  /** Replaces what is shown of one shard. */
  setShard(entry: ShardTask): void {
    this.shards[entry.shard] = entry;
  }

  report(): TaskReport {
    const { kind, request } = this.start;
    return {
      id: this.id,
      kind,
      request,
      state: this.state,
      started_at: new Date(this.startedMs).toISOString(),
      finished_at: this.finishedMs === undefined ? null : new Date(this.finishedMs).toISOString(),
      progress: this.progress,
      shards: this.shards,
      ...(this.result === undefined ? {} : { result: this.result }),
      ...(this.error === undefined ? {} : { error: this.error }),
    };
  }
}

export class TaskBook {
  /** Oldest first. */
  private tasks: Task[] = [];

  constructor(
    private readonly clock: Clock,
    private readonly newId: () => string,
  ) {}

  /** Starts a task. Throws DbError('OVERLOADED') when too many run. `onEnd` is told how it ended. */
  start(start: TaskStart, onEnd: (report: TaskReport) => void = () => {}): Task {
    const running = this.tasks.filter(({ isRunning }) => isRunning).length;
    if (running >= TASKS_RUNNING_MAX) {
      throw new DbError(
        'OVERLOADED',
        `${running} tasks are running already: wait for one (GET /admin/tasks)`,
        {
          limit: TASKS_RUNNING_MAX,
        },
      );
    }
    const task = new Task(this.newId(), start, this.clock);
    this.tasks.push(task);
    this.forgetOldest();
    task.run().then(() => onEnd(task.report()));
    return task;
  }

  /** Newest first. */
  async reports(): Promise<TaskReport[]> {
    await Promise.all(this.tasks.map((task) => task.refresh()));
    return this.tasks.map((task) => task.report()).reverse();
  }

  /** Throws DbError('NOT_FOUND'). */
  async report(id: string): Promise<TaskReport> {
    const task = this.existing(id);
    await task.refresh();
    return task.report();
  }

  /** Asks a task to end. Throws DbError: NOT_FOUND, CONFLICT (it cannot be stopped, or has ended). */
  async cancel(id: string): Promise<TaskReport> {
    const task = this.existing(id);
    await task.cancel();
    return task.report();
  }

  private existing(id: string): Task {
    const task = this.tasks.find((each) => each.id === id);
    if (task !== undefined) return task;
    const message = `there is no task ${JSON.stringify(id)}: the last ${TASKS_MAX} are remembered, until a restart`;
    throw new DbError('NOT_FOUND', message);
  }

  private forgetOldest(): void {
    while (this.tasks.length > TASKS_MAX) {
      const oldest = this.tasks.findIndex(({ isRunning }) => !isRunning);
      this.tasks.splice(oldest, 1);
    }
  }
}
