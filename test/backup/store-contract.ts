/** What every ObjectStore must do. Each implementation's test file declares these tests for itself. */
import type { TestFn } from 'ava';
import type { ObjectStore } from '../../src/backup/store/object-store.js';
import { DbError } from '../../src/base/errors.js';
import {
  bytesOf,
  collect,
  digestOf,
  failingAfter,
  hangingAfter,
  noise,
  reusedBuffer,
  sourceOf,
  textOf,
  toArray,
} from '../support/byte-sources.js';

const HOSTILE_NAMES = [
  '',
  '/',
  '/etc/passwd',
  '../outside',
  'a/../../outside',
  'a/..',
  '..',
  '.',
  './a',
  'a/./b',
  'a//b',
  'a/',
  'a\\b',
  'a\0b',
  'a\nb',
  '\ud800',
  '.a.0123456789ab.tmp',
  'folder/.a.tmp',
  'x'.repeat(201),
  'long/'.repeat(200).slice(0, -1),
];

/** More than two parts of a multipart upload. */
const LARGE_BYTES = 11 * 1024 * 1024 + 17;

export interface ContractTarget {
  readonly name: string;
  /** Gives an empty store. */
  readonly create: () => ObjectStore | Promise<ObjectStore>;
  /** False for a server of tests that orders names as people of some language do. */
  readonly listsInOrderOfBytes?: boolean;
}

export function declareContract(
  test: TestFn,
  { name, create, listsInOrderOfBytes = true }: ContractTarget,
): void {
  test(`${name}: what was put is what is got, of any size and in any chunks`, async (t) => {
    const store = await create();
    for (const size of [0, 1, 300_001, LARGE_BYTES]) {
      const bytes = noise(size, size);
      t.deepEqual(await store.put(`sizes/${size}`, reusedBuffer(bytes, 100_000)), { sizeBytes: size });
      t.is(digestOf(await collect(store.get(`sizes/${size}`))), digestOf(bytes), `${size}`);
      t.is((await store.stat(`sizes/${size}`))?.sizeBytes, size);
    }
    await store.put('odd chunks', sourceOf('', 'a', '', 'bc', ''));
    t.is(await textOf(store.get('odd chunks')), 'abc');
  });

  test(`${name}: a put replaces the object, whole`, async (t) => {
    const store = await create();
    await store.put('a', sourceOf('a long first version'));
    await store.put('a', sourceOf('second'));
    t.is(await textOf(store.get('a')), 'second');
    t.deepEqual(
      (await toArray(store.list(''))).map(({ name, sizeBytes }) => [name, sizeBytes]),
      [['a', 6]],
    );
  });

  test(`${name}: an object is read from any offset, and not from behind its end`, async (t) => {
    const store = await create();
    await store.put('a', sourceOf('0123456789'));
    t.is(await textOf(store.get('a', { offset: 4 })), '456789');
    t.is(await textOf(store.get('a', { offset: 10 })), '');
    await store.put('empty', sourceOf());
    t.is(await textOf(store.get('empty')), '');
    const error = await t.throwsAsync(collect(store.get('a', { offset: 11 })), { instanceOf: DbError });
    t.is(error?.code, 'BACKUP_STORE');
    t.regex(error?.message ?? '', /"a" in .* has 10 bytes.*byte 11/);
  });

  test(`${name}: what is not there is said to be missing, by name`, async (t) => {
    const store = await create();
    await store.put('folder/a', sourceOf('a'));
    for (const missing of ['b', 'folder', 'folder/b', 'folder/a/b', 'none/b']) {
      t.is(await store.stat(missing), undefined, missing);
      for (const get of [
        () => collect(store.get(missing)),
        () => collect(store.get(missing, { offset: 3 })),
        () => store.read(missing, 10),
      ]) {
        const error = await t.throwsAsync(get, { instanceOf: DbError }, missing);
        t.is(error?.code, 'NOT_FOUND', missing);
        t.true(error?.message.includes(`"${missing}" in ${store.url}`), error?.message);
      }
      await store.delete(missing);
    }
    t.is(await textOf(store.get('folder/a')), 'a');
  });

  test(`${name}: small objects are read whole, larger ones refused`, async (t) => {
    const store = await create();
    await store.put('a', sourceOf('0123456789'));
    t.is(Buffer.from(await store.read('a', 10)).toString(), '0123456789');
    const error = await t.throwsAsync(store.read('a', 9), { instanceOf: DbError });
    t.is(error?.code, 'PAYLOAD_TOO_LARGE');
    await store.put('large', sourceOf(noise(LARGE_BYTES)));
    await t.throwsAsync(store.read('large', 1000), { message: /"large" in .* has more than 1000 bytes/ });
  });

  test(`${name}: objects are told of with their size and time`, async (t) => {
    const store = await create();
    const beforeMs = Date.now();
    await store.put('a', sourceOf('12345'));
    const facts = await store.stat('a');
    t.is(facts?.sizeBytes, 5);
    // S3 counts in seconds.
    t.true(Math.abs((facts?.modifiedMs ?? 0) - beforeMs) < 60_000, `${facts?.modifiedMs}`);
    const [listed] = await toArray(store.list(''));
    t.is(listed.sizeBytes, 5);
    t.true(Math.abs(listed.modifiedMs - beforeMs) < 60_000);
  });

  test(`${name}: names are listed in the order of their bytes, whatever they are made of`, async (t) => {
    const store = await create();
    const names = ['a-b', 'a.b', 'a/x', 'a/y/z', 'a0', 'B', 'b b/%41+&', 'e/ü', 'ä', '\u{1f600}', '\uff21'];
    for (const name of names) await store.put(name, sourceOf(name));
    const sorted = [...names].sort(byBytes);
    const namesFrom = async (prefix: string): Promise<string[]> => {
      const listed = (await toArray(store.list(prefix))).map(({ name }) => name);
      return listsInOrderOfBytes ? listed : listed.sort(byBytes);
    };
    t.deepEqual(await namesFrom(''), sorted);
    for (const prefix of ['a', 'a/', 'a/y', 'a/y/', 'a-', 'b b/%', 'none/', 'a/x/', 'e/ü']) {
      t.deepEqual(
        await namesFrom(prefix),
        sorted.filter((name) => name.startsWith(prefix)),
        prefix,
      );
    }
    for (const name of names) t.is(await textOf(store.get(name)), name);
  });

  test(`${name}: folders are those that something is in`, async (t) => {
    const store = await create();
    t.deepEqual(await store.folders(''), []);
    t.deepEqual(await toArray(store.list('')), []);
    for (const name of ['file', 'b/1', 'b/2', 'a/x/1', 'a/y', 'a-/1', 'c/d/e/f']) {
      await store.put(name, sourceOf('.'));
    }
    t.deepEqual(await store.folders(''), ['a', 'a-', 'b', 'c'].sort(byPath));
    t.deepEqual(await store.folders('a/'), ['x']);
    t.deepEqual(await store.folders('b/'), []);
    t.deepEqual(await store.folders('none/'), []);
    await store.delete('c/d/e/f');
    await store.delete('a-/1');
    t.deepEqual(await store.folders(''), ['a', 'b']);
    await t.throwsAsync(store.folders('a'), { instanceOf: DbError, message: /does not end in '\/'/ });
  });

  test(`${name}: what is deleted is gone, and its folder can be used again`, async (t) => {
    const store = await create();
    await store.put('f/g/a', sourceOf('a'));
    await store.put('f/b', sourceOf('b'));
    await store.delete('f/g/a');
    await store.delete('f/g/a');
    t.is(await store.stat('f/g/a'), undefined);
    t.is(await textOf(store.get('f/b')), 'b');
    await store.put('f/g/a', sourceOf('again'));
    t.is(await textOf(store.get('f/g/a')), 'again');
  });

  test(`${name}: a folder is a store like the whole, and sees nothing else`, async (t) => {
    const store = await create();
    const below = store.below('x').below('y/z');
    t.is(below.url, `${store.url}/x/y/z`);
    await store.put('outside', sourceOf('outside'));
    await store.put('x/outside', sourceOf('outside'));
    await below.put('w/a', sourceOf('a'));
    t.is(await textOf(store.get('x/y/z/w/a')), 'a');
    t.is(await textOf(below.get('w/a')), 'a');
    t.deepEqual(
      (await toArray(below.list(''))).map(({ name }) => name),
      ['w/a'],
    );
    t.deepEqual(await below.folders(''), ['w']);
    t.is(await below.stat('outside'), undefined);
    await below.delete('w/a');
    t.deepEqual(await store.folders('x/'), []);
    t.is(await textOf(store.get('x/outside')), 'outside');
  });

  test(`${name}: a name that could lead elsewhere is refused by everything`, async (t) => {
    const store = await create();
    for (const hostile of HOSTILE_NAMES) {
      const calls: (() => Promise<unknown>)[] = [
        () => store.put(hostile, sourceOf('x')),
        () => collect(store.get(hostile)),
        () => store.read(hostile, 10),
        () => store.stat(hostile),
        () => store.delete(hostile),
        async () => store.below(hostile),
      ];
      for (const call of calls) {
        const error = await t.throwsAsync(call, { instanceOf: DbError }, JSON.stringify(hostile));
        t.is(error?.code, 'VALIDATION', JSON.stringify(hostile));
      }
    }
    for (const prefix of ['/', '../', 'a/../', 'a\0', 'a//', './', '\\']) {
      await t.throwsAsync(toArray(store.list(prefix)), { instanceOf: DbError }, prefix);
      await t.throwsAsync(store.folders(prefix), { instanceOf: DbError }, prefix);
    }
    t.deepEqual(await toArray(store.list('')), []);
  });

  test(`${name}: a source that fails leaves nothing, and its error is not changed`, async (t) => {
    const store = await create();
    await store.put('there', sourceOf('before'));
    const failure = new DbError('CORRUPT_TABLE', 'the table is damaged');
    for (const chunks of [[], [bytesOf('abc')], [noise(LARGE_BYTES)]]) {
      t.is(await t.throwsAsync(store.put('f/a', failingAfter(failure, ...chunks))), failure);
      t.is(await t.throwsAsync(store.put('there', failingAfter(failure, ...chunks))), failure);
    }
    t.is(await textOf(store.get('there')), 'before');
    t.deepEqual(
      (await toArray(store.list(''))).map(({ name }) => name),
      ['there'],
    );
    t.deepEqual(await store.folders(''), []);
  });

  test(`${name}: a put that is called off ends at once and leaves nothing`, async (t) => {
    const store = await create();
    for (const chunks of [[], [bytesOf('abc')], [noise(LARGE_BYTES)]]) {
      const abort = new AbortController();
      const put = store.put('f/a', hangingAfter(...chunks), { signal: abort.signal });
      const reason = new DbError('DRAINING', 'the server goes down');
      setTimeout(() => abort.abort(reason), 100);
      t.is(await t.throwsAsync(put), reason);
      t.is(await t.throwsAsync(store.put('f/a', sourceOf('x'), { signal: abort.signal })), reason);
    }
    t.is(await store.stat('f/a'), undefined);
    t.deepEqual(await store.folders(''), []);
    await store.put('f/a', sourceOf('now'));
    t.is(await textOf(store.get('f/a')), 'now');
  });

  test(`${name}: a get that is called off ends, and one that nobody reads on does no harm`, async (t) => {
    const store = await create();
    const bytes = noise(LARGE_BYTES);
    await store.put('a', sourceOf(bytes));
    const abort = new AbortController();
    const reason = new Error('enough');
    const reading = async (): Promise<void> => {
      for await (const _chunk of store.get('a', { signal: abort.signal })) abort.abort(reason);
    };
    t.is(await t.throwsAsync(reading), reason);
    for await (const chunk of store.get('a')) {
      t.true(chunk.byteLength > 0);
      break;
    }
    t.is(digestOf(await collect(store.get('a'))), digestOf(bytes));
  });

  test(`${name}: puts beside each other do not disturb each other`, async (t) => {
    const store = await create();
    const versions = Array.from({ length: 6 }, (_, i) => noise(400_000 + i, i));
    await Promise.all([
      ...versions.map((bytes) => store.put('same', reusedBuffer(bytes, 50_000))),
      ...versions.map((bytes, i) => store.put(`new/folder/${i}`, reusedBuffer(bytes, 50_000))),
    ]);
    const winner = digestOf(await collect(store.get('same')));
    t.true(versions.map(digestOf).includes(winner), 'one of them, whole');
    for (const [i, bytes] of versions.entries()) {
      t.is(digestOf(await collect(store.get(`new/folder/${i}`))), digestOf(bytes));
    }
    // Deletes that take the last object out of a folder, beside puts into it.
    await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        await store.put(`busy/folder/${i}`, sourceOf('x'));
        await store.delete(`busy/folder/${i}`);
      }),
    );
    t.deepEqual(await store.folders(''), ['new']);
  });

  test(`${name}: sweeping takes no object`, async (t) => {
    const store = await create();
    await store.put('a', sourceOf('a'));
    await store.put('f/b', sourceOf('b'));
    t.is(await store.sweepUnfinished(Date.now() + 3_600_000), 0);
    t.is(await textOf(store.get('a')), 'a');
    t.is(await textOf(store.get('f/b')), 'b');
  });
}

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
const byPath = (a: string, b: string): number => byBytes(`${a}/`, `${b}/`);
