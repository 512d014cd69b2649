/** What /health and /status say: plain functions from what the supervisor knows to JSON. */
import { type SpaceFacts, spaceProblem, spaceStatus } from './space-report.js';
import type { LevelFacts } from './storage-facts.js';

export interface ShardReport {
  readonly shard: number;
  readonly state: string;
  readonly cause: string | null;
  /**
   * Why writes wait or are refused: memtables_full, l0_stop, wal_poisoned, manifest_poisoned, disk, read_only; `slowdown` while they are taken but
   * slowed down, so that compaction keeps up; null while nothing holds them back.
   */
  readonly stall_cause: string | null;
  readonly writes_refused: string | null;
  readonly seqno: number;
  readonly memtables: number;
  readonly memtables_max: number;
  readonly memtable_bytes: number;
  readonly wal_bytes: number;
  readonly wal_segments: number;
  /** Sorted runs in level 0. */
  readonly l0_files: number;
  readonly tables: number;
  readonly table_bytes: number;
  /** Those that have tables. */
  readonly levels: readonly LevelFacts[];
  readonly pending_compaction_bytes: number;
  /** Why the last flush failed; it is tried again. */
  readonly flush_error: string | null;
  readonly restarts: number;
}

export interface ServerFacts {
  readonly version: string;
  readonly instanceId: string;
  /** `cluster.node_id`. */
  readonly nodeId: string;
  /** `host:port` under which clients reach it. */
  readonly address: string;
  readonly pid: number;
  readonly uptimeSeconds: number;
  readonly durability: string;
  readonly dataDirectory: string;
  readonly draining: string | null;
  readonly rssBytes: number;
  readonly memoryLimitBytes: number;
  readonly shards: readonly ShardReport[];
  readonly connections: number;
  readonly space: SpaceFacts;
}

/** Writes are taken, only later: no illness. */
const SLOWDOWN = 'slowdown';
/** Share of the memory limit above which the memory check says degraded. */
const MEMORY_DEGRADED_SHARE = 0.95;

export interface Report {
  readonly httpStatus: number;
  readonly body: Record<string, unknown>;
}

export function healthReport(facts: ServerFacts): Report {
  const problems = facts.shards.flatMap((shard) => shardProblem(shard) ?? []);
  const space = spaceProblem(facts.space);
  if (space !== undefined) problems.push(space);
  const isMemoryFine = facts.rssBytes < facts.memoryLimitBytes * MEMORY_DEGRADED_SHARE;
  const isHealthy = problems.length === 0 && isMemoryFine;
  return {
    httpStatus: isHealthy ? 200 : 503,
    body: {
      status: isHealthy ? 'healthy' : 'degraded',
      version: facts.version,
      uptime_seconds: facts.uptimeSeconds,
      read_only: facts.space.readOnly,
      checks: {
        storage: problems.length === 0 ? { status: 'healthy' } : { status: 'degraded', reasons: problems },
        cluster: { status: 'healthy', nodes: 1 },
        memory: {
          status: isMemoryFine ? 'healthy' : 'degraded',
          rss_bytes: facts.rssBytes,
          limit_bytes: facts.memoryLimitBytes,
        },
      },
    },
  };
}

function shardProblem({
  shard,
  cause,
  writes_refused,
  stall_cause,
  flush_error,
}: ShardReport): string | null {
  const refused =
    stall_cause === null || stall_cause === SLOWDOWN ? null : `shard ${shard} refuses writes: ${stall_cause}`;
  const flush = flush_error === null ? null : `shard ${shard} cannot flush its memtables: ${flush_error}`;
  return cause ?? writes_refused ?? refused ?? flush;
}

export function statusReport(facts: ServerFacts): Report {
  const { body } = healthReport(facts);
  return {
    httpStatus: 200,
    body: {
      ...body,
      instance_id: facts.instanceId,
      pid: facts.pid,
      data_directory: facts.dataDirectory,
      durability: facts.durability,
      ...spaceStatus(facts.space),
      draining: facts.draining,
      connections: facts.connections,
      shards: facts.shards,
    },
  };
}
