import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { DEFAULT_ROLES } from '../../src/auth/roles.js';
import { RBAC_FILE_DEFAULT } from '../../src/config/schema.js';
import { RolesFile, readRoles } from '../../src/runtime/roles-file.js';

function newFile(t: ExecutionContext) {
  const directory = mkdtempSync(join(tmpdir(), 'lumadb-roles-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'rbac.yaml');
  writeFileSync(path, 'roles:\n  developer: ["read:orders"]\n');
  const log = { errors: [] as unknown[], changes: 0 };
  const open = () =>
    new RolesFile({
      path,
      timer: () => () => {},
      logger: { info: () => {}, error: (fields: unknown) => log.errors.push(fields) },
      onChange: () => log.changes++,
    });
  return { path, open, log };
}

test('a file that disappears leaves its roles in place, loudly: the built-in ones allow more', (t) => {
  const { path, open, log } = newFile(t);
  const file = open();
  rmSync(path);
  file.reload();
  t.deepEqual(file.current, { developer: ['read:orders'] });
  t.is(file.source, path);
  t.is(log.changes, 0);
  t.regex(JSON.stringify(log.errors), /rbac\.yaml is gone/);
  writeFileSync(path, 'roles:\n  developer: []\n');
  file.reload();
  t.deepEqual(file.current, { developer: [] });
});

test('a file that was named has to be there, and one that is there has to be readable', (t) => {
  const { path } = newFile(t);
  const code = 'CONFIG';
  t.throws(() => readRoles(`${path}.typo`), { code, message: /rbac\.yaml\.typo .*does not exist/ });
  t.throws(() => readRoles(join(path, 'below')), { code, message: /cannot read/ });
  t.throws(() => readRoles(join(path, '..')), { code, message: /cannot read/ });
  t.notThrows(() => readRoles(path));
});

test('without a file at the default path the built-in roles hold', (t) => {
  // The machine of a test may have one.
  try {
    t.is(readRoles(RBAC_FILE_DEFAULT), DEFAULT_ROLES);
  } catch (error) {
    t.is((error as { code?: string }).code, 'CONFIG');
  }
});
