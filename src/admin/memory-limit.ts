/** How much memory this process may use: the cgroup's limit, or the machine's memory. */
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';

const LIMIT_FILES = ['/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory/memory.limit_in_bytes'];

export function memoryLimitBytes(): number {
  for (const file of LIMIT_FILES) {
    try {
      const limit = Number(readFileSync(file, 'utf8'));
      // "max" gives NaN, and cgroup v1 says "no limit" with a number close to 2^63.
      if (limit > 0 && limit < totalmem()) return limit;
    } catch {
      // Not this cgroup version, or no cgroups at all.
    }
  }
  return totalmem();
}
