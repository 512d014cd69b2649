import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { auditLedger, Load } from '../support/load.js';
import { TestServer } from '../support/server.js';
import { remount, smallFileSystem } from '../support/small-file-system.js';
import { hasAllSpares } from '../support/small-lsm.js';

const MIB = 1024 * 1024;

/** Writes go on to the last byte: these tests are about what happens there. */
const env = {
  LUMADB_WAL__SEGMENT_SIZE: String(MIB),
  LUMADB_MEMORY__MEMTABLE_SIZE: String(64 * MIB),
  LUMADB_STORAGE__READ_ONLY_FREE_BYTES: '0',
};

test('a full disk refuses writes by name, reads go on, and more space is enough to go on', async (t) => {
  const directory = smallFileSystem(t, 12);
  if (directory === undefined) {
    t.pass();
    return;
  }
  const server = await TestServer.start({ dataDir: directory, env });
  t.teardown(() => server.close());
  const load = new Load(t, 'always,os');
  await load.startOn(server);
  t.true(load.ledger.count > 100);
  const pad = 'x'.repeat(100_000);
  let refused = await server.put('/api/v1/ledger/last', { pad });
  for (let i = 0; refused.status < 300 && i < 50; i++)
    refused = await server.put(`/api/v1/fill/${i}`, { pad });
  t.is(refused.status, 503, refused.text);
  t.is(refused.json.error.code, 'UNAVAILABLE');
  t.regex(refused.json.error.message, /ENOSPC|no space/);
  t.truthy(refused.headers['retry-after']);
  const full = (await server.get('/metrics')).text;
  t.regex(full, /lumadb_writes_refused_total\{shard="0",cause="disk"\} [1-9]/);
  t.regex(full, /lumadb_wal_poisoned\{shard="0"\} 0/);
  t.is((await server.get('/ready')).status, 200);
  t.deepEqual(await auditReads(server, load), []);
  remount(directory, 'size=64m');
  // Read-only until the disk is looked at again, which is once a second.
  await server.until('writes are taken again', async () => {
    return (await server.put('/api/v1/fill/after', { pad })).status < 300;
  });
  await server.kill9();
  await server.restart();
  t.deepEqual(await auditReads(server, load), []);
  t.is((await server.get('/api/v1/fill/after')).json.pad, pad);
});

/** The document that was put by hand is not in the ledger. */
async function auditReads(server: TestServer, { ledger }: Load): Promise<string[]> {
  const faults = await auditLedger(server, ledger);
  return faults.filter((fault) => !fault.startsWith('last:'));
}

test('a disk that is full to the last byte ends neither the server nor what it can still do', async (t) => {
  const directory = smallFileSystem(t, 12);
  if (directory === undefined) {
    t.pass();
    return;
  }
  const server = await TestServer.start({ dataDir: directory, env });
  t.teardown(() => server.close());
  t.is((await server.put('/api/v1/c/before', { n: 1 })).status, 201);
  // A spare segment that found no space behind the filler would give back what it had.
  for (let i = 0; i < 4; i++) await server.put(`/api/v1/c/padding${i}`, { pad: 'x'.repeat(100_000) });
  await server.until('the log has its spare segments', () => hasAllSpares(directory));
  const filler = join(directory, '.filler');
  t.throws(() => writeFileSync(filler, Buffer.alloc(64 * MIB)), { code: 'ENOSPC' });
  // Log lines and the catalog have no room either. Each SIGHUP is a line; a page of the log may still have had room.
  for (let i = 0; i < 150; i++) {
    server.signal('SIGHUP');
    await delay(4);
  }
  const created = await server.request('POST', '/api/v1/collections', { body: { name: 'nospace' } });
  t.true(created.status >= 500, created.text);
  t.regex(created.json.error.message, /ENOSPC|no space/);
  t.true((await server.put('/api/v1/fresh/a', {})).status >= 500);
  const pad = 'x'.repeat(100_000);
  let status = 0;
  for (let i = 0; i < 60 && status !== 503; i++)
    status = (await server.put(`/api/v1/c/k${i}`, { pad })).status;
  t.is(status, 503);
  t.true(server.isRunning, server.log);
  t.is((await server.get('/api/v1/c/before')).json.n, 1);
  rmSync(filler);
  await server.until('a collection can be created again', async () => {
    return (
      (await server.request('POST', '/api/v1/collections', { body: { name: 'nospace' } })).status === 201
    );
  });
  t.true((await server.put('/api/v1/c/after', { pad })).status < 300);
  t.is((await server.stop()).code, 0);
  await server.restart();
  t.is((await server.get('/api/v1/c/before')).json.n, 1);
  t.is((await server.get('/api/v1/c/after')).json.pad, pad);
});
