import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { startFauxqs } from 'fauxqs';
import { openObjectStore } from '../../src/backup/store/open-store.js';
import { clientConfigOf, type S3Options } from '../../src/backup/store/s3-options.js';
import { DbError } from '../../src/base/errors.js';
import { sourceOf, textOf } from '../support/byte-sources.js';
import { readSources } from '../support/source-tree.js';

const MIB = 1024 * 1024;

test('options that cannot work are refused before anything is asked', (t) => {
  const refused: [S3Options, RegExp][] = [
    [{ endpoint: 'minio:9000' }, /does not begin with http/],
    [{ endpoint: 'no url' }, /no URL/],
    [{ endpoint: 'ftp://host' }, /does not begin with http/],
    [{ endpoint: 'https://user:hunter2@host' }, /contains a user or password/],
    [{ endpoint: 'https://host/?key=hunter2' }, /contains '\?'/],
    [{ endpoint: 'http://169.254.169.254/' }, /link-local/],
    [{ endpoint: 'http://[fe80::1]:80/' }, /link-local/],
    [{ endpoint: 'http://[::ffff:169.254.169.254]/' }, /link-local/],
    [{ endpoint: 'http://0xa9fea9fe/' }, /link-local/],
    [{ credentials: { accessKeyId: 'AKIA', secretAccessKey: '' } }, /is empty/],
    [{ partSizeBytes: MIB }, /parts have/],
    [{ partSizeBytes: 1024 * MIB }, /parts have/],
    [{ maxAttempts: 0 }, /positive/],
    [{ idleTimeoutMs: -1 }, /positive/],
  ];
  for (const [s3, message] of refused) {
    const error = t.throws(() => openObjectStore('s3://bucket', { s3 }), { instanceOf: DbError });
    t.is(error?.code, 'CONFIG');
    t.regex(error?.message ?? '', message);
    t.false(error?.message.includes('hunter2'), error?.message);
  }
});

test('servers other than Amazon are asked for buckets by path, unless told otherwise', (t) => {
  const pathStyle = (options: S3Options, environment: Record<string, string> = {}): unknown =>
    clientConfigOf(options, environment).forcePathStyle;
  t.false(pathStyle({}));
  t.true(pathStyle({ endpoint: 'https://minio:9000' }));
  t.true(pathStyle({}, { AWS_ENDPOINT_URL: 'https://minio:9000' }));
  t.true(pathStyle({}, { AWS_ENDPOINT_URL_S3: 'https://minio:9000' }));
  t.false(pathStyle({}, { AWS_ENDPOINT_URL: '' }));
  t.false(pathStyle({ endpoint: 'https://s3.example.com', forcePathStyle: false }));
});

/** Puts and reads one object in a process of its own, with nothing but this environment. */
const SCRIPT = `
  const { openObjectStore } = await import(process.argv[1]);
  const store = openObjectStore('s3://backups/env', { s3: { maxAttempts: 1 } });
  const source = async function* () { yield Buffer.from('from the environment'); };
  try {
    await store.put('a', source());
    process.stdout.write(Buffer.from(await store.read('a', 100)).toString());
  } catch (error) {
    process.stdout.write(error.code + ': ' + error.message);
  }
  await store.close();
`;
const OPEN_STORE = fileURLToPath(new URL('../../src/backup/store/open-store.js', import.meta.url));

test('endpoint, region and credentials come from the environment or ~/.aws, and go into no message', async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'lumadb-aws-'));
  t.teardown(() => rmSync(home, { recursive: true, force: true }));
  const run = (env: Record<string, string>): Promise<string> =>
    new Promise((resolve, reject) => {
      const base = { PATH: process.env['PATH'] ?? '', HOME: home, AWS_EC2_METADATA_DISABLED: 'true' };
      const args = ['--input-type=module', '-e', SCRIPT, OPEN_STORE];
      execFile(process.execPath, args, { env: { ...base, ...env } }, (error, stdout, stderr) =>
        error === null ? resolve(stdout + stderr) : reject(error),
      );
    });
  const fauxqs = await startFauxqs({ port: 0, host: '127.0.0.1', logger: false });
  t.teardown(() => fauxqs.stop());
  fauxqs.createBucket('backups');
  const endpoint = { AWS_ENDPOINT_URL: `http://127.0.0.1:${fauxqs.port}` };

  t.regex(await run(endpoint), /^BACKUP_STORE_DENIED: .*no credentials were found/);
  const keys = { AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE', AWS_SECRET_ACCESS_KEY: 'hunter2hunter2' };
  t.is(await run({ ...endpoint, ...keys }), 'from the environment');

  const profile = '[default]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = hunter3hunter3\n';
  const credentials = join(home, 'credentials');
  writeFileSync(credentials, profile);
  const file = { AWS_SHARED_CREDENTIALS_FILE: credentials };
  t.is(await run({ ...endpoint, ...file }), 'from the environment');

  const store = openObjectStore('s3://backups/env', {
    s3: { endpoint: endpoint.AWS_ENDPOINT_URL, credentials: { accessKeyId: 'a', secretAccessKey: 'b' } },
  });
  t.teardown(() => store.close());
  t.is(await textOf(store.get('a')), 'from the environment');
  await store.put('b', sourceOf('b'));
});

test('the SDK is loaded when it is needed, and by nobody else', (t) => {
  const atLoad = readSources('src')
    .filter(({ text }) => /^(import|export) (?!type\b)[^;]*@aws-sdk/m.test(text))
    .map(({ path }) => path);
  t.deepEqual(atLoad, []);
});
