/**
 * The first day of a new operator, line by line as it is typed: a server in an empty directory without a configuration,
 * everything that the manual shows first, a stop and a second start. What each line prints is what a person would look for.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { freePort } from '../../perf/free-port.js';
import { CLI_MAIN, serverEnvironment, spawnTracked } from '../support/server.js';
import { until } from '../support/time.js';

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A person at a shell in a directory of their own, with `lumadb` on the PATH. */
class Operator {
  readonly directory = realpathSync(mkdtempSync(join(tmpdir(), 'lumadb-operator-')));
  readonly url: string;
  private readonly env: NodeJS.ProcessEnv;
  private server: ChildProcess | undefined;
  /** What the servers have printed. */
  log = '';

  private constructor(readonly port: number) {
    this.url = `http://127.0.0.1:${port}`;
    const bin = join(this.directory, 'bin');
    mkdirSync(bin);
    const command = `#!/bin/sh\nexec ${process.execPath} ${CLI_MAIN} "$@"\n`;
    writeFileSync(join(bin, 'lumadb'), command, { mode: 0o755 });
    const own = serverEnvironment({ XDG_CONFIG_HOME: join(this.directory, 'login') });
    this.env = { ...own, PATH: `${bin}:${process.env['PATH'] ?? ''}` };
  }

  static async arrive(t: ExecutionContext): Promise<Operator> {
    const operator = new Operator(await freePort());
    t.teardown(() => operator.leave());
    return operator;
  }

  /** One line at the shell. */
  type(line: string): Promise<Ran> {
    const child = spawn('bash', ['-c', line], {
      cwd: this.directory,
      env: this.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ran = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      ran.stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      ran.stderr += text;
    });
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve({ ...ran, code }));
    });
  }

  /** A line that stays in the foreground of another terminal; resolves with what tells how it ended. */
  async serve(line: string): Promise<{ readonly ended: Promise<number | null> }> {
    const child = spawnTracked('bash', ['-c', `exec ${line}`], { cwd: this.directory, env: this.env });
    this.server = child;
    for (const output of [child.stdout, child.stderr])
      output?.setEncoding('utf8').on('data', (text: string) => {
        this.log += text;
      });
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    const isReady = (): Promise<boolean> =>
      fetch(`${this.url}/ready`).then(
        ({ status }) => status === 200,
        () => false,
      );
    await until('the server is ready', isReady);
    return { ended };
  }

  /** `kill -HUP`, with the process number from the other terminal. */
  hangUp(): void {
    this.server?.kill('SIGHUP');
  }

  read(path: string): string {
    return readFileSync(join(this.directory, path), 'utf8');
  }

  private leave(): void {
    this.server?.kill('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }
}

test("a new operator's path, from the first start to the second", async (t) => {
  const operator = await Operator.arrive(t);
  const { port, url } = operator;
  const shown = (line: string, { code, stdout, stderr }: Ran): string =>
    `${line}\nexit code ${code}\n${stdout}\n${stderr}`;
  /** Ends well, and has said this. */
  const does = async (line: string, ...says: readonly RegExp[]): Promise<string> => {
    const ran = await operator.type(line);
    t.is(ran.code, 0, shown(line, ran));
    for (const pattern of says) t.regex(ran.stdout, pattern, shown(line, ran));
    return ran.stdout;
  };
  const fails = async (line: string, code: number, ...says: readonly RegExp[]): Promise<void> => {
    const ran = await operator.type(line);
    t.is(ran.code, code, shown(line, ran));
    for (const pattern of says) t.regex(ran.stderr, pattern, shown(line, ran));
    // What goes wrong is told in a line, and is no stack.
    t.notRegex(ran.stderr, /unexpected|^\s+at /m, shown(line, ran));
  };

  // Before anything runs: every message has a next step.
  await fails('lumadb strat', 2, /Did you mean start\?/, /lumadb --help/);
  await fails('lumadb start --prot 9', 2, /Did you mean --port\?/, /lumadb start --help/);
  await fails('lumadb health', 1, /nothing listens there/, /lumadb start/, /--port or --data-dir/);
  t.deepEqual(readdirSync(operator.directory), ['bin']);

  let { ended } = await operator.serve(`lumadb start --port ${port}`);
  // The port comes from the data directory that is here: nothing has to be named.
  await does('lumadb health', /^status +healthy$/m, /^version +\d+\.\d+\.\d+$/m);
  await fails('lumadb start', 1, /in use by process \d+/, /lumadb shutdown --data-dir/, /another --data-dir/);
  await fails(
    `lumadb start --data-dir other --port ${port}`,
    1,
    new RegExp(`cannot listen on 127\\.0\\.0\\.1:${port}: the port is in use`),
    /another --port/,
  );

  // A user, and a login.
  await fails('lumadb user create --username ann --role boss', 1, /known are admin, developer, analyst/);
  const created = await does(
    'lumadb user create --username ann --role admin',
    /user ann created with role admin/,
  );
  const password = /^password: (\S{20,}) /m.exec(created)?.[1] ?? '';
  t.not(password, '');
  await does('lumadb user list', /ann.*admin.*active/);
  await fails(
    'echo guessed | lumadb login --username ann --password-stdin',
    1,
    /the user or the password is wrong/,
    /lumadb user update ann --new-password/,
  );
  await does(
    `echo '${password}' | lumadb login --username ann --password-stdin`,
    new RegExp(`^logged in to ${url} as ann \\(admin\\), until 20`),
  );
  const { token } = JSON.parse(operator.read('login/lumadb/credentials.json'))[url];
  t.regex(token, /^\S{20,}$/);

  // A document, over HTTP and with SQL.
  const notes = `${url}/api/v1/notes`;
  await does(`curl -sf -X PUT ${notes}/first -d '{"text":"hello","n":41}'`, /^\{"_id":"first","_seq":\d+\}$/);
  await does(`curl -sf ${notes}/first`, /^\{"_id":"first","text":"hello","n":41\}$/);
  await does(
    'lumadb query "SELECT text, n + 1 AS next FROM notes"',
    /text +│ next/,
    /hello │ 42/,
    /^\(1 row, /m,
  );
  await fails('lumadb query "SELECT * FROM nots"', 1, /did you mean "notes"\?/, /^ {16}\^$/m);
  await fails('lumadb query SELECT 1', 2, /into quotes/);

  // The dashboard.
  await does(
    'lumadb top --once --interval 500ms',
    /^LumaDB Performance Dashboard$/m,
    /THROUGHPUT +LATENCY +RESOURCES/,
    /^SHARD +OPS\/S/m,
    /^Read-only: no$/m,
  );
  const figures = JSON.parse(await does('lumadb top --once --json --interval 500ms'));
  t.true(figures.resources.memory_bytes > 0);
  t.is(typeof figures.throughput.queries_per_second, 'number');

  // Another log level, at once and kept.
  const patch = (body: string): string => `curl -s -X PATCH ${url}/admin/config -d '${body}'`;
  await does(patch('{"log_level":"loud"}'), /must be one of .*\\"debug\\".*got \\"loud\\"/);
  await does(patch('{"loglevel":"debug"}'), /did you mean log_level\?/);
  await does(patch('{"log_level":"debug"}'), /"before":"info","after":"debug"/, /"restart_required":false/);
  await does(`curl -sf ${url}/admin/config`, /"level":"debug"/);
  await does('lumadb config show', /^level = "debug" .*# PATCH \/admin\/config$/m);

  // The logs are rotated, while requests come: each has its line in the old file or in the new one.
  const ask = (from: number, to: number): Promise<string> =>
    does(`curl -s "${notes}/line-[${from}-${to}]" -o /dev/null`);
  await ask(1, 40);
  await does('cd data/logs && for log in server access; do mv $log.log $log.log.1; done');
  await ask(41, 80);
  operator.hangUp();
  await ask(81, 120);
  const linesOf = (path: string): string[] => operator.read(path).match(/\/notes\/line-\d+\b/g) ?? [];
  const bothFiles = (): string[] => [
    ...linesOf('data/logs/access.log.1'),
    ...linesOf('data/logs/access.log'),
  ];
  await until(
    'the log files are reopened and written',
    () =>
      readdirSync(join(operator.directory, 'data/logs')).includes('access.log') && bothFiles().length >= 120,
  );
  const expected = Array.from({ length: 120 }, (_, index) => `/notes/line-${index + 1}`);
  t.deepEqual(bothFiles().toSorted(), expected.toSorted());
  await ask(121, 121);
  await until('the new file is in use', () => linesOf('data/logs/access.log').includes('/notes/line-121'));

  // Read-only: a refused write names the reason, and reads go on.
  const setReadOnly = (body: string): string => `curl -sf -X POST ${url}/admin/read-only -d '${body}'`;
  await does(setReadOnly('{"enabled":true,"reason":"moving disks"}'), /"reason":"moving disks"/);
  await does(`curl -s -X PUT ${notes}/second -d '{}'`, /read-only: moving disks/);
  await fails(`lumadb query "INSERT INTO notes (_id) VALUES ('second')"`, 1, /read-only: moving disks/);
  await does('lumadb status', /^ +reason +moving disks$/m);
  await does('lumadb health', /^status +healthy$/m, /^read_only$/m, /^ +reason +moving disks$/m);
  await does('lumadb top --once --interval 500ms', /^Read-only: .*moving disks/m);
  await does(`curl -sf ${notes}/first`, /hello/);
  await does(setReadOnly('{"enabled":false}'), /"read_only":false/);
  await does(`curl -sf -X PUT ${notes}/second -d '{"n":2}'`, /"_id":"second"/);

  // An archive for a support case.
  await fails('lumadb diagnose', 2, /--output <file>/, /lumadb diagnose --help/);
  await does(
    'lumadb diagnose --output x.tar.gz',
    /^wrote \S+\/x\.tar\.gz: .* 0 failed$/m,
    /^Hidden: .*password/m,
  );
  await does(
    'tar tzf x.tar.gz',
    ...['README.txt', 'MANIFEST.json', 'server/status.json', 'logs/server.log', 'machine/versions.json'].map(
      (name) => new RegExp(`^lumadb-diagnose-[^/]+/${name}$`, 'm'),
    ),
  );
  const all = await does('tar xzOf x.tar.gz', /"data_directory": ?"[^"]+\/data"/, /line-121/);
  const secrets = [
    password,
    token,
    ...['cli.token', 'token.key'].map((name) => operator.read(`data/${name}`).trim()),
  ];
  for (const secret of secrets) t.false(all.includes(secret));

  // Stopped, and nothing is there; started, and everything is.
  await does('lumadb shutdown --graceful', new RegExp(`^${url} stopped after `));
  t.is(await ended, 0);
  t.regex(operator.log, /shutting down mode=graceful[\s\S]*stopped request_id=\S+\n$/);
  await fails(`lumadb query "SELECT 1" --port ${port}`, 1, /nothing listens there/);
  ({ ended } = await operator.serve(`lumadb start --port ${port}`));
  await does(`curl -sf ${notes}/first`, /^\{"_id":"first","text":"hello","n":41\}$/);
  await does('lumadb query "SELECT count(*) AS notes FROM notes"', /│ 2 /);
  await does('lumadb user list', /ann.*admin.*active/);
  // The login was used, and what was done under it can be read.
  await does('grep shutdown data/logs/audit.log', /"user":"ann"/);
  await does('lumadb config show', /^level = "debug"/m);
  await does('lumadb logout', new RegExp(`^logged out of ${url}$`, 'm'));
  await does('lumadb shutdown', /stopped after/);
  t.is(await ended, 0);
});
