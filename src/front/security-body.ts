/** What the bodies of login, users, API keys and blocked addresses say. Pure; every fault is a DbError that names the field. */
import { DbError } from '../base/errors.js';
import { asObject, refuseUnknown } from './control-body.js';
import type { LoginRequest, SecurityCall, UserChanges } from './security-call.js';

export const TEXT_LENGTH_MAX = 4096;

export function readLogin(body: unknown): LoginRequest {
  const object = asObject(body);
  refuseUnknown(object, ['username', 'password']);
  return { username: readText(object, 'username'), password: readText(object, 'password') };
}

export function readNewUser(body: unknown): SecurityCall {
  const object = asObject(body);
  refuseUnknown(object, ['username', 'role', 'password']);
  return {
    kind: 'create-user',
    username: readText(object, 'username'),
    role: readText(object, 'role'),
    password: readText(object, 'password'),
  };
}

export function readUserChanges(body: unknown): UserChanges {
  const object = asObject(body);
  refuseUnknown(object, ['role', 'password', 'disabled']);
  const { role, password, disabled } = object;
  if (role === undefined && password === undefined && disabled === undefined)
    throw new DbError('VALIDATION', 'nothing to change is given: role, password or disabled', {
      field: 'role',
    });
  if (disabled !== undefined && typeof disabled !== 'boolean')
    throw new DbError('VALIDATION', 'disabled must be true or false', { field: 'disabled' });
  return {
    ...(role === undefined ? {} : { role: readText(object, 'role') }),
    ...(password === undefined ? {} : { password: readText(object, 'password') }),
    ...(disabled === undefined ? {} : { disabled }),
  };
}

export function readPasswordChange(body: unknown): SecurityCall {
  const object = asObject(body);
  refuseUnknown(object, ['old_password', 'new_password']);
  return {
    kind: 'change-password',
    oldPassword: readText(object, 'old_password'),
    newPassword: readText(object, 'new_password'),
  };
}

export function readNewApiKey(body: unknown): SecurityCall {
  const object = asObject(body);
  refuseUnknown(object, ['name', 'username', 'permissions', 'expires_at']);
  const { permissions, expires_at: expiresAt } = object;
  return {
    kind: 'create-api-key',
    name: readText(object, 'name'),
    username: readText(object, 'username'),
    permissions: permissions === undefined ? undefined : readTexts(object, 'permissions'),
    expiresAtMs: expiresAt === undefined || expiresAt === null ? undefined : readTime(object, 'expires_at'),
  };
}

export function readBlockedAddresses(body: unknown): SecurityCall {
  const object = asObject(body);
  refuseUnknown(object, ['addresses']);
  return { kind: 'block-addresses', addresses: readTexts(object, 'addresses') };
}

function readText(object: Record<string, unknown>, field: string): string {
  const value = object[field];
  if (typeof value === 'string' && value !== '' && value.length <= TEXT_LENGTH_MAX) return value;
  const message =
    value === undefined
      ? `${field} is missing`
      : `${field} must be a text of 1 to ${TEXT_LENGTH_MAX} characters`;
  throw new DbError('VALIDATION', message, { field });
}

function readTexts(object: Record<string, unknown>, field: string): readonly string[] {
  const value = object[field];
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  throw new DbError('VALIDATION', `${field} must be a list of texts`, { field });
}

function readTime(object: Record<string, unknown>, field: string): number {
  const value = object[field];
  const timeMs = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  if (!Number.isNaN(timeMs)) return timeMs;
  throw new DbError('VALIDATION', `${field} must be a time as 2027-01-31T00:00:00Z`, { field });
}
