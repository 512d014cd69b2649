/** Long work: what starts it, and how it is followed. */
import { z } from 'zod';
import { INDEX_NAME_LENGTH_MAX } from '../../base/limits.js';
import { DESTINATION_LENGTH_MAX, OLDER_THAN_MS_MAX } from '../../front/admin-body.js';
import type { Answer, Area, Operation } from '../operation.js';
import { anyObject, collectionName, count, idParameter, shardNumber, timestamp } from '../values.js';

const shardPart = z
  .looseObject({
    shard: shardNumber,
    state: z.enum(['waiting', 'running', 'done', 'failed']),
    error: z.string().optional(),
  })
  .meta({ id: 'TaskOfShard', description: 'With figures that depend on the kind of task.' });

const task = z
  .object({
    id: z.string(),
    kind: z.enum(['compaction', 'gc', 'wal-archive', 'index-build', 'index-rebuild']),
    request: anyObject.meta({ description: 'What was asked for.' }),
    state: z.enum(['running', 'done', 'failed']),
    started_at: timestamp,
    finished_at: timestamp.nullable(),
    progress: z.object({
      done: count,
      total: count.meta({ description: 'An estimate that changes while the task runs.' }),
      unit: z.enum(['bytes', 'shards', 'documents']),
    }),
    shards: z.array(shardPart),
    result: anyObject.optional().meta({ description: 'Figures of all shards, once it is done.' }),
    error: z.string().optional(),
  })
  .meta({ id: 'Task' });

const compact = z
  .strictObject({
    collection: collectionName.optional(),
    all: z.boolean().optional().meta({ description: 'Either this or a collection.' }),
    level: z
      .string()
      .regex(/^(all|[0-9](-[0-9])?)$/)
      .optional()
      .meta({
        description:
          '`all`: everything ends up in the deepest level that has tables. `A-B`: tables of levels A to B-1 end up in B. `N`: tables of level N are written anew.',
      }),
    emergency: z
      .boolean()
      .optional()
      .meta({ description: 'Before everything else, without a rate limit, over all levels.' }),
    delete_tombstones: z.boolean().optional(),
  })
  .meta({ id: 'CompactionRequest', examples: [{ all: true }, { collection: 'users', level: '0-2' }] });

const gc = z
  .strictObject({
    collection: collectionName,
    force: z
      .boolean()
      .optional()
      .meta({ description: "Also in an operator's read-only mode, and compacts the collection afterwards." }),
  })
  .meta({ id: 'GcRequest' });

const rebuild = z
  .strictObject({
    collection: collectionName.optional().meta({ description: '`all` for every one.' }),
    index: z.string().min(1).max(INDEX_NAME_LENGTH_MAX).optional(),
  })
  .meta({ id: 'IndexRebuildRequest', description: 'Names either a collection or an index.' });

const archive = z
  .strictObject({
    older_than_ms: z.number().min(0).max(OLDER_THAN_MS_MAX),
    destination: z.string().min(1).max(DESTINATION_LENGTH_MAX).meta({
      description: 'An absolute path without `..`, outside of the data directory.',
    }),
  })
  .meta({ id: 'WalArchiveRequest' });

const started: Record<number, Answer> = { 202: { description: 'The task that does it.', body: task } };
const STORAGE = 'admin:storage';
const taskId = idParameter('The id of a task.');

const starts = (
  path: string,
  schema: z.ZodType,
  described: Pick<Operation, 'operationId' | 'summary' | 'description' | 'errors'>,
): Operation => ({
  method: 'post',
  path,
  ...described,
  needs: STORAGE,
  body: { schema },
  answers: started,
});

export const tasks: Area = {
  tag: 'Storage tasks',
  description: 'Long work: a request starts a task and is answered with it. A restart forgets tasks.',
  operations: [
    starts('/admin/compaction', compact, {
      operationId: 'startCompaction',
      summary: 'Flush memtables and merge tables',
      errors: [404],
    }),
    starts('/admin/gc', gc, {
      operationId: 'startGc',
      summary: 'Remove the expired documents of a collection now',
      errors: [404],
    }),
    starts('/admin/indexes/rebuild', rebuild, {
      operationId: 'rebuildIndexes',
      summary: 'Build indexes anew, one after the other',
      errors: [404, 409],
    }),
    starts('/admin/wal/archive', archive, {
      operationId: 'archiveWal',
      summary: 'Move old segments of the log elsewhere',
      description: 'One archive at a time.',
      errors: [409],
    }),
    {
      method: 'get',
      path: '/admin/tasks',
      operationId: 'listTasks',
      summary: 'See the last hundred tasks, newest first',
      needs: STORAGE,
      answers: {
        200: { description: 'The tasks.', body: z.object({ tasks: z.array(task), total: count }) },
      },
    },
    {
      method: 'get',
      path: '/admin/tasks/{id}',
      operationId: 'getTask',
      summary: 'Follow a task',
      needs: STORAGE,
      parameters: { path: taskId },
      answers: { 200: { description: 'The task.', body: task } },
      errors: [404],
    },
    {
      method: 'post',
      path: '/admin/tasks/{id}/cancel',
      operationId: 'cancelTask',
      summary: 'Ask a build of indexes to end',
      description: 'Other kinds go on to their end: a conflict.',
      needs: STORAGE,
      parameters: { path: taskId },
      answers: { 202: { description: 'The task, which is about to end.', body: task } },
      errors: [404, 409],
    },
  ],
};
