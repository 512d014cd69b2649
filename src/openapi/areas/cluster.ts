/** A database on one machine as a cluster of one, in the shape that several nodes will keep. */
import { z } from 'zod';
import { NODE_LENGTH_MAX } from '../../front/admin-body.js';
import type { Area } from '../operation.js';
import { count, shardNumber } from '../values.js';
import { memoryCheck, storageCheck, wellness } from './health.js';

const node = z
  .object({
    id: z.string(),
    address: z.string(),
    role: z.enum(['leader', 'follower']),
    status: z.enum(['healthy', 'degraded', 'down']),
    version: z.string(),
    uptime_seconds: z.number().nonnegative(),
    replication_lag_ms: count,
  })
  .meta({ id: 'Node' });

const clusterHealth = z
  .object({
    status: wellness,
    leader: z.string(),
    quorum: z.boolean(),
    nodes_total: count,
    nodes_healthy: count,
    nodes: z.array(node),
    checks: z.object({ storage: storageCheck, memory: memoryCheck }),
  })
  .meta({ id: 'ClusterHealth' });

const clusterStatus = z
  .object({
    mode: z.literal('single'),
    node: z.string(),
    leader: z.string(),
    nodes: z.array(node),
    shards: z.array(z.object({ shard: shardNumber, leader: z.string(), state: z.string(), seqno: count })),
  })
  .meta({ id: 'ClusterStatus' });

const replication = z
  .object({
    role: z.enum(['leader', 'follower']),
    leader: z.string(),
    lag_ms: count,
    lag_records: count,
    replicas: z.array(z.unknown()).meta({ description: 'Empty: there are none.' }),
    shards: z.array(
      z.object({
        shard: shardNumber,
        state: z.string(),
        committed_seqno: count,
        applied_seqno: count,
        lag_ms: count,
        lag_records: count,
      }),
    ),
  })
  .meta({ id: 'Replication' });

export const cluster: Area = {
  tag: 'Cluster',
  description: 'A database on one machine is a cluster of one.',
  operations: [
    {
      method: 'get',
      path: '/cluster/health',
      operationId: 'clusterHealth',
      summary: 'Whether the nodes are well',
      needs: 'monitor:cluster',
      answers: {
        200: { description: 'They are.', body: clusterHealth },
        503: { description: 'One is degraded.', body: clusterHealth },
      },
    },
    {
      method: 'get',
      path: '/cluster/status',
      operationId: 'clusterStatus',
      summary: 'See nodes, and who leads which shard',
      needs: 'monitor:cluster',
      answers: { 200: { description: 'The cluster.', body: clusterStatus } },
    },
    {
      method: 'get',
      path: '/cluster/replication',
      operationId: 'clusterReplication',
      summary: 'See how far replicas are behind',
      needs: 'monitor:cluster',
      answers: { 200: { description: 'Replication.', body: replication } },
    },
    {
      method: 'post',
      path: '/cluster/transfer-leadership',
      operationId: 'transferLeadership',
      summary: 'Let another node lead',
      description: 'Always a conflict: there is nobody to lead instead.',
      needs: 'admin:cluster',
      body: {
        schema: z
          .strictObject({ target_node: z.string().min(1).max(NODE_LENGTH_MAX) })
          .meta({ id: 'LeadershipTransfer' }),
      },
      answers: {},
      errors: [409],
    },
  ],
};
