import { resolve } from 'node:path';
import test from 'ava';
import { parentOf, parseLocation, urlOf } from '../../src/backup/store/locations.js';
import { checkPrefix, isObjectName } from '../../src/backup/store/names.js';
import { openObjectStore } from '../../src/backup/store/open-store.js';
import { DbError } from '../../src/base/errors.js';

test('locations say where a store is', (t) => {
  t.deepEqual(parseLocation('s3://lumadb-backups/20240115_020000'), {
    kind: 's3',
    bucket: 'lumadb-backups',
    prefix: '20240115_020000',
  });
  t.deepEqual(parseLocation('S3://bucket/a/b/'), { kind: 's3', bucket: 'bucket', prefix: 'a/b' });
  t.deepEqual(parseLocation('s3://bucket'), { kind: 's3', bucket: 'bucket', prefix: '' });
  t.deepEqual(parseLocation('s3://bucket/'), { kind: 's3', bucket: 'bucket', prefix: '' });
  t.deepEqual(parseLocation('/backups/lumadb/'), { kind: 'local', path: '/backups/lumadb' });
  t.deepEqual(parseLocation('file:///backups/with%20space'), { kind: 'local', path: '/backups/with space' });
  t.deepEqual(parseLocation('file://localhost/backups'), { kind: 'local', path: '/backups' });
  t.deepEqual(parseLocation('backups/a:b'), { kind: 'local', path: resolve('backups/a:b') });
  for (const location of ['s3://bucket/a/b', 's3://bucket', '/backups', '/']) {
    t.is(urlOf(parseLocation(location)), location);
    t.is(openObjectStore(location, {}).url, location);
  }
});

test('a location that is none, or that leads elsewhere, is refused with its reason', (t) => {
  const refused: [string, RegExp][] = [
    ['', /it is empty/],
    ['s3://', /names no bucket/],
    ['s3:///x', /names no bucket/],
    ['s3://b', /cannot be a bucket/],
    ['s3://../x', /cannot be a bucket/],
    ['s3://a..b/x', /cannot be a bucket/],
    ['s3://bucket:9000/x', /cannot be a bucket/],
    ['s3://bucket//x', /cannot be a prefix.*$/],
    ['s3://bucket/../x', /cannot be a prefix/],
    ['s3://bucket/a/../../x', /cannot be a prefix/],
    ['s3://bucket/a\0b', /cannot be a prefix/],
    ['s3://bucket/a\\b', /cannot be a prefix/],
    [`s3://bucket/${'long/'.repeat(70)}x`, /more than 320 bytes/],
    ['s3://bucket/x?versionId=1', /contains '\?'/],
    ['s3:/bucket/x', /':\/\/' is missing/],
    ['s3:bucket', /':\/\/' is missing/],
    ['file:/tmp/x', /':\/\/' is missing/],
    ['gs://bucket/x', /gs:\/\/ is not known/],
    ['http://bucket.s3.amazonaws.com/x', /http:\/\/ is not known/],
    ['javascript://x', /not known/],
    ['file://host/backups', /host/],
    ['file:///a%2Fb', /encoded/],
    ['file:///backups/../etc', /'\.\.'/],
    ['file:///backups/%2e%2E/etc', /'\.\.'/],
    ['file:///backups%00', /NUL/],
    ['/backups/../etc', /'\.\.'/],
    ['../backups', /'\.\.'/],
    ['/backups\0/x', /NUL/],
  ];
  for (const [location, message] of refused) {
    const error = t.throws(() => openObjectStore(location, {}), { instanceOf: DbError }, location);
    t.is(error?.code, 'VALIDATION', location);
    t.regex(error?.message ?? '', message, JSON.stringify(location));
    t.throws(() => parentOf(location), { instanceOf: DbError }, location);
  }
});

test('a credential in a location is refused without being repeated', (t) => {
  for (const location of [
    's3://AKIA:hunter2@bucket/x',
    's3://bucket/x?secret=hunter2',
    's3://bucket#hunter2',
  ]) {
    const error = t.throws(() => openObjectStore(location, {}), { instanceOf: DbError });
    t.false(`${error?.stack}${JSON.stringify(error?.details)}`.includes('hunter2'), error?.message);
  }
});

test('the parent of a location is one folder up', (t) => {
  t.deepEqual(parentOf('s3://bucket/a/b'), { location: 's3://bucket/a', name: 'b' });
  t.deepEqual(parentOf('s3://bucket/a/'), { location: 's3://bucket', name: 'a' });
  t.is(parentOf('s3://bucket'), undefined);
  t.deepEqual(parentOf('/backups/20240115'), { location: '/backups', name: '20240115' });
  t.deepEqual(parentOf('file:///backups/20240115/'), { location: '/backups', name: '20240115' });
  t.deepEqual(parentOf('/backups'), { location: '/', name: 'backups' });
  t.is(parentOf('/'), undefined);
});

test('names of people and machines are names', (t) => {
  for (const name of [
    'a',
    'wal/0000.log',
    '.hidden',
    'a b',
    'a%2Fb',
    'Größe/日本',
    'a.tmp',
    '...a'.slice(2),
  ]) {
    t.true(isObjectName(name), name);
  }
  for (const prefix of ['', 'a', 'a/', 'a/b', '.', 'wal/00']) t.is(checkPrefix(prefix), prefix);
});
