/**
 * What /cluster/health, /cluster/status and /cluster/replication say. A database on one machine is a cluster of one whose only
 * node leads all shards; the shapes are those that several nodes will keep. Plain functions from facts to JSON.
 */
import { healthReport, type Report, type ServerFacts, type ShardReport } from './reports.js';

/** What one node of a cluster says of itself, or is said to be. */
interface NodeReport {
  readonly id: string;
  readonly address: string;
  readonly role: 'leader' | 'follower';
  readonly status: 'healthy' | 'degraded' | 'down';
  readonly version: string;
  readonly uptime_seconds: number;
  readonly replication_lag_ms: number;
}

export function clusterHealthReport(facts: ServerFacts): Report {
  const own = healthReport(facts);
  const isHealthy = own.httpStatus === 200;
  const { storage, memory } = own.body.checks as Readonly<Record<string, unknown>>;
  return {
    httpStatus: own.httpStatus,
    body: {
      status: isHealthy ? 'healthy' : 'degraded',
      leader: facts.nodeId,
      quorum: true,
      nodes_total: 1,
      nodes_healthy: isHealthy ? 1 : 0,
      nodes: [nodeReport(facts)],
      checks: { storage, memory },
    },
  };
}

export function clusterStatusReport(facts: ServerFacts): Report {
  return {
    httpStatus: 200,
    body: {
      mode: 'single',
      node: facts.nodeId,
      leader: facts.nodeId,
      nodes: [nodeReport(facts)],
      shards: facts.shards.map(({ shard, state, seqno }) => ({ shard, leader: facts.nodeId, state, seqno })),
    },
  };
}

export function replicationReport(facts: ServerFacts): Report {
  return {
    httpStatus: 200,
    body: {
      role: 'leader',
      leader: facts.nodeId,
      lag_ms: 0,
      lag_records: 0,
      replicas: [],
      shards: facts.shards.map(shardReplication),
    },
  };
}

/** What this node has taken it has applied: there is nobody to wait for. */
const shardReplication = ({ shard, state, seqno }: ShardReport) => ({
  shard,
  state,
  committed_seqno: seqno,
  applied_seqno: seqno,
  lag_ms: 0,
  lag_records: 0,
});

function nodeReport(facts: ServerFacts): NodeReport {
  return {
    id: facts.nodeId,
    address: facts.address,
    role: 'leader',
    status: healthReport(facts).httpStatus === 200 ? 'healthy' : 'degraded',
    version: facts.version,
    uptime_seconds: facts.uptimeSeconds,
    replication_lag_ms: 0,
  };
}
