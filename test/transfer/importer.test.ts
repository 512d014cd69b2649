/** The importer beside a server that refuses, breaks off and forgets to answer. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../src/base/clock.js';
import { createPrng } from '../../src/base/prng.js';
import { ImportInput } from '../../src/transfer/import-input.js';
import { type ImportOptions, type ImportOutcome, runImport } from '../../src/transfer/importer.js';
import { TransferServer } from '../../src/transfer/server.js';
import { fakeServer } from '../cli/run-cli.js';
import { testSeed } from '../support/random.js';

type Trouble = 'none' | 'busy' | 'some-busy' | 'lost-before' | 'lost-after';

/** Holds documents by `_id`; before each bulk request it is asked what goes wrong this time. */
class FakeDatabase {
  readonly documents = new Map<string, string>();
  /** How often each document was put. */
  readonly puts = new Map<string, number>();
  trouble: () => Trouble = () => 'none';

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = Buffer.concat(await request.toArray()).toString();
    if (request.url === '/api/v1/query') this.query(body, response);
    else this.bulk(body, request.url?.includes('create=true') === true, response);
  }

  private query(body: string, response: ServerResponse): void {
    const { params } = JSON.parse(body) as { params: [string[]] };
    const rows = params[0].flatMap((id) => this.documents.get(id) ?? []);
    response.end(rows.map((text) => `{"d":${text}}\n`).join(''));
  }

  private bulk(body: string, createOnly: boolean, response: ServerResponse): void {
    const trouble = this.trouble();
    if (trouble === 'lost-before') response.destroy();
    else if (trouble === 'busy') {
      response
        .writeHead(503, { 'retry-after': '0' })
        .end('{"error":{"code":"UNAVAILABLE","message":"busy"}}');
    } else {
      const results = body
        .trim()
        .split('\n')
        .map((text, index) => this.put(text, index, createOnly, trouble));
      if (trouble === 'lost-after') response.destroy();
      else response.writeHead(207).end(JSON.stringify({ results }));
    }
  }

  private put(text: string, index: number, createOnly: boolean, trouble: Trouble): unknown {
    const { _id, refuse } = JSON.parse(text) as { _id: string; refuse?: boolean };
    if (trouble === 'some-busy' && index % 2 === 0) return failure(503, 'UNAVAILABLE');
    if (refuse) return failure(400, 'VALIDATION_ERROR');
    if (createOnly && this.documents.has(_id)) return failure(409, 'CONFLICT');
    this.documents.set(_id, text);
    this.puts.set(_id, (this.puts.get(_id) ?? 0) + 1);
    return { _id, _seq: 1, status: 201 };
  }
}

const failure = (status: number, code: string): unknown => ({ status, error: { code, message: 'no' } });

async function rig(t: ExecutionContext): Promise<{
  database: FakeDatabase;
  directory: string;
  run: (text: string, options?: Partial<ImportOptions>) => Promise<ImportOutcome>;
}> {
  const database = new FakeDatabase();
  const { url } = await fakeServer(t, (request, response) => void database.handle(request, response));
  const directory = mkdtempSync(join(tmpdir(), 'lumadb-import-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const run = async (text: string, options: Partial<ImportOptions> = {}): Promise<ImportOutcome> => {
    const path = join(directory, 'input.jsonl');
    writeFileSync(path, text);
    const server = new TransferServer({ url, token: undefined, tls: undefined });
    t.teardown(() => server.close());
    const input = await ImportInput.open({
      path,
      format: 'jsonl',
      compression: 'none',
      standardInput: process.stdin,
    });
    return runImport({
      collection: 'things',
      input,
      run: { collection: 'things' },
      mode: 'replace',
      idField: undefined,
      importId: 'test',
      batchSize: 3,
      parallel: 4,
      durability: undefined,
      rejectsPath: join(directory, 'rejects.ndjson'),
      rejectsMax: 1000,
      statePath: join(directory, 'state'),
      isResume: false,
      server,
      retryForMs: 20_000,
      clock: systemClock,
      signal: new AbortController().signal,
      onProgress: () => {},
      onReject: () => {},
      onRetry: () => {},
      ...options,
    });
  };
  return { database, directory, run };
}

const numbered = (count: number): string => Array.from({ length: count }, (_, n) => `{"n":${n}}\n`).join('');

test('whatever the server does to requests, every record is there once and nothing is rejected', async (t) => {
  for (const mode of ['create', 'replace'] as const) {
    const { database, run } = await rig(t);
    const prng = createPrng(testSeed());
    const troubles: readonly Trouble[] = ['busy', 'some-busy', 'lost-before', 'lost-after'];
    database.trouble = () => troubles[prng.nextBelow(12)] ?? 'none';
    const { state, isComplete } = await run(numbered(100), { mode });
    t.true(isComplete);
    t.like(state, { records: 100, written: 100, rejected: 0 });
    t.is(database.documents.size, 100);
    t.is(database.documents.get('test-0000000100'), '{"_id":"test-0000000100","n":99}');
    if (mode === 'create') t.true([...database.puts.values()].every((count) => count === 1));
  }
});

test('of records with the same _id the last one wins, through retries and in parallel', async (t) => {
  const { database, run } = await rig(t);
  const prng = createPrng(testSeed());
  database.trouble = () => (['busy', 'some-busy', 'lost-before'] as const)[prng.nextBelow(9)] ?? 'none';
  const lines = Array.from({ length: 60 }, (_, n) => `{"_id":"k${n % 7}","n":${n}}`);
  await run(lines.join('\n'));
  for (let key = 0; key < 7; key++) {
    const last = lines.findLast((line) => line.includes(`"k${key}"`));
    t.is(database.documents.get(`k${key}`), last);
  }
});

test('with mode create a document that was there is a reject, and one of an earlier attempt is not', async (t) => {
  const { database, directory, run } = await rig(t);
  database.documents.set('a', '{"_id":"a","old":true}');
  let requests = 0;
  database.trouble = () => (requests++ === 0 ? 'lost-after' : 'none');
  const { state } = await run('{"_id":"a","new":true}\n{"_id":"b"}\n{"_id":"c"}\n', { mode: 'create' });
  t.like(state, { records: 3, written: 2, found: 2, rejected: 1 });
  t.like(JSON.parse(readFileSync(join(directory, 'rejects.ndjson'), 'utf8')), { line: 1, code: 'CONFLICT' });
});

test('rejects of the reader and of the server are in the order of lines, with their records', async (t) => {
  const { directory, run } = await rig(t);
  const lines = [
    '{"a":1}',
    '',
    'nonsense',
    '{"_id":"x","refuse":true}',
    '{"a":2}',
    '{"_id":5}',
    '{"_id":"y","refuse":true}',
  ];
  const { state } = await run(lines.join('\n'), { batchSize: 2 });
  t.like(state, { records: 6, written: 2, rejected: 4 });
  const rejects = readFileSync(join(directory, 'rejects.ndjson'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  t.deepEqual(
    rejects.map(({ line, byte_offset, code, record }) => [line, byte_offset, code, record]),
    [
      [3, 9, 'INVALID_JSON', 'nonsense'],
      [4, 18, 'VALIDATION_ERROR', '{"_id":"x","refuse":true}'],
      [6, 52, 'INVALID_JSON', '{"_id":5}'],
      [7, 62, 'VALIDATION_ERROR', '{"_id":"y","refuse":true}'],
    ],
  );
});

test('too many rejects stop the import, and with a greater limit it goes on to the same end', async (t) => {
  const { database, directory, run } = await rig(t);
  const text = Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? `{"_id":"${n}"}` : 'x')).join('\n');
  const first = await run(text, { rejectsMax: 5 });
  t.false(first.isComplete);
  t.true(first.state.rejected > 5 && first.state.records < 40);
  await t.throwsAsync(run(text), { message: /has not ended: --resume/ });
  const second = await run(text, { isResume: true });
  t.true(second.isComplete);
  t.like(second.state, { records: 40, written: 20, rejected: 20 });
  t.is(database.documents.size, 20);
  const lines = readFileSync(join(directory, 'rejects.ndjson'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).line);
  t.deepEqual(
    lines,
    Array.from({ length: 20 }, (_, n) => 2 * n + 2),
  );
  const third = await run(text, { isResume: true });
  t.is(third.records, 0, 'an import that has ended is not done again');
});

test('an error that waiting does not cure ends the import, which resumes behind what was acknowledged', async (t) => {
  const { database, run } = await rig(t);
  let requests = 0;
  database.trouble = () => (requests++ < 5 ? 'none' : 'busy');
  await t.throwsAsync(run(numbered(100), { parallel: 2, retryForMs: 200 }), { message: 'busy' });
  database.trouble = () => 'none';
  const { state, records } = await run(numbered(100), { isResume: true });
  t.is(records, 85);
  t.like(state, { records: 100, written: 100 });
  t.is(database.documents.size, 100);
});

test('a state is not taken for that of another run or of another input', async (t) => {
  const { database, run } = await rig(t);
  database.trouble = () => 'busy';
  const text = numbered(10);
  await t.throwsAsync(run(text, { retryForMs: 1 }));
  await t.throwsAsync(run(text, { isResume: true, run: { collection: 'others' } }), {
    message: /collection "things"/,
  });
  await t.throwsAsync(run(text.replace('0', '7'), { isResume: true }), { message: /has been changed/ });
  await t.throwsAsync(run(text, { isResume: true, importId: 'other' }), { message: /import_id/ });
});

test('a dry run sends nothing', async (t) => {
  const { database, run } = await rig(t);
  const { state } = await run('{"a":1}\nx\n', {
    server: undefined,
    statePath: undefined,
    rejectsPath: undefined,
  });
  t.like(state, { records: 2, written: 1, rejected: 1 });
  t.is(database.documents.size, 0);
});
