/** What a valid configuration is warned about: keys that do nothing, and more memory than there is. */
import { totalmem } from 'node:os';
import { type Config, type ConfigOverrides, type ConfigValue, describeConfig } from './schema.js';
import { defaultShardCount } from './shard-count.js';

export interface InactiveKey {
  /** `section.key`. */
  readonly path: string;
  readonly value: ConfigValue;
  /** Why it has no effect: a clause. */
  readonly because: string;
}

/** The keys that somebody set to something other than their default, and that do nothing in this release. */
export function inactiveKeys(given: ConfigOverrides): readonly InactiveKey[] {
  const found: InactiveKey[] = [];
  for (const section of describeConfig()) {
    const values = (given[section.name] ?? {}) as Readonly<Record<string, InactiveKey['value'] | undefined>>;
    for (const key of section.keys) {
      const value = values[key.name];
      if (key.inactiveBecause !== undefined && value !== undefined && value !== key.default) {
        found.push({ path: key.path, value, because: key.inactiveBecause });
      }
    }
  }
  return found;
}

export const inactiveWarnings = (given: ConfigOverrides): readonly string[] =>
  inactiveKeys(given).map(
    ({ path, value, because }) => `${path} = ${value} has no effect in this release: ${because}`,
  );

/** The ring back to the front, which ipc/link.ts makes with every request ring. */
const REPLY_RING_BYTES = 2 * 1024 * 1024;

/**
 * What no start can do anything about: memtables and rings that do not fit into this machine. Caches are not counted;
 * a start shrinks them to what is left (runtime/memory-plan.ts).
 */
export function memoryWarnings(config: Config): readonly string[] {
  const shards = config.sharding.shards || defaultShardCount();
  const { memtable_size, memtables_max, ring_bytes } = config.memory;
  const most =
    shards * (memtable_size * memtables_max + config.server.front_threads * (ring_bytes + REPLY_RING_BYTES));
  // 0, undefined or a huge number mean that no cgroup limits the process.
  const constrained = process.constrainedMemory() || Number.POSITIVE_INFINITY;
  const available = Math.min(totalmem(), constrained);
  if (most <= available) return [];
  const mib = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;
  return [
    `memtables and rings of ${shards} shards may grow to ${mib(most)}, and this machine has ${mib(available)}: ` +
      'lower memory.memtables_max or memory.memtable_size',
  ];
}
