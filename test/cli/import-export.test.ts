/** `lumadb import` and `export` as commands, against the real server, killed and cut off in the middle. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { CLI_MAIN, serverEnvironment, TestServer } from '../support/server.js';
import { until } from '../support/time.js';
import { type CliResult, runCli, temporaryDirectory } from './run-cli.js';

const MIB = 1024 * 1024;

interface Summary {
  readonly documents: number;
  readonly records_read: number;
  readonly written: number;
  readonly rejected: number;
  readonly resumed: boolean;
  readonly snapshots: number;
  readonly bytes: number;
}

let shared: Promise<TestServer> | undefined;
test.after.always(async () => (await shared)?.close());

class Rig {
  private constructor(
    readonly server: TestServer,
    readonly directory: string,
  ) {}

  /** A directory of its own beside the one server, which is killed and started again. Collections have other names. */
  static async start(t: ExecutionContext): Promise<Rig> {
    // Named from the beginning: uWS lets a port be taken again at once only if it was asked for by its number.
    shared ??= freePort().then((port) => TestServer.start({ port }));
    return new Rig(await shared, temporaryDirectory(t));
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  arguments(args: readonly string[]): string[] {
    return [...args, '--host', '127.0.0.1', '--port', String(this.server.port)];
  }

  run(...args: string[]): Promise<CliResult> {
    return runCli(this.arguments(args), { cwd: this.directory });
  }

  async summary(...args: string[]): Promise<Summary> {
    const { stdout, stderr } = await this.run(...args, '--json');
    if (stdout === '') throw new Error(stderr);
    return JSON.parse(stdout) as Summary;
  }

  /** The command in the background; `ended` resolves with its exit code, null when it was killed. */
  spawn(...args: string[]): { child: ChildProcess; ended: Promise<number | null> } {
    const child = spawn(process.execPath, [CLI_MAIN, ...this.arguments(args)], {
      cwd: this.directory,
      env: serverEnvironment(),
      stdio: 'ignore',
    });
    const ended = new Promise<number | null>((resolve) => {
      child.once('close', resolve);
    });
    return { child, ended };
  }

  async count(collection: string): Promise<number> {
    const { json } = await this.server.request('POST', '/api/v1/query', {
      body: { query: `SELECT count(*) FROM "${collection}"` },
    });
    return (json as { rows: [[number]] }).rows[0][0];
  }

  /** Documents that an import has acknowledged, as its state says. */
  acknowledged(state: string): number {
    if (!existsSync(this.path(state))) return 0;
    return (JSON.parse(readFileSync(this.path(state), 'utf8')) as { written: number }).written;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

const line = (n: number, padding = 100): string =>
  `{"n":${n},"name":"user ${n}","tags":["a",{"b":${n}.50}],"padding":"${String(n).padEnd(padding, '.')}"}\n`;

function writeLines(path: string, count: number, padding?: number): void {
  writeFileSync(path, Array.from({ length: count }, (_, n) => line(n, padding)).join(''));
}

function digest(path: string): Promise<string> {
  const hash = createHash('sha256');
  return new Promise((resolve, reject) => {
    createReadStream(path)
      .on('data', (chunk) => hash.update(chunk))
      .on('error', reject)
      .on('end', () => resolve(hash.digest('hex')));
  });
}

test.serial(
  'an import that is killed goes on: fifty thousand documents, each once, also when the server dies besides',
  async (t) => {
    const rig = await Rig.start(t);
    writeLines(rig.path('users.jsonl'), 50_000);
    const args = [
      'import',
      'users',
      'users.jsonl',
      '--batch-size',
      '100',
      '--parallel',
      '2',
      '--mode',
      'create',
    ];
    const first = rig.spawn(...args);
    await until('the import is under way', () => rig.acknowledged('users.jsonl.import-state') > 1000, {
      pollMs: 5,
    });
    first.child.kill('SIGKILL');
    t.is(await first.ended, null);
    const killedAt = rig.acknowledged('users.jsonl.import-state');
    t.true(killedAt < 50_000);

    const refused = await rig.run(...args);
    t.is(refused.code, 1);
    t.regex(refused.stderr, /--resume goes on with it/);

    const second = rig.spawn(...args, '--resume', '--rejects', 'rejects.ndjson');
    t.is(await second.ended, 1, 'another file of rejects is another run');
    const third = rig.spawn(...args, '--resume');
    await until('it goes on', () => rig.acknowledged('users.jsonl.import-state') > killedAt + 500, {
      pollMs: 5,
    });
    await rig.server.kill9();
    await rig.server.restart({ port: rig.server.port });
    t.is(await third.ended, 0);
    t.is(await rig.count('users'), 50_000);
    t.is(rig.acknowledged('users.jsonl.import-state'), 50_000);

    const done = await rig.summary(...args, '--resume');
    t.like(done, { records_read: 50_000, written: 50_000, rejected: 0, resumed: true });
    t.is(await rig.count('users'), 50_000);
  },
);

test.serial(
  'rejects have the line and the offset of the file, and the exit code says that there are some',
  async (t) => {
    const rig = await Rig.start(t);
    const lines = ['{"_id":"a"}', '', 'oops', '{"_id":"b","age":"old"}', '{"_id":"c","age":5}'];
    writeFileSync(rig.path('people.jsonl'), lines.join('\r\n'));
    await rig.server.request('POST', '/api/v1/query', { body: { query: 'CREATE TABLE people (age int)' } });
    const args = ['import', 'people', 'people.jsonl', '--rejects', 'rejects.ndjson'];
    const { code, stdout, stderr } = await rig.run(...args);
    t.is(code, 1);
    t.is(stderr, '');
    t.regex(
      stdout,
      /^people: 4 records read, 2 written, 2 rejected \(rejects\.ndjson\), [\d.]+ s, \d+ documents\/s\n$/,
    );
    const rejects = readFileSync(rig.path('rejects.ndjson'), 'utf8')
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text));
    t.deepEqual(
      rejects.map((reject) => [reject.line, reject.byte_offset, reject.code, reject.record]),
      [
        [3, 15, 'INVALID_JSON', 'oops'],
        [4, 21, 'VALIDATION_ERROR', '{"_id":"b","age":"old"}'],
      ],
    );
    t.is(await rig.count('people'), 2);

    const shown = await rig.run('import', 'people', 'people.jsonl', '--state', 'none');
    t.is(shown.code, 1);
    t.regex(shown.stderr, /^line 3: INVALID_JSON: .*\nline 4: VALIDATION_ERROR: .*\n$/);
    const stopped = await rig.run(
      'import',
      'people',
      'people.jsonl',
      '--state',
      'none',
      '--rejects-max',
      '0',
    );
    t.is(stopped.code, 1);
    t.regex(stopped.stderr, /stopped: more than 0 records were rejected/);
    const dry = await rig.run('import', 'nowhere', 'people.jsonl', '--dry-run');
    t.regex(dry.stdout, /^nowhere: 4 records read, 3 valid, 1 rejected/);
    t.deepEqual(readdirSync(rig.directory).sort(), [
      'people.jsonl',
      'people.jsonl.import-state',
      'rejects.ndjson',
    ]);
  },
);

test.serial('an export that is killed goes on to the same bytes, compressed or not', async (t) => {
  const rig = await Rig.start(t);
  writeLines(rig.path('users.jsonl'), 15_000, 1000);
  await rig.summary('import', 'killed', 'users.jsonl', '--state', 'none', '--durability', 'os');
  for (const [name, blocks] of [
    ['whole.jsonl', 1],
    ['whole.jsonl.gz', 1],
    ['whole.csv', 1],
    ['whole.parquet', 0],
  ] as const) {
    t.is((await rig.run('export', 'killed', '--output', name)).code, 0);
    const cut = name.replace('whole', 'cut');
    const { child, ended } = rig.spawn('export', 'killed', '--output', cut);
    // Before the first block there is no state, and nothing to go on with: that is tried as well.
    await until(
      'it writes',
      () => existsSync(rig.path(`${cut}.part${blocks > 0 ? '.state' : ''}`)) || existsSync(rig.path(cut)),
      { pollMs: 1 },
    );
    child.kill('SIGKILL');
    await ended;
    t.false(existsSync(rig.path(cut)), `${name} was killed in time`);
    const { documents } = await rig.summary('export', 'killed', '--output', cut, '--resume');
    t.is(documents, 15_000);
    t.is(await digest(rig.path(cut)), await digest(rig.path(name)), name);
    t.false(existsSync(rig.path(`${cut}.part`)) || existsSync(rig.path(`${cut}.part.state`)));
  }
  t.true(gunzipSync(readFileSync(rig.path('cut.jsonl.gz'))).equals(readFileSync(rig.path('whole.jsonl'))));
});

test.serial('an export outlives its server, and says that it is of two snapshots', async (t) => {
  const rig = await Rig.start(t);
  writeLines(rig.path('users.jsonl'), 15_000, 2000);
  await rig.summary('import', 'outliving', 'users.jsonl', '--state', 'none', '--durability', 'os');
  await rig.summary('export', 'outliving', '--output', 'whole.jsonl');
  const child = runCli(rig.arguments(['export', 'outliving', '--output', 'cut.jsonl', '--json']), {
    cwd: rig.directory,
  });
  await until('it writes', () => existsSync(rig.path('cut.jsonl.part')), { pollMs: 1 });
  await rig.server.kill9();
  await delay(50);
  await rig.server.restart({ port: rig.server.port });
  const { code, stdout, stderr } = await child;
  t.is(code, 0, stderr);
  const { snapshots } = JSON.parse(stdout) as Summary;
  t.true(snapshots >= 2);
  t.regex(stderr, new RegExp(`made of ${snapshots} snapshots`));
  t.is(await digest(rig.path('cut.jsonl')), await digest(rig.path('whole.jsonl')));
});

test.serial('what is exported can be imported again, in every format and compression', async (t) => {
  const rig = await Rig.start(t);
  const texts = [
    '{"_id":"1","big":12345678901234567890,"text":"42","none":null,"empty":""}',
    '{"_id":"2","f":1.50,"list":[1,{"a":"x,y"}],"text":"line\\nbreak \\"quoted\\"","__proto__":{"x":1}}',
    '{"_id":"\u00e9","t":"2026-01-15T08:00:00.000Z","flag":true}',
  ];
  writeFileSync(rig.path('in.jsonl.gz'), gzipSync(texts.join('\n')));
  t.like(await rig.summary('import', 'original', 'in.jsonl.gz'), { written: 3 });
  const exported = async (collection: string): Promise<unknown[]> =>
    (await rig.run('export', collection)).stdout
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text));
  t.is((await rig.run('export', 'original')).stdout, texts.map((text) => `${text}\n`).join(''));
  for (const name of ['a.jsonl', 'a.jsonl.zst', 'a.csv', 'a.csv.gz', 'a.parquet']) {
    const collection = `from.${name}`;
    t.is((await rig.run('export', 'original', '--output', name)).code, 0);
    t.like(await rig.summary('import', collection, name, '--mode', 'create'), { written: 3, rejected: 0 });
    const withoutNulls = (all: readonly unknown[]): unknown =>
      JSON.parse(JSON.stringify(all, (_, value) => value ?? undefined));
    const isExact = !name.endsWith('parquet');
    const [before, after] = [await exported('original'), await exported(collection)];
    t.deepEqual(isExact ? after : withoutNulls(after), isExact ? before : withoutNulls(before), name);
  }
});

test.serial('filters, conditions, fields, limits and columns', async (t) => {
  const rig = await Rig.start(t);
  const rows = Array.from(
    { length: 2000 },
    (_, n) =>
      `{"_id":"${String(n).padStart(4, '0')}","n":${n},"a":{"b":${n % 3}}${n === 1999 ? ',"late":1' : ''}}`,
  );
  writeFileSync(rig.path('rows.jsonl'), rows.join('\n'));
  await rig.summary('import', 'rows', 'rows.jsonl');
  const lines = async (...args: string[]): Promise<string[]> =>
    (await rig.run('export', 'rows', ...args)).stdout.trim().split(/\r?\n/);
  t.is((await lines('--filter', '{"a.b":{"$gte":2}}')).length, 666);
  t.deepEqual(await lines('--where', 'n >= 1998', '--fields', 'n'), [
    '{"_id":"1998","n":1998}',
    '{"_id":"1999","n":1999}',
  ]);
  t.deepEqual(await lines('--limit', '2', '--format', 'csv', '--fields', 'a.b,n'), [
    '_id,a.b,n',
    '0000,0,0',
    '0001,1,1',
  ]);
  t.is((await lines('--filter', '{"a.b":0}', '--limit', '5')).length, 5);

  const late = await rig.run('export', 'rows', '--format', 'csv', '--output', 'rows.csv');
  t.is(late.code, 1);
  t.regex(late.stderr, /document "1999" does not fit: the member "late" is no column .*--sample all/);
  t.false(existsSync(rig.path('rows.csv')), 'no half file is taken for a whole one');
  const all = await rig.summary('export', 'rows', '--output', 'rows.csv', '--sample', 'all');
  t.is(all.documents, 2000);
  const aside = await rig.run(
    'export',
    'rows',
    '--output',
    'aside.csv',
    '--rejects',
    'aside.ndjson',
    '--json',
  );
  t.is(aside.code, 1);
  t.like(JSON.parse(aside.stdout), { documents: 1999, rejected: 1 });
  t.like(JSON.parse(readFileSync(rig.path('aside.ndjson'), 'utf8')), { _id: '1999', code: 'UNKNOWN_FIELD' });

  for (const [args, code, message] of [
    [['export', 'nosuch'], 1, /there is no collection nosuch/],
    [['export', 'rows', '--filter', '{'], 1, /--filter: /],
    [['export', 'rows', '--where', 'n >'], 1, /syntax error/],
    [['export', 'rows', '--resume'], 2, /name it with --output/],
    [['export', 'rows', '--output', 'x.doc'], 1, /does not say its format/],
    [['import', 'rows', 'nosuch.jsonl'], 1, /there is no file nosuch\.jsonl/],
    [['import', 'rows', 'rows.jsonl', '--types', 'a:float'], 2, /not column:type/],
    [['import', 'rows', '-', '--resume'], 2, /name its file with --state/],
  ] as const) {
    const result = await rig.run(...args);
    t.is(result.code, code, args.join(' '));
    t.regex(result.stderr, message);
  }
});

test.serial('memory stays bounded on two hundred megabytes, both ways', async (t) => {
  const rig = await Rig.start(t);
  const path = rig.path('large.jsonl');
  const chunk = (n: number): string =>
    Array.from({ length: 1000 }, (_, index) => line(n * 1000 + index, 2000)).join('');
  for (let n = 0; n < 100; n++) writeFileSync(path, chunk(n), { flag: 'a' });
  t.true(statSync(path).size > 200 * MIB);
  const peak = async (...args: string[]): Promise<number> => {
    const { child, ended } = rig.spawn(...args);
    let peakBytes = 0;
    let isOver = false;
    ended.then(() => {
      isOver = true;
    });
    while (!isOver) {
      peakBytes = Math.max(peakBytes, peakRssOf(child.pid) ?? 0);
      await delay(10);
    }
    t.is(await ended, 0, args.join(' '));
    return peakBytes;
  };
  const idle = await peak('import', 'none', path, '--dry-run', '--state', 'none', '--help');
  const imported = await peak('import', 'large', path, '--durability', 'os');
  const exported = await peak('export', 'large', '--output', 'out.jsonl');
  t.log(
    `peak RSS: ${[idle, imported, exported].map((bytes) => `${Math.round(bytes / MIB)} MiB`).join(', ')}`,
  );
  t.true(imported - idle < 160 * MIB, `import: ${imported}`);
  t.true(exported - idle < 120 * MIB, `export: ${exported}`);
  t.is(statSync(rig.path('out.jsonl')).size > statSync(path).size, true);
});

function peakRssOf(pid: number | undefined): number | undefined {
  try {
    const match = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return match === null ? undefined : Number(match[1]) * 1024;
  } catch {
    return undefined;
  }
}
