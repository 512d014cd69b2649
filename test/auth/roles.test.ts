import test from 'ava';
import { DEFAULT_ROLES, parseRoles } from '../../src/auth/roles.js';

test('both forms of a role are read', (t) => {
  const text = `
# who may do what
roles:
  admin: {permissions: ["*"]}
  developer: ["read:*", "write:development_*", "execute:queries"]
  nobody: []
`;
  t.deepEqual(parseRoles(text, 'rbac.yaml'), {
    admin: ['*'],
    developer: ['read:*', 'write:development_*', 'execute:queries'],
    nobody: [],
  });
});

test('every fault names file, line and column', (t) => {
  const cases: ReadonlyArray<[string, RegExp]> = [
    ['', /^f:1:1: a mapping with the key "roles" is expected/],
    ['roles: 3', /^f:1:8: "roles" must be a mapping/],
    ['rules: {}', /^f:1:1: unknown key rules; known is "roles"/],
    ['roles:\n  a: ["read:*", 3]', /^f:2:17: a permission of role a must be a text/],
    ['roles:\n  a: ["reed:*"]', /^f:2:7: role a: permission "reed:\*" is not/],
    ['roles:\n  a: {permissions: x}', /^f:2:20: permissions of role a must be a list/],
    ['roles:\n  a: {permission: []}', /^f:2:7: unknown key permission of role a/],
    ['roles:\n  "a b": []', /^f:2:3: the name of a role/],
    ['roles: [', /^f:1:/],
    ['roles:\n  a: []\n  a: []', /^f:3:3: /],
  ];
  for (const [text, message] of cases)
    t.throws(() => parseRoles(text, 'f'), { code: 'CONFIG', message }, JSON.stringify(text));
});

test('more permissions than a front takes are a fault of the file, not of the fronts', (t) => {
  const text = `roles:\n  a: [${'"read:x",'.repeat(1001)}]\n`;
  const message = /^f:2:6: role a: more than 1000 permissions/;
  t.throws(() => parseRoles(text, 'f'), { code: 'CONFIG', message });
});

test('a file cannot grow by aliases', (t) => {
  const text = 'roles:\n  a: &a ["read:*"]\n  b: [*a, *a]\n';
  t.throws(() => parseRoles(text, 'f'), { code: 'CONFIG' });
});

test('the built-in roles are as the contract has them', (t) => {
  t.deepEqual(DEFAULT_ROLES['admin'], ['*']);
  t.deepEqual(DEFAULT_ROLES['readonly'], ['read:*']);
  for (const permission of ['read:*', 'write:development_*', 'execute:queries'])
    t.true(DEFAULT_ROLES['developer'].includes(permission));
});
