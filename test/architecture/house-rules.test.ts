import test from 'ava';
import { readSources } from '../support/source-tree.js';

const LINES_MAX = 500;
const sources = readSources('src', 'workers');
const own = sources.filter(({ path }) => !path.startsWith('src/generated/'));

/** Code without comments, so that prose may name what code may not use. */
const codeOf = (text: string): string => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '');

/** `path: line` of every line that matches, in files that are not allowed to have one. */
function offenders(pattern: RegExp, isAllowed: (path: string) => boolean): string[] {
  return own
    .filter(({ path }) => !isAllowed(path))
    .flatMap(({ path, text }) =>
      codeOf(text)
        .split('\n')
        .filter((line) => pattern.test(line))
        .map((line) => `${path}: ${line.trim()}`),
    );
}

test('the file system is touched in few places', (t) => {
  const allowed = [
    'src/vfs/real.ts',
    'src/runtime/data-directory.ts',
    // Follows symbolic links, which the vfs does not know.
    'src/runtime/outside-directory.ts',
    // Secrets with a mode of their own, and rbac.yaml, which is not in the data directory.
    'src/runtime/security-files.ts',
    'src/runtime/roles-file.ts',
    'src/runtime/tls-files.ts',
    // Asynchronous, with modes of their own, and below a directory where others may have planted links.
    'src/backup/store/local-directory.ts',
    // The files of an operator, outside of any data directory.
    'src/transfer/files.ts',
    // Looks for symbolic links, which the vfs follows.
    'src/runtime/restore/restore-target.ts',
    // What kind of file standard output is.
    'src/runtime/journal.ts',
    // The number that the kernel gives a thread, which stands in /proc only.
    'src/runtime/diagnostics/thread-look.ts',
    'src/runtime/os-thread.ts',
    'src/admin/memory-limit.ts',
    'src/base/version.ts',
    'src/base/make-directories.ts',
    // Run by developers, in no server.
    'src/openapi/write-document.ts',
  ];
  const isAllowed = (path: string): boolean => allowed.includes(path) || /^src\/(config|cli)\//.test(path);
  t.deepEqual(offenders(/['"](node:)?fs(\/promises)?['"]/, isAllowed), []);
});

test('clocks and randomness have one home each', (t) => {
  const clock = /\bDate\.now\s*\(|\bperformance\.now\s*\(|\bprocess\.hrtime\b|new Date\(\)/;
  t.deepEqual(
    offenders(clock, (path) => path === 'src/base/clock.ts'),
    [],
  );
  t.deepEqual(
    offenders(/\bMath\.random\b/, (path) => path === 'src/base/prng.ts'),
    [],
  );
});

test('there are no default exports', (t) => {
  t.deepEqual(
    offenders(/\bexport\s+default\b|\bas default\b/, () => false),
    [],
  );
});

test('there is one barrel: the public face of the client', (t) => {
  const barrels = own.filter(({ path }) => path.endsWith('/index.ts')).map(({ path }) => path);
  t.deepEqual(barrels, ['src/client/index.ts']);
});

test(`no file is longer than ${LINES_MAX} lines, and every file says what it is`, (t) => {
  const long = own.filter(({ text }) => text.split('\n').length > LINES_MAX).map(({ path }) => path);
  t.deepEqual(long, []);
  const silent = own.filter(({ text }) => !/^(#!.*\n)?\/\*\*/.test(text)).map(({ path }) => path);
  t.deepEqual(silent, []);
});

test('nothing is left for later in a comment', (t) => {
  const marks = own.filter(({ text }) => /\b(TODO|FIXME|XXX|HACK)\b/.test(text)).map(({ path }) => path);
  t.deepEqual(marks, []);
});
