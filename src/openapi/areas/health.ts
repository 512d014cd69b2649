/** Whether the server lives, serves and is well; its metrics; read-only mode and shutdown. */
import { z } from 'zod';
import {
  READ_ONLY_REASON_LENGTH_MAX,
  SHUTDOWN_TIMEOUT_MS_DEFAULT,
  SHUTDOWN_TIMEOUT_MS_MAX,
} from '../../front/control-routes.js';
import type { Area } from '../operation.js';
import { count, durability, shardNumber, timestamp } from '../values.js';

export const wellness = z.enum(['healthy', 'degraded']);

export const storageCheck = z
  .object({ status: wellness, reasons: z.array(z.string()).optional() })
  .meta({ id: 'StorageCheck' });

export const memoryCheck = z
  .object({ status: wellness, rss_bytes: count, limit_bytes: count })
  .meta({ id: 'MemoryCheck' });

const readOnly = z
  .union([
    z.literal(false),
    z.object({
      enabled: z.literal(true),
      reason: z.string(),
      since: timestamp,
      by: z
        .enum(['operator', 'recovery', 'disk'])
        .meta({ description: 'With `disk`, deletes are still taken.' }),
    }),
  ])
  .meta({ id: 'ReadOnly', description: 'False while writes are taken.' });

const healthMembers = {
  status: wellness,
  version: z.string(),
  uptime_seconds: z.number().nonnegative(),
  read_only: readOnly,
  checks: z.object({
    storage: storageCheck,
    cluster: z.object({ status: wellness, nodes: count }),
    memory: memoryCheck,
  }),
};

const health = z.object(healthMembers).meta({ id: 'Health' });

const levelFacts = z
  .object({ level: count, tables: count, runs: count, bytes: count })
  .meta({ id: 'Level', description: 'A level that has tables; runs: sorted ones.' });

const shardStatus = z
  .object({
    shard: shardNumber,
    state: z.string().meta({ examples: ['ready', 'recovering'] }),
    cause: z.string().nullable().meta({ description: 'Why it does not serve.' }),
    stall_cause: z.string().nullable().meta({
      description:
        'Why writes wait or are refused: memtables_full, l0_stop, wal_poisoned, manifest_poisoned, disk, read_only; `slowdown` while they are taken, but slowed down.',
    }),
    writes_refused: z.string().nullable(),
    seqno: count,
    memtables: count,
    memtables_max: count,
    memtable_bytes: count,
    wal_bytes: count,
    wal_segments: count,
    l0_files: count,
    tables: count,
    table_bytes: count,
    levels: z.array(levelFacts),
    pending_compaction_bytes: count,
    flush_error: z.string().nullable(),
    restarts: count,
  })
  .meta({ id: 'ShardStatus' });

export const status = z
  .object({
    ...healthMembers,
    instance_id: z.string(),
    pid: count,
    data_directory: z.string(),
    durability,
    disk: z.object({
      free_bytes: count.nullable(),
      total_bytes: count.nullable(),
      used_ratio: z.number().min(0).max(1).nullable(),
      reserve: z.string(),
      reserve_bytes: count,
    }),
    draining: z.string().nullable(),
    connections: count,
    shards: z.array(shardStatus),
  })
  .meta({ id: 'Status' });

const readOnlyChange = z
  .strictObject({
    enabled: z.boolean(),
    reason: z
      .string()
      .min(1)
      .max(READ_ONLY_REASON_LENGTH_MAX)
      .optional()
      .meta({ description: 'Shown in each 503.' }),
  })
  .meta({ id: 'ReadOnlyChange' });

const shutdown = z
  .strictObject({
    mode: z.enum(['graceful', 'force']).default('graceful'),
    timeout_ms: z.number().min(0).max(SHUTDOWN_TIMEOUT_MS_MAX).default(SHUTDOWN_TIMEOUT_MS_DEFAULT),
  })
  .meta({ id: 'Shutdown' });

export const healthArea: Area = {
  tag: 'Health and operation',
  description: 'Probes, status, metrics, read-only mode and shutdown.',
  operations: [
    {
      method: 'get',
      path: '/live',
      operationId: 'live',
      summary: 'Whether the process answers',
      needs: 'anyone',
      answers: { 200: { description: 'It does.', body: z.object({ status: z.literal('live') }) } },
      isAlwaysServed: true,
    },
    {
      method: 'get',
      path: '/ready',
      operationId: 'ready',
      summary: 'Whether the server can take requests now',
      needs: 'anyone',
      answers: {
        200: { description: 'It can.', body: z.object({ status: z.literal('ready') }) },
        503: {
          description: 'It recovers, drains or has lost a shard.',
          body: z.object({ status: z.literal('not ready'), reason: z.string(), code: z.string() }),
        },
      },
    },
    {
      method: 'get',
      path: '/health',
      operationId: 'health',
      summary: 'Whether the server is well',
      needs: 'anyone',
      answers: {
        200: { description: 'It is.', body: health },
        503: { description: 'It is degraded; the checks say why.', body: health },
      },
    },
    {
      method: 'get',
      path: '/status',
      operationId: 'status',
      summary: 'See shards, disk and read-only mode',
      needs: 'monitor:status',
      answers: { 200: { description: 'The status.', body: status } },
    },
    {
      method: 'get',
      path: '/metrics',
      operationId: 'metrics',
      summary: 'Read the metrics',
      needs: 'monitor:metrics',
      answers: {
        200: {
          description: 'Text of Prometheus.',
          others: { 'text/plain': z.string().meta({ description: 'Version 0.0.4 of the format.' }) },
        },
      },
    },
    {
      method: 'get',
      path: '/admin/read-only',
      operationId: 'getReadOnly',
      summary: 'See whether writes are taken',
      needs: 'admin:read-only',
      answers: { 200: { description: 'Whether they are.', body: z.object({ read_only: readOnly }) } },
    },
    {
      method: 'post',
      path: '/admin/read-only',
      operationId: 'setReadOnly',
      summary: 'Refuse all writes, or take them again',
      description: 'Holds across restarts. Ending it does not end a mode that the server entered by itself.',
      needs: 'admin:read-only',
      body: { schema: readOnlyChange },
      answers: {
        200: {
          description: 'It holds.',
          body: z.object({
            read_only: readOnly,
            persisted: z.boolean(),
            warning: z.string().optional().meta({ description: 'It was not written down, and why.' }),
          }),
        },
      },
    },
    {
      method: 'post',
      path: '/admin/shutdown',
      operationId: 'shutdown',
      summary: 'Stop the server',
      needs: 'admin:shutdown',
      body: { schema: shutdown, isOptional: true },
      answers: {
        202: {
          description: 'It stops.',
          body: z.object({
            status: z.literal('shutting down'),
            mode: z.enum(['graceful', 'force']),
            pid: count,
          }),
        },
      },
    },
  ],
};
