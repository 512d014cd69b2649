/** Restores that end at any step, and are run again. */
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { LocalDecoder } from '../../src/backup/decode/local-decoder.js';
import { readChain } from '../../src/backup/manifest/chain.js';
import { RESTORE_JOURNAL } from '../../src/backup/restore/restore-journal.js';
import { planRestore, type RestorePoint } from '../../src/backup/restore/restore-plan.js';
import { restoreShards } from '../../src/backup/restore/restore-shards.js';
import { surveyStream } from '../../src/backup/restore/stream-survey.js';
import { createPrng } from '../../src/base/prng.js';
import { openDataDirectory } from '../../src/runtime/data-directory.js';
import { type RestoreOptions, type RestoreVerdict, restore } from '../../src/runtime/restore/restore.js';
import { FaultVfs } from '../../src/vfs/fault.js';
import { MemoryVfs } from '../../src/vfs/memory.js';
import { RealVfs } from '../../src/vfs/real.js';
import type { Vfs } from '../../src/vfs/vfs.js';
import { temporaryDirectory } from '../cli/run-cli.js';
import { MemoryObjectStore } from '../support/memory-object-store.js';
import { pick, seedOf } from '../support/random.js';
import { DATA, differences, documentsOf, type Model, snapshotOf, TUNING } from '../tools/support.js';
import { placeIn } from './support/database.js';
import { History, INSTANCE } from './support/history.js';
import { HookedStore } from './support/hooked-store.js';

const SHARDS = 2;

class Scene {
  readonly siblings = new MemoryObjectStore();
  readonly streams = new MemoryObjectStore();
  readonly expected: Model;

  private constructor(readonly history: History) {
    this.expected = history.at(history.seqno);
  }

  /** Two backups and a stream behind them. */
  static async make(t: ExecutionContext): Promise<Scene> {
    const history = new History(createPrng(seedOf(t)), SHARDS);
    const backUps = new MemoryObjectStore();
    history.write(40);
    for (let shard = 0; shard < SHARDS; shard++) history.flush(shard);
    history.write(15);
    await history.backUp(backUps, 'a');
    history.flush(0);
    history.write(15);
    await history.backUp(backUps, 'b');
    history.write(15);
    const scene = new Scene(history);
    for (const [name, kept] of backUps.objects) scene.siblings.objects.set(name, kept);
    await history.stream(scene.streams);
    return scene;
  }

  restore(target: string, changes: Partial<RestoreOptions> = {}): Promise<RestoreVerdict> {
    return restore({
      vfs: new RealVfs(),
      source: placeIn(this.siblings, 'b'),
      walSource: this.streams,
      target,
      point: { kind: 'latest' },
      collections: undefined,
      isForced: false,
      decoder: new LocalDecoder(changes.vfs ?? new RealVfs()),
      parallel: 2,
      tuning: TUNING,
      clock: this.history.clock,
      ...changes,
    });
  }

  /** It is the same as one that was not interrupted, and nothing else is left. */
  requireWhole(t: ExecutionContext, target: string, verdict: RestoreVerdict, what: string): void {
    t.is(verdict.seqno, this.history.seqno, what);
    t.is(verdict.shards.length, SHARDS, what);
    t.is(verdict.documents, this.counted, what);
    const names = readdirSync(target).sort();
    const shards = Array.from({ length: verdict.shardCount }, (_, shard) => `shard-000${shard}`);
    t.deepEqual(names, ['LOCK', 'catalog.json', 'clock.json', 'meta.json', ...shards], what);
    t.deepEqual(differences(documentsOf(new RealVfs(), verdict.shardCount, target), this.expected), [], what);
    for (const shard of shards)
      t.false(
        readdirSync(join(target, shard, 'sst')).some((name) => name.endsWith('.restoring')),
        what,
      );
  }

  /** Documents as statistics count them: expired ones too. */
  counted = 0;
}

/** A process that ends at its changing operation `step`: nothing that it would do afterwards happens. */
function endsAt(step: number): { readonly vfs: FaultVfs; readonly hasEnded: () => boolean } {
  let hasEnded = false;
  const vfs = new FaultVfs(new RealVfs(), ({ mutation, isMutation, operation }) => {
    if (operation === 'close' || (!hasEnded && !(isMutation && mutation >= step))) return undefined;
    hasEnded = true;
    throw new Error('the process has ended');
  });
  return { vfs, hasEnded: () => hasEnded };
}

for (const shards of [undefined, 3]) {
  const spread = shards === undefined ? '' : ', also while it spreads them over other shards';
  test(`a restore that ends at any change of a file goes on with the next run${spread}`, async (t) => {
    const scene = await Scene.make(t);
    const prng = createPrng(seedOf(t));
    const changes: Partial<RestoreOptions> = shards === undefined ? {} : { shards };
    const whole = temporaryDirectory(t);
    const counting = new FaultVfs(new RealVfs());
    const verdict = await scene.restore(whole, { ...changes, vfs: counting });
    scene.counted = verdict.documents;
    scene.requireWhole(t, whole, verdict, 'whole');
    const last = counting.mutationCount();
    const steps = new Set([1, 2, 3, ...Array.from({ length: 10 }, (_, i) => last - i)]);
    while (steps.size < 40) steps.add(1 + prng.nextBelow(last));
    for (const step of [...steps].sort((a, b) => a - b)) {
      const target = temporaryDirectory(t);
      const { vfs, hasEnded } = endsAt(step);
      await t.throwsAsync(scene.restore(target, { ...changes, vfs }), { message: /the process has ended/ });
      t.true(hasEnded());
      const isDatabase = existsSync(join(target, 'meta.json'));
      if (existsSync(join(target, RESTORE_JOURNAL)) && !isDatabase) {
        const error = t.throws(() => openDataDirectory(target, { shards: 0 }));
        t.regex(error?.message ?? '', /was not finished: run the same lumadb restore again/, `step ${step}`);
      }
      if (!isDatabase || existsSync(join(target, RESTORE_JOURNAL)))
        scene.requireWhole(t, target, await scene.restore(target, changes), `step ${step} of ${last}`);
      rmSync(target, { recursive: true });
    }
  });
}

test('a restore whose source fails at any call goes on with the next run', async (t) => {
  const scene = await Scene.make(t);
  const { siblings, streams } = scene;
  const whole = await scene.restore(temporaryDirectory(t));
  scene.counted = whole.documents;
  for (let n = 1; ; n++) {
    let calls = 0;
    const hook = (): void => {
      if (++calls === n) throw new Error('the network is gone');
    };
    const source = placeIn(new HookedStore(siblings, hook), 'b');
    const target = temporaryDirectory(t);
    const failed = await scene.restore(target, { source, walSource: new HookedStore(streams, hook) }).then(
      () => false,
      (error: Error) => error.message === 'the network is gone' || t.fail(error.message),
    );
    if (!failed) {
      t.true(n > 15, `${n} calls`);
      return;
    }
    t.false(existsSync(join(target, 'meta.json')));
    scene.requireWhole(t, target, await scene.restore(target), `call ${n}`);
    rmSync(target, { recursive: true });
  }
});

test('files and logs that lost power in the middle are brought again', async (t) => {
  const scene = await Scene.make(t);
  const prng = createPrng(seedOf(t));
  const chain = await readChain(placeIn(scene.siblings, 'b'));
  const stream = await surveyStream(scene.streams, INSTANCE, SHARDS);
  const plan = await planRestore({ chain, stream, point: { kind: 'latest' } });
  const run = (vfs: Vfs) =>
    restoreShards({
      vfs,
      target: DATA,
      plan,
      segmentBytes: TUNING.walSegmentBytes,
      clock: scene.history.clock,
      decoder: new LocalDecoder(vfs),
      parallel: 2,
      removeTree: (path) => {
        if (!vfs.exists(path)) return;
        for (const file of snapshotOf(vfs, path).keys()) vfs.unlink(file);
        vfs.syncDirectory(path);
      },
    });
  const counting = new FaultVfs(new MemoryVfs());
  counting.makeDirectory(DATA);
  await run(counting);
  const last = counting.mutationCount();
  for (let i = 0; i < 40; i++) {
    const step = 1 + prng.nextBelow(last - 1);
    const memory = new MemoryVfs();
    memory.makeDirectory(DATA);
    let isOff = false;
    const faulty = new FaultVfs(memory, ({ mutation, isMutation, operation }) => {
      if (operation === 'close' || (!isOff && !(isMutation && mutation >= step))) return undefined;
      isOff = true;
      throw new Error('power cut');
    });
    await t.throwsAsync(run(faulty));
    const left = memory.crash(prng, pick(prng, ['kept', 'lost', 'mixed']));
    left.makeDirectory(DATA);
    const restored = await run(left);
    t.is(restored.length, SHARDS);
    // Durable when it resolves: another power cut takes nothing of it.
    const after = left.crash(prng, 'lost');
    t.deepEqual(differences(documentsOf(after, SHARDS), scene.expected), [], `step ${step}`);
  }
});

for (const kind of ['latest', 'time'] as const) {
  test(`what a first run has found holds for the next, however far the stream has come: ${kind}`, async (t) => {
    const scene = await Scene.make(t);
    const { history, streams } = scene;
    const { seqno } = history;
    const point: RestorePoint = kind === 'latest' ? { kind } : { kind, timeMs: history.clock.wallMs() };
    const target = temporaryDirectory(t);
    const { vfs } = endsAt(20);
    await t.throwsAsync(scene.restore(target, { vfs, point }));
    history.write(10);
    streams.objects.clear();
    await history.stream(streams);
    const other = await t.throwsAsync(scene.restore(target, { point: { kind: 'backup' } }));
    t.regex(
      other.message,
      new RegExp(`an unfinished restore .*seqno ${seqno}\\) is in .*: run that again, or empty`),
    );
    const verdict = await scene.restore(target, { point });
    t.true(verdict.resumed);
    t.is(verdict.seqno, seqno);
    t.deepEqual(differences(documentsOf(new RealVfs(), SHARDS, target), scene.expected), []);
  });
}

test('a database that was opened since is not gone on with, and its journal goes', async (t) => {
  const scene = await Scene.make(t);
  const target = temporaryDirectory(t);
  const { vfs } = endsAt(20);
  await t.throwsAsync(scene.restore(target, { vfs }));
  const journal = readFileSync(join(target, RESTORE_JOURNAL));
  const { instanceId } = await scene.restore(target);
  // As a crash behind meta.json leaves it.
  writeFileSync(join(target, RESTORE_JOURNAL), journal.toString().replace('"copying"', '"opening"'));
  const opened = openDataDirectory(target, { shards: 0, mustExist: true });
  t.is(opened.instanceId, instanceId);
  opened.release();
  t.false(existsSync(join(target, RESTORE_JOURNAL)));
  await t.throwsAsync(scene.restore(target), { message: /is not empty/ });
});

test('space is asked for what is missing only', async (t) => {
  const scene = await Scene.make(t);
  const target = temporaryDirectory(t);
  class Full extends RealVfs {
    constructor(private readonly free: number) {
      super();
    }
    override freeBytes(path: string): number {
      return path === target ? this.free : super.freeBytes(path);
    }
  }
  const [{ manifest }] = await readChain(placeIn(scene.siblings, 'b'));
  const bytes = manifest.files.reduce((sum, { size_bytes }) => sum + size_bytes, 0);
  const error = await t.throwsAsync(scene.restore(target, { vfs: new Full(bytes / 2) }));
  t.like(error, { code: 'DISK_FULL' });
  t.regex(error.message, /\d+ bytes free, and the restore needs at least \d+ more/);
  const whole = temporaryDirectory(t);
  await scene.restore(whole);
  const tables = manifest.files.filter(({ path }) => path.endsWith('.sst'));
  for (const { path } of tables.slice(1))
    if (existsSync(join(whole, path))) copyFileSync(join(whole, path), join(target, path));
  const log = manifest.log.reduce((sum, { object_bytes }) => sum + object_bytes, 0);
  const verdict = await scene.restore(target, { vfs: new Full(tables[0].size_bytes + log) });
  t.true(verdict.resumed);
  t.deepEqual(differences(documentsOf(new RealVfs(), SHARDS, target), scene.expected), []);
});

test('nothing is written through a link that was put into an unfinished restore', async (t) => {
  const scene = await Scene.make(t);
  const target = temporaryDirectory(t);
  const elsewhere = temporaryDirectory(t);
  const { vfs } = endsAt(12);
  await t.throwsAsync(scene.restore(target, { vfs }));
  rmSync(join(target, 'shard-0001'), { recursive: true, force: true });
  symlinkSync(elsewhere, join(target, 'shard-0001'));
  await t.throwsAsync(scene.restore(target), { message: /shard-0001 in .* is a symbolic link/ });
  t.deepEqual(readdirSync(elsewhere), []);
});
