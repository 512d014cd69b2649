import test from 'ava';
import { DbError } from '../../src/base/errors.js';
import { createPrng } from '../../src/base/prng.js';
import { type Fault, type FaultCall, FaultVfs, failNth } from '../../src/vfs/fault.js';
import { isIoError } from '../../src/vfs/io-error.js';
import { MemoryVfs } from '../../src/vfs/memory.js';
import { contentsOf, DIRECTORY, edit, install, look, open, pathOf, table } from './support.js';

/** Small enough that the manifest is rewritten every few steps. */
const REWRITE_BYTES = 900;
const STEPS = 10;

/** One table replaces another. */
const step = (index: number) =>
  edit({
    addedTables: [table(index + 1, `a${'k'.repeat(200)}`, 'z')],
    removedTables: index === 0 ? [] : [index],
    flushedSeqno: index + 1,
  });

/** The table directory of a shard with things to tidy up: a torn manifest, an orphan, an incomplete table. */
function untidyShard(): MemoryVfs {
  const vfs = new MemoryVfs();
  const { writer } = open(vfs);
  writer.append(edit({ nextRun: 5 }));
  writer.close();
  const manifest = vfs.open(pathOf('MANIFEST-0000000001'), 'readwrite');
  manifest.pwrite(Uint8Array.of(1, 2, 3), 0, 3, writer.sizeBytes);
  manifest.close();
  vfs.writeFileAtomic(pathOf('0000000040.sst'), Uint8Array.of(1));
  vfs.writeFileAtomic(pathOf('0000000041.sst.tmp'), Uint8Array.of(1));
  return vfs;
}

interface Outcome {
  /** Flushed seqno after the last append that returned. */
  certain: number;
  /** Flushed seqno of the last append that was tried. */
  tried: number;
  error: unknown;
}

function attempt(vfs: FaultVfs): Outcome {
  const outcome: Outcome = { certain: 0, tried: 0, error: undefined };
  try {
    const opened = open(vfs, REWRITE_BYTES);
    for (let index = 0; index < STEPS; index++) {
      outcome.tried = index + 1;
      install(opened, vfs, step(index));
      outcome.certain = index + 1;
    }
    opened.writer.close();
  } catch (error) {
    outcome.error = error;
  }
  return outcome;
}

const KINDS = ['error', 'error-after'] as const;

for (const errno of ['EIO', 'ENOSPC'] as const) {
  test(`${errno} at any operation is an IO error, loses nothing acknowledged, and the next open goes on`, (t) => {
    let failures = 0;
    let survived = 0;
    for (const kind of KINDS) {
      for (let at = 1, struck = true; struck; at++) {
        struck = false;
        let seen = 0;
        const memory = untidyShard();
        let where = '';
        const vfs = new FaultVfs(memory, ({ operation, path }: FaultCall): Fault | undefined => {
          if (++seen !== at) return undefined;
          struck = true;
          where = `${kind} ${errno} at ${at}: ${operation} ${path}`;
          return { kind, errno };
        });
        const outcome = attempt(vfs);
        if (outcome.error !== undefined) {
          failures++;
          if (!(outcome.error instanceof DbError)) return t.fail(`${where}: ${outcome.error}`);
          if (outcome.error.code !== 'IO') return t.fail(`${where}: ${outcome.error.message}`);
        } else survived++;
        for (const left of [memory.crash(createPrng(at), 'lost'), memory.kill()]) {
          const opened = open(left);
          const { flushedSeqno } = opened.state;
          if (flushedSeqno < outcome.certain || flushedSeqno > outcome.tried)
            return t.fail(`${where}: ${flushedSeqno} is not in ${outcome.certain}..${outcome.tried}`);
          t.is(opened.version.tableCount, flushedSeqno === 0 ? 0 : 1);
          install(opened, left, edit({ nextRun: 77 }));
          t.is(look(left).state.nextRun, 77, where);
        }
      }
    }
    t.log(`${failures} failed, ${survived} went on`);
    t.true(failures > 100 && survived > 50);
  });
}

test('a failed fdatasync is final: the edit may be there, and nothing is tried again', (t) => {
  const memory = new MemoryVfs();
  const vfs = new FaultVfs(memory, failNth('fdatasync', 2, 'EIO'));
  const opened = open(vfs);
  install(opened, vfs, step(0));
  const before = contentsOf(opened.writer);
  const error = t.throws(() => install(opened, vfs, step(1)), { instanceOf: DbError });
  t.is(error?.code, 'IO');
  t.regex(
    error?.message ?? '',
    /manifest of shard 3 takes no more edits until it is reopened: fdatasync failed/,
  );
  t.like(error?.details, { operation: 'fdatasync', errno: 'EIO', shard: 3 });
  t.is(
    t.throws(() => opened.writer.append(edit({ nextRun: 9 }))),
    error,
    'the first cause',
  );
  t.is(opened.writer.poisonedBy(), error);
  t.is(vfs.callCount('fdatasync'), 2);
  t.is(contentsOf(opened.writer), before, 'the failed edit is not in the version');
  t.is(open(memory.crash(createPrng(1), 'lost')).state.flushedSeqno, 1);
});

test('a full disk is noticed before a record is begun: the same edit succeeds once there is space', (t) => {
  const vfs = new MemoryVfs();
  const opened = open(vfs);
  vfs.setCapacity(0);
  for (let attemptNumber = 0; attemptNumber < 3; attemptNumber++) {
    const error = t.throws(() => opened.writer.append(edit({ nextRun: 4 })), { instanceOf: DbError });
    t.true(isIoError(error, 'ENOSPC'));
    t.is(opened.writer.poisonedBy(), undefined);
  }
  vfs.setCapacity(10_000_000);
  opened.writer.append(edit({ nextRun: 4 }));
  t.is(look(vfs).state.nextRun, 4);
});

test('a clean shard opens on a full disk', (t) => {
  const vfs = new MemoryVfs();
  const opened = open(vfs);
  install(opened, vfs, step(0));
  opened.writer.close();
  vfs.setCapacity(0);
  t.is(open(vfs).version.tableCount, 1);
});

test('a rewrite that finds no space is put off, and the old manifest takes edits meanwhile', (t) => {
  const memory = new MemoryVfs();
  let full = false;
  const vfs = new FaultVfs(memory, ({ operation, path }) =>
    full && operation === 'pwrite' && path.endsWith('MANIFEST-0000000002.tmp')
      ? { kind: 'error', errno: 'ENOSPC' }
      : undefined,
  );
  const opened = open(vfs, REWRITE_BYTES);
  full = true;
  for (let index = 0; index < 3; index++) install(opened, vfs, step(index));
  t.is(opened.writer.manifestNumber, 1);
  t.true(isIoError(opened.writer.rewriteFailedBy(), 'ENOSPC'));
  t.is(opened.writer.poisonedBy(), undefined);
  for (let index = 3; index < 9; index++) install(opened, vfs, step(index));
  t.is(opened.writer.manifestNumber, 3, 'the number of the failed attempt is not used again');
  t.is(opened.writer.rewriteFailedBy(), undefined);
  t.deepEqual(
    memory.list(DIRECTORY).filter((name) => name.startsWith('MANIFEST')),
    ['MANIFEST-0000000003'],
  );
  t.is(look(memory).state.flushedSeqno, 9);
});

test('a switch whose outcome is unknown poisons the writer, and either manifest says the same', (t) => {
  const memory = new MemoryVfs();
  let armed = false;
  const vfs = new FaultVfs(memory, ({ operation, path }) =>
    armed && operation === 'rename' && path.includes('CURRENT')
      ? { kind: 'error-after', errno: 'EIO' }
      : undefined,
  );
  const opened = open(vfs, REWRITE_BYTES);
  armed = true;
  let appended = 0;
  const error = t.throws(
    () => {
      for (; appended < STEPS; appended++) install(opened, vfs, step(appended));
    },
    { instanceOf: DbError },
  );
  t.regex(error?.message ?? '', /takes no more edits until it is reopened: rename failed/);
  t.true(appended > 0);
  for (let chaos = 0; chaos < 20; chaos++) {
    t.is(open(memory.crash(createPrng(chaos), 'mixed')).state.flushedSeqno, appended);
  }
});

test('the names of tables are durable before an edit names them', (t) => {
  const vfs = new MemoryVfs();
  const opened = open(vfs);
  // install() renames and does not sync the directory.
  install(opened, vfs, step(0));
  t.is(open(vfs.crash(createPrng(1), 'lost')).version.tableCount, 1);
});
