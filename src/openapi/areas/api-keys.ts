/** API keys: what programs come with. */
import { z } from 'zod';
import { PATTERN_LENGTH_MAX } from '../../auth/permission.js';
import { TEXT_LENGTH_MAX } from '../../front/security-body.js';
import type { Area } from '../operation.js';
import { count, idParameter, timestamp } from '../values.js';
import { username } from './users.js';

const keyMembers = {
  id: z.string(),
  name: z.string(),
  username: z.string(),
  permissions: z.array(z.string()).nullable().meta({ description: 'Null: all that its user may do.' }),
  created_at: timestamp,
  expires_at: timestamp.nullable(),
};

const apiKey = z.object(keyMembers).meta({ id: 'ApiKey' });

const issuedKey = z
  .object({ ...keyMembers, key: z.string().meta({ description: 'The secret, which is shown only now.' }) })
  .meta({ id: 'IssuedApiKey' });

const newKey = z
  .strictObject({
    name: z.string().min(1).max(TEXT_LENGTH_MAX),
    username,
    permissions: z
      .array(z.string().max(PATTERN_LENGTH_MAX))
      .optional()
      .meta({ description: 'Patterns `action:resource`: no more than these.', examples: [['read:*']] }),
    expires_at: timestamp.nullable().optional(),
  })
  .meta({ id: 'NewApiKey' });

const USERS = 'admin:users';
const PATH = '/admin/api-keys';
const path = idParameter('The id of an API key.');

export const apiKeys: Area = {
  tag: 'API keys',
  description: 'A key may do what its user may do and no more than its permissions.',
  operations: [
    {
      method: 'get',
      path: PATH,
      operationId: 'listApiKeys',
      summary: 'See all API keys, without their secrets',
      needs: USERS,
      answers: {
        200: { description: 'The keys.', body: z.object({ api_keys: z.array(apiKey), total: count }) },
      },
    },
    {
      method: 'post',
      path: PATH,
      operationId: 'createApiKey',
      summary: 'Create an API key',
      needs: USERS,
      body: { schema: newKey },
      answers: { 201: { description: 'The key with its secret.', body: issuedKey } },
      errors: [404, 409],
    },
    {
      method: 'post',
      path: `${PATH}/{id}/rotate`,
      operationId: 'rotateApiKey',
      summary: 'Give an API key a new secret',
      needs: USERS,
      parameters: { path },
      answers: { 200: { description: 'The key with its new secret.', body: issuedKey } },
      errors: [404],
    },
    {
      method: 'delete',
      path: `${PATH}/{id}`,
      operationId: 'revokeApiKey',
      summary: 'Revoke an API key',
      needs: USERS,
      parameters: { path },
      answers: {
        200: {
          description: 'It does not work any more.',
          body: z.object({ id: z.string(), revoked: z.literal(true) }),
        },
      },
      errors: [404],
    },
  ],
};
