import test from 'ava';
import { PermissionSet } from '../../src/auth/permission.js';

test('a pattern allows its action on what its resource matches, and nothing else', (t) => {
  const set = new PermissionSet(['read:*', 'write:development_*', 'execute:queries', 'admin:*-only']);
  const allowed = [
    ['read', 'orders'],
    ['read', ''],
    ['read', 'system.slow_queries'],
    ['write', 'development_'],
    ['write', 'development_x'],
    ['execute', 'queries'],
    ['admin', 'read-only'],
  ] as const;
  const refused = [
    ['write', 'orders'],
    ['write', 'my_development_x'],
    ['execute', 'querie'],
    ['admin', 'users'],
    ['admin', 'read-only2'],
    ['monitor', 'status'],
  ] as const;
  for (const [action, resource] of allowed) t.true(set.allows(action, resource), `${action}:${resource}`);
  for (const [action, resource] of refused) t.false(set.allows(action, resource), `${action}:${resource}`);
});

test('a star stands for any text, several of them in order', (t) => {
  const set = new PermissionSet(['read:a*b*c', 'write:*x']);
  for (const name of ['abc', 'a-b-c', 'aabbcc', 'abcbc']) t.true(set.allows('read', name), name);
  for (const name of ['acb', 'ab', 'abcd', 'bc', 'a', 'ac']) t.false(set.allows('read', name), name);
  t.true(set.allows('write', 'x'));
  t.false(set.allows('write', 'xy'));
  t.false(new PermissionSet(['read:ab*ba']).allows('read', 'aba'), 'beginning and end do not overlap');
});

test('characters that mean something in regular expressions mean themselves', (t) => {
  const set = new PermissionSet(['read:a.c', 'read:(x)*']);
  t.false(set.allows('read', 'abc'));
  t.true(set.allows('read', 'a.c'));
  t.true(set.allows('read', '(x)+'));
});

test('"*" allows everything, and no patterns allow nothing', (t) => {
  t.true(new PermissionSet(['*']).allows('admin', 'users'));
  t.true(new PermissionSet(['*:*']).allows('admin', 'users'));
  t.true(new PermissionSet(['*:orders']).allows('write', 'orders'));
  t.false(new PermissionSet(['*:orders']).allows('write', 'users'));
  t.false(new PermissionSet([]).allows('read', 'x'));
});

test('what is no pattern is refused with what one looks like', (t) => {
  for (const text of ['', 'read', 'read:', ':x', 'reed:x', 'READ:x', `read:${'x'.repeat(300)}`])
    t.throws(() => new PermissionSet([text]), { code: 'VALIDATION', message: /action:resource/ }, text);
});
