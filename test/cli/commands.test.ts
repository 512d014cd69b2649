import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { fakeServer, runCli, temporaryDirectory } from './run-cli.js';

test('--help teaches every command with an example, and exits 0', async (t) => {
  const cwd = temporaryDirectory(t);
  const { code, stdout } = await runCli(['--help'], { cwd });
  t.is(code, 0);
  for (const command of [
    'start',
    'ping',
    'status',
    'health',
    'shutdown',
    'config',
    'diagnose',
    'import',
    'export',
    'version',
  ]) {
    t.regex(stdout, new RegExp(`^  ${command}\\b`, 'm'));
  }
  const commands = [
    ['start'],
    ['ping'],
    ['status'],
    ['health'],
    ['shutdown'],
    ['config', 'validate'],
    ['config', 'show'],
    ['diagnose'],
  ];
  const helps = await Promise.all(commands.map((command) => runCli([...command, '--help'], { cwd })));
  for (const [index, help] of helps.entries()) {
    t.is(help.code, 0);
    t.regex(help.stdout, /Example:\n {2}\$ .*lumadb/, commands[index]?.join(' '));
  }
});

test('help explains the command that its words name, however deep, and no other', async (t) => {
  const cwd = temporaryDirectory(t);
  const [all, start, create, below, parent] = await Promise.all(
    [
      ['help'],
      ['help', 'start'],
      ['help', 'user', 'create'],
      ['user', 'help', 'create'],
      ['help', 'user'],
    ].map((args) => runCli(args, { cwd })),
  );
  for (const { code, stderr } of [all, start, create, below, parent]) {
    t.is(code, 0, stderr);
    t.is(stderr, '');
  }
  t.regex(
    all.stdout,
    /^Usage: lumadb \[options\] \[command\]\n[\s\S]*^ {2}help \[command\.\.\.\] +Explain a command/m,
  );
  t.regex(start.stdout, /^Usage: lumadb start /);
  t.regex(create.stdout, /^Usage: lumadb user create /);
  t.is(create.stdout, below.stdout);
  t.regex(parent.stdout, /^Usage: lumadb user \[options\] \[command\]/);
});

test('wrong usage exits 2 with one line on stderr', async (t) => {
  const cwd = temporaryDirectory(t);
  const cases: [string[], RegExp][] = [
    [['pign'], /unknown command 'pign' \(Did you mean ping\?\)/],
    [['config', 'valdate', 'x'], /Did you mean validate\?/],
    [['ping', '--prot', '1'], /unknown option '--prot' \(Did you mean --port\?\)/],
    [['ping', '--port', '65536'], /from 0 to 65535/],
    [['ping', '--count', '0'], /from 1 to 1000000/],
    [['ping', 'extra'], /too many arguments/],
    [['shutdown', '--timeout', '60'], /with a unit, such as 500ms, 60s or 2m/],
    [['shutdown', '--graceful', '--force'], /cannot be used with/],
    [['config', 'validate'], /missing required argument 'file' \(see lumadb config validate --help\)/],
    [['start', '--prot', '1'], /\(see lumadb start --help\)/],
    [['help', 'strat'], /unknown command 'strat' \(Did you mean start\?\) \(see lumadb --help\)/],
    [
      ['help', 'user', 'creat'],
      /unknown command 'creat' \(Did you mean create\?\) \(see lumadb user --help\)/,
    ],
    [['help', 'start', 'now'], /start has no commands \(see lumadb start --help\)/],
    [['user', 'creat'], /Did you mean create\?\) \(see lumadb user --help\)/],
    [['user', 'create', '--username', 'ann'], /--role developer \(lumadb user --help names the roles\)/],
    [['query', 'SELECT', '1'], /put the statement into quotes: lumadb query "SELECT …"/],
  ];
  const results = await Promise.all(cases.map(([args]) => runCli(args, { cwd })));
  for (const [index, [args, message]] of cases.entries()) {
    const result = results[index];
    t.is(result?.code, 2, args.join(' '));
    t.regex(result?.stderr ?? '', message);
    t.is(result?.stderr.trim().split('\n').length, 1, args.join(' '));
    t.is(result?.stdout, '');
  }
});

test('without a command the help is shown and the exit code is 2', async (t) => {
  const { code, stderr } = await runCli([], { cwd: temporaryDirectory(t) });
  t.is(code, 2);
  t.regex(stderr, /Usage: lumadb/);
});

test('the version is that of the package', async (t) => {
  const cwd = temporaryDirectory(t);
  const [short, long, json] = await Promise.all([
    runCli(['--version'], { cwd }),
    runCli(['version'], { cwd }),
    runCli(['version', '--json'], { cwd }),
  ]);
  const version = short.stdout.trim();
  t.regex(version, /^\d+\.\d+\.\d+/);
  t.is(long.stdout, `lumadb ${version} (Node ${process.version})\n`);
  t.is(JSON.parse(json.stdout).version, version);
});

test('config validate prints every problem as file:line:column and exits 1', async (t) => {
  const cwd = temporaryDirectory(t);
  writeFileSync(join(cwd, 'bad.toml'), '[server]\nprot = 1\n[wal]\nsegment_size = 1\n');
  const { code, stdout, stderr } = await runCli(['config', 'validate', 'bad.toml'], { cwd });
  t.is(code, 1);
  t.is(stdout, '');
  const lines = stderr.trim().split('\n');
  t.is(lines[0], 'bad.toml:2:1: unknown key "prot" in [server]; did you mean port?');
  t.regex(lines[1] ?? '', /^bad\.toml:4:1: wal\.segment_size must be a whole number/);
  t.is(lines[2], 'lumadb: 2 problems in bad.toml');
  const json = await runCli(['config', 'validate', 'bad.toml', '--json'], { cwd });
  t.is(json.code, 1);
  t.like(JSON.parse(json.stdout), {
    valid: false,
    problems: [
      { line: 2, column: 1 },
      { line: 4, column: 1 },
    ],
  });
});

test('config validate accepts a good file, judges it without the environment, and says so of a missing one', async (t) => {
  const cwd = temporaryDirectory(t);
  writeFileSync(join(cwd, 'good.toml'), '[server]\nport = 1\n[memory]\nuse_mmap = true\n');
  const [good, missing] = await Promise.all([
    runCli(['config', 'validate', 'good.toml'], { cwd, env: { LUMADB_NO__SUCH: '1' } }),
    runCli(['config', 'validate', 'missing.toml'], { cwd }),
  ]);
  t.is(good.code, 0);
  t.regex(good.stdout, /^good\.toml: ok, 2 keys set/);
  t.regex(good.stderr, /warning: memory\.use_mmap = true has no effect in this release/);
  t.is(missing.code, 1);
  t.regex(missing.stderr, /missing\.toml: cannot read the configuration: there is no such file/);
});

test('config show names the source of every key', async (t) => {
  const cwd = temporaryDirectory(t);
  writeFileSync(join(cwd, 'config.toml'), '[server]\nport = 1234\n');
  const env = { LUMADB_WAL__DURABILITY: 'group' };
  const [text, json] = await Promise.all([
    runCli(['config', 'show'], { cwd, env }),
    runCli(['config', 'show', '--json'], { cwd, env }),
  ]);
  t.is(text.code, 0);
  t.regex(text.stdout, /^port = 1234 +# config\.toml:2$/m);
  t.regex(text.stdout, /^durability = "group" +# LUMADB_WAL__DURABILITY$/m);
  t.regex(text.stdout, /^host = "127\.0\.0\.1" +# default$/m);
  const { keys } = JSON.parse(json.stdout);
  t.deepEqual(keys['server.port'], {
    value: 1234,
    source: { from: 'file', file: 'config.toml', line: 2, column: 1 },
  });
});

test('ping times each answer', async (t) => {
  const cwd = temporaryDirectory(t);
  const paths: (string | undefined)[] = [];
  const server = await fakeServer(t, (request, response) => {
    paths.push(request.url);
    response.end('{}');
  });
  const where = ['--host', 'localhost', '--port', String(server.port)];
  const text = await runCli(['ping', ...where, '--count', '2'], { cwd });
  t.is(text.code, 0, text.stderr);
  t.is(text.stdout.match(/\d\/2 {2}\d+\.\d\d ms/g)?.length, 2);
  t.regex(text.stdout, /2 answers: min [\d.]+ ms, average [\d.]+ ms, max [\d.]+ ms/);
  const json = await runCli(['--json', 'ping', ...where, '--count', '1'], { cwd });
  t.like(JSON.parse(json.stdout), { ok: true, sent: 1, answered: 1 });
  t.deepEqual(paths, ['/live', '/live', '/live']);
});

test('ping says clearly when nothing listens and when the answer is an error', async (t) => {
  const cwd = temporaryDirectory(t);
  const broken = await fakeServer(t, (_request, response) => {
    response.writeHead(500).end('{"error":{"message":"on fire"}}');
  });
  const gone = await fakeServer(t, () => undefined);
  gone.close();
  const [refused, failed] = await Promise.all([
    runCli(['ping', '--port', String(gone.port)], { cwd }),
    runCli(['ping', '--port', String(broken.port)], { cwd }),
  ]);
  t.is(refused.code, 1);
  t.is(
    refused.stderr,
    `lumadb: cannot reach ${gone.url}: nothing listens there. Is the server running? (lumadb start; for one elsewhere --port or --data-dir)\n`,
  );
  t.is(failed.code, 1);
  t.is(failed.stderr, `lumadb: ${broken.url}: the server answered 500: on fire\n`);
});

test('a server that is not a LumaDB is told from one that refuses', async (t) => {
  const cwd = temporaryDirectory(t);
  const other = await fakeServer(t, (_request, response) => {
    response.writeHead(404).end('<!DOCTYPE HTML>\n<html>\n<title>Nothing here</title>\n');
  });
  const { code, stderr } = await runCli(['health', '--port', String(other.port)], { cwd });
  t.is(code, 1);
  t.is(
    stderr,
    'lumadb: the server answered 404 with a web page. Is a LumaDB server at this host and port?\n',
  );
});

test('host and port come from the environment when no flag says otherwise', async (t) => {
  const server = await fakeServer(t, (_request, response) => response.end());
  const env = { LUMADB_SERVER__PORT: String(server.port) };
  const { code, stderr } = await runCli(['ping', '--count', '1'], { cwd: temporaryDirectory(t), env });
  t.is(code, 0, stderr);
});

test('a live server is found by its data directory, and a dead one is not', async (t) => {
  const cwd = temporaryDirectory(t);
  const server = await fakeServer(t, (_request, response) => response.end());
  const announce = (pid: number): void => {
    mkdirSync(join(cwd, 'data'), { recursive: true });
    const announcement = { pid, host: '0.0.0.0', port: server.port, started_at: '2026-01-01T00:00:00.000Z' };
    writeFileSync(join(cwd, 'data', 'server.json'), JSON.stringify(announcement));
  };
  announce(process.pid);
  const [named, implied] = await Promise.all([
    runCli(['ping', '--data-dir', 'data', '--count', '1'], { cwd }),
    runCli(['ping', '--count', '1'], { cwd }),
  ]);
  t.is(named.code, 0, named.stderr);
  t.is(implied.code, 0, implied.stderr);
  announce(2 ** 22 + 1); // above the highest process number of Linux
  const dead = await runCli(['ping', '--data-dir', 'data'], { cwd });
  t.is(dead.code, 1);
  t.regex(dead.stderr, /no running server has announced itself in the data directory data/);
});

test('status prints shards as a table, and JSON on demand', async (t) => {
  const cwd = temporaryDirectory(t);
  const body = {
    version: '1',
    read_only: { enabled: false },
    shards: [{ shard: 0, seqno: 7, state: 'rea\x1b[31mdy' }],
    evil: '\x1b[31mred',
  };
  const server = await fakeServer(t, (request, response) => {
    response.writeHead(request.url === '/status' ? 200 : 404).end(JSON.stringify(body));
  });
  const [text, json] = await Promise.all([
    runCli(['status', '--port', String(server.port)], { cwd }),
    runCli(['status', '--port', String(server.port), '--json'], { cwd }),
  ]);
  t.is(text.code, 0, text.stderr);
  t.regex(text.stdout, /read_only\n {2}enabled {2}false/);
  t.regex(text.stdout, /│ 0 +│ rea\?\[31mdy +│ 7 +│ - of - +│/);
  t.false(text.stdout.includes('\x1b'), 'terminal controls from a server are not obeyed');
  t.deepEqual(JSON.parse(json.stdout), body);
});

test('health exits 0 when healthy and 1 when degraded, and prints the report both times', async (t) => {
  const cwd = temporaryDirectory(t);
  const reporting = (code: number, status: string) =>
    fakeServer(t, (_request, response) => response.writeHead(code).end(JSON.stringify({ status })));
  const [healthy, degraded] = await Promise.all([reporting(200, 'healthy'), reporting(503, 'degraded')]);
  const [good, bad] = await Promise.all([
    runCli(['health', '--port', String(healthy.port)], { cwd }),
    runCli(['health', '--port', String(degraded.port), '--json'], { cwd }),
  ]);
  t.is(good.code, 0);
  t.regex(good.stdout, /status {2}healthy/);
  t.is(bad.code, 1);
  t.deepEqual(JSON.parse(bad.stdout), { status: 'degraded' });
});

test('start refuses to listen beyond loopback without --insecure, before it touches anything', async (t) => {
  const cwd = temporaryDirectory(t);
  const { code, stderr } = await runCli(['start', '--host', '0.0.0.0'], { cwd });
  t.is(code, 1);
  t.regex(stderr, /^lumadb: refusing to listen on 0\.0\.0\.0: there is no user/);
  t.is(stderr.trim().split('\n').length, 1);
});

test('a place where no directory can be made is an error at once, for whatever would be written there', async (t) => {
  const cwd = temporaryDirectory(t);
  writeFileSync(join(cwd, 'file'), '');
  const lines: [string[], RegExp][] = [
    [
      ['start', '--data-dir', '/proc/nope'],
      /cannot create the data directory \/proc\/nope: ENOENT: no directory can be made in \/proc/,
    ],
    [['start', '--data-dir', '/proc/nope/deeper'], /cannot create the data directory \/proc\/nope\/deeper/],
    [['start', '--data-dir', 'file/data'], /cannot create the data directory \S+\/file\/data: ENOTDIR/],
  ];
  for (const [args, message] of lines) {
    const { code, stderr } = await runCli(args, { cwd });
    t.is(code, 1, stderr);
    t.regex(stderr, message, args.join(' '));
  }
  const logs = await runCli(['start', '--data-dir', 'data'], {
    cwd,
    env: { LUMADB_LOGGING__DIRECTORY: '/proc/nope/logs', LUMADB_SERVER__PORT: '0' },
  });
  t.is(logs.code, 1, logs.stderr);
  t.regex(logs.stderr, /^lumadb: cannot create the log directory \/proc\/nope\/logs: .*\/proc$/m);
});

test('start reports every problem of a bad configuration', async (t) => {
  const cwd = temporaryDirectory(t);
  writeFileSync(join(cwd, 'config.toml'), '[server]\nprot = 1\nhots = "x"\n');
  const { code, stderr } = await runCli(['start'], { cwd });
  t.is(code, 1);
  t.regex(stderr, /config\.toml:2:1: .*\nconfig\.toml:3:1: /);
});
