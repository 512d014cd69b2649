/** `lumadb config set`, `config unset` and `whoami`, against a real server. */
import test from 'ava';
import { runCli, temporaryDirectory } from '../cli/run-cli.js';
import { TestServer } from '../support/server.js';

let server: TestServer;
test.before(async () => {
  server = await TestServer.start();
});
test.after.always(() => server?.close());

test('config set changes a running server, and says what needs a restart', async (t) => {
  const cwd = temporaryDirectory(t);
  const config = (...args: string[]) => runCli(['config', ...args, '--data-dir', server.dataDir], { cwd });
  const live = await config('set', 'log_level', 'debug');
  t.is(live.code, 0, live.stderr);
  t.is(live.stdout, 'logging.level = "debug" (was "info"), in effect now\n');
  t.is((await server.get('/admin/config')).json.config.logging.level, 'debug');
  t.is((await config('set', 'logging.level', 'debug')).stdout, 'logging.level = "debug", as it is already\n');
  const later = await config('set', 'memory.memtables_max', '7');
  t.is(later.stdout, 'memory.memtables_max = 7 (was 4), in effect after a restart of the server\n');
  t.deepEqual((await server.get('/admin/config')).json.pending_restart, {
    'memory.memtables_max': { running: 4, next_start: 7 },
  });
  const list = ['server.trusted_proxies', '10.0.0.0/8, 192.0.2.7'] as const;
  t.is(
    (await config('set', ...list)).stdout,
    'server.trusted_proxies = ["10.0.0.0/8","192.0.2.7"] (was []), in effect after a restart of the server\n',
  );
  t.is((await config('unset', 'trusted_proxies')).stdout, 'server.trusted_proxies = [], as it is already\n');
  t.deepEqual(Object.keys((await server.get('/admin/config')).json.pending_restart), [
    'memory.memtables_max',
  ]);
  const json = await config('set', 'server.auto_create_collections', 'false', '--json');
  t.like(JSON.parse(json.stdout), { changed: [{ after: false, effect: 'live' }], restart_required: false });
  t.is((await config('unset', 'memory.memtables_max')).code, 0);
  t.is((await config('unset', 'level')).stdout, 'logging.level = "info" (was "debug"), in effect now\n');
  t.is((await config('unset', 'server.auto_create_collections')).code, 0);
  t.deepEqual((await server.get('/admin/config')).json.changes, {});
});

test('config set names the nearest key and what a value must be, before it asks a server', async (t) => {
  const cwd = temporaryDirectory(t);
  const cases: [string[], RegExp][] = [
    [['logging.levle', 'debug'], /no configuration key logging\.levle; did you mean logging\.level\?/],
    [['logging.level', 'debgu'], /logging\.level must be one of .*did you mean "debug"\?/],
    [['memory.memtables_max', 'many'], /memory\.memtables_max must be a whole number .*got "many"/],
    [['memory.memtables_max', '1'], /memory\.memtables_max must be a whole number from 2/],
    [['server.insecure', 'yes'], /server\.insecure must be true or false/],
  ];
  for (const [args, message] of cases) {
    const { code, stderr } = await runCli(['config', 'set', ...args, '--port', '1'], { cwd });
    t.is(code, 2, stderr);
    t.regex(stderr, message);
  }
  const fixed = await runCli(['config', 'set', 'sharding.shards', '2', '--data-dir', server.dataDir], {
    cwd,
  });
  t.is(fixed.code, 1);
  t.regex(fixed.stderr, /sharding\.shards cannot be changed here/);
});

test('whoami shows the caller and what it may do, also less than its user for an API key', async (t) => {
  const cwd = temporaryDirectory(t);
  const whoami = (...args: string[]) => runCli(['whoami', '--data-dir', server.dataDir, ...args], { cwd });
  const local = await whoami();
  t.is(local.code, 0, local.stderr);
  t.regex(local.stdout, /^username +local-cli$/m);
  t.regex(local.stdout, /^shown by +the token in the server's data directory$/m);
  t.regex(local.stdout, /^permissions +\*$/m);
  t.notRegex(local.stdout, /limited to/);

  const ann = { username: 'ann', password: 'a long password' };
  const made = await server.request('POST', '/admin/users', { body: { ...ann, role: 'developer' } });
  t.is(made.status, 201);
  const login = await server.request('POST', '/auth/login', { body: ann });
  const byLogin = JSON.parse((await whoami('--json', '--token', login.json.token)).stdout);
  t.like(byLogin, { username: 'ann', role: 'developer', login: 'token', limited_to: null });
  t.deepEqual(byLogin.permissions, ['read:*', 'write:development_*', 'execute:queries', 'monitor:*']);

  const wanted = { name: 'ci', username: 'ann', permissions: ['read:orders'] };
  const created = await server.request('POST', '/admin/api-keys', { body: wanted });
  const byKey = await whoami('--token', created.json.key);
  t.regex(byKey.stdout, /^role +developer$/m);
  t.regex(byKey.stdout, /^expires +never$/m);
  t.regex(byKey.stdout, /^permissions +read:\*, write:development_\*, execute:queries, monitor:\*$/m);
  t.regex(byKey.stdout, /^limited to +read:orders$/m);

  const nobody = await whoami('--token', 'lumadb_guessed');
  t.is(nobody.code, 1);
  t.regex(nobody.stderr, /401.*authentication failed.*lumadb login/);
});
