/** Many documents in one request, and pages of them. */
import { z } from 'zod';
import { BULK_OPERATIONS_MAX, LIST_LIMIT_DEFAULT, LIST_LIMIT_MAX } from '../../base/limits.js';
import { SORT_WINDOW_MAX } from '../../front/limits.js';
import { itemError } from '../errors.js';
import { bulkHeaders, ttlText } from '../headers.js';
import type { Area } from '../operation.js';
import { count, seqno } from '../values.js';
import { collectionPath, document, documentId } from './documents.js';

const flag = (description: string) => z.enum(['true', 'false']).optional().meta({ param: { description } });

const bulkQuery = z.object({
  atomic: flag(
    'One invalid document fails all; otherwise the documents of each shard succeed or fail together. There is no atomicity across shards.',
  ),
  create: flag('Existing documents are conflicts instead of being replaced.'),
  ttl: ttlText.optional().meta({
    param: { description: 'The time to live of all documents, as X-LumaDB-TTL; not together with it.' },
  }),
});

const bulkBody = z
  .looseObject({ documents: z.array(document).min(1).max(BULK_OPERATIONS_MAX) })
  .meta({ id: 'Bulk', description: `At most ${BULK_OPERATIONS_MAX} documents and 32 MiB.` });

const documentLines = z.string().meta({ description: 'One document a line.' });

const bulkResult = z
  .object({
    _id: documentId.optional(),
    _seq: seqno.optional(),
    status: z.int().meta({ description: 'As if the document had been sent alone.' }),
    error: itemError.optional(),
  })
  .meta({ id: 'BulkResult' });

const bulkAnswer = z
  .object({
    created: count,
    replaced: count,
    failed: count,
    results: z.array(bulkResult).meta({ description: 'In the order of the request.' }),
  })
  .meta({ id: 'BulkAnswer' });

const text = (description: string, example?: string) =>
  z
    .string()
    .optional()
    .meta({ param: { description, ...(example === undefined ? {} : { example }) } });

const listQuery = z.object({
  filter: z
    .string()
    .optional()
    .meta({
      contentMediaType: 'application/json',
      param: {
        description:
          'Equality and `$gt $gte $lt $lte $ne $in` by dotted path; all of them must hold. Conditions on `_id` are a range of keys.',
        example: '{"age":{"$gte":18},"city":"Berlin"}',
      },
    }),
  sort: text(
    `One field, with \`-\` in front for descending. By \`_id\` a page costs what it shows; by any other field all documents are looked at, offset + limit is at most ${SORT_WINDOW_MAX} and there is no cursor.`,
    '-created_at',
  ),
  limit: z
    .int()
    .min(1)
    .max(LIST_LIMIT_MAX)
    .default(LIST_LIMIT_DEFAULT)
    .meta({ param: { description: 'Documents in the page.' } }),
  offset: count
    .optional()
    .meta({ param: { description: 'Documents to pass over. Not together with cursor.' } }),
  cursor: text('What the last page gave as `next_cursor`; stable while documents come and go.'),
  fields: text(
    'Only these members, by dotted path and with commas between them, and `_id`.',
    'name,address.city',
  ),
  equals: z
    .record(z.string(), z.string())
    .optional()
    .meta({
      param: {
        style: 'form',
        explode: true,
        description:
          'Any other parameter is a condition of equality on the member of its name, as `?status=active`; the text `5` also finds the number 5.',
      },
    }),
});

const listed = z.looseObject({ _id: documentId.optional() }).meta({
  id: 'ListedDocument',
  description: 'A document, or of it what `fields` names.',
});

const listAnswer = z
  .object({
    data: z.array(listed),
    pagination: z.object({
      limit: count,
      offset: count,
      has_more: z.boolean(),
      next_cursor: z.string().nullable().meta({ description: 'Null on the last page and with sort.' }),
      total: count.optional().meta({ description: 'All that match; only with sort.' }),
    }),
  })
  .meta({ id: 'DocumentPage' });

export const bulk: Area = {
  tag: 'Lists and bulk',
  description: 'Many documents in one request.',
  operations: [
    {
      method: 'post',
      path: '/api/v1/{collection}/bulk',
      operationId: 'bulkWrite',
      summary: 'Write many documents',
      description: 'Each document is put under its `_id`, generated if it has none, and gets its own result.',
      needs: 'write:{collection}',
      parameters: { path: collectionPath, query: bulkQuery, header: bulkHeaders },
      body: { schema: bulkBody, others: { 'application/x-ndjson': documentLines } },
      answers: {
        200: { description: 'All documents were written.', body: bulkAnswer },
        207: { description: 'Some were not.', body: bulkAnswer },
      },
      errors: [404],
    },
    {
      method: 'get',
      path: '/api/v1/{collection}',
      operationId: 'listDocuments',
      summary: 'Read a page of documents',
      description: 'In the order of `_id`, or of one other field. A page ends early when it reaches 32 MiB.',
      needs: 'read:{collection}',
      parameters: { path: collectionPath, query: listQuery },
      answers: { 200: { description: 'A page.', body: listAnswer } },
      errors: [400, 404, 413],
    },
  ],
};
