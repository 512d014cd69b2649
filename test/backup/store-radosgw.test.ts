/** The stores of S3 against a real server: signatures, users, and its own idea of what S3 is. */
import test from 'ava';
import type { ObjectStore } from '../../src/backup/store/object-store.js';
import { openObjectStore } from '../../src/backup/store/open-store.js';
import type { S3Credentials, S3Options } from '../../src/backup/store/s3-options.js';
import { DbError, type DbErrorCode } from '../../src/base/errors.js';
import { collect, noise, sourceOf, textOf, toArray } from '../support/byte-sources.js';
import { CephS3, missingCephProgram } from '../support/ceph-s3.js';
import { FaultyS3Proxy } from '../support/faulty-s3-proxy.js';
import { declareContract } from './store-contract.js';

const MIB = 1024 * 1024;
const missing = missingCephProgram();

if (missing === undefined) declareAll();
else {
  test('stores of S3 against a real server', (t) => {
    t.log(`SKIPPED: ${missing} is not installed (Debian: radosgw ceph-mon ceph-osd)`);
    t.pass();
  });
}

function declareAll(): void {
  let ceph: CephS3;
  let owner: S3Credentials;
  let stranger: S3Credentials;
  const opened: ObjectStore[] = [];

  test.before(async () => {
    ceph = await CephS3.start();
    owner = await ceph.addUser('owner');
    stranger = await ceph.addUser('stranger');
    await ceph.addBucket('backups', owner);
  });
  test.after.always(async () => {
    for (const store of opened) await store.close();
    await ceph?.stop();
  });

  const open = (location: string, credentials: S3Credentials, more: S3Options = {}): ObjectStore => {
    const s3 = { endpoint: ceph.endpoint, credentials, partSizeBytes: 5 * MIB, ...more };
    const store = openObjectStore(location, { s3 });
    opened.push(store);
    return store;
  };

  let prefixes = 0;
  declareContract(test, {
    name: 'S3Store on radosgw',
    create: () => open(`s3://backups/contract/${++prefixes}`, owner),
  });

  test('who may not is told why, and no secret is', async (t) => {
    const wrong = 'a-wrong-secret-0123456789';
    const cases: [S3Credentials, string, RegExp][] = [
      [
        { ...owner, secretAccessKey: wrong },
        'backups',
        /SignatureDoesNotMatch; the secret access key is wrong/,
      ],
      [{ ...owner, accessKeyId: 'NOBODY' }, 'backups', /InvalidAccessKeyId; the access key is not known/],
      [stranger, 'backups', /AccessDenied; these credentials may not/],
      [owner, 'nowhere', /NoSuchBucket; the bucket does not exist/],
    ];
    for (const [credentials, bucket, message] of cases) {
      const store = open(`s3://${bucket}/x`, credentials);
      const calls = {
        put: store.put('a', sourceOf('a')),
        parts: store.put('large', sourceOf(noise(11 * MIB))),
        get: collect(store.get('a')),
        list: toArray(store.list('')),
      };
      const code: DbErrorCode = 'BACKUP_STORE_DENIED';
      for (const [what, call] of Object.entries(calls)) {
        const error = await t.throwsAsync(call, { instanceOf: DbError }, what);
        t.is(error?.code, code, `${what}: ${error?.message}`);
        t.regex(error?.message ?? '', message, what);
        t.false(`${error?.stack}${JSON.stringify(error?.details)}`.includes(credentials.secretAccessKey));
      }
      const error = await t.throwsAsync(store.stat('a'), { instanceOf: DbError });
      t.is(error?.code, code, error?.message);
    }
  });

  test('parts that nobody has put together are swept once they are old enough', async (t) => {
    const { CreateMultipartUploadCommand, ListMultipartUploadsCommand, S3Client, UploadPartCommand } =
      await import('@aws-sdk/client-s3');
    const { endpoint } = ceph;
    const client = new S3Client({ endpoint, credentials: owner, region: 'us-east-1', forcePathStyle: true });
    t.teardown(() => client.destroy());
    // What a killed server leaves behind.
    for (const Key of ['sweep/ours/a', 'sweep/ours/b', 'sweep/others']) {
      const place = { Bucket: 'backups', Key };
      const { UploadId } = await client.send(new CreateMultipartUploadCommand(place));
      await client.send(new UploadPartCommand({ ...place, UploadId, PartNumber: 1, Body: noise(1000) }));
    }
    const store = open('s3://backups/sweep/ours', owner);
    t.deepEqual(await toArray(store.list('')), []);
    t.is(await store.sweepUnfinished(Date.now() - 3_600_000), 0);
    t.is(await store.sweepUnfinished(Date.now() + 3_600_000), 2);
    t.is(await store.sweepUnfinished(Date.now() + 3_600_000), 0);
    const left = await client.send(new ListMultipartUploadsCommand({ Bucket: 'backups', Prefix: 'sweep/' }));
    t.deepEqual(
      left.Uploads?.map(({ Key }) => Key),
      ['sweep/others'],
    );
  });

  test('connections that break, and bytes that change on their way, harm no object', async (t) => {
    const proxy = await FaultyS3Proxy.start(ceph.port, { addsChecksums: false });
    t.teardown(() => proxy.stop());
    const store = open('s3://backups/broken', owner, { endpoint: proxy.endpoint });
    const bytes = noise(11 * MIB);
    await store.put('a', sourceOf(bytes));
    proxy.failFirst(2, ({ method }) => method === 'GET', { kind: 'cut', afterBytes: 500_000 });
    t.true((await collect(store.get('a'))).equals(bytes));
    t.is(
      proxy.count(({ range }) => range !== undefined),
      2,
    );
    // The signature is over the bytes: the server itself finds it out.
    proxy.failFirst(1, ({ method }) => method === 'PUT', { kind: 'damageRequest' });
    const error = await t.throwsAsync(store.put('b', sourceOf('abc')), { instanceOf: DbError });
    t.log(error?.message);
    t.is(await store.stat('b'), undefined);
    await store.put('b', sourceOf('abc'));
    t.is(await textOf(store.get('b')), 'abc');
  });

  test('lists go over pages', async (t) => {
    const store = open('s3://backups/many', owner);
    const names = Array.from({ length: 1010 }, (_, i) => `n/${String(i).padStart(4, '0')}`);
    for (let at = 0; at < names.length; at += 20) {
      await Promise.all(names.slice(at, at + 20).map((name) => store.put(name, sourceOf('x'))));
    }
    t.deepEqual(
      (await toArray(store.list('n/'))).map(({ name }) => name),
      names,
    );
  });
}
