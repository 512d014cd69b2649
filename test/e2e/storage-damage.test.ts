import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type CliResult, runCli } from '../cli/run-cli.js';
import type { Answer } from '../support/http.js';
import { TestServer } from '../support/server.js';
import {
  MIB,
  manifestOf,
  NO_COMPACTION,
  noiseFaults,
  SMALL_LSM,
  shardDirectory,
  tableDirectory,
  tablesOf,
  writeNoise,
} from '../support/small-lsm.js';

const DOCUMENTS = 1500;

const lumadb = (server: TestServer, ...args: string[]): Promise<CliResult> =>
  runCli([...args, '--data-dir', server.dataDir], { cwd: server.dataDir });

/** A server that was stopped with all documents in tables. */
async function stoppedWithTables(t: ExecutionContext, documents = DOCUMENTS): Promise<TestServer> {
  const server = await TestServer.start({ env: { ...SMALL_LSM, ...NO_COMPACTION } });
  t.teardown(() => server.close());
  await writeNoise(server, documents);
  t.is((await server.stop()).code, 0);
  t.true(tablesOf(server.dataDir).length > 4);
  return server;
}

/** Changes one byte; as a disk does, behind everyone's back. */
function rot(path: string, offset: number): void {
  const byte = Buffer.from([readFileSync(path)[offset] ^ 0x40]);
  const fd = openSync(path, 'r+');
  writeSync(fd, byte, 0, 1, offset);
  closeSync(fd);
}

const isReadError = ({ status, json }: Answer, path: string): boolean =>
  status === 500 &&
  json.error.code === 'INTERNAL_ERROR' &&
  json.error.message.includes(path) &&
  /offset \d+/.test(json.error.message);

/** A server whose shard could not be opened: waits until it says so. */
async function restartDown(server: TestServer): Promise<string> {
  await server.restart({ waitUntilReady: false });
  await server.untilItAnswers();
  let cause = '';
  await server.until('the shard is down', async () => {
    const [shard] = (await server.get('/status')).json.shards;
    cause = shard.cause ?? '';
    return shard.state === 'down';
  });
  return cause;
}

test.serial(
  'bit rot in a data block: reads and lists that meet it fail with file and offset, all others are answered',
  async (t) => {
    const server = await stoppedWithTables(t);
    const path = tablesOf(server.dataDir)[1];
    rot(path, 1000);
    await server.restart();
    const failed: string[] = [];
    for (let n = 0; n < DOCUMENTS; n++) {
      const answer = await server.get(`/api/v1/c/k${n}`);
      if (answer.status === 200) continue;
      t.true(isReadError(answer, path), answer.text);
      failed.push(`k${n}`);
    }
    t.true(failed.length >= 1 && failed.length <= 4, `one block of 4 KiB: ${failed}`);
    const [key] = failed;
    // A scan over everything meets the block: an error, and no short page.
    for (const query of [
      'limit=1000',
      'limit=1000&sort=version',
      'limit=1000&filter=%7B%22version%22%3A0%7D',
    ]) {
      let answer = await server.get(`/api/v1/c?${query}`);
      // Pages before the block are whole.
      for (
        let pages = 0;
        answer.status === 200 && answer.json.pagination.next_cursor !== null && pages < 10;
        pages++
      ) {
        t.is(answer.json.data.length, 1000);
        answer = await server.get(`/api/v1/c?${query}&cursor=${answer.json.pagination.next_cursor}`);
      }
      t.true(isReadError(answer, path), `${query}: ${answer.status} ${answer.text.slice(0, 300)}`);
    }
    t.true((await server.metric('lumadb_table_read_errors_total{shard="0"}')) >= 0);
    t.is((await server.get('/ready')).status, 200);
    // What needs the old document is refused; what does not is done, and heals the key.
    const patched = await server.request('PATCH', `/api/v1/c/${key}`, { body: { n: 1 } });
    t.is(patched.status, 500, patched.text);
    const put = await server.put(`/api/v1/c/${key}`, { healed: true });
    t.true(put.status < 300, put.text);
    t.true((await server.get(`/api/v1/c/${key}`)).json.healed);
    if (failed.length > 1) t.true(isReadError(await server.get(`/api/v1/c/${failed[1]}`), path));
    t.is((await server.get('/status')).json.shards[0].restarts, 0, 'no thread has died of it');
  },
);

test.serial(
  'a compaction that meets bit rot says so and leaves its inputs; reads, writes and flushes go on',
  async (t) => {
    const server = await stoppedWithTables(t);
    const tables = tablesOf(server.dataDir);
    rot(tables[1], 1000);
    const before = tables.map((path) => readFileSync(path).toString('base64'));
    await server.restart({
      env: { LUMADB_COMPACTION__L0_COMPACT: '2', LUMADB_COMPACTION__MAX_JOB_SIZE: String(64 * MIB) },
    });
    const failures = () => server.metric('lumadb_storage_job_failures_total{shard="0"}');
    await server.until('the compaction has failed', async () => (await failures()) >= 1);
    await server.untilLogged(
      new RegExp(`compaction failed, nothing was changed: ${tables[1]}[^\\n]* offset \\d+`),
    );
    for (const [index, path] of tables.entries())
      t.is(readFileSync(path).toString('base64'), before[index], `${path} is as it was`);
    t.is(await server.metric('lumadb_compactions_total{shard="0"}'), 0);
    await writeNoise(server, 700, { prefix: 'later' });
    await server.until(
      'flushes go on',
      async () => (await server.metric('lumadb_memtable_flushes_total{shard="0"}')) >= 1,
    );
    t.deepEqual(await noiseFaults(server, 700, { prefix: 'later' }), []);
    const faults = await noiseFaults(server, DOCUMENTS);
    t.true(faults.length >= 1 && faults.length <= 4, faults.join('\n'));
  },
);

test.serial(
  'a missing table: the shard stays down and says what helps; recovery mode serves the rest read-only; a repair brings it back',
  async (t) => {
    const server = await stoppedWithTables(t);
    const [, path] = tablesOf(server.dataDir);
    rmSync(path);
    const cause = await restartDown(server);
    t.true(cause.includes(path), cause);
    t.regex(cause, /lumadb repair/);
    t.regex(cause, /--recovery-mode/);
    const refused = await server.get('/api/v1/c/k1');
    t.is(refused.status, 503);
    t.regex(refused.json.error.message, /lumadb repair/);
    t.is((await server.get('/ready')).status, 503);
    t.is((await server.stop()).code, 0);

    await server.restart({ args: ['--recovery-mode'] });
    await server.untilLogged(/recovery mode: table left out: [^\n]*\.sst/);
    const lost = (await noiseFaults(server, DOCUMENTS)).length;
    t.true(lost > 20 && lost < 300, `${lost} documents are in the missing table`);
    const write = await server.put('/api/v1/c/k1', {});
    t.is(write.status, 503);
    t.regex(write.json.error.message, /recovery mode/);
    t.is((await server.stop()).code, 0);

    const fixed = await lumadb(server, 'repair', '--collection', 'all', '--fix');
    t.is(fixed.code, 0, fixed.stderr);
    t.regex(fixed.stdout, /lost: /);
    t.is((await lumadb(server, 'fsck')).code, 0);
    await server.restart();
    t.is((await noiseFaults(server, DOCUMENTS)).length, lost, 'what was left is left');
    t.true((await server.put('/api/v1/c/k1', {})).status < 300);
    t.is((await server.get('/health')).status, 200);
  },
);

for (const [what, damage] of Object.entries({
  'a manifest that was cut off': (path: string) => truncateSync(path, 60),
  'a manifest with a flipped bit': (path: string) => rot(path, Math.floor(manifestEnd(path) / 2)),
})) {
  test.serial(
    `${what}: loud at the start, readable in recovery mode, and whole after a repair`,
    async (t) => {
      const server = await stoppedWithTables(t);
      const manifest = manifestOf(server.dataDir);
      damage(manifest);
      const cause = await restartDown(server);
      t.true(cause.includes(manifest), cause);
      t.regex(cause, /lumadb repair/);
      t.regex(cause, /--recovery-mode/);
      t.is((await server.stop()).code, 0);

      await server.restart({ args: ['--recovery-mode'] });
      t.deepEqual(await noiseFaults(server, DOCUMENTS), [], 'tables say what they are');
      t.is((await server.put('/api/v1/c/k1', {})).status, 503);
      t.is((await server.stop()).code, 0);

      const fixed = await lumadb(server, 'repair', '--collection', 'all', '--fix');
      t.is(fixed.code, 0, fixed.stderr);
      await server.restart();
      t.deepEqual(await noiseFaults(server, DOCUMENTS), []);
      const { document_count } = (await server.get('/api/v1/collections/c')).json;
      t.is(document_count, DOCUMENTS);
    },
  );
}

test.serial(
  'a manifest that lost its last edits is loud and moves no table; a repair has everything, also what an earlier start set aside',
  async (t) => {
    const server = await stoppedWithTables(t);
    const directory = tableDirectory(server.dataDir);
    const tableNames = () => readdirSync(directory).filter((name) => name.endsWith('.sst'));
    const names = tableNames();
    const quarantine = join(shardDirectory(server.dataDir), 'quarantine');
    const manifest = manifestOf(server.dataDir);
    // Behind its snapshot, so that what is left reads like a manifest after a crash.
    truncateSync(manifest, Math.floor(manifestEnd(manifest) / 2));
    for (let attempt = 0; attempt < 2; attempt++) {
      const cause = await restartDown(server);
      t.regex(cause, /the WAL of shard 0 is damaged[^\n]*the segment is missing/);
      t.regex(cause, /does not name \d+ tables[^\n]*No file was moved[^\n]*lumadb repair/);
      t.is((await server.get('/api/v1/c/k1')).status, 503, 'no document counts as absent');
      t.is((await server.stop()).code, 0);
      t.deepEqual(tableNames(), names);
      t.deepEqual(
        existsSync(quarantine) ? readdirSync(quarantine).filter((name) => name.endsWith('.sst')) : [],
        [],
      );
    }
    const checked = await lumadb(server, 'fsck');
    t.is(checked.code, 1);
    t.regex(checked.stdout, /has lost its last edits/);
    // As a version did that settled files before it looked at the log.
    mkdirSync(quarantine, { recursive: true });
    // Not the newest, whose operations the log still has.
    const aside = names[Math.floor(names.length / 2)];
    renameSync(join(directory, aside), join(quarantine, aside));
    const dry = await lumadb(server, 'repair', '--collection', 'all');
    t.is(dry.code, 1);
    t.regex(dry.stdout, /quarantine[^\n]*take it into account/);
    const fixed = await lumadb(server, 'repair', '--collection', 'all', '--fix');
    t.is(fixed.code, 0, fixed.stderr);
    await server.restart();
    t.deepEqual(await noiseFaults(server, DOCUMENTS), []);
    t.is((await server.get('/api/v1/collections/c')).json.document_count, DOCUMENTS);
  },
);

/** Where its records end: behind them are zeros. */
function manifestEnd(path: string): number {
  const bytes = readFileSync(path);
  let end = statSync(path).size;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return end;
}
