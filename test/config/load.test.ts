import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { DbError } from '../../src/base/errors.js';
import { checkConfig, type LoadOptions, loadConfig, logDirectory } from '../../src/config/load.js';
import { queryThreads } from '../../src/config/query-threads.js';
import { type ConfigOverrides, defaultConfig, describeConfig } from '../../src/config/schema.js';
import { defaultShardCount } from '../../src/config/shard-count.js';
import { inactiveKeys } from '../../src/config/warnings.js';

function fileWith(t: ExecutionContext, content: string | Uint8Array): string {
  const directory = mkdtempSync(join(tmpdir(), 'lumadb-config-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'config.toml');
  writeFileSync(file, content);
  return file;
}

const nothing: LoadOptions = { env: {}, lookup: [] };

/** The problems of a file, with the file's name cut off: `line:column: message`. */
function problemsOf(t: ExecutionContext, content: string | Uint8Array): readonly string[] {
  const file = fileWith(t, content);
  return checkConfig({ ...nothing, file }).problems.map(({ text }) => text.replace(`${file}:`, ''));
}

test('without any source every key has its default', (t) => {
  const { config, warnings, source } = loadConfig(nothing);
  t.deepEqual(config, defaultConfig());
  t.is(config.server.host, '127.0.0.1');
  t.is(config.server.port, 8080);
  t.is(config.memory.memtable_size, 64 * 1024 * 1024);
  t.is(config.wal.durability, 'always');
  t.is(config.security.require_auth, 'auto');
  t.deepEqual(
    warnings.filter((warning) => !warning.includes('may grow to')),
    [],
  );
  t.is(source.file, null);
  t.true([...source.keys.values()].every((origin) => origin.from === 'default'));
});

test("the manual's memory section is accepted, and a warning says what use_mmap does not do and why", (t) => {
  const file = fileWith(
    t,
    `[memory]
memtable_size = 67108864      # 64 MB
block_cache_size = 536870912  # 512 MB (for 16GB system)
row_cache_size = 134217728    # 128 MB
bloom_bits_per_key = 10       # ~1% false positive rate
use_mmap = true
`,
  );
  const { config, warnings, source } = loadConfig({ ...nothing, file });
  t.true(config.memory.use_mmap);
  t.deepEqual(
    inactiveKeys(source.given).map(({ path }) => path),
    ['memory.use_mmap'],
  );
  const [warning, ...more] = warnings.filter((text) => text.includes('no effect'));
  t.regex(warning ?? '', /memory\.use_mmap = true has no effect.*pread.*page cache.*would end the process/);
  t.deepEqual(more, []);
});

test('an inactive key at its default is nothing to warn about', (t) => {
  const { warnings } = loadConfig({ ...nothing, file: fileWith(t, '[memory]\nuse_mmap = false\n') });
  t.deepEqual(
    warnings.filter((text) => text.includes('no effect')),
    [],
  );
});

test('keys that do not go together are refused where the first of them was set', (t) => {
  t.deepEqual(problemsOf(t, '[compaction]\nl0_compact = 8\n'), [
    '2:1: compaction.l0_compact (8) must be less than compaction.l0_slowdown (8)',
  ]);
  t.deepEqual(problemsOf(t, '[compaction]\nl0_compact = 20\nl0_slowdown = 30\n'), [
    '3:1: compaction.l0_slowdown (30) must be less than compaction.l0_stop (12)',
  ]);
  t.deepEqual(problemsOf(t, '[compaction]\nlevel_base_size = 1_048_576\n'), [
    '2:1: compaction.table_size (4194304) must be at most compaction.level_base_size (1048576)',
  ]);
  const { problems, loaded } = checkConfig({
    env: { LUMADB_COMPACTION__MAX_JOB_SIZE: '1048576' },
    lookup: [],
  });
  t.is(loaded, null);
  t.deepEqual(
    problems.map(({ text }) => text),
    ['environment: compaction.table_size (4194304) must be at most compaction.max_job_size (1048576)'],
  );
  const overrides: ConfigOverrides = { compaction: { l0_stop: 8 } };
  t.throws(() => loadConfig({ ...nothing, overrides }), {
    message: /^command line: compaction\.l0_slowdown \(8\)/,
  });
  t.deepEqual(problemsOf(t, '[compaction]\nl0_compact = 1\nl0_slowdown = 2\nl0_stop = 3\n'), []);
});

test('environment wins over the file and the command line over both', (t) => {
  const file = fileWith(t, '[server]\nport = 1\nhost = "file"\nfront_threads = 2\n');
  const { config, source } = loadConfig({
    file,
    env: {
      LUMADB_SERVER__PORT: '2_000',
      LUMADB_SERVER__HOST: 'env',
      LUMADB_SERVER__INSECURE: 'true',
      PATH: '/bin',
    },
    overrides: { server: { port: 3, host: undefined } },
  });
  t.is(config.server.port, 3);
  t.is(config.server.host, 'env');
  t.is(config.server.front_threads, 2);
  t.true(config.server.insecure);
  t.deepEqual(source.keys.get('server.port'), { from: 'command line' });
  t.deepEqual(source.keys.get('server.host'), { from: 'environment', variable: 'LUMADB_SERVER__HOST' });
  t.deepEqual(source.keys.get('server.front_threads'), { from: 'file', file, line: 4, column: 1 });
  t.deepEqual(source.keys.get('wal.durability'), { from: 'default' });
});

test('the first file of the lookup that exists is read', (t) => {
  const file = fileWith(t, '[server]\nport = 7\n');
  const lookup = ['/nonexistent/config.toml', file, '/nonexistent/other.toml'];
  t.is(loadConfig({ env: {}, lookup }).source.file, file);
  t.is(loadConfig({ env: {}, lookup }).config.server.port, 7);
});

test('every problem is reported at once, with its line and column', (t) => {
  const file = fileWith(
    t,
    `[server]
prot = 1
port = "8080"
port_2 = 1

[memroy]
memtable_size = 1

[wal]
  durability = "alwys"
segment_size = 12
`,
  );
  const error = t.throws(
    () => loadConfig({ file, env: { LUMADB_SERVER__PROT: '1', LUMADB_WAL__DURABILITY: '' } }),
    {
      instanceOf: DbError,
      code: 'CONFIG',
    },
  );
  t.deepEqual(error.message.split('\n'), [
    `${file}:2:1: unknown key "prot" in [server]; did you mean port?`,
    `${file}:3:1: server.port must be a whole number from 0 to 65535; got "8080"`,
    `${file}:4:1: unknown key "port_2" in [server]; did you mean port?`,
    `${file}:6:2: unknown section "memroy"; did you mean [memory]?`,
    `${file}:10:3: wal.durability must be one of "always", "group", "os"; got "alwys"; did you mean "always"?`,
    `${file}:11:1: wal.segment_size must be a whole number from 1048576 (1 MiB) to 1073741824 (1 GiB) bytes; got 12`,
    'environment: unknown variable LUMADB_SERVER__PROT; did you mean LUMADB_SERVER__PORT?',
    'environment: LUMADB_WAL__DURABILITY must be one of "always", "group", "os"; got ""',
  ]);
  t.deepEqual(error.details, { problems: 8, file, line: 2, column: 1 });
});

test('a key in the wrong place is told where it belongs', (t) => {
  t.deepEqual(problemsOf(t, 'port = 1\n[server]\nmemtable_size = 1\n[cluster]\nsomething_else = 1\n'), [
    '1:1: unknown section "port"; port is a key of [server]: move it there',
    '3:1: unknown key "memtable_size" in [server]; did you mean memtable_size in [memory]?',
    '5:1: unknown key "something_else" in [cluster]; its keys are node_id',
  ]);
});

test('values of the wrong shape are named as what they are', (t) => {
  t.deepEqual(
    problemsOf(t, 'server = 5\n[wal]\ndurability = ["os"]\n[wal.segment_size]\nx = 1\n[[memory]]\n').map(
      (line) => line.slice(0, 50),
    ),
    [
      '1:1: server is a section: write [server] and its k',
      '3:1: wal.durability must be one of "always", "grou',
      '4:6: wal.segment_size must be a whole number from ',
      '6:3: memory is a section: write [memory] and its k',
    ],
  );
});

test('numbers are checked at both ends, and for being whole', (t) => {
  const accepts = (line: string): boolean => problemsOf(t, line).length === 0;
  t.true(accepts('server.port = 0'));
  t.true(accepts('server.port = 65535'));
  t.false(accepts('server.port = 65536'));
  t.false(accepts('server.port = -1'));
  t.false(accepts('server.port = 1.5'));
  t.false(accepts('server.port = nan'));
  t.false(accepts('server.port = inf'));
  t.true(accepts('memory.memtable_size = 0x100000'));
  t.false(accepts('memory.memtable_size = 1048575'));
  t.false(accepts('memory.memtable_size = 1073741825'));
  t.true(accepts('memory.ring_bytes = 67108864'));
  t.false(accepts('memory.ring_bytes = 67108865'));
  t.false(accepts('memory.ring_bytes = 33554432'));
  t.true(accepts('security.require_auth = false'));
  t.false(accepts('security.require_auth = "true"'));
  t.false(accepts('storage.data_dir = ""'));
  t.true(accepts('logging.directory = ""'));
  t.false(accepts('storage.data_dir = "a\\u0000b"'));
});

test('a syntax error names its line and column', (t) => {
  const [problem] = problemsOf(t, '[server]\nport = \n');
  t.regex(problem ?? '', /^2:\d+: not valid TOML: /);
  t.regex(problemsOf(t, '[server]\nport = 1\nport = 2\n')[0] ?? '', /^3:\d+: not valid TOML: /);
});

test('files that are no text, too large, absent or a directory are refused by name', (t) => {
  const file = fileWith(t, '');
  const messageOf = (path: string): string => checkConfig({ ...nothing, file: path }).problems[0]?.text ?? '';
  t.is(messageOf(`${file}.missing`), `${file}.missing: cannot read the configuration: there is no such file`);
  mkdirSync(`${file}.d`);
  t.regex(messageOf(`${file}.d`), /not a regular file/);
  t.regex(problemsOf(t, Uint8Array.of(0x61, 0xff))[0] ?? '', /not UTF-8/);
  t.regex(problemsOf(t, '#'.repeat(1024 * 1024 + 1))[0] ?? '', /1048577 bytes/);
});

test('a byte order mark and CRLF line ends are fine', (t) => {
  const file = fileWith(t, '\ufeff[server]\r\nport = 9\r\n');
  t.is(loadConfig({ ...nothing, file }).config.server.port, 9);
});

test('keys named like properties of every object are unknown keys, not surprises', (t) => {
  t.deepEqual(
    problemsOf(t, '[server]\nconstructor = 1\n__proto__ = 2\n[toString]\n').map((line) => line.split(';')[0]),
    [
      '2:1: unknown key "constructor" in [server]',
      '3:1: unknown key "__proto__" in [server]',
      '4:2: unknown section "toString"',
    ],
  );
});

test('environment values are read by the type of their key', (t) => {
  const problem = (env: Record<string, string>): string =>
    checkConfig({ env, lookup: [] }).problems[0]?.text ?? '';
  t.is(problem({ LUMADB_SERVER__PORT: '0' }), '');
  t.is(problem({ LUMADB_SECURITY__REQUIRE_AUTH: 'true' }), '');
  t.is(problem({ LUMADB_SECURITY__REQUIRE_AUTH: 'auto' }), '');
  t.regex(problem({ LUMADB_SERVER__PORT: '' }), /LUMADB_SERVER__PORT must be a whole number.*got ""/);
  t.regex(problem({ LUMADB_SERVER__PORT: '0x10' }), /must be a whole number/);
  t.regex(problem({ LUMADB_SERVER__INSECURE: '1' }), /must be true or false; got "1"/);
  t.regex(problem({ LUMADB_NO__WAY: '1' }), /unknown variable LUMADB_NO__WAY/);
});

test('a variable with one underscore too few is warned about, any other is left alone', (t) => {
  const { warnings } = loadConfig({ env: { LUMADB_SERVER_PORT: '1', LUMADB_DEBUG: '1' }, lookup: [] });
  t.deepEqual(
    warnings.filter((warning) => warning.startsWith('environment')),
    ['environment: LUMADB_SERVER_PORT has no effect; LUMADB_SERVER__PORT (two underscores) would have'],
  );
});

test('wrong values from the command line are refused too', (t) => {
  const overrides: ConfigOverrides = { server: { port: 70_000 } };
  t.throws(() => loadConfig({ ...nothing, overrides }), { message: /^command line: server.port must be/ });
});

test('memory that the machine does not have is warned about', (t) => {
  const overrides: ConfigOverrides = {
    memory: { memtables_max: 1024, memtable_size: 2 ** 30 },
    sharding: { shards: 256 },
  };
  const { warnings } = loadConfig({ ...nothing, overrides });
  // 1024 memtables of 1 GiB, a request ring of 64 MiB and a reply ring of 2 MiB, each 256 times.
  t.regex(warnings.join('\n'), /256 shards may grow to 268452352 MiB/);
});

test('every key has a one-line description, a limit in words and a default that it accepts', (t) => {
  for (const key of describeConfig().flatMap((section) => section.keys)) {
    t.true(key.description.length > 20 && !key.description.includes('\n'), key.path);
    t.true(key.allowed.length > 0, key.path);
    t.true(key.accepts(key.default), key.path);
    t.regex(key.environment, /^LUMADB_[A-Z][A-Z0-9_]*?__[A-Z][A-Z0-9_]*$/);
  }
});

test('these are the sections, in the order of the contract, and those of backups behind them', (t) => {
  t.is(
    describeConfig()
      .map((section) => section.name)
      .join(' '),
    'server storage memory wal compaction sharding security logging query cluster backup backup.s3 backup.wal_stream backup.schedule',
  );
});

test('shards default to the cores minus one, and at least one', (t) => {
  t.is(defaultShardCount(1), 1);
  t.is(defaultShardCount(2), 1);
  t.is(defaultShardCount(16), 15);
  t.is(defaultShardCount(1000), 256);
});

test('logs are below the data directory unless they are sent elsewhere', (t) => {
  const config = defaultConfig();
  t.is(logDirectory(config), 'data/logs');
  t.is(
    logDirectory({ ...config, logging: { ...config.logging, directory: '/var/log/lumadb' } }),
    '/var/log/lumadb',
  );
});

test('fronts and query threads have to find room among the readers of memtables', (t) => {
  const env = (fronts: string, threads: string) => ({
    LUMADB_SERVER__FRONT_THREADS: fronts,
    LUMADB_QUERY__THREADS: threads,
  });
  const problems = (fronts: string, threads: string) =>
    checkConfig({ ...nothing, env: env(fronts, threads) }).problems.map(({ text }) => text);
  t.deepEqual(problems('8', '28'), []);
  t.deepEqual(problems('9', '28'), [
    'environment: server.front_threads (9) leaves room for 27 query threads, and query.threads (28) is more',
  ]);
  t.is(problems('63', '0').length, 1, 'one query thread at least');
  t.is(queryThreads(0, 1, 128), 31);
  t.is(queryThreads(0, 40, 128), 12);
  t.is(queryThreads(0, 1, 1), 1);
  t.is(queryThreads(5, 1, 2), 5);
});

test('a table within a table is a section of its own, wherever it is set', (t) => {
  const file = fileWith(t, '[backup]\ncompression = "lz4"\n[backup.wal_stream]\ninterval = 500\n');
  const { config, source } = loadConfig({ file, env: { LUMADB_BACKUP_WAL_STREAM__DESTINATION: '/b' } });
  t.is(config.backup.compression, 'lz4');
  t.is(config['backup.wal_stream'].interval, 500);
  t.is(config['backup.wal_stream'].destination, '/b');
  t.like(source.keys.get('backup.wal_stream.interval'), { from: 'file', line: 4 });
  const inline = fileWith(t, 'backup = { schedule = { full = "0 2 * * 0" } }\n');
  t.is(loadConfig({ file: inline, env: {} }).config['backup.schedule'].full, '0 2 * * 0');
});

test('a misspelt table within a table is named with the one that was meant', (t) => {
  const file = fileWith(t, '[backup.wal_strem]\ninterval = 500\n');
  const { problems } = checkConfig({ file, env: {} });
  t.is(problems.length, 1);
  t.regex(
    problems[0].text,
    /:1:\d+: unknown section "backup\.wal_strem"; did you mean \[backup\.wal_stream\]\?/,
  );
});

test('a list is an array in the file and texts with commas between in the environment', (t) => {
  const file = fileWith(t, '[server]\ntrusted_proxies = ["10.0.0.0/8", "2001:db8::1"]\n');
  t.deepEqual(loadConfig({ ...nothing, file }).config.server.trusted_proxies, ['10.0.0.0/8', '2001:db8::1']);
  const byEnvironment = (text: string) =>
    loadConfig({ ...nothing, file, env: { LUMADB_SERVER__TRUSTED_PROXIES: text } }).config.server
      .trusted_proxies;
  t.deepEqual(byEnvironment('192.0.2.7, 10.0.0.0/8,'), ['192.0.2.7', '10.0.0.0/8']);
  t.deepEqual(byEnvironment(''), []);
  for (const value of [
    '["10.0.0.0/33"]',
    '["proxy.example.com"]',
    '["0.0.0.0/0"]',
    '["::/0"]',
    '"10.0.0.1"',
    '[1]',
  ])
    t.regex(
      problemsOf(t, `[server]\ntrusted_proxies = ${value}\n`).join(),
      /^2:1: server\.trusted_proxies must be a list of at most 1000 addresses and networks/,
      value,
    );
});
