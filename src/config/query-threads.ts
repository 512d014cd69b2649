/** How many threads run SQL when nobody says. */
import { availableParallelism } from 'node:os';
import { READERS_MAX } from '../base/limits.js';

const QUERY_THREADS_MAX = 32;
/** Its own place among the readers, and that of the thread that it may have to replace. */
const READERS_PER_QUERY_THREAD = 2;

/** What `query.threads` stands for on this machine: a number above 0 is itself. */
export function queryThreads(
  configured: number,
  fronts: number,
  cores: number = availableParallelism(),
): number {
  if (configured > 0) return configured;
  return Math.max(1, Math.min(QUERY_THREADS_MAX, cores - 1, queryThreadsMax(fronts)));
}

/** Beside so many fronts. */
export function queryThreadsMax(fronts: number): number {
  return Math.floor((READERS_MAX - fronts) / READERS_PER_QUERY_THREAD);
}
