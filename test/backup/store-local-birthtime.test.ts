/**
 * A file system that does not say when a directory was made, as many network and FUSE ones. Alone in its file: it changes all
 * handles of files.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { LocalStore } from '../../src/backup/store/local-store.js';
import { sourceOf } from '../support/byte-sources.js';

test.serial('where directories cannot be told apart, each put makes their names durable', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'lumadb-birthtime-'));
  t.teardown(() => rmSync(root, { recursive: true, force: true }));
  const handle = await open(root);
  const handles = Object.getPrototypeOf(handle) as FileHandle;
  await handle.close();
  const { stat, sync } = handles;
  let bornNs = 0n;
  let syncs = 0;
  handles.stat = async function (this: FileHandle, ...args: Parameters<typeof stat>) {
    const facts = await stat.apply(this, args);
    return Object.assign(facts, { birthtimeNs: bornNs });
  } as typeof stat;
  handles.sync = function (this: FileHandle) {
    syncs++;
    return sync.call(this);
  };
  t.teardown(() => Object.assign(handles, { stat, sync }));
  const store = new LocalStore(root);
  const syncsOfPut = async (name: string): Promise<number> => {
    const before = syncs;
    await store.put(name, sourceOf('x'));
    return syncs - before;
  };
  const first = await syncsOfPut('a/b/1');
  t.is(await syncsOfPut('a/b/2'), first);
  // Another process: its delete takes the folder with it, and the one that is made next gets its number.
  rmSync(join(root, 'a'), { recursive: true });
  t.is(await syncsOfPut('a/b/3'), first);

  bornNs = 1n;
  t.is(await syncsOfPut('a/b/4'), first);
  t.true((await syncsOfPut('a/b/5')) < first, 'once is enough otherwise');
});
