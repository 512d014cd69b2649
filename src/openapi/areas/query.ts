/** SQL, and the statements that run. */
import { z } from 'zod';
import { PARAMETERS_MAX, TIMEOUT_MS_MAX } from '../../front/query/request.js';
import type { Area } from '../operation.js';
import { count, idParameter, timestamp } from '../values.js';

const queryBody = z
  .strictObject({
    query: z.string().meta({ description: 'One statement, with `$1`, `$2` and so on for its parameters.' }),
    params: z.array(z.unknown()).max(PARAMETERS_MAX).optional(),
    timeout_ms: z
      .int()
      .min(1)
      .max(TIMEOUT_MS_MAX)
      .optional()
      .meta({ description: 'Default: `query.timeout_ms`.' }),
  })
  .meta({ id: 'Query', examples: [{ query: 'SELECT name FROM users WHERE age > $1', params: [40] }] });

const queryAnswer = z
  .object({
    columns: z.array(z.string()),
    rows: z.array(z.array(z.unknown())),
    row_count: count.meta({ description: 'Rows; of a write without RETURNING the documents changed.' }),
    command: z.string(),
    execution_time_ms: z.number().nonnegative(),
  })
  .meta({ id: 'QueryAnswer' });

const rowLines = z.string().meta({
  description:
    'A row a line, as an object. An error after the first line is the last line, as an error envelope.',
});

const runningQuery = z
  .object({
    id: z.string().meta({ description: 'The request id of the statement.' }),
    query: z.string(),
    state: z.enum(['queued', 'running']),
    started_at: timestamp,
    duration_ms: z.number(),
    timeout_ms: count,
  })
  .meta({ id: 'RunningQuery' });

export const query: Area = {
  tag: 'SQL',
  description: 'Statements in the form of PostgreSQL over collections.',
  operations: [
    {
      method: 'post',
      path: '/api/v1/query',
      operationId: 'runQuery',
      summary: 'Run an SQL statement',
      description:
        'With `Accept: application/x-ndjson` rows are streamed. A statement also needs `read` or `write` of each collection in it. A write may have changed documents before it failed: each document is atomic, a statement is not.',
      needs: 'execute:queries',
      body: { schema: queryBody },
      answers: {
        200: { description: 'The result.', body: queryAnswer, others: { 'application/x-ndjson': rowLines } },
      },
      errors: [404, 408, 409],
    },
    {
      method: 'get',
      path: '/admin/queries',
      operationId: 'listQueries',
      summary: 'See the statements that run',
      description: 'Those on query threads; short ones and definitions are not listed.',
      needs: 'admin:queries',
      answers: {
        200: {
          description: 'The statements.',
          body: z.object({ queries: z.array(runningQuery), total: count }),
        },
      },
    },
    {
      method: 'delete',
      path: '/admin/queries/{id}',
      operationId: 'cancelQuery',
      summary: 'End a statement',
      needs: 'admin:queries',
      parameters: { path: idParameter('The request id of the statement.') },
      answers: {
        200: {
          description: 'It has been told to end.',
          body: z.object({ id: z.string(), cancelled: z.literal(true) }),
        },
      },
      errors: [404],
    },
  ],
};
