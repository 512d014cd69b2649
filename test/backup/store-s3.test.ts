import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { type FauxqsServer, startFauxqs } from 'fauxqs';
import type { ObjectStore } from '../../src/backup/store/object-store.js';
import { openObjectStore } from '../../src/backup/store/open-store.js';
import type { S3Options } from '../../src/backup/store/s3-options.js';
import { classify, DbError, type DbErrorCode } from '../../src/base/errors.js';
import {
  collect,
  digestOf,
  hangingAfter,
  noise,
  sourceOf,
  textOf,
  toArray,
} from '../support/byte-sources.js';
import { type Fault, FaultyS3Proxy, type SeenRequest } from '../support/faulty-s3-proxy.js';
import { until } from '../support/time.js';
import { declareContract } from './store-contract.js';

const MIB = 1024 * 1024;
const SECRET = 'wJalrXUtnFEMI+K7MDENG/bPxRfiCYEXAMPLEKEY';
const TOKEN = 'session-token-that-nobody-may-see';

let fauxqs: FauxqsServer;
let shared: FaultyS3Proxy;
test.before(async () => {
  fauxqs = await startFauxqs({ port: 0, host: '127.0.0.1', logger: false });
  fauxqs.createBucket('backups');
  shared = await FaultyS3Proxy.start(fauxqs.port);
});
test.after.always(async () => {
  await shared.stop();
  await fauxqs.stop();
});

const optionsFor = (proxy: FaultyS3Proxy, more: S3Options = {}): S3Options => ({
  endpoint: proxy.endpoint,
  region: 'us-east-1',
  credentials: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: SECRET, sessionToken: TOKEN },
  partSizeBytes: 5 * MIB,
  ...more,
});

let prefixes = 0;
declareContract(test, {
  name: 'S3Store',
  create: () => openObjectStore(`s3://backups/contract/${++prefixes}`, { s3: optionsFor(shared) }),
  // fauxqs does not.
  listsInOrderOfBytes: false,
});

interface Faulty {
  readonly proxy: FaultyS3Proxy;
  readonly store: ObjectStore;
  /** The same objects without faults and hurry, for what has to be there first. */
  readonly calm: ObjectStore;
}

/** A store behind a proxy of its own. */
async function faulty(t: ExecutionContext, more: S3Options = {}): Promise<Faulty> {
  const proxy = await FaultyS3Proxy.start(fauxqs.port);
  const location = `s3://backups/faulty/${++prefixes}`;
  const store = openObjectStore(location, { s3: optionsFor(proxy, more) });
  const calm = openObjectStore(location, { s3: optionsFor(shared) });
  t.teardown(async () => {
    await store.close();
    await calm.close();
    await proxy.stop();
  });
  return { proxy, store, calm };
}

const isGet = ({ method, url }: SeenRequest): boolean => method === 'GET' && !url.includes('list-type');
const isPut = ({ method }: SeenRequest): boolean => method === 'PUT';
const isPart = ({ method, url }: SeenRequest): boolean => method === 'PUT' && url.includes('partNumber=');
const isCompletion = ({ method, url }: SeenRequest): boolean =>
  method === 'POST' && url.includes('uploadId=');
const isAbort = ({ method, url }: SeenRequest): boolean => method === 'DELETE' && url.includes('uploadId=');

/** What every error has to be: named, of this code, and silent about secrets. */
async function failsWith(
  t: ExecutionContext,
  code: DbErrorCode,
  message: RegExp,
  call: Promise<unknown>,
): Promise<DbError | undefined> {
  const error = await t.throwsAsync(call, { instanceOf: DbError });
  t.is(error?.code, code, error?.message);
  t.regex(error?.message ?? '', message);
  const all = `${error?.stack} ${JSON.stringify(error?.details)} ${JSON.stringify(error)} ${String(error?.cause)}`;
  t.false(all.includes(SECRET) || all.includes(TOKEN), all);
  return error;
}

test('a store that is busy for a while is asked again', async (t) => {
  const { proxy, store } = await faulty(t);
  const slowDown: Fault = { kind: 'answer', status: 503, code: 'SlowDown' };
  proxy.failFirst(2, isPut, slowDown);
  await store.put('a', sourceOf('a'));
  proxy.failFirst(1, isGet, slowDown);
  t.is(await textOf(store.get('a')), 'a');
  t.is(proxy.count(isPut), 3);
});

test('a store that stays busy says so in the end', async (t) => {
  const { proxy, store } = await faulty(t, { maxAttempts: 2 });
  proxy.fault = () => ({
    kind: 'answer',
    status: 503,
    code: 'SlowDown',
    message: 'Please reduce your rate.',
  });
  const expected =
    /put of "a" in s3:\/\/backups\/faulty\/\d+ failed: SlowDown; .*Please reduce.*after 2 attempts/;
  const error = await failsWith(t, 'BACKUP_STORE', expected, store.put('a', sourceOf('a')));
  t.true(error !== undefined && classify(error.code).retryable);
  await failsWith(t, 'BACKUP_STORE', /list of .* failed: SlowDown/, toArray(store.list('')));
});

test('a get goes on where the connection was cut, with the same version of the object', async (t) => {
  const { proxy, store } = await faulty(t);
  const bytes = noise(3 * MIB);
  await store.put('a', sourceOf(bytes));
  proxy.failFirst(3, isGet, { kind: 'cut', afterBytes: 500_000 });
  t.is(digestOf(await collect(store.get('a'))), digestOf(bytes));
  const gets = proxy.seen.filter(isGet);
  t.is(gets.length, 4);
  t.is(gets[0].range, undefined);
  const etag = gets[1].ifMatch;
  t.regex(etag ?? '', /^"[0-9a-f]{32}"$/);
  for (const { range, ifMatch } of gets.slice(1)) {
    t.regex(range ?? '', /^bytes=\d+-$/);
    t.is(ifMatch, etag);
  }
  proxy.failFirst(1, isGet, { kind: 'cut', afterBytes: 500_000 });
  t.is(digestOf(await collect(store.get('a', { offset: 1_000_001 }))), digestOf(bytes.subarray(1_000_001)));
});

test('a get is not begun again forever', async (t) => {
  const { proxy, store } = await faulty(t);
  await store.put('a', sourceOf(noise(MIB)));
  proxy.failFirst(Infinity, isGet, { kind: 'cut', afterBytes: 1000 });
  await failsWith(t, 'BACKUP_STORE', /get of "a" in .* failed: ECONNRESET/, collect(store.get('a')));
  t.is(proxy.count(isGet), 6);
});

test('an object that is replaced or deleted between two connections is not mixed from both', async (t) => {
  const { proxy, store } = await faulty(t);
  const readAnd = async (change: () => Promise<unknown>): Promise<void> => {
    await store.put('a', sourceOf(noise(3 * MIB)));
    proxy.failFirst(1, isGet, { kind: 'cut', afterBytes: 500_000 });
    let isChanged = false;
    for await (const _chunk of store.get('a')) {
      if (!isChanged) await change();
      isChanged = true;
    }
  };
  const replaced = readAnd(() => store.put('a', sourceOf(noise(3 * MIB, 2))));
  await failsWith(t, 'BACKUP_STORE', /"a" in .* was changed while it was read/, replaced);
  const deleted = readAnd(() => store.delete('a'));
  await failsWith(t, 'BACKUP_STORE', /"a" in .* was changed while it was read/, deleted);
});

test('bytes that change on their way to us are noticed, also over several connections', async (t) => {
  const { proxy, store } = await faulty(t);
  await store.put('a', sourceOf(noise(3 * MIB)));
  proxy.failFirst(1, isGet, { kind: 'damageResponse' });
  await failsWith(t, 'BACKUP_STORE', /"a" in .* arrived damaged: its checksum is/, collect(store.get('a')));
  let gets = 0;
  proxy.fault = (seen) => {
    if (!isGet(seen)) return undefined;
    gets += 1;
    return gets === 1 ? { kind: 'cut', afterBytes: 500_000 } : { kind: 'damageResponse' };
  };
  await failsWith(t, 'BACKUP_STORE', /"a" in .* arrived damaged/, collect(store.get('a')));
});

test('bytes that change on their way to the store are refused there', async (t) => {
  const { proxy, store } = await faulty(t);
  proxy.failFirst(1, isPut, { kind: 'damageRequest' });
  await failsWith(t, 'BACKUP_STORE', /put of "a" in .* failed: BadDigest/, store.put('a', sourceOf('abc')));
  t.is(await store.stat('a'), undefined);
  proxy.failFirst(1, isPart, { kind: 'damageRequest' });
  await failsWith(t, 'BACKUP_STORE', /failed: BadDigest/, store.put('b', sourceOf(noise(11 * MIB))));
  t.is(await store.stat('b'), undefined);
  t.is(proxy.count(isAbort), 1);
});

test('parts that fail are sent again; when they cannot be, all parts are removed', async (t) => {
  const { proxy, store } = await faulty(t, { maxAttempts: 2 });
  const bytes = noise(16 * MIB);
  proxy.failFirst(1, isPart, { kind: 'answer', status: 500, code: 'InternalError' });
  await store.put('a', sourceOf(bytes));
  t.is(digestOf(await collect(store.get('a'))), digestOf(bytes));
  t.is(proxy.count(isAbort), 0);
  for (const matches of [isPart, isCompletion]) {
    proxy.seen.length = 0;
    proxy.failFirst(Infinity, matches, { kind: 'answer', status: 500, code: 'InternalError' });
    await failsWith(t, 'BACKUP_STORE', /put of "b" .*InternalError/, store.put('b', sourceOf(bytes)));
    t.is(proxy.count(isAbort), 1);
    t.is(await store.stat('b'), undefined);
  }
});

test('what failed is told, and not that the parts could not be removed either', async (t) => {
  const { proxy, store } = await faulty(t, { maxAttempts: 1 });
  proxy.fault = (seen) => {
    if (isPart(seen)) return { kind: 'answer', status: 403, code: 'AccessDenied' };
    return isAbort(seen) ? { kind: 'answer', status: 500, code: 'InternalError' } : undefined;
  };
  await failsWith(t, 'BACKUP_STORE_DENIED', /AccessDenied/, store.put('a', sourceOf(noise(11 * MIB))));
});

test('a put that is called off stops the requests that are going on, and removes its parts', async (t) => {
  const { proxy, store } = await faulty(t);
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  t.teardown(() => release());
  proxy.failFirst(Infinity, isPart, { kind: 'wait', until: released });
  const abort = new AbortController();
  const reason = new Error('enough');
  const put = store.put('a', hangingAfter(noise(11 * MIB)), { signal: abort.signal });
  await until('two parts on their way', () => proxy.count(isPart) === 2);
  abort.abort(reason);
  t.is(await t.throwsAsync(put), reason);
  t.is(proxy.count(isAbort), 1, 'when the put has ended, not some time after');
});

// Alone, as tests beside them would be taken for a connection on which nothing happens.
test.serial('a store that hangs ends with an error that says so', async (t) => {
  const { proxy, store, calm } = await faulty(t, { maxAttempts: 2, idleTimeoutMs: 500 });
  await calm.put('a', sourceOf(noise(MIB)));
  proxy.fault = () => ({ kind: 'hang' });
  const message = /put of "b" .*TimeoutError; no answer in time/;
  const error = await failsWith(t, 'BACKUP_STORE', message, store.put('b', sourceOf('b')));
  t.is(error?.details?.['attempts'], 2);
  await failsWith(t, 'BACKUP_STORE', /TimeoutError/, collect(store.get('a')));
  await failsWith(t, 'BACKUP_STORE', /TimeoutError/, store.delete('a'));
  proxy.failFirst(Infinity, isGet, { kind: 'hang', afterBytes: 1000 });
  await failsWith(t, 'BACKUP_STORE', /get of "a" .*TimeoutError/, collect(store.get('a')));
});

test.serial('a reader that takes his time does not use up the patience with the store', async (t) => {
  const { proxy, store, calm } = await faulty(t, { idleTimeoutMs: 1000 });
  const bytes = noise(24 * MIB);
  await calm.put('a', sourceOf(bytes));
  const chunks: Uint8Array[] = [];
  for await (const chunk of store.get('a')) {
    chunks.push(chunk);
    if (chunks.length <= 7) await delay(1300);
  }
  t.is(digestOf(Buffer.concat(chunks)), digestOf(bytes));
  t.true(proxy.count(isGet) > 6, `${proxy.count(isGet)} connections`);
});

test.serial('no more of an object is read than the store takes', async (t) => {
  const { proxy, store } = await faulty(t);
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  proxy.failFirst(Infinity, isPart, { kind: 'wait', until: released });
  const sizeBytes = 100 * MIB;
  let readBytes = 0;
  const source = async function* (): AsyncGenerator<Uint8Array> {
    for (const chunk = noise(MIB); readBytes < sizeBytes; readBytes += chunk.length) yield chunk;
  };
  const put = store.put('large', source());
  await until('two parts on their way', () => proxy.count(isPart) === 2);
  await delay(500);
  // Two parts that are being sent, and what was read for the third.
  t.true(readBytes <= 16 * MIB, `${readBytes}`);
  release();
  t.deepEqual(await put, { sizeBytes });
  t.is((await store.stat('large'))?.sizeBytes, sizeBytes);
  await store.delete('large');
});

test('nobody at the endpoint is said as it is', async (t) => {
  const { proxy, store } = await faulty(t, { maxAttempts: 2 });
  await proxy.stop();
  await failsWith(
    t,
    'BACKUP_STORE',
    /put of "a" .*ECONNREFUSED; nothing listens/,
    store.put('a', sourceOf('a')),
  );
  await failsWith(t, 'BACKUP_STORE', /ECONNREFUSED/, collect(store.get('a')));
});

test('a refusal names its reason, keeps the secret, and is not tried again', async (t) => {
  const { proxy, store } = await faulty(t);
  const refusals: [number, string, RegExp][] = [
    [403, 'AccessDenied', /AccessDenied; these credentials may not/],
    [403, 'InvalidAccessKeyId', /InvalidAccessKeyId; the access key is not known/],
    [403, 'SignatureDoesNotMatch', /SignatureDoesNotMatch; the secret access key is wrong/],
    [400, 'ExpiredToken', /ExpiredToken; the session token has expired/],
  ];
  for (const [status, code, message] of refusals) {
    // A server, or something in front of it, that tells more than it should.
    proxy.fault = () => ({ kind: 'answer', status, code, message: `not with ${SECRET} and ${TOKEN}` });
    proxy.seen.length = 0;
    const error = await failsWith(t, 'BACKUP_STORE_DENIED', message, store.put('a', sourceOf('a')));
    t.false(error === undefined || classify(error.code).retryable);
    t.is(error?.details?.['reason'], code);
    await failsWith(t, 'BACKUP_STORE_DENIED', message, collect(store.get('a')));
    await failsWith(t, 'BACKUP_STORE_DENIED', message, toArray(store.list('')));
    await failsWith(t, 'BACKUP_STORE_DENIED', /stat of "a" .*(40[03]|refused)/, store.stat('a'));
    t.is(proxy.seen.length, 4, code);
  }
});

test('a bucket that is not there is not taken for an empty one', async (t) => {
  const store = openObjectStore('s3://nowhere/x', { s3: optionsFor(shared) });
  t.teardown(() => store.close());
  const message = /NoSuchBucket; the bucket does not exist/;
  await failsWith(t, 'BACKUP_STORE_DENIED', message, store.stat('a'));
  await failsWith(t, 'BACKUP_STORE_DENIED', message, collect(store.get('a')));
  await failsWith(t, 'BACKUP_STORE_DENIED', message, store.put('a', sourceOf('a')));
  await failsWith(t, 'BACKUP_STORE_DENIED', message, store.put('a', sourceOf(noise(11 * MIB))));
  await failsWith(t, 'BACKUP_STORE_DENIED', message, toArray(store.list('')));
  await failsWith(t, 'BACKUP_STORE_DENIED', message, store.folders(''));
});

test('an endpoint that is no S3 server is found out', async (t) => {
  const { proxy, store } = await faulty(t, { maxAttempts: 1 });
  proxy.fault = () => ({ kind: 'answer', status: 200, code: 'Hello', message: 'world' });
  await t.throwsAsync(toArray(store.list('')), { instanceOf: DbError });
  await t.throwsAsync(store.put('large', sourceOf(noise(11 * MIB))), { instanceOf: DbError });
});

test('keys that are no names are not listed, whoever has put them there', async (t) => {
  const store = openObjectStore('s3://backups/hostile', { s3: optionsFor(shared) });
  t.teardown(() => store.close());
  const { S3Client, PutObjectCommand } = await import('@aws-sdk/client-s3');
  const { endpoint, region, credentials } = optionsFor(shared);
  const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
  t.teardown(() => client.destroy());
  for (const key of ['ours', 'folder/', 'f/../../../etc/passwd', 'back\\slash', 'a//b']) {
    await client.send(new PutObjectCommand({ Bucket: 'backups', Key: `hostile/${key}`, Body: 'x' }));
  }
  t.deepEqual(
    (await toArray(store.list(''))).map(({ name }) => name),
    ['ours'],
  );
});

test('lists go over pages', async (t) => {
  const store = openObjectStore('s3://backups/many', { s3: optionsFor(shared) });
  t.teardown(() => store.close());
  const names = Array.from({ length: 1100 }, (_, i) => `n/${String(i).padStart(4, '0')}`);
  for (let at = 0; at < names.length; at += 50) {
    await Promise.all(names.slice(at, at + 50).map((name) => store.put(name, sourceOf('x'))));
  }
  t.deepEqual(
    (await toArray(store.list('n/'))).map(({ name }) => name),
    names,
  );
});

test('a closed store refuses, and says that it is closed', async (t) => {
  const store = openObjectStore('s3://backups/closed', { s3: optionsFor(shared) });
  await store.put('a', sourceOf('a'));
  await store.close();
  await store.close();
  await t.throwsAsync(store.stat('a'), { instanceOf: DbError, message: /is closed/ });
});
