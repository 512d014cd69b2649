import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { requireOutside } from '../../src/runtime/outside-directory.js';

/** `<root>/data` is a data directory with `shard-0000` inside. */
function directories(t: ExecutionContext): { root: string; data: string } {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'lumadb-outside-')));
  t.teardown(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, 'data', 'shard-0000'), { recursive: true });
  return { root, data: join(root, 'data') };
}

test('a directory elsewhere is taken, there or not, and loses its trailing slash', (t) => {
  const { root, data } = directories(t);
  t.is(requireOutside(join(root, 'archive'), data), join(root, 'archive'));
  t.is(requireOutside(`${root}/archive/deep//`, data), join(root, 'archive', 'deep'));
  t.is(requireOutside(`${data}-archive`, data), `${data}-archive`, 'a name that only begins alike');
});

test('what is relative, crooked, or hides a zero byte is refused', (t) => {
  const { root, data } = directories(t);
  const cases: ReadonlyArray<readonly [string, RegExp]> = [
    ['archive', /not an absolute path/],
    ['', /not an absolute path/],
    [`${root}/archive/../data`, /contains "\.\."/],
    [`${root}/archive\0`, /zero byte/],
  ];
  for (const [path, message] of cases)
    t.throws(() => requireOutside(path, data), { code: 'VALIDATION', message }, JSON.stringify(path));
});

test('the data directory and what is in it is refused, also through links', (t) => {
  const { root, data } = directories(t);
  symlinkSync(data, join(root, 'link'));
  mkdirSync(join(root, 'archive'));
  symlinkSync(join(data, 'shard-0000'), join(root, 'archive', 'shard-0000'));
  const inside = { code: 'VALIDATION', message: /inside the data directory/ };
  t.throws(() => requireOutside(data, data), inside);
  t.throws(() => requireOutside(join(data, 'archive'), data), inside);
  t.throws(() => requireOutside(join(root, 'link'), data), inside);
  t.throws(() => requireOutside(join(root, 'link', 'not', 'there', 'yet'), data), inside);
  t.throws(() => requireOutside(join(root, 'archive'), data, ['shard-0000']), inside);
  t.is(requireOutside(join(root, 'archive'), data, ['shard-0001']), join(root, 'archive'));
});

test('a data directory that is itself reached through a link is recognised', (t) => {
  const { root, data } = directories(t);
  symlinkSync(data, join(root, 'link'));
  t.throws(() => requireOutside(join(data, 'x'), join(root, 'link')), { message: /inside/ });
});
