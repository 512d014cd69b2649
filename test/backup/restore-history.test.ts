/** Restores of random histories of several shards, with chains of backups and a stream, against a model that knows every seqno. */
import { rmSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { LocalDecoder } from '../../src/backup/decode/local-decoder.js';
import { readChain } from '../../src/backup/manifest/chain.js';
import type { RestorePoint } from '../../src/backup/restore/restore-plan.js';
import type { ObjectStore } from '../../src/backup/store/object-store.js';
import { createPrng } from '../../src/base/prng.js';
import { decodeCatalog } from '../../src/catalog/catalog-file.js';
import { OperationKind } from '../../src/generated/lumadb/schema/operation-kind.js';
import { type RestoreOptions, type RestoreVerdict, restore } from '../../src/runtime/restore/restore.js';
import { fsck } from '../../src/tools/fsck.js';
import { RealVfs } from '../../src/vfs/real.js';
import { temporaryDirectory } from '../cli/run-cli.js';
import { MemoryObjectStore } from '../support/memory-object-store.js';
import { oneIn, pick, seedOf } from '../support/random.js';
import { differences, documentsOf, type Model, TUNING } from '../tools/support.js';
import { placeIn } from './support/database.js';
import { History } from './support/history.js';

interface Sources {
  readonly history: History;
  readonly siblings: ObjectStore;
  readonly streams: ObjectStore;
}

interface Restored {
  readonly verdict: RestoreVerdict;
  readonly documents: Model;
}

async function restored(
  t: ExecutionContext,
  { history, siblings, streams }: Sources,
  name: string,
  point: RestorePoint,
  changes: Partial<RestoreOptions> = {},
): Promise<Restored> {
  const target = temporaryDirectory(t);
  const vfs = new RealVfs();
  const verdict = await restore({
    vfs,
    source: placeIn(siblings, name),
    walSource: streams,
    target,
    point,
    collections: undefined,
    isForced: false,
    decoder: new LocalDecoder(vfs),
    parallel: 3,
    tuning: TUNING,
    clock: history.clock,
    ...changes,
  });
  const catalog = decodeCatalog(vfs.readFile(`${target}/catalog.json`));
  const names = new Map<number, string>(catalog.collections.map(({ id, name }) => [id, name]));
  const collections = { names, nextId: catalog.nextId };
  const { shardCount: shards } = verdict;
  const report = fsck({
    vfs,
    dataDirectory: target,
    shards,
    collections,
    isLive: false,
    clock: history.clock,
  });
  t.deepEqual(report.findings, []);
  const documents = documentsOf(vfs, shards, target);
  rmSync(target, { recursive: true });
  return { verdict, documents };
}

/** Seqnos around deletions, inside of batches, at the ends of batches of which nothing may be left out, and anywhere. */
function interestingSeqnos({ batches, seqno: last }: History): number[] {
  const found = [last];
  for (const { firstSeqno, operations, isAtomic } of batches) {
    operations.forEach(({ kind }, i) => {
      const seqno = firstSeqno + i;
      if (kind === OperationKind.Delete) found.push(seqno - 1, seqno, seqno + 1);
      if (isAtomic) found.push(seqno);
    });
    found.push(firstSeqno - 1, firstSeqno, firstSeqno + operations.length - 1);
  }
  return found.filter((seqno) => seqno <= last);
}

test('a restore is exactly the database of a seqno or a moment, whatever backups and pieces lead there', async (t) => {
  const seed = seedOf(t);
  for (let round = 0; round < 4; round++) {
    const prng = createPrng(seed + round);
    const history = new History(prng, pick(prng, [1, 2, 3]));
    const siblings = new MemoryObjectStore();
    const streams = new MemoryObjectStore();
    const sources = { history, siblings, streams };
    const names: string[] = [];
    for (const name of ['a', 'b', 'c', 'd']) {
      history.write(20 + prng.nextBelow(30));
      for (let shard = 0; shard < history.shards; shard++) if (oneIn(prng, 2)) history.flush(shard);
      history.write(5 + prng.nextBelow(10));
      const type = names.length === 0 || oneIn(prng, 4) ? 'full' : 'incremental';
      t.is((await history.backUp(siblings, name, { type })).seqno, history.seqno);
      names.push(name);
    }
    history.write(30);
    await history.stream(streams, pick(prng, [0, 0, 40]));
    const seqnos = interestingSeqnos(history);
    for (let i = 0; i < 16; i++) {
      const name = pick(prng, names);
      const [{ manifest }] = await readChain(placeIn(siblings, name));
      const from = Math.max(...manifest.shard_states.map(({ flushed_seqno }) => flushed_seqno));
      const isByTime = oneIn(prng, 3);
      const timeMs = pick(prng, history.batches).wallClockMs + pick(prng, [-1, 0, 0, 1]);
      const wanted = isByTime ? history.seqnoAt(timeMs) : pick(prng, seqnos);
      const point: RestorePoint = isByTime ? { kind: 'time', timeMs } : { kind: 'seqno', seqno: wanted };
      const what = `round ${round}: ${name} ${JSON.stringify(point)} → ${wanted}`;
      const isTooEarly = isByTime && wanted === from && timeMs < Date.parse(manifest.taken_at);
      if (wanted < from || (isTooEarly && from > 0)) {
        const error = await t.throwsAsync(restored(t, sources, name, point), undefined, what);
        t.regex(error.message, /lies before what backup . can give back/, what);
        continue;
      }
      const { verdict, documents } = await restored(t, sources, name, point);
      t.is(verdict.seqno, wanted, what);
      t.deepEqual(differences(documents, history.at(wanted)), [], what);
      t.is(verdict.collections.length, 2);
    }
    for (const name of names) {
      const { verdict, documents } = await restored(
        t,
        sources,
        name,
        { kind: 'backup' },
        { walSource: undefined },
      );
      t.deepEqual(differences(documents, history.at(verdict.seqno)), [], `round ${round}: ${name}`);
    }
    const { documents } = await restored(t, sources, 'a', { kind: 'latest' }, { shards: 4 });
    t.deepEqual(differences(documents, history.at(history.seqno)), [], `round ${round}: spread`);
  }
});

test('some collections are all of these and nothing of others', async (t) => {
  const prng = createPrng(seedOf(t));
  const history = new History(prng, 2);
  const sources = { history, siblings: new MemoryObjectStore(), streams: new MemoryObjectStore() };
  history.write(60);
  for (const shard of [0, 1]) history.flush(shard);
  history.write(20);
  await history.backUp(sources.siblings, 'a');
  history.write(20);
  await history.stream(sources.streams);
  const all = history.at(history.seqno);
  for (const [name, number] of [
    ['users', 1],
    ['orders', 2],
  ] as const) {
    const { verdict, documents } = await restored(
      t,
      sources,
      'a',
      { kind: 'latest' },
      { collections: [name] },
    );
    const theirs = ([key]: [string, string]): boolean => key.startsWith(`${number}/`);
    t.deepEqual(differences(new Map([...documents].filter(theirs)), new Map([...all].filter(theirs))), []);
    t.deepEqual(
      verdict.collections.map(({ collection }) => collection),
      [name],
    );
  }
  const nobody = restored(t, sources, 'a', { kind: 'backup' }, { collections: ['users', 'nobody'] });
  await t.throwsAsync(nobody, { message: /collection "nobody" does not exist/ });
});
