/** What a restore asks of its target and of its source, and what it takes over besides documents. */
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { LocalDecoder } from '../../src/backup/decode/local-decoder.js';
import { encodeManifest } from '../../src/backup/manifest/backup-manifest.js';
import { readBackup } from '../../src/backup/manifest/chain.js';
import { openObjectStore } from '../../src/backup/store/open-store.js';
import { ManualClock } from '../../src/base/clock.js';
import { createPrng } from '../../src/base/prng.js';
import { defaultConfig } from '../../src/config/schema.js';
import { openBackup } from '../../src/runtime/backup/places.js';
import { openDataDirectory, setShardCount } from '../../src/runtime/data-directory.js';
import { raiseDatabaseTime } from '../../src/runtime/database-time-keeper.js';
import { type RestoreOptions, restore } from '../../src/runtime/restore/restore.js';
import { previewRestore } from '../../src/runtime/restore/restore-preview.js';
import { RealVfs } from '../../src/vfs/real.js';
import { runCli, temporaryDirectory } from '../cli/run-cli.js';
import { seedOf } from '../support/random.js';
import { TUNING } from '../tools/support.js';
import { History } from './support/history.js';
import { WRITTEN_AT } from './support/operations.js';

interface Scene {
  readonly folder: string;
  readonly history: History;
  options(target: string, changes?: Partial<RestoreOptions>): RestoreOptions;
}

/** A backup in a local folder. */
async function scene(t: ExecutionContext, walStream: string | null = null): Promise<Scene> {
  const folder = temporaryDirectory(t);
  const history = new History(createPrng(seedOf(t)), 2);
  history.write(30);
  history.flush(0);
  history.write(10);
  await history.backUp(openObjectStore(folder, {}), 'one', { walStream });
  const options = (target: string, changes: Partial<RestoreOptions> = {}): RestoreOptions => ({
    vfs: new RealVfs(),
    source: openBackup(join(folder, 'one'), defaultConfig()),
    walSource: undefined,
    target,
    point: { kind: 'backup' },
    collections: undefined,
    isForced: false,
    decoder: new LocalDecoder(new RealVfs()),
    parallel: 2,
    tuning: TUNING,
    clock: history.clock,
    ...changes,
  });
  return { folder, history, options };
}

test('what is read is never moved aside nor written into, also with force and through links', async (t) => {
  const { folder, options } = await scene(t);
  const link = join(temporaryDirectory(t), 'link');
  symlinkSync(folder, link);
  const one = join(folder, 'one');
  const before = readdirSync(one);
  for (const target of [one, folder, join(one, 'inside'), join(link, 'one'), link]) {
    const error = await t.throwsAsync(restore(options(target, { isForced: true })));
    t.like(error, { code: 'VALIDATION' }, target);
    t.regex(error.message, /lie in each other: choose another --target/);
  }
  const wal = temporaryDirectory(t);
  const walSource = openObjectStore(join(wal, 'wal'), {});
  mkdirSync(join(wal, 'wal'));
  const point = { kind: 'latest' } as const;
  await t.throwsAsync(restore(options(wal, { walSource, point, isForced: true })), { code: 'VALIDATION' });
  t.deepEqual(readdirSync(one), before);
  t.deepEqual(readdirSync(folder), ['one']);
  const verdict = await restore(options(join(folder, 'beside')));
  t.true(verdict.documents > 0);
});

test('another backup is no target, whatever is asked for', async (t) => {
  const { folder, history, options } = await scene(t);
  await history.backUp(openObjectStore(folder, {}), 'two');
  const target = join(folder, 'two');
  const error = await t.throwsAsync(restore(options(target, { isForced: true })));
  t.regex(error.message, /two is a backup: nothing is restored over it/);
  t.true(existsSync(join(target, 'backup.json')));
});

test('a look says what is in the target, what is missing and what does not exist, and changes nothing', async (t) => {
  const { folder, options } = await scene(t);
  const missing = join(folder, 'data');
  const preview = await previewRestore(options(missing));
  t.is(preview.target.state, 'missing');
  t.is(preview.missingBytes, preview.bytes);
  t.true(preview.freeBytes > 0);
  t.false(existsSync(missing));
  mkdirSync(missing);
  t.is((await previewRestore(options(missing))).target.state, 'empty');
  writeFileSync(join(missing, 'mine'), 'x');
  t.like((await previewRestore(options(missing))).target, { state: 'taken', names: ['mine'] });
  await t.throwsAsync(previewRestore(options(missing, { collections: ['nobody'] })), {
    message: /collection "nobody" does not exist/,
  });
  t.deepEqual(readdirSync(missing), ['mine']);
});

test('database time does not begin before the last batch, and never goes back', async (t) => {
  const { options } = await scene(t);
  const target = temporaryDirectory(t);
  await restore(options(target));
  const seconds = () => JSON.parse(readFileSync(join(target, 'clock.json'), 'utf8')).database_seconds;
  t.is(seconds(), WRITTEN_AT, 'clock.json of the source was from long before');
  raiseDatabaseTime(new RealVfs(), target, WRITTEN_AT - 1);
  t.is(seconds(), WRITTEN_AT);
  raiseDatabaseTime(new RealVfs(), target, WRITTEN_AT + 1);
  t.is(seconds(), WRITTEN_AT + 1);
});

test('tables that are not those of the manifest are noticed', async (t) => {
  const { folder, options } = await scene(t);
  const file = join(folder, 'one', 'backup.json');
  const { digest: _, ...manifest } = await readBackup(openObjectStore(join(folder, 'one'), {}));
  const spoil = async (changes: Partial<typeof manifest>, message: RegExp): Promise<void> => {
    writeFileSync(file, encodeManifest({ ...manifest, ...changes }).text);
    const target = temporaryDirectory(t);
    const error = await t.throwsAsync(restore(options(target)));
    t.regex(error.message, message);
    t.false(existsSync(join(target, 'meta.json')));
  };
  const flushed = manifest.shard_states[0].flushed_seqno;
  t.true(flushed > 0);
  const withoutCurrent = manifest.files.filter(({ path }) => path !== 'shard-0000/sst/CURRENT');
  await spoil({ files: withoutCurrent }, /has tables to seqno \d+, and has no CURRENT of it/);
  const withoutTable = manifest.files.filter(({ path }) => !/shard-0000\/sst\/.*\.sst$/.test(path));
  await spoil({ files: withoutTable }, /shard-0000\/sst\/\d+\.sst is not in it/);
  const later = manifest.shard_states.map((state) => ({ ...state, flushed_seqno: manifest.seqno }));
  await spoil({ shard_states: later }, /the tables of shard . are not those of seqno|has no CURRENT of it/);
});

test('a stream that cannot be reached is in nobody’s way who does not need it', async (t) => {
  const { folder } = await scene(t, 's3://lumadb-backups/wal');
  const env = {
    LUMADB_BACKUP_S3__ENDPOINT: 'http://127.0.0.1:1',
    AWS_ACCESS_KEY_ID: 'x',
    AWS_SECRET_ACCESS_KEY: 'y',
    AWS_MAX_ATTEMPTS: '1',
  };
  const run = (target: string, ...args: string[]) =>
    runCli(['restore', '--source', join(folder, 'one'), '--target', target, ...args], { cwd: folder, env });
  const plain = await run(join(folder, 'plain'));
  t.is(plain.code, 0, plain.stderr);
  t.regex(plain.stdout, /start the server, then check it with: lumadb health --verify-data/);
  const look = await run(join(folder, 'look'), '--dry-run');
  t.is(look.code, 0, look.stderr);
  t.regex(
    look.stdout,
    /the WAL stream cannot be looked at: .*127\.0\.0\.1:1|the WAL stream cannot be looked at: .*s3:/,
  );
  t.regex(look.stdout, /is not there and would be made\n.* are free there, at least .* are needed/);
  const latest = await run(join(folder, 'latest'), '--to-latest');
  t.is(latest.code, 1);
  t.deepEqual(readdirSync(folder).sort(), ['one', 'plain']);
});

test('a reshard ends the stream and the history of backups of the old shards', (t) => {
  const path = temporaryDirectory(t);
  const clock = new ManualClock();
  const opened = openDataDirectory(path, { shards: 2, clock });
  writeFileSync(join(path, 'wal-stream.json'), '{}');
  setShardCount(path, 3);
  opened.release();
  const again = openDataDirectory(path, { shards: 0, clock });
  t.is(again.shards, 3);
  t.not(again.instanceId, opened.instanceId);
  t.false(existsSync(join(path, 'wal-stream.json')));
  again.release();
});
