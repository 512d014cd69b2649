import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import type { ObjectStore } from '../../src/backup/store/object-store.js';
import { openObjectStore } from '../../src/backup/store/open-store.js';
import { DbError } from '../../src/base/errors.js';
import { isIoError } from '../../src/vfs/io-error.js';
import { collect, hangingAfter, noise, sourceOf, textOf, toArray } from '../support/byte-sources.js';
import { leaveFree, smallFileSystem } from '../support/small-file-system.js';
import { until } from '../support/time.js';
import { declareContract } from './store-contract.js';

const parent = mkdtempSync(join(tmpdir(), 'lumadb-store-'));
test.after.always(() => rmSync(parent, { recursive: true, force: true }));

let roots = 0;
const freshRoot = (): string => join(parent, `root-${++roots}`, 'backups');

declareContract(test, { name: 'LocalStore', create: () => openObjectStore(freshRoot(), {}) });

/** A root that exists, and the store in it. */
async function startedStore(): Promise<{ readonly root: string; readonly store: ObjectStore }> {
  const root = freshRoot();
  const store = openObjectStore(pathToFileURL(root).href, {});
  await store.put('ours', sourceOf('ours'));
  return { root, store };
}

const filesBelow = (root: string): string[] =>
  readdirSync(root, { recursive: true, encoding: 'utf8' }).sort();

test('nobody else may read what is stored', async (t) => {
  const { root, store } = await startedStore();
  await store.put('a/b/c', sourceOf('c'));
  t.is(statSync(root).mode & 0o777, 0o700);
  t.is(statSync(join(root, 'a/b')).mode & 0o777, 0o700);
  t.is(statSync(join(root, 'a/b/c')).mode & 0o777, 0o600);
});

test('the last object takes its folders with it, and never the root', async (t) => {
  const { root, store } = await startedStore();
  await store.put('a/b/c', sourceOf('c'));
  await store.below('a').below('b').delete('c');
  t.deepEqual(filesBelow(root), ['ours']);
  await store.delete('ours');
  t.true(statSync(root).isDirectory());
});

test('a put that goes on shows under no name, and is gone when it was called off', async (t) => {
  const { root, store } = await startedStore();
  const abort = new AbortController();
  const put = store.put('f/a', hangingAfter(noise(100_000)), { signal: abort.signal });
  const temporary = /^f\/\.a\.[0-9a-f]{12}\.tmp$/;
  await until('the temporary file', () => filesBelow(root).some((name) => temporary.test(name)));
  t.deepEqual(
    (await toArray(store.list(''))).map(({ name }) => name),
    ['ours'],
  );
  t.deepEqual(await store.folders(''), []);
  abort.abort(new Error('enough'));
  await t.throwsAsync(put, { message: 'enough' });
  t.deepEqual(filesBelow(root), ['f', 'ours']);
});

test('what a killed put has left behind is not listed, and swept once it is old', async (t) => {
  const { root, store } = await startedStore();
  await store.put('f/a', sourceOf('a'));
  const old = join(root, 'f/.b.0123456789ab.tmp');
  const young = join(root, '.c.0123456789ab.tmp');
  for (const path of [old, young]) writeFileSync(path, 'half');
  utimesSync(old, 1000, 1000);
  t.deepEqual(
    (await toArray(store.list(''))).map(({ name }) => name),
    ['f/a', 'ours'],
  );
  t.is(await store.below('g').sweepUnfinished(Date.now()), 0);
  t.is(await store.sweepUnfinished(2_000_000), 1);
  t.deepEqual(filesBelow(root), ['.c.0123456789ab.tmp', 'f', 'f/a', 'ours']);
});

test('a symbolic link below the root is followed by nothing', async (t) => {
  const { root, store } = await startedStore();
  const outside = mkdtempSync(join(parent, 'outside-'));
  writeFileSync(join(outside, 'secret'), 'secret');
  symlinkSync(outside, join(root, 'folder'));
  symlinkSync(join(outside, 'secret'), join(root, 'file'));
  symlinkSync(join(outside, 'new'), join(root, 'dangling'));
  mkdirSync(join(root, 'deep'));
  symlinkSync(outside, join(root, 'deep/folder'));

  const calls: Record<string, () => Promise<unknown>> = {
    'get through a folder': () => collect(store.get('folder/secret')),
    'read through a folder': () => store.read('folder/secret', 100),
    'stat through a folder': () => store.stat('folder/secret'),
    'put through a folder': () => store.put('folder/new', sourceOf('x')),
    'delete through a folder': () => store.delete('folder/secret'),
    'list through a folder': () => toArray(store.list('folder/')),
    'folders through a folder': () => store.folders('folder/'),
    'a view through a folder': () => collect(store.below('deep/folder').get('secret')),
    'get of a file': () => collect(store.get('file')),
  };
  for (const [what, call] of Object.entries(calls)) {
    const error = await t.throwsAsync(call, { instanceOf: DbError }, what);
    t.true(isIoError(error, 'ELOOP'), `${what}: ${error?.message}`);
    t.regex(error?.message ?? '', /symbolic link/, what);
  }
  t.is(await store.stat('file'), undefined);
  t.deepEqual(
    (await toArray(store.list(''))).map(({ name }) => name),
    ['ours'],
  );
  t.deepEqual(await store.folders(''), []);
  // A put and a delete are about the name itself: the link goes, and what it pointed to stays.
  await store.put('dangling', sourceOf('ours'));
  await store.put('file', sourceOf('ours'));
  t.is(readFileSync(join(root, 'file'), 'utf8'), 'ours');
  await store.delete('file');
  t.deepEqual(filesBelow(outside), ['secret']);
  t.is(readFileSync(join(outside, 'secret'), 'utf8'), 'secret');
});

test('a pipe in the place of an object holds nobody up', async (t) => {
  const { root, store } = await startedStore();
  t.is(spawnSync('mkfifo', [join(root, 'pipe')]).status, 0);
  await t.throwsAsync(collect(store.get('pipe')), { instanceOf: DbError, message: /there is no "pipe"/ });
  t.is(await store.stat('pipe'), undefined);
});

test('the root itself may be a link: an operator chose it', async (t) => {
  const { root } = await startedStore();
  const link = join(parent, 'link');
  symlinkSync(root, link);
  const store = openObjectStore(link, {});
  t.is(await textOf(store.get('ours')), 'ours');
  await store.put('more', sourceOf('more'));
  t.is(readFileSync(join(root, 'more'), 'utf8'), 'more');
});

test('an object that changes under its reader is not passed on as if nothing were', async (t) => {
  const { root, store } = await startedStore();
  const readAnd = async (name: string, change: (path: string) => void): Promise<void> => {
    await store.put(name, sourceOf(noise(3_000_000)));
    for await (const _chunk of store.get(name)) change(join(root, name));
  };
  await t.throwsAsync(
    readAnd('cut', (path) => writeFileSync(path, 'short')),
    { instanceOf: DbError, message: /"cut" in .* ends at byte 1048576 of 3000000/ },
  );
  await t.throwsAsync(
    readAnd('written', (path) => writeFileSync(path, 'x', { flag: 'r+' })),
    { instanceOf: DbError, message: /"written" in .* was changed while it was read/ },
  );
  // A put beside the reader is no such change: it goes on with the object that it has begun with.
  const bytes = noise(3_000_000, 7);
  await store.put('replaced', sourceOf(bytes));
  const chunks: Uint8Array[] = [];
  for await (const chunk of store.get('replaced')) {
    if (chunks.length === 0) await store.put('replaced', sourceOf('new'));
    chunks.push(chunk);
  }
  t.true(Buffer.concat(chunks).equals(bytes));
});

test('a full disk ends a put with its reason and leaves the object before', async (t) => {
  const root = smallFileSystem(t, 4);
  if (root === undefined) return t.pass();
  const store = openObjectStore(join(root, 'backups'), {});
  await store.put('a', sourceOf('before'));
  leaveFree(root, 1024 * 1024);
  for (const name of ['a', 'new/b']) {
    const error = await t.throwsAsync(store.put(name, sourceOf(noise(2_000_000))), { instanceOf: DbError });
    t.true(isIoError(error, 'ENOSPC'), error?.message);
    t.regex(error?.message ?? '', /no space left on the device/);
    t.true(error?.message.includes(`.${name.slice(-1)}.`), error?.message);
  }
  t.is(await textOf(store.get('a')), 'before');
  t.deepEqual(
    filesBelow(join(root, 'backups')).filter((name) => name.endsWith('.tmp')),
    [],
  );
  await store.put('new/b', sourceOf(noise(500_000)));
  t.is((await store.stat('new/b'))?.sizeBytes, 500_000);
});

test('a folder that a delete takes away under a put is made again', async (t) => {
  const { root, store } = await startedStore();
  const lives = Array.from({ length: 2 }, async (_, i) => {
    for (let round = 0; round < 200; round++) {
      await store.put(`a/b/c/${i}`, sourceOf('x'));
      await store.delete(`a/b/c/${i}`);
    }
  });
  await Promise.all(lives);
  t.deepEqual(filesBelow(root), ['ours']);
});

test('a large object goes through little memory', async (t) => {
  const { store } = await startedStore();
  const chunk = noise(1024 * 1024);
  const before = process.memoryUsage().arrayBuffers;
  let peak = 0;
  const source = async function* (): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < 100; i++) {
      yield chunk;
      peak = Math.max(peak, process.memoryUsage().arrayBuffers - before);
    }
  };
  t.deepEqual(await store.put('large', source()), { sizeBytes: 100 * 1024 * 1024 });
  // The tests beside this one have their own.
  t.true(peak < 80 * 1024 * 1024, `${peak}`);
});

test('a root that is no directory is named', async (t) => {
  const path = join(parent, 'plain-file');
  writeFileSync(path, 'x');
  for (const location of [path, join(path, 'below')]) {
    const store = openObjectStore(location, {});
    const error = await t.throwsAsync(store.put('a', sourceOf('a')), { instanceOf: DbError });
    t.is(error?.code, 'IO');
    t.true(error?.message.includes(location), error?.message);
  }
  t.is(readFileSync(path, 'utf8'), 'x');
  // Where mkdir of Node goes round forever.
  const error = await t.throwsAsync(openObjectStore('/proc/nowhere/below', {}).put('a', sourceOf('a')));
  t.true(isIoError(error, 'ENOENT'), error?.message);
});
