/** Single documents: read, put, patch, delete, create. */
import { z } from 'zod';
import { KEY_BYTES_MAX } from '../../base/limits.js';
import { deleteHeaders, readHeaders, writeHeaders } from '../headers.js';
import type { Answer, Area } from '../operation.js';
import { collectionParameter, seqno } from '../values.js';

const ID_TEXT = `A text of 1 to ${KEY_BYTES_MAX} bytes of UTF-8.`;

const idText = z.string().min(1);

export const documentId = idText.meta({ id: 'DocumentId', description: ID_TEXT, examples: ['ann'] });

export const document = z.looseObject({ _id: documentId.optional() }).meta({
  id: 'Document',
  description:
    'Any JSON object up to 16 MiB, nested at most 200 deep. Numbers keep every digit and members their order. `_id` may be left out where the path or the server gives it.',
  examples: [{ _id: 'ann', name: 'Ann', age: 41 }],
});

export const storedDocument = z
  .looseObject({ _id: documentId })
  .meta({ id: 'StoredDocument', description: 'A document as it was written, with its `_id`.' });

const mergePatch = z.looseObject({}).meta({
  id: 'MergePatch',
  description: 'JSON merge patch (RFC 7396): members replace, null removes, objects are merged.',
  examples: [{ age: 42, nickname: null }],
});

export const writeAnswer = z.object({ _id: documentId, _seq: seqno }).meta({ id: 'Written' });

const path = z.object({
  collection: collectionParameter,
  id: idText.meta({
    param: {
      id: 'DocumentIdInPath',
      description: `The \`_id\`, percent-encoded (\`/\` is \`%2F\`). ${ID_TEXT}`,
    },
  }),
});

export const collectionPath = z.object({ collection: collectionParameter });

const written = (description: string): Answer => ({
  description,
  body: writeAnswer,
  headers: ['ETag', 'X-LumaDB-Durability'],
});

export const documents: Area = {
  tag: 'Documents',
  description: 'One JSON document at a time, each with its version as ETag.',
  operations: [
    {
      method: 'get',
      path: '/api/v1/{collection}/{id}',
      operationId: 'getDocument',
      summary: 'Read a document',
      needs: 'read:{collection}',
      parameters: { path, header: readHeaders },
      answers: {
        200: { description: 'The document.', body: storedDocument, headers: ['ETag', 'X-LumaDB-Expires-At'] },
        304: {
          description: 'It is at a version that If-None-Match names.',
          headers: ['ETag', 'X-LumaDB-Expires-At'],
        },
      },
      errors: [400, 404],
    },
    {
      method: 'head',
      path: '/api/v1/{collection}/{id}',
      operationId: 'headDocument',
      summary: 'Look whether a document is there, and at which version',
      needs: 'read:{collection}',
      parameters: { path, header: readHeaders },
      answers: {
        200: { description: 'It is there.', headers: ['ETag', 'X-LumaDB-Expires-At'] },
        304: {
          description: 'It is at a version that If-None-Match names.',
          headers: ['ETag', 'X-LumaDB-Expires-At'],
        },
      },
      errors: [400, 404],
    },
    {
      method: 'put',
      path: '/api/v1/{collection}/{id}',
      operationId: 'putDocument',
      summary: 'Write a document, whole',
      description:
        'A collection that does not exist is created unless `server.auto_create_collections` is off (404).',
      needs: 'write:{collection}',
      parameters: { path, header: writeHeaders },
      body: { schema: document },
      answers: { 200: written('An existing document was replaced.'), 201: written('It was created.') },
      errors: [404, 409, 412],
    },
    {
      method: 'patch',
      path: '/api/v1/{collection}/{id}',
      operationId: 'patchDocument',
      summary: 'Change members of a document',
      needs: 'write:{collection}',
      parameters: { path, header: writeHeaders },
      body: { schema: mergePatch },
      answers: { 200: written('It was changed.') },
      errors: [404, 409, 412],
    },
    {
      method: 'delete',
      path: '/api/v1/{collection}/{id}',
      operationId: 'deleteDocument',
      summary: 'Delete a document',
      needs: 'write:{collection}',
      parameters: { path, header: deleteHeaders },
      answers: { 200: written('It was deleted; `_seq` is the version of the deletion.') },
      errors: [400, 404, 409, 412],
    },
    {
      method: 'post',
      path: '/api/v1/{collection}',
      operationId: 'createDocument',
      summary: 'Create a document',
      description:
        'Under its `_id`, or a generated one if it has none; 409 if it exists. With If-Match or If-None-Match these decide instead.',
      needs: 'write:{collection}',
      parameters: { path: collectionPath, header: writeHeaders },
      body: { schema: document },
      answers: {
        200: written('An existing document was replaced, as If-Match allows.'),
        201: written('It was created.'),
      },
      errors: [404, 409, 412],
    },
  ],
};
