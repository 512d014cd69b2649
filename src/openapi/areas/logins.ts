/** Logging in and out, and who one is. */
import { z } from 'zod';
import { PASSWORD_LENGTH_MAX, PASSWORD_LENGTH_MIN } from '../../auth/passwords.js';
import { TEXT_LENGTH_MAX } from '../../front/security-body.js';
import type { Area } from '../operation.js';
import { timestamp } from '../values.js';

/** Anything that can be looked up; only a name that fits is found. */
const givenText = z.string().min(1).max(TEXT_LENGTH_MAX);

export const newPassword = z.string().min(PASSWORD_LENGTH_MIN).max(PASSWORD_LENGTH_MAX);

const login = z
  .strictObject({ username: givenText, password: givenText })
  .meta({ id: 'Login', examples: [{ username: 'alice', password: 'correct horse' }] });

const token = z
  .object({
    token: z.string(),
    expires_at: timestamp,
    user: z.object({ username: z.string(), role: z.string() }),
  })
  .meta({ id: 'Token' });

const caller = z
  .object({
    username: z.string(),
    role: z.string(),
    login: z.enum(['token', 'api-key', 'local', 'trusted']),
    expires_at: timestamp.nullable(),
    address: z.string(),
    permissions: z.array(z.string()).meta({ description: 'Patterns `action:resource` of the role.' }),
    limited_to: z
      .array(z.string())
      .nullable()
      .meta({ description: 'Of an API key that may do less: what is in both.' }),
  })
  .meta({ id: 'Caller' });

const passwordChange = z
  .strictObject({ old_password: givenText, new_password: newPassword })
  .meta({ id: 'PasswordChange' });

export const logins: Area = {
  tag: 'Logins',
  description: 'Tokens of users. Programs rather take an API key.',
  operations: [
    {
      method: 'post',
      path: '/auth/login',
      operationId: 'login',
      summary: 'Log in',
      description: 'Repeated failures lock the user at that address out for a while.',
      needs: 'anyone',
      body: { schema: login },
      answers: { 200: { description: 'A token.', body: token } },
      errors: [401, 429],
    },
    {
      method: 'post',
      path: '/auth/logout',
      operationId: 'logout',
      summary: 'End the login of this token',
      needs: 'somebody',
      answers: {
        200: { description: 'It has ended.', body: z.object({ logged_out: z.literal(true) }) },
      },
    },
    {
      method: 'get',
      path: '/auth/me',
      operationId: 'whoAmI',
      summary: 'See who the caller is',
      needs: 'somebody',
      answers: { 200: { description: 'The caller.', body: caller } },
    },
    {
      method: 'post',
      path: '/auth/password',
      operationId: 'changePassword',
      summary: 'Change the own password',
      description: 'Ends all logins of the user; the new token goes on.',
      needs: 'somebody',
      body: { schema: passwordChange },
      answers: { 200: { description: 'A new token.', body: token } },
    },
  ],
};
