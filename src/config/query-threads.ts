/** How many threads run SQL when nobody says. */
import { availableParallelism } from 'node:os';

const QUERY_THREADS_MAX = 32;

/** What `query.threads` stands for on this machine: a number above 0 is itself. */
export function queryThreads(configured: number, cores: number = availableParallelism()): number {
  return configured > 0 ? configured : Math.min(QUERY_THREADS_MAX, Math.max(1, cores - 1));
}
