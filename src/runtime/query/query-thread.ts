/**
 * A query thread: plans and runs statements that are more than a few documents, and looks at collections for the planner's
 * statistics. Synchronous from the first row to the last. piscina starts it; workers/query.ts is its entry point.
 */
import { randomUUID } from 'node:crypto';
import { parentPort, threadId, workerData } from 'node:worker_threads';
import type { QueryOutcome } from '../../admin/query-record.js';
import { processMonotonicMs, systemClock } from '../../base/clock.js';
import { type DatabaseTimeBase, databaseClock } from '../../base/database-clock.js';
import { toWireError } from '../../base/errors.js';
import { createPrng } from '../../base/prng.js';
import type { BlockCacheBuffers } from '../../cache/block-cache-format.js';
import { openSharedBlockCache } from '../../cache/shared-block-cache.js';
import { IndexUsage } from '../../shm/index-usage.js';
import { Pulse } from '../../shm/pulse.js';
import { SeqnoBoard } from '../../shm/seqno-board.js';
import { loadParser } from '../../sql/parse/parse.js';
import { startHeartbeat } from '../heartbeat.js';
import { analyzeCollection } from './analyze.js';
import { CountingBlockCache } from './counting-block-cache.js';
import { FragmentMember } from './fragment-member.js';
import type { FragmentTask } from './fragment-messages.js';
import { FragmentTeam } from './fragment-team.js';
import { FrontExchange } from './front-exchange.js';
import { prepareMember } from './member-run.js';
import { explainedError } from './plan-task.js';
import { QueryEnding } from './query-ending.js';
import type { AnalyzeTask, QueryTask, WakeTask } from './query-pool.js';
import { ReaderSlots } from './reader-slots.js';
import { StatisticsReader } from './shared-statistics.js';
import { StatementRun, type StatementRunOptions } from './statement-run.js';
import { ThreadReaders } from './thread-readers.js';

/** Part of the block cache that one scan may fill: a larger collection would push everything else out. */
const CACHED_SCAN_PART = 0.5;

export interface QueryThreadData {
  /** By shard. */
  readonly tableDirectories: readonly string[];
  readonly blockCache: BlockCacheBuffers;
  readonly blockCacheBytes: number;
  readonly seqnos: SharedArrayBuffer;
  readonly timeBase: DatabaseTimeBase;
  readonly indexUsage: SharedArrayBuffer;
  /** Of the pool. */
  readonly threads: number;
  readonly memoryLimitBytes: number;
  readonly resultBytesMax: number;
  readonly recoveryMode: boolean;
  /** runtime/query/reader-slots.ts. */
  readonly slots: SharedArrayBuffer;
  /** By slot: shm/pulse.ts. */
  readonly pulses: SharedArrayBuffer;
  readonly firstReader: number;
}

type ThreadTask = QueryTask | AnalyzeTask | FragmentTask | WakeTask;

class QueryThread {
  private readonly readers: ThreadReaders;
  private readonly options: StatementRunOptions;
  private readonly statistics = new StatisticsReader();
  private readonly ready = loadParser();
  private readonly pulse: Pulse;

  constructor(data: QueryThreadData) {
    const readerIndex = new ReaderSlots(data.slots, data.firstReader).claim(threadId);
    this.pulse = new Pulse(data.pulses, readerIndex - data.firstReader);
    startHeartbeat(this.pulse);
    const clock = databaseClock(data.timeBase);
    const blocks = new CountingBlockCache(openSharedBlockCache(data.blockCache, threadId + 1));
    this.readers = new ThreadReaders({ ...data, readerIndex, blocks, clock });
    const random = createPrng(threadId * 7919 + Math.floor(systemClock.wallMs()));
    this.options = {
      readers: this.readers.readers,
      board: new SeqnoBoard(data.seqnos),
      readerIndex,
      blocks,
      clock: systemClock,
      databaseClock: clock,
      indexUsage: new IndexUsage(data.indexUsage),
      threads: data.threads,
      memoryLimitBytes: data.memoryLimitBytes,
      resultBytesMax: data.resultBytesMax,
      cachedScanBytesMax: data.blockCacheBytes * CACHED_SCAN_PART,
      evaluation: (nowMicros) => ({
        nowMicros,
        clockMicros: () => systemClock.wallMs() * 1000,
        random: random.nextFloat,
        uuid: () => randomUUID(),
      }),
      // piscina hands on what is not its own to its owner.
      askForHelp: (request) => parentPort?.postMessage(request, [...request.ports]),
    };
  }

  /** piscina waits for the next task outside of the event loop. */
  async run(task: ThreadTask): Promise<unknown> {
    this.pulse.busy(processMonotonicMs());
    try {
      return await this.runTask(task);
    } finally {
      this.pulse.idle();
    }
  }

  private async runTask(task: ThreadTask): Promise<unknown> {
    switch (task.kind) {
      case 'query':
        return this.runQuery(task);
      case 'fragment':
        return this.runFragments(task);
      case 'analyze':
        return this.analyze(task);
      case 'wake':
        return undefined;
    }
  }

  /** Never throws: the front is told how it ended. */
  private async runQuery({ query, port, shards, systemRows, statistics }: QueryTask): Promise<void> {
    const exchange = new FrontExchange(query, port, systemClock);
    if (!exchange.begin()) return;
    let outcome: QueryOutcome | undefined;
    try {
      await this.ready;
      this.readers.attach(shards);
      const run = new StatementRun(this.options, query, exchange, systemRows, this.statistics.of(statistics));
      try {
        const bytes = run.run();
        exchange.send({ kind: 'done', bytes, outcome: run.outcome });
      } finally {
        outcome = run.outcome;
      }
    } catch (error) {
      exchange.send({
        kind: 'failed',
        error: toWireError(explainedError(error)),
        ...(outcome && { outcome }),
      });
    } finally {
      exchange.close();
      await portsAreClosed();
    }
  }

  /** Never throws: the leader is told how it ended. */
  private async runFragments(task: FragmentTask): Promise<void> {
    await this.ready;
    const { query, order, member, port } = task;
    new FragmentMember({
      team: new FragmentTeam(order.team),
      member,
      port,
      partitions: order.partitions,
      cancel: new QueryEnding(query, systemClock),
      prepare: () => {
        this.readers.attach(task.shards);
        return prepareMember(this.options, query, this.statistics.of(task.statistics), order);
      },
    }).run();
    await portsAreClosed();
  }

  private analyze({ collectionId, documents, shards }: AnalyzeTask): unknown {
    this.readers.attach(shards);
    return analyzeCollection(this.options, collectionId, documents);
  }
}

/**
 * A port is closed when the event loop turns, and it does not turn between two tasks that follow each other at once: without
 * this the ports of all statements of a busy thread pile up, each with what was not read of it.
 */
function portsAreClosed(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

let thread: QueryThread | undefined;

/** What piscina calls. */
export function runQueryTask(task: ThreadTask): Promise<unknown> {
  thread ??= new QueryThread(workerData as QueryThreadData);
  return thread.run(task);
}
