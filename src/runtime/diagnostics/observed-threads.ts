/** The threads of the server by the names that people know them by, and how busy their event loops are. Main thread only. */
import { type EventLoopUtilization, performance } from 'node:perf_hooks';
import type { Worker } from 'node:worker_threads';
import type { Supervisor } from '../supervisor.js';

interface KnownThread {
  readonly name: string;
  readonly threadId: number;
  /** Since its start; asks the thread nothing. */
  readonly utilization: (since?: EventLoopUtilization) => EventLoopUtilization;
}

export interface ObservedThread {
  readonly name: string;
  readonly threadId: number;
  /**
   * `utilization` from 0 to 1 while it was observed. A shard that sleeps in Atomics.wait counts as busy: it never
   * comes back to its event loop for that.
   */
  readonly eventLoop: {
    readonly utilization: number;
    readonly active_ms: number;
    readonly idle_ms: number;
  };
}

export function knownThreads(
  { shards, fronts }: Pick<Supervisor, 'shards' | 'fronts'>,
  queryThreads: readonly Worker[],
): KnownThread[] {
  const main = {
    name: 'main',
    threadId: 0,
    utilization: (since?: EventLoopUtilization) => performance.eventLoopUtilization(since),
  };
  const workers = [
    ...fronts.map(({ front, thread }) => ({ name: `front-${front}`, worker: thread?.worker })),
    ...shards.flatMap(({ shard, incarnation, compactor }) => [
      { name: `shard-${shard}`, worker: incarnation?.thread.worker },
      { name: `compactor-${shard}`, worker: compactor.thread?.worker },
    ]),
    ...queryThreads.map((worker, i) => ({ name: `query-${i}`, worker })),
  ];
  const known = workers.flatMap(({ name, worker }) =>
    worker === undefined ? [] : [{ name, threadId: worker.threadId, utilization: utilizationOf(worker) }],
  );
  return [main, ...known];
}

const utilizationOf =
  ({ performance: own }: Worker): KnownThread['utilization'] =>
  (since) =>
    own.eventLoopUtilization(since);

/** Observes from now until end() is called. */
export function observe({ name, threadId, utilization }: KnownThread): { end(): ObservedThread } {
  const since = utilization();
  return {
    end: () => {
      const { utilization: share, active, idle } = utilization(since);
      const rounded = (value: number): number => Math.round(value * 1000) / 1000;
      const eventLoop = {
        utilization: rounded(share),
        active_ms: rounded(active),
        idle_ms: rounded(idle),
      };
      return { name, threadId, eventLoop };
    },
  };
}
