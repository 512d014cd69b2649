/**
 * rbac.yaml: the roles and their permissions. Pure: from text to roles, with faults that name line and column.
 *
 *     roles:
 *       admin: {permissions: ["*"]}
 *       developer: ["read:*", "write:development_*", "execute:queries"]
 */
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { DbError } from '../base/errors.js';
import { PermissionSet } from './permission.js';

export type Roles = Readonly<Record<string, readonly string[]>>;

/** Without a file. */
export const DEFAULT_ROLES: Roles = {
  admin: ['*'],
  developer: ['read:*', 'write:development_*', 'execute:queries', 'monitor:*'],
  analyst: ['read:*', 'execute:queries'],
  readonly: ['read:*'],
  monitoring: ['monitor:*'],
};

const ROLES_MAX = 1000;
export const ROLE_NAME = /^[A-Za-z0-9_.-]{1,64}$/;

/** Throws DbError CONFIG that names file, line and column. */
export function parseRoles(text: string, file: string): Roles {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, maxAliasCount: 0 } as Parameters<
    typeof parseDocument
  >[1]);
  const fail = (message: string, offset = 0): never => {
    const { line, col } = lines.linePos(offset);
    throw new DbError('CONFIG', `${file}:${line}:${col}: ${message}`, { file, line, column: col });
  };
  const [error] = document.errors;
  if (error !== undefined) fail(error.message.split('\n')[0], error.pos[0]);
  const at = (node: unknown): number => (node as Node | null)?.range?.[0] ?? 0;
  const root: unknown = document.contents;
  if (!isMap(root)) return fail('a mapping with the key "roles" is expected');
  for (const { key } of root.items)
    if (!isScalar(key) || key.value !== 'roles')
      fail(`unknown key ${String(key)}; known is "roles"`, at(key));
  const list: unknown = root.get('roles', true);
  if (!isMap(list))
    return fail('"roles" must be a mapping from the name of a role to its permissions', at(list));
  if (list.items.length > ROLES_MAX) fail(`more than ${ROLES_MAX} roles`, at(list));
  const roles: Record<string, readonly string[]> = {};
  for (const { key, value } of list.items) {
    const name = isScalar(key) ? String(key.value) : '';
    if (!ROLE_NAME.test(name))
      fail('the name of a role has 1 to 64 letters, digits, "_", "." and "-"', at(key));
    roles[name] = permissionsOf(value, name, fail, at);
  }
  return roles;
}

function permissionsOf(
  value: unknown,
  role: string,
  fail: (message: string, offset?: number) => never,
  at: (node: unknown) => number,
): readonly string[] {
  let list = value;
  if (isMap(value)) {
    for (const { key } of value.items)
      if (!isScalar(key) || key.value !== 'permissions')
        fail(`unknown key ${String(key)} of role ${role}; known is "permissions"`, at(key));
    list = value.get('permissions', true);
  }
  if (!isSeq(list)) return fail(`permissions of role ${role} must be a list of texts`, at(list ?? value));
  const texts = list.items.map((item) => {
    if (!isScalar(item) || typeof item.value !== 'string')
      return fail(`a permission of role ${role} must be a text`, at(item));
    try {
      new PermissionSet([item.value]);
    } catch (error) {
      return fail(`role ${role}: ${(error as Error).message}`, at(item));
    }
    return item.value;
  });
  try {
    // Of all together: a role that no front can take would be found out by the fronts.
    new PermissionSet(texts);
  } catch (error) {
    return fail(`role ${role}: ${(error as Error).message}`, at(list));
  }
  return texts;
}
