/** Rules that tie one key to another. Each key alone has been checked against the schema before. */
import { queryThreadsMax } from './query-threads.js';
import type { Config } from './schema.js';

export interface RelationFault {
  /** The two keys, as `section.key`. */
  readonly paths: readonly [string, string];
  /** A sentence that names both, with their values. */
  readonly message: string;
}

type CompactionKey = keyof Config['compaction'];

const COMPACTION_RULES: ReadonlyArray<
  readonly [low: CompactionKey, relation: 'less than' | 'at most', high: CompactionKey]
> = [
  ['l0_compact', 'less than', 'l0_slowdown'],
  ['l0_slowdown', 'less than', 'l0_stop'],
  ['table_size', 'at most', 'level_base_size'],
  ['table_size', 'at most', 'max_job_size'],
];

export function relationFaults({ compaction, server, query, security }: Config): readonly RelationFault[] {
  return [...compactionFaults(compaction), ...readerFaults(server, query), ...tlsFaults(security)];
}

function tlsFaults({ tls_cert: cert, tls_key: key }: Config['security']): readonly RelationFault[] {
  if ((cert === '') === (key === '')) return [];
  const message = `security.tls_cert (${JSON.stringify(cert)}) and security.tls_key (${JSON.stringify(key)}) are needed both, or neither`;
  return [{ paths: ['security.tls_cert', 'security.tls_key'], message }];
}

function readerFaults(
  { front_threads: fronts }: Config['server'],
  { threads }: Config['query'],
): readonly RelationFault[] {
  const max = queryThreadsMax(fronts);
  if (Math.max(1, threads) <= max) return [];
  const paths = ['server.front_threads', 'query.threads'] as const;
  const message = `${paths[0]} (${fronts}) leaves room for ${max} query threads, and ${paths[1]} (${threads}) is more`;
  return [{ paths, message }];
}

function compactionFaults(compaction: Config['compaction']): readonly RelationFault[] {
  const faults: RelationFault[] = [];
  for (const [low, relation, high] of COMPACTION_RULES) {
    const [lowValue, highValue] = [compaction[low], compaction[high]];
    if (relation === 'less than' ? lowValue < highValue : lowValue <= highValue) continue;
    const paths = [`compaction.${low}`, `compaction.${high}`] as const;
    faults.push({
      paths,
      message: `${paths[0]} (${lowValue}) must be ${relation} ${paths[1]} (${highValue})`,
    });
  }
  return faults;
}
