import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { decodeCheckpoint } from '../../src/backup/checkpoint/checkpoint-file.js';
import { openManifest } from '../../src/manifest/open-manifest.js';
import { manifestPlace, shardPlace } from '../../src/tools/shard-place.js';
import { RealVfs } from '../../src/vfs/real.js';
import { TestServer } from '../support/server.js';
import { noise, SMALL_LSM } from '../support/small-lsm.js';
import { until } from '../support/time.js';

const vfs = new RealVfs();

async function write(server: TestServer, from: number, count: number): Promise<void> {
  const documents = Array.from({ length: count }, (_, i) => ({
    _id: `k${from + i}`,
    pad: noise(from + i, 2000),
  }));
  const { status, text } = await server.request('POST', '/api/v1/c/bulk', { body: { documents } });
  if (status !== 200) throw new Error(text);
}

test('a checkpoint opens as shards at its seqno, and its files stay while the database goes on', async (t) => {
  const server = await TestServer.start({ env: SMALL_LSM });
  t.teardown(() => server.close());
  for (let n = 0; n < 20; n++) await write(server, n * 100, 100);
  const { status, json } = await server.request('POST', '/admin/checkpoints', {
    body: { lease_seconds: 60 },
  });
  t.is(status, 201);
  const made = json as { id: string; path: string; seqno: number };
  t.is(made.seqno, 2000);
  const checkpoint = decodeCheckpoint(readFileSync(join(made.path, 'checkpoint.json'), 'utf8'), 'c');
  t.is(checkpoint.seqno, made.seqno);
  const sizes = () => checkpoint.shards.map(({ shard }) => openShard(shard));
  function openShard(shard: number) {
    const place = shardPlace(vfs, made.path, shard);
    const { version, state } = openManifest({ ...manifestPlace(place), mode: 'read-only' });
    return { tables: version.tableCount, flushed: state.flushedSeqno, bytes: version.totals.bytes };
  }
  const before = sizes();
  t.deepEqual(
    before.map(({ flushed }) => flushed),
    checkpoint.shards.map(({ flushed_seqno }) => flushed_seqno),
  );
  t.true(before.some(({ tables }) => tables > 0));
  const segment = checkpoint.shards.flatMap(({ shard, log }) => {
    if (log === null) return [];
    const { walDirectory } = shardPlace(vfs, made.path, shard);
    return [{ path: join(walDirectory, readdirSync(walDirectory)[0]), end: log.end_offset }];
  })[0];
  const head = readFileSync(segment.path).subarray(0, 8192);
  for (let n = 20; n < 60; n++) await write(server, n * 50, 100);
  await server.request('POST', '/admin/compaction', { body: { all: true } });
  await until('a compaction', async () => (await server.metric('lumadb_compactions_total{shard="0"}')) > 0);
  t.deepEqual(sizes(), before, 'no table of it has gone or changed');
  t.true(readFileSync(segment.path).subarray(0, 8192).equals(head), 'nor has a segment of its log');
  const gone = await server.request('DELETE', `/admin/checkpoints/${made.id}`);
  t.is(gone.status, 200);
  t.false(existsSync(made.path));
});

test('a checkpoint goes when it is not renewed, and stays as long as it is', async (t) => {
  const server = await TestServer.start({});
  t.teardown(() => server.close());
  const make = async () =>
    (await server.request('POST', '/admin/checkpoints', { body: { lease_seconds: 1 } })).json as {
      id: string;
      path: string;
    };
  const [kept, left] = [await make(), await make()];
  for (let n = 0; n < 6; n++) {
    await new Promise((resolve) => setTimeout(resolve, 400));
    t.is((await server.request('POST', `/admin/checkpoints/${kept.id}/renew`)).status, 200);
  }
  t.true(existsSync(kept.path));
  t.false(existsSync(left.path));
  const late = await server.request('POST', `/admin/checkpoints/${left.id}/renew`);
  t.is(late.status, 404);
  t.regex(late.text, /has expired/);
  const listed = (await server.request('GET', '/admin/checkpoints')).json as {
    checkpoints: { id: string }[];
  };
  t.deepEqual(
    listed.checkpoints.map(({ id }) => id),
    [kept.id],
  );
});

test('there are only so many, and a lease has limits', async (t) => {
  const server = await TestServer.start({});
  t.teardown(() => server.close());
  const answers = await Promise.all(
    Array.from({ length: 6 }, () => server.request('POST', '/admin/checkpoints')),
  );
  t.is(answers.filter(({ status }) => status === 201).length, 4);
  t.true(answers.filter(({ status }) => status !== 201).every(({ status }) => status === 409));
  const bad = await server.request('POST', '/admin/checkpoints', { body: { lease_seconds: 0 } });
  t.is(bad.status, 400);
  t.regex(bad.text, /lease_seconds must be a number from 1 to 3600/);
});

test('what an earlier run left is removed by the next start', async (t) => {
  const server = await TestServer.start({});
  t.teardown(() => server.close());
  const made = (await server.request('POST', '/admin/checkpoints')).json as { path: string };
  t.true(statSync(made.path).isDirectory());
  await server.kill9();
  t.true(existsSync(made.path), 'a killed server cleans nothing up');
  mkdirSync(join(made.path, 'more'));
  writeFileSync(join(made.path, 'more', 'x'), 'x');
  await server.restart();
  t.false(existsSync(made.path));
});
