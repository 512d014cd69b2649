/** Collections and what they ask of their documents. */
import { z } from 'zod';
import { SCHEMA_COLUMNS_MAX } from '../../base/limits.js';
import type { Area } from '../operation.js';
import { collectionName, count, namedCollectionParameter, timestamp, ttlSeconds } from '../values.js';

const sql = (description: string) => z.string().meta({ description });

const newColumn = z.strictObject({
  name: z.string(),
  type: sql('A name of a type in SQL.'),
  not_null: z.boolean().optional(),
  default: z.union([z.string(), z.number(), z.boolean()]).optional().meta({ description: 'As text: SQL.' }),
  check: sql('A condition in SQL.').optional(),
});

const newSchema = z
  .strictObject({
    columns: z.array(newColumn).max(SCHEMA_COLUMNS_MAX).optional(),
    checks: z
      .array(z.strictObject({ name: z.string().optional(), expression: sql('A condition in SQL.') }))
      .max(SCHEMA_COLUMNS_MAX)
      .optional(),
  })
  .meta({ id: 'NewSchema', description: 'What CREATE TABLE says.' });

const newIndex = z
  .strictObject({
    name: z.string().optional(),
    columns: z.array(
      z.union([
        z.string().meta({ description: 'A member, by its path.' }),
        z.strictObject({
          path: z.string().optional(),
          expression: sql('An expression in SQL.').optional(),
          descending: z.boolean().optional(),
        }),
      ]),
    ),
    include: z.array(z.string()).optional(),
    where: sql('Only documents that meet this condition are in the index.').optional(),
    unique: z.boolean().optional().meta({ description: 'Refused when true: only `_id` is unique.' }),
  })
  .meta({ id: 'NewIndex', description: 'What CREATE INDEX says.' });

/** Null takes a default away. */
const defaultTtl = z
  .union([ttlSeconds, z.literal('none'), z.null()])
  .meta({ description: 'The default time to live of documents in seconds; 0, "none" or null: they stay.' });

const newCollection = z
  .strictObject({
    name: collectionName,
    ttl: defaultTtl.optional(),
    schema: newSchema.optional(),
    indexes: z.array(newIndex).optional(),
  })
  .meta({ id: 'NewCollection', examples: [{ name: 'sessions', ttl: 3600 }] });

const schema = z
  .object({
    columns: z.array(
      z.object({ name: z.string(), type: z.string(), not_null: z.boolean(), default: z.string().optional() }),
    ),
    checks: z.array(z.object({ name: z.string(), expression: z.string() })),
  })
  .meta({ id: 'Schema', description: 'With the checks of columns among `checks`.' });

const collection = z
  .object({
    name: z.string(),
    document_count: count.meta({
      description: 'With documents that have expired and were not collected yet.',
    }),
    size_bytes: count,
    indexes: z.array(z.string()),
    ttl: count.nullable().meta({ description: 'The default time to live of documents in seconds.' }),
    schema: schema.optional(),
    created_at: timestamp,
  })
  .meta({ id: 'Collection' });

const path = z.object({ name: namedCollectionParameter });
const PATH = '/api/v1/collections';
const shown = { 200: { description: 'The collection.', body: collection } };

export const collections: Area = {
  tag: 'Collections',
  description: 'Collections, their schemas and indexes. A write to an unknown collection creates it.',
  operations: [
    {
      method: 'get',
      path: PATH,
      operationId: 'listCollections',
      summary: 'See all collections that the caller may read',
      needs: 'somebody',
      answers: {
        200: {
          description: 'The collections.',
          body: z.object({ collections: z.array(collection), total: count }),
        },
      },
    },
    {
      method: 'post',
      path: PATH,
      operationId: 'createCollection',
      summary: 'Create a collection',
      description:
        'The answer comes when its indexes are built; when one cannot be, the collection is dropped again.',
      needs: 'write:{name}',
      body: { schema: newCollection },
      answers: { 201: { description: 'It was created.', body: collection } },
      errors: [409],
    },
    {
      method: 'get',
      path: `${PATH}/{name}`,
      operationId: 'getCollection',
      summary: 'See a collection',
      needs: 'read:{name}',
      parameters: { path },
      answers: shown,
      errors: [404],
    },
    {
      method: 'patch',
      path: `${PATH}/{name}`,
      operationId: 'changeCollection',
      summary: 'Change the default time to live',
      description: 'Of documents that are written from then on. A schema changes by ALTER TABLE only.',
      needs: 'write:{name}',
      parameters: { path },
      body: { schema: z.strictObject({ ttl: defaultTtl }).meta({ id: 'CollectionChange' }) },
      answers: shown,
      errors: [404],
    },
    {
      method: 'delete',
      path: `${PATH}/{name}`,
      operationId: 'dropCollection',
      summary: 'Drop a collection with its documents',
      needs: 'write:{name}',
      parameters: { path },
      answers: {
        200: {
          description: 'It is gone.',
          body: z.object({ name: z.string(), dropped: z.literal(true) }),
        },
      },
      errors: [404],
    },
  ],
};
