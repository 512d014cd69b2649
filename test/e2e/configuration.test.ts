import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { TestServer } from '../support/server.js';

async function started(
  t: ExecutionContext,
  env: Readonly<Record<string, string>> = {},
  toml = '',
): Promise<{ server: TestServer; file: string }> {
  const directory = mkdtempSync(join(tmpdir(), 'lumadb-config-'));
  const file = join(directory, 'config.toml');
  writeFileSync(file, toml);
  const server = await TestServer.start({ env, args: ['--config', file] });
  t.teardown(async () => {
    await server.close();
    rmSync(directory, { recursive: true, force: true });
  });
  return { server, file };
}

const patch = (server: TestServer, body: unknown) => server.request('PATCH', '/admin/config', { body });
const configuration = async (server: TestServer) => (await server.get('/admin/config')).json;

test('GET /admin/config shows what holds, where it comes from and what is live', async (t) => {
  const { server, file } = await started(t, { LUMADB_QUERY__SLOW_MS: '50' }, '[memory]\nmemtables_max = 5\n');
  const { config, sources, file: named, live_keys, pending_restart } = await configuration(server);
  t.is(config.memory.memtables_max, 5);
  t.is(config.query.slow_ms, 50);
  t.is(named, file);
  t.is(sources['memory.memtables_max'], `${file}:2`);
  t.is(sources['query.slow_ms'], 'LUMADB_QUERY__SLOW_MS');
  t.is(sources['storage.data_dir'], 'command line');
  t.is(sources['wal.durability'], 'default');
  t.true(live_keys.includes('logging.level'));
  t.deepEqual(pending_restart, {});
});

test("the manual's change of the log level holds at once and after a restart", async (t) => {
  const { server } = await started(t);
  const answer = await patch(server, { log_level: 'debug' });
  t.is(answer.status, 200, answer.text);
  t.deepEqual(answer.json, {
    changed: [{ key: 'logging.level', before: 'info', after: 'debug', effect: 'live' }],
    persisted: true,
    restart_required: false,
  });
  await server.untilLogged(/configuration changed key=logging\.level before=info after=debug/);
  t.is((await patch(server, { 'logging.level': 'error' })).status, 200);
  const lines = server.log.length;
  await server.put('/api/v1/collections_made_now/x', {});
  t.false(server.log.slice(lines).includes('collection created'), 'info is below error');
  await server.kill9();
  await server.restart();
  const { config, changes, sources } = await configuration(server);
  t.is(config.logging.level, 'error');
  t.deepEqual(changes, { 'logging.level': 'error' });
  t.is(sources['logging.level'], 'PATCH /admin/config');
});

test("the manual's change of a cache waits for the restart, and says so", async (t) => {
  const { server } = await started(t);
  const answer = await patch(server, { block_cache_size: 268435456 });
  t.like(answer.json, {
    restart_required: true,
    changed: [{ key: 'memory.block_cache_size', effect: 'restart' }],
  });
  const before = await configuration(server);
  t.is(before.config.memory.block_cache_size, 512 * 1024 * 1024);
  t.deepEqual(before.pending_restart, {
    'memory.block_cache_size': { running: 512 * 1024 * 1024, next_start: 268435456 },
  });
  t.is((await server.stop()).code, 0);
  await server.restart();
  const after = await configuration(server);
  t.is(after.config.memory.block_cache_size, 268435456);
  t.deepEqual(after.pending_restart, {});
});

test('a change reaches the threads that go by it', async (t) => {
  const { server } = await started(t);
  const changed = await patch(server, {
    server: { auto_create_collections: false },
    query: { timeout_ms: 1 },
    compaction: { rate_limit: 1048576 },
  });
  t.is(changed.status, 200, changed.text);
  const refused = await server.put('/api/v1/unknown/x', {});
  t.is(refused.status, 404);
  t.regex(refused.text, /auto_create_collections is off/);
  const late = await server.request('POST', '/api/v1/query', {
    body: { query: 'SELECT count(*) FROM generate_series(1, 50000000)' },
  });
  t.is(late.status, 408, late.text);
  const [shard] = (await server.get('/admin/compaction')).json.shards;
  t.is(shard.rate_limit_bytes_per_second, 1048576);
  t.is((await patch(server, { auto_create_collections: null, timeout_ms: null })).status, 200);
  t.is((await server.put('/api/v1/unknown/x', {})).status, 201);
  t.deepEqual((await configuration(server)).changes, { 'compaction.rate_limit': 1048576 });
});

test('a change that cannot hold is refused with its reason, and changes nothing', async (t) => {
  const { server } = await started(t, { LUMADB_QUERY__SLOW_MS: '50' });
  const cases: ReadonlyArray<readonly [unknown, number, RegExp, string | undefined]> = [
    [{ log_levle: 'debug' }, 400, /no configuration key log_levle; did you mean/, 'log_levle'],
    [
      { log_level: 'debgu' },
      400,
      /logging\.level must be one of .*; did you mean "debug"\?/,
      'logging.level',
    ],
    [
      { memtables_max: 1 },
      400,
      /memory\.memtables_max must be a whole number from 2/,
      'memory.memtables_max',
    ],
    [
      { l0_compact: 100 },
      400,
      /the next start would fail: .*must be less than compaction\.l0_slowdown/,
      undefined,
    ],
    [{ data_dir: '/elsewhere' }, 400, /storage\.data_dir cannot be changed here/, 'storage.data_dir'],
    [{ shards: 3 }, 400, /lumadb reshard/, 'sharding.shards'],
    [{ slow_ms: 1 }, 409, /set by the environment \(LUMADB_QUERY__SLOW_MS\)/, 'query.slow_ms'],
    [{ query: 5 }, 400, /query is a section/, 'query'],
    [{ log_level: 'warn', 'logging.level': 'info' }, 400, /given twice/, 'logging.level'],
    [{ log_level: 'warn', memtables_max: 'x' }, 400, /memtables_max must be/, 'memory.memtables_max'],
    [{}, 400, /no configuration key is given/, undefined],
    [[1], 400, /object/, undefined],
  ];
  for (const [body, status, message, field] of cases) {
    const answer = await patch(server, body);
    t.is(answer.status, status, answer.text);
    t.regex(answer.json.error.message, message);
    t.is(answer.json.error.details?.field, field, answer.text);
  }
  const { config, changes } = await configuration(server);
  t.is(config.logging.level, 'info');
  t.deepEqual(changes, {});
});

test('a configuration file that has been broken meanwhile is named before a change is taken', async (t) => {
  const { server, file } = await started(t);
  writeFileSync(file, '[memory]\nmemtable_sise = 1\n');
  const answer = await patch(server, { log_level: 'debug' });
  t.is(answer.status, 400);
  t.regex(
    answer.json.error.message,
    /the next start would fail: .*config\.toml:2:1: unknown key "memtable_sise"/,
  );
  t.regex((await configuration(server)).problems[0], /memtable_sise/);
});

test('changes that cannot be read stop a start with the file and what to do', async (t) => {
  const { server } = await started(t);
  await patch(server, { log_level: 'warn' });
  t.is((await server.stop()).code, 0);
  const file = join(server.dataDir, 'config-changes.json');
  writeFileSync(file, readFileSync(file, 'utf8').slice(0, 30));
  await server.restart({ waitUntilReady: false });
  t.is((await server.exited).code, 1);
  await server.untilLogged(
    /config-changes\.json: cannot be read: .*remove it to go by the configuration file alone/,
  );
});
