/** Users, roles and who is kept out. */
import { z } from 'zod';
import { TEXT_LENGTH_MAX } from '../../front/security-body.js';
import type { Area } from '../operation.js';
import { count, timestamp } from '../values.js';
import { newPassword } from './logins.js';

/** Of a user: see security-directory.ts. */
export const username = z
  .string()
  .regex(/^[A-Za-z0-9_.@-]{1,64}$/)
  .meta({ id: 'Username', examples: ['alice'] });

const role = z.string().min(1).max(TEXT_LENGTH_MAX);

const user = z
  .object({
    username: z.string(),
    role: z.string(),
    disabled: z.boolean(),
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({ id: 'User' });

const newUser = z.strictObject({ username, role, password: newPassword }).meta({ id: 'NewUser' });

const userChange = z
  .strictObject({
    role: role.optional(),
    password: newPassword.optional(),
    disabled: z.boolean().optional(),
  })
  .meta({ id: 'UserChange', description: 'At least one member.', minProperties: 1 });

const addresses = z.array(z.string()).meta({ examples: [['203.0.113.0/24', '2001:db8::1']] });

const USERS = 'admin:users';
const PATH = '/admin/users';
const path = z.object({ name: z.string().meta({ param: { description: 'The name of a user.' } }) });
const shown = { 200: { description: 'The user.', body: user } };

export const users: Area = {
  tag: 'Users',
  description: 'Users, roles and blocked addresses.',
  operations: [
    {
      method: 'get',
      path: PATH,
      operationId: 'listUsers',
      summary: 'See all users',
      needs: USERS,
      answers: {
        200: { description: 'The users.', body: z.object({ users: z.array(user), total: count }) },
      },
    },
    {
      method: 'post',
      path: PATH,
      operationId: 'createUser',
      summary: 'Create a user',
      needs: USERS,
      body: { schema: newUser },
      answers: { 201: { description: 'The user.', body: user } },
      errors: [409],
    },
    {
      method: 'get',
      path: `${PATH}/{name}`,
      operationId: 'getUser',
      summary: 'See a user',
      needs: USERS,
      parameters: { path },
      answers: shown,
      errors: [404],
    },
    {
      method: 'patch',
      path: `${PATH}/{name}`,
      operationId: 'changeUser',
      summary: 'Change role or password of a user, or disable it',
      description: 'At once: logins end, sockets close and API keys do not work when a user is disabled.',
      needs: USERS,
      parameters: { path },
      body: { schema: userChange },
      answers: shown,
      errors: [404, 409],
    },
    {
      method: 'delete',
      path: `${PATH}/{name}`,
      operationId: 'deleteUser',
      summary: 'Delete a user with the API keys of this user',
      description: 'The last who may do everything cannot be deleted while logins are required.',
      needs: USERS,
      parameters: { path },
      answers: {
        200: {
          description: 'The user is gone.',
          body: z.object({ username: z.string(), deleted: z.literal(true) }),
        },
      },
      errors: [404, 409],
    },
    {
      method: 'get',
      path: '/admin/roles',
      operationId: 'listRoles',
      summary: 'See what roles may do',
      needs: USERS,
      answers: {
        200: {
          description: 'The roles.',
          body: z.object({ roles: z.record(z.string(), z.array(z.string())), source: z.string() }),
        },
      },
    },
    {
      method: 'get',
      path: '/admin/blocked-addresses',
      operationId: 'getBlockedAddresses',
      summary: 'See which addresses are kept out',
      needs: USERS,
      answers: { 200: { description: 'Addresses and networks.', body: z.object({ addresses }) } },
    },
    {
      method: 'put',
      path: '/admin/blocked-addresses',
      operationId: 'setBlockedAddresses',
      summary: 'Keep addresses out',
      description: 'Replaces the list; new connections from them are refused, also after a restart.',
      needs: USERS,
      body: { schema: z.strictObject({ addresses }).meta({ id: 'BlockedAddresses' }) },
      answers: { 200: { description: 'Addresses and networks.', body: z.object({ addresses }) } },
      errors: [409],
    },
  ],
};
