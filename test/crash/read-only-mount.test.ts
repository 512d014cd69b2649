import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { TestServer } from '../support/server.js';
import { remount, smallFileSystem } from '../support/small-file-system.js';

/** Every file below a directory, with its bytes. */
function filesOf(directory: string): Map<string, string> {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return new Map(
    files.map(({ parentPath, name }) => {
      const path = join(parentPath, name);
      return [path, readFileSync(path, 'base64')];
    }),
  );
}

test('on a read-only file system a start fails by that name and changes nothing; writable again, everything is there', async (t) => {
  const dataDir = smallFileSystem(t, 64);
  if (dataDir === undefined) {
    t.pass();
    return;
  }
  const server = await TestServer.start({
    dataDir,
    env: { LUMADB_STORAGE__READ_ONLY_FREE_BYTES: '0' },
  });
  t.teardown(() => server.close());
  for (let i = 0; i < 20; i++) t.is((await server.put(`/api/v1/c/k${i}`, { i })).status, 201);
  await server.kill9();
  remount(dataDir, 'ro');
  const before = filesOf(dataDir);
  await server.restart({ waitUntilReady: false });
  const exit = await server.exited;
  t.is(exit.code, 1, server.log);
  t.regex(server.log, /lumadb: .*(EROFS|read-only file system)/);
  t.deepEqual(filesOf(dataDir), before);
  remount(dataDir, 'rw');
  await server.restart();
  for (let i = 0; i < 20; i++) t.is((await server.get(`/api/v1/c/k${i}`)).json.i, i);
  t.is((await server.put('/api/v1/c/after', {})).status, 201);
});
