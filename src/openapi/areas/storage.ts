/** Reports about the storage and the process. */
import { z } from 'zod';
import type { Area } from '../operation.js';
import { anyObject, count, shardNumber, timestamp } from '../values.js';

const memory = z
  .object({
    total_bytes: count.meta({ description: 'Resident memory of the process.' }),
    memtables: count,
    block_cache: count,
    row_cache: count,
    indexes: count.meta({ description: 'Indexes and filters of open tables.' }),
    other: count,
    limit_bytes: count,
    planned: z
      .object({ memtables: count, rings: count, block_cache: count, row_cache: count, total: count })
      .meta({ description: 'What each may grow to.' }),
  })
  .meta({ id: 'Memory' });

const share = z.number().nonnegative().nullable();

const compaction = z
  .object({
    running: z.array(
      z.object({
        shard: shardNumber,
        kind: z.string(),
        reason: z.string(),
        from_levels: z.array(count),
        to_level: count,
        input_bytes: count,
        elapsed_ms: count,
        progress_bytes: count.nullable(),
        written_bytes: count.nullable(),
      }),
    ),
    pending: z.object({
      bytes: count,
      levels: z.array(z.object({ shard: shardNumber, level: count, score: z.number(), bytes: count })),
      memtables: z.array(
        z.object({ shard: shardNumber, waiting: count, flush_error: z.string().nullable() }),
      ),
      manual: z.array(
        z.object({
          shard: shardNumber,
          task: z.string(),
          done_bytes: z.number(),
          total_bytes: z.number(),
          waits_for: z.string().nullable(),
        }),
      ),
    }),
    shards: z.array(
      z.object({
        shard: shardNumber,
        state: z.string(),
        rate_limit_bytes_per_second: z.number().nullable(),
        pending_bytes: count,
        space_amplification: share,
        levels: z.array(
          z.object({
            level: count,
            tables: count,
            runs: count,
            bytes: count,
            target_bytes: z.number().nullable(),
            score: z.number(),
            entries: count,
            tombstones: count,
          }),
        ),
      }),
    ),
    totals: z.object({
      since: z.string(),
      wal_payload_bytes: count,
      wal_bytes: count,
      flushes: count,
      flush_bytes: count,
      compactions: count,
      compaction_read_bytes: count,
      compaction_written_bytes: count,
      job_failures: count,
      write_amplification: z.object({ with_wal: share, tables_only: share }),
      space_amplification: z.object({ estimate: share, table_bytes: count, method: z.string() }),
    }),
  })
  .meta({ id: 'CompactionReport' });

const dump = z
  .object({
    dumped_at: timestamp,
    config: anyObject.meta({ description: 'Without secrets.' }),
    status: anyObject.meta({ description: 'As GET /status.' }),
    seqnos: anyObject,
    snapshots: z.array(z.unknown()),
    caches: anyObject,
    memory: anyObject,
    threads: anyObject,
    shards: z.array(anyObject),
    tasks: z.array(anyObject).meta({ description: 'As GET /admin/tasks.' }),
  })
  .meta({ id: 'StateDump', description: 'For people who look for a fault; what is inside may change.' });

const diagnostics = z
  .object({
    versions: anyObject,
    process: anyObject,
    directories: z.object({ data: z.string(), logs: z.string(), working: z.string() }),
    threads: z.array(
      z
        .looseObject({ name: z.string(), thread_id: z.int() })
        .meta({ description: 'With its `stack`, or `silent` with the reason.' }),
    ),
    threads_failed: z.string().nullable(),
  })
  .meta({ id: 'Diagnostics', description: 'For people who look for a fault; what is inside may change.' });

const STORAGE = 'admin:storage';

export const storage: Area = {
  tag: 'Storage reports',
  description: 'Where memory and disk space are, and what the server does with them.',
  operations: [
    {
      method: 'get',
      path: '/admin/compaction',
      operationId: 'compactionReport',
      summary: 'See what is compacted, what is due, and levels',
      needs: STORAGE,
      answers: { 200: { description: 'The report.', body: compaction } },
    },
    {
      method: 'get',
      path: '/admin/memory',
      operationId: 'memoryReport',
      summary: 'See where the memory is',
      needs: STORAGE,
      answers: { 200: { description: 'The report, in bytes.', body: memory } },
    },
    {
      method: 'get',
      path: '/admin/dump-state',
      operationId: 'dumpState',
      summary: 'Read everything that the server knows about itself',
      needs: STORAGE,
      answers: { 200: { description: 'The state.', body: dump } },
    },
    {
      method: 'get',
      path: '/admin/diagnostics',
      operationId: 'diagnostics',
      summary: 'See what each thread does right now',
      needs: STORAGE,
      answers: { 200: { description: 'Process and threads.', body: diagnostics } },
    },
  ],
};
