/**
 * The query pool: hands statements to query threads (piscina), keeps the list of those that run or wait, cancels them, and
 * cleans up behind a thread that has died. Main thread only.
 */
import type { MessagePort, Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
import type { Clock } from '../../base/clock.js';
import { DbError, toWireError } from '../../base/errors.js';
import {
  CANCEL_USER,
  type PoolQuery,
  SIGNAL_STATE,
  SIGNAL_THREAD,
  STATE_QUEUED,
  STATE_STARTED,
} from '../../front/query/messages.js';
import { raiseCancel } from '../../front/query/raise-cancel.js';
import { createPulses, Pulse } from '../../shm/pulse.js';
import { canceledError } from '../../sql/errors.js';
import type { Row } from '../../sql/types/values.js';
import type { RepeatingTimer } from '../repeating-timer.js';
import { QUERY_WORKER } from '../worker-paths.js';
import { FragmentHelp } from './fragment-help.js';
import { type FragmentTask, isHelpRequest } from './fragment-messages.js';
import type { QueryThreadData } from './query-thread.js';
import { createReaderSlots, ReaderSlots } from './reader-slots.js';
import type { SharedStatistics } from './shared-statistics.js';
import { StuckStatements } from './stuck-statements.js';
import type { ShardAttachment } from './thread-readers.js';

/** Heap of a query thread beyond what its query may hold by its own accounting, which is an estimate. */
const HEAP_RESERVE_BYTES = 512 * 1024 * 1024;
const HEAP_PER_BUDGET_BYTE = 3;
const MIB = 1024 * 1024;
/** How long the end of the server waits for statements that have been cancelled. */
const CLOSE_TIMEOUT_MS = 2000;

/** Rows of system tables, by table. */
export type SystemTableRows = Readonly<Record<string, readonly Readonly<Record<string, Row[number]>>[]>>;

/** What a query thread is given for one statement. */
export interface QueryTask {
  readonly kind: 'query';
  readonly query: PoolQuery;
  readonly port: MessagePort;
  /** By shard; undefined while it is down. */
  readonly shards: ReadonlyArray<ShardAttachment | undefined>;
  readonly systemRows: SystemTableRows;
  readonly statistics: SharedStatistics;
}

/** What a query thread is given to look at a collection. */
export interface AnalyzeTask {
  readonly kind: 'analyze';
  readonly collectionId: number;
  readonly documents: number;
  readonly shards: ReadonlyArray<ShardAttachment | undefined>;
}

/** Nothing to do. */
export interface WakeTask {
  readonly kind: 'wake';
}

export interface QueryPoolOptions {
  readonly threads: number;
  readonly queueMax: number;
  readonly memoryLimitBytes: number;
  /** The reader index of the first query thread; fronts have those below. */
  readonly firstReader: number;
  /** What every query thread is given when it starts. */
  readonly data: Omit<QueryThreadData, 'slots' | 'pulses' | 'firstReader' | 'threads'>;
  /** The shards as they are now. */
  readonly shards: () => ReadonlyArray<ShardAttachment | undefined>;
  readonly systemRows: (tables: readonly string[]) => Promise<SystemTableRows>;
  /** As they are now. */
  readonly statistics: () => SharedStatistics;
  /** Lets go of what a dead reader held: pins and snapshots by its index, locks of the block cache by its thread. */
  readonly releaseReader: (reader: number, threadId: number) => void;
  readonly clock: Clock;
  readonly timer: RepeatingTimer;
  readonly onThreadDied: (error: Error) => void;
  /** The thread of a statement that does not stop by itself is about to be ended. */
  readonly onStuck: (query: PoolQuery) => void;
}

export interface QueryThreadFacts {
  readonly name: string;
  readonly pulse: Pulse;
  /** The id of the statement that it runs, if it is one of its own. */
  readonly statement: () => string | undefined;
}

export interface RunningQuery {
  readonly id: string;
  readonly query: string;
  readonly state: 'queued' | 'running';
  readonly startedAtMs: number;
  readonly timeoutMs: number;
}

interface Entry {
  readonly query: PoolQuery;
  readonly statistics: SharedStatistics;
  /** Whether it has been handed to the pool, where it may still wait. */
  isHandedOver: boolean;
  /** Answers it before a thread has taken it. */
  abandon: (error: DbError) => void;
}

export class QueryPool {
  private readonly pool: Piscina;
  private readonly slots: ReaderSlots;
  private readonly pulses: SharedArrayBuffer;
  private readonly running = new Map<string, Entry>();
  private readonly help: FragmentHelp;
  private readonly stuck: StuckStatements;
  /** Tasks that threads have or wait for. */
  private tasks = 0;

  constructor(private readonly options: QueryPoolOptions) {
    const { threads, memoryLimitBytes, firstReader, data } = options;
    // A thread that has just died may not have been cleaned up behind when its successor starts.
    const slots = createReaderSlots(2 * threads);
    this.slots = new ReaderSlots(slots, firstReader);
    this.pulses = createPulses(2 * threads);
    const workerData: QueryThreadData = { ...data, slots, pulses: this.pulses, firstReader, threads };
    const heapBytes = HEAP_RESERVE_BYTES + HEAP_PER_BUDGET_BYTE * memoryLimitBytes;
    this.pool = new Piscina({
      filename: QUERY_WORKER.href,
      name: 'runQueryTask',
      // Threads are made when the first query comes, and kept.
      minThreads: 0,
      maxThreads: threads,
      idleTimeout: Number.POSITIVE_INFINITY,
      // requireRoom() is the limit: parts of gathers and tasks that only wake stand in this queue too.
      maxQueue: Number.POSITIVE_INFINITY,
      workerData,
      resourceLimits: { maxOldGenerationSizeMb: Math.ceil(heapBytes / MIB) },
    });
    this.pool.on('error', (error: Error) => options.onThreadDied(error));
    this.help = new FragmentHelp({
      statement: (id) => this.running.get(id),
      freeThreads: () => threads - this.tasks,
      start: (task) => this.startFragment(task),
    });
    this.stuck = new StuckStatements({
      statements: () => [...this.running.values()].map(({ query }) => query),
      endThread: (threadId, query) => {
        options.onStuck(query);
        this.endThread(threadId);
      },
      clock: options.clock,
      timer: options.timer,
    });
    this.pool.on('message', (message: unknown) => {
      if (isHelpRequest(message)) this.help.give(message);
    });
  }

  /** Resolves when the statement is over, however it ended: the front has been told through `port`. */
  async run(query: PoolQuery, port: MessagePort): Promise<void> {
    const entry: Entry = {
      query,
      statistics: this.options.statistics(),
      isHandedOver: false,
      abandon: () => {},
    };
    const abandoned = new Promise<never>((_, reject) => {
      entry.abandon = reject;
    });
    // Unless it is waited for below, nobody minds.
    abandoned.catch(() => {});
    this.running.set(query.id, entry);
    this.stuck.start();
    try {
      const systemRows = await this.options.systemRows(query.systemTables);
      const { shards } = this.options;
      const task: QueryTask = {
        kind: 'query',
        query,
        port,
        shards: shards(),
        systemRows,
        statistics: entry.statistics,
      };
      this.requireRoom();
      if (this.tasks >= this.options.threads) this.help.makeRoom();
      const done = this.hand(task, [port]);
      entry.isHandedOver = true;
      const forget = (): void => {
        this.running.delete(query.id);
      };
      // It has a place in the queue until a thread has looked at it.
      done.then(forget, forget);
      await Promise.race([done, abandoned]);
    } catch (error) {
      // The port may have gone with the thread: the front learns of it by this call's answer.
      this.reclaim();
      this.help.stop(query.id);
      this.wakeQueue();
      throw this.stuck.wasEnded(query) ?? this.failure(error, query);
    } finally {
      if (!entry.isHandedOver) this.running.delete(query.id);
    }
  }

  /** Looks at documents of a collection; see analyze.ts. */
  analyze(task: Omit<AnalyzeTask, 'kind' | 'shards'>): Promise<unknown> {
    const done = this.hand({ kind: 'analyze', shards: this.options.shards(), ...task });
    // A thread may die of it like of any statement.
    return done.catch((error: unknown) => {
      this.reclaim();
      this.wakeQueue();
      throw error;
    });
  }

  /** True while a statement waits for a thread, or all are busy: background work should not come in between. */
  get isBusy(): boolean {
    return this.running.size > 0;
  }

  get threads(): readonly Worker[] {
    return this.pool.threads;
  }

  /** Those that have begun to work. */
  watchedThreads(): QueryThreadFacts[] {
    return this.pool.threads.flatMap(({ threadId }, i) => {
      const slot = this.slots.slotOf(threadId);
      if (slot === -1) return [];
      const pulse = new Pulse(this.pulses, slot);
      return [{ name: `query-${i}`, pulse, statement: () => this.statementOn(threadId) }];
    });
  }

  isRead(id: number): boolean {
    for (const { query } of this.running.values())
      if (query.tables.some((table) => table.id === id || table.indexes.some((index) => index.id === id)))
        return true;
    return false;
  }

  list(): RunningQuery[] {
    return [...this.running.values()].map(({ query: { id, sql, startedAtMs, timeoutMs, signal } }) => ({
      id,
      query: sql,
      state: Atomics.load(new Int32Array(signal), SIGNAL_STATE) === STATE_QUEUED ? 'queued' : 'running',
      startedAtMs,
      timeoutMs,
    }));
  }

  /** Throws DbError NOT_FOUND. The statement ends at its next look, some milliseconds later. */
  cancel(id: string, reason: number = CANCEL_USER): void {
    const entry = this.running.get(id);
    if (entry === undefined) throw new DbError('NOT_FOUND', `no query ${JSON.stringify(id)} is running`);
    raise(entry, reason);
  }

  async close(): Promise<void> {
    this.stuck.close();
    for (const entry of this.running.values()) raise(entry, CANCEL_USER);
    const closed = this.pool.close();
    const timeout = new Promise<void>((resolve) => setTimeout(resolve, CLOSE_TIMEOUT_MS).unref());
    await Promise.race([closed.catch(() => {}), timeout]);
    await this.pool.destroy();
    // Shards that flush at their end wait for pins.
    this.reclaim();
  }

  private async hand(
    task: QueryTask | AnalyzeTask | FragmentTask,
    transferList: MessagePort[] = [],
  ): Promise<unknown> {
    this.tasks++;
    try {
      return await this.pool.run(task, { transferList });
    } finally {
      this.tasks--;
    }
  }

  private async startFragment(task: Omit<FragmentTask, 'shards'>): Promise<void> {
    try {
      await this.hand({ ...task, shards: this.options.shards() }, [task.port]);
    } catch {
      // The leader is told of it; who owns the pool was, by onThreadDied.
      this.reclaim();
    }
  }

  /** piscina fails its task with it, and makes another thread for the next one. */
  private endThread(threadId: number): void {
    const worker = this.pool.threads.find((thread) => thread.threadId === threadId);
    worker?.terminate().catch(() => {});
  }

  /** piscina makes no thread in the place of one that has died before there is a new task: others may be waiting. */
  private wakeQueue(): void {
    if (this.tasks > 0) this.pool.run({ kind: 'wake' } satisfies WakeTask).catch(() => {});
  }

  private statementOn(threadId: number): string | undefined {
    for (const { query } of this.running.values()) {
      const signal = new Int32Array(query.signal);
      if (
        Atomics.load(signal, SIGNAL_STATE) === STATE_STARTED &&
        Atomics.load(signal, SIGNAL_THREAD) === threadId
      )
        return query.id;
    }
    return undefined;
  }

  private requireRoom(): void {
    const { threads, queueMax } = this.options;
    if (this.running.size <= threads + queueMax) return;
    throw new DbError('OVERLOADED', `${queueMax} queries wait for a thread already (query.queue_max)`, {
      limit: queueMax,
    });
  }

  private failure(error: unknown, { sql }: PoolQuery): DbError {
    if (error instanceof DbError) return error;
    const { message } = toWireError(error);
    return new DbError('INTERNAL', `the query thread ended: ${message}`, { query: sql.slice(0, 200) });
  }

  /** After a thread has died: nobody else can let go of what it held. */
  private reclaim(): void {
    const living = new Set(this.pool.threads.map(({ threadId }) => threadId));
    for (const { threadId, reader } of this.slots.reclaim(living)) {
      this.options.releaseReader(reader, threadId);
      new Pulse(this.pulses, reader - this.options.firstReader).end();
      this.slots.free(reader);
    }
  }
}

function raise({ query: { cancel, signal }, abandon }: Entry, reason: number): void {
  if (raiseCancel(new Int32Array(cancel), new Int32Array(signal), reason))
    abandon(canceledError('cancelled'));
}
