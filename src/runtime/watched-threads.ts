/** The threads of the server as the stall watch sees them, and what keeps each from its event loop. Main thread only. */
import type { Logger } from 'pino';
import { processMonotonicMs } from '../base/clock.js';
import type { Config } from '../config/schema.js';
import { DoorbellRinger } from '../shm/doorbell.js';
import { Pulse } from '../shm/pulse.js';
import {
  COMPACTOR_JOB,
  COMPACTOR_JOB_NAMES,
  SHARD_STALL,
  SHARD_SYNCING,
  STALL_NAMES,
} from '../shm/stats-format.js';
import type { FrontSlot } from './front-slot.js';
import { stateOfOsThread } from './os-thread.js';
import type { QueryControl } from './query/query-control.js';
import type { QueryThreadFacts } from './query/query-pool.js';
import { systemTimer } from './repeating-timer.js';
import type { ShardSlot } from './shard-slot.js';
import { type StallCause, StallWatch, type WatchedThread } from './stall-watch.js';
import type { Supervisor } from './supervisor.js';

/** A watch over all threads of a server. `limits`: as configured now, changed in place. */
export function stallWatch(
  supervisor: Pick<Supervisor, 'fronts' | 'shards'>,
  queries: Pick<QueryControl, 'watchedThreads'>,
  limits: Pick<Config['logging'], 'stall_ms' | 'background_stall_ms'>,
  logger: Logger,
): StallWatch {
  return new StallWatch({
    threads: () => watchedThreads(supervisor, queries.watchedThreads()),
    limits: () => ({ stallMs: limits.stall_ms, backgroundStallMs: limits.background_stall_ms }),
    nowMs: processMonotonicMs,
    timer: systemTimer,
    log: (level, fields, message) => logger[level](fields, message),
  });
}

function watchedThreads(
  { fronts, shards }: Pick<Supervisor, 'fronts' | 'shards'>,
  queryThreads: readonly QueryThreadFacts[],
): WatchedThread[] {
  return [
    ...fronts.map(watchedFront),
    ...shards.flatMap((slot) => [watchedShard(slot), watchedCompactor(slot)]),
    ...queryThreads.map(watchedQueryThread),
  ];
}

function watchedFront({ front, thread, pulse: block }: FrontSlot): WatchedThread {
  const pulse = new Pulse(block);
  return {
    name: `front-${front}`,
    lastBeatMs: thread === undefined ? 0 : pulse.lastBeatMs,
    isAsleep: false,
    isBackground: false,
    cause: () => systemCause(pulse),
  };
}

function watchedShard({ shard, incarnation, stats, pulse: block }: ShardSlot): WatchedThread {
  const pulse = new Pulse(block);
  return {
    name: `shard-${shard}`,
    lastBeatMs: incarnation === undefined ? 0 : pulse.lastBeatMs,
    isAsleep: incarnation !== undefined && new DoorbellRinger(incarnation.doorbell).isAsleep(),
    isBackground: false,
    cause: () => {
      const cells = new Float64Array(stats);
      if (cells[SHARD_SYNCING] === 1) return { cause: 'fdatasync of the WAL' };
      const stall = STALL_NAMES[cells[SHARD_STALL]] ?? null;
      const { cause } = systemCause(pulse);
      return { cause: stall === null ? cause : `${cause}; writes wait: ${stall}` };
    },
  };
}

function watchedCompactor({ shard, compactor }: ShardSlot): WatchedThread {
  const pulse = new Pulse(compactor.pulse);
  return {
    name: `compactor-${shard}`,
    lastBeatMs: compactor.thread === undefined ? 0 : pulse.lastBeatMs,
    isAsleep: false,
    isBackground: true,
    cause: () => {
      const job = COMPACTOR_JOB_NAMES[new Float64Array(compactor.stats)[COMPACTOR_JOB]] ?? null;
      const { cause } = systemCause(pulse);
      return { cause: job === null ? cause : `${job}: ${cause}` };
    },
  };
}

function watchedQueryThread({ name, pulse, statement }: QueryThreadFacts): WatchedThread {
  return {
    name,
    // Before its beat: a thread that wakes writes its beat first.
    isAsleep: pulse.isIdle,
    lastBeatMs: pulse.lastBeatMs,
    isBackground: true,
    cause: () => {
      const id = statement();
      // What has none of its own helps with a statement of another thread, or reads for the planner's statistics.
      return id === undefined ? systemCause(pulse) : { cause: 'a long statement', request_id: id };
    },
  };
}

function systemCause({ osThread }: Pulse): StallCause {
  return { cause: stateOfOsThread(osThread) ?? 'unknown' };
}
