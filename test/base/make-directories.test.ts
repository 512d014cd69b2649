import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { makeDirectories } from '../../src/base/make-directories.js';

function temporaryDirectory(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'lumadb-make-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

test('all that is missing is made with its mode, and the first of it is named', (t) => {
  const root = temporaryDirectory(t);
  t.is(makeDirectories(join(root, 'a/b/c'), 0o700), join(root, 'a'));
  t.is(statSync(join(root, 'a/b/c')).mode & 0o777, 0o700);
  t.is(makeDirectories(relative('.', join(root, 'a/b/d')), 0o700), join(root, 'a/b/d'));
  t.is(makeDirectories(join(root, 'a/b'), 0o700), undefined);
});

test('links to directories are followed, and a file in the way is an error', (t) => {
  const root = temporaryDirectory(t);
  makeDirectories(join(root, 'real'), 0o700);
  symlinkSync(join(root, 'real'), join(root, 'link'));
  makeDirectories(join(root, 'link/below'), 0o700);
  t.true(statSync(join(root, 'real/below')).isDirectory());
  writeFileSync(join(root, 'file'), '');
  symlinkSync(join(root, 'nowhere'), join(root, 'dangling'));
  t.throws(() => makeDirectories(join(root, 'file'), 0o700), { code: 'EEXIST' });
  t.throws(() => makeDirectories(join(root, 'file/below'), 0o700), { code: 'ENOTDIR' });
  t.throws(() => makeDirectories(join(root, 'dangling'), 0o700), { code: 'EEXIST' });
});

test('where the kernel makes no directories it ends with an error', (t) => {
  const error = t.throws(() => makeDirectories('/proc/nope', 0o700), { code: 'ENOENT' });
  t.is(error?.message, 'ENOENT: no directory can be made in /proc');
  t.throws(() => makeDirectories('/proc/nope/deeper/still', 0o700), { code: 'ENOENT' });
});
