/** Restores of a real server's backups and WAL stream, against a ledger of what it acknowledged. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import type { RestorePoint } from '../../src/backup/restore/restore-plan.js';
import { openObjectStore } from '../../src/backup/store/open-store.js';
import type { Prng } from '../../src/base/prng.js';
import { defaultConfig } from '../../src/config/schema.js';
import { openBackup } from '../../src/runtime/backup/places.js';
import { openDecoder } from '../../src/runtime/backup/thread-decoder.js';
import { offlineEnvironment } from '../../src/runtime/maintenance.js';
import { type RestoreVerdict, restore } from '../../src/runtime/restore/restore.js';
import { RealVfs } from '../../src/vfs/real.js';
import { runCli, temporaryDirectory } from '../cli/run-cli.js';
import { pick, seededPrng } from '../support/random.js';
import { TestServer } from '../support/server.js';
import { noise, SMALL_LSM } from '../support/small-lsm.js';
import { documentsOf } from '../tools/support.js';

const SHARDS = 2;
const WRITERS = 6;
const KEYS = 150;
const MOMENTS = 20;

const decoder = openDecoder(new RealVfs(), 2);
test.after.always(() => decoder.close());

interface Acknowledged {
  readonly seqno: number;
  readonly key: string;
  /** Undefined: deleted. */
  readonly n: number | undefined;
  readonly askedAtMs: number;
  readonly answeredAtMs: number;
}

/** Everything that was acknowledged, by seqno. */
class SeqnoLedger {
  readonly all: Acknowledged[] = [];
  private next = 0;

  constructor(
    private readonly server: TestServer,
    private readonly prng: Prng,
  ) {}

  async write(count: number): Promise<void> {
    let left = count;
    const writer = async (): Promise<void> => {
      while (left-- > 0) await this.one();
    };
    await Promise.all(Array.from({ length: WRITERS }, writer));
    this.all.sort((a, b) => a.seqno - b.seqno);
  }

  /** What a database has that stopped behind `seqno`. */
  at(seqno: number): Map<string, number> {
    const model = new Map<string, number>();
    for (const each of this.all) {
      if (each.seqno > seqno) break;
      if (each.n === undefined) model.delete(each.key);
      else model.set(each.key, each.n);
    }
    return model;
  }

  private async one(): Promise<void> {
    const { prng, server } = this;
    const choice = prng.nextBelow(10);
    const askedAtMs = Date.now();
    if (choice === 0) {
      const documents = Array.from({ length: 12 }, () => this.document());
      const { json } = await server.request('POST', '/api/v1/c/bulk', { body: { documents } });
      const { results } = json as { results: { _seq: number }[] };
      for (const [i, { _id, n }] of documents.entries()) this.note(results[i]._seq, _id, n, askedAtMs);
    } else if (choice < 4) {
      const key = this.key();
      const { status, json } = await server.request('DELETE', `/api/v1/c/${key}`);
      if (status === 200) this.note((json as { _seq: number })._seq, key, undefined, askedAtMs);
    } else {
      const { _id, ...document } = this.document();
      const { json } = await server.put(`/api/v1/c/${_id}`, document);
      this.note((json as { _seq: number })._seq, _id, document.n, askedAtMs);
    }
  }

  private key(): string {
    return `k${this.prng.nextBelow(KEYS)}`;
  }

  private document() {
    const n = this.next++;
    return { _id: this.key(), n, pad: noise(n, 900) };
  }

  private note(seqno: number, key: string, n: number | undefined, askedAtMs: number): void {
    if (!Number.isSafeInteger(seqno)) throw new Error(`no seqno for ${key}`);
    this.all.push({ seqno, key, n, askedAtMs, answeredAtMs: Date.now() });
  }
}

interface Archive {
  readonly ledger: SeqnoLedger;
  readonly folder: string;
  readonly wal: string;
}

/** A full backup, an incremental one, and a stream, each with writes before, during and after it. */
async function archived(t: ExecutionContext, prng: Prng): Promise<Archive> {
  const folder = temporaryDirectory(t);
  const wal = join(folder, 'wal');
  const env = {
    ...SMALL_LSM,
    LUMADB_SHARDING__SHARDS: String(SHARDS),
    LUMADB_BACKUP_WAL_STREAM__DESTINATION: wal,
    LUMADB_BACKUP_WAL_STREAM__INTERVAL: '150',
  };
  const server = await TestServer.start({ env });
  t.teardown(() => server.close());
  const ledger = new SeqnoLedger(server, prng);
  const backUp = async (name: string, type: string): Promise<void> => {
    const args = [
      'backup',
      '--destination',
      join(folder, name),
      '--type',
      type,
      '--port',
      String(server.port),
    ];
    const { code, stderr } = await runCli([...args, '--compression', 'lz4'], { cwd: folder, env });
    t.is(code, 0, stderr);
  };
  await ledger.write(1500);
  await Promise.all([backUp('one', 'full'), ledger.write(400)]);
  await ledger.write(500);
  await Promise.all([backUp('two', 'incremental'), ledger.write(400)]);
  await server.kill9();
  await server.restart();
  // On a fast machine too there are several pieces behind the last backup, so that one of them is not the end.
  for (let part = 0; part < 4; part++) {
    await ledger.write(125);
    await delay(400);
  }
  await server.stop();
  return { ledger, folder, wal };
}

async function restored(
  t: ExecutionContext,
  { folder, wal }: Archive,
  name: string,
  point: RestorePoint,
): Promise<{ readonly verdict: RestoreVerdict; readonly documents: Map<string, number> }> {
  const target = temporaryDirectory(t);
  const place = openBackup(join(folder, name), defaultConfig());
  const walSource = openObjectStore(wal, {});
  try {
    const verdict = await restore({
      ...offlineEnvironment(defaultConfig()),
      source: place,
      walSource,
      target,
      point,
      collections: undefined,
      isForced: false,
      decoder,
      parallel: 2,
    });
    const texts = documentsOf(new RealVfs(), SHARDS, target);
    const documents = new Map(
      [...texts].map(([key, text]) => [key.slice('1/'.length), (JSON.parse(text) as { n: number }).n]),
    );
    t.is(verdict.documents, documents.size);
    return { verdict, documents };
  } finally {
    await place.close();
    await walSource.close();
    rmSync(target, { recursive: true });
  }
}

const sorted = (map: ReadonlyMap<string, number>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));

test('a restore to a seqno or a moment is exactly what was there then', async (t) => {
  const prng = seededPrng(t);
  const archive = await archived(t, prng);
  const { ledger, folder } = archive;
  const { all } = ledger;
  const manifest = (name: string) => JSON.parse(readFileSync(join(folder, name, 'backup.json'), 'utf8'));
  const [one, two] = [manifest('one'), manifest('two')];
  t.is(two.type, 'incremental');
  t.true(
    two.files.some((file: { in?: string }) => file.in === 'one'),
    'it holds only what is new',
  );
  const last = all[all.length - 1].seqno;
  const same = async (name: string, point: RestorePoint, seqno: number): Promise<RestoreVerdict> => {
    const { verdict, documents } = await restored(t, archive, name, point);
    t.is(verdict.seqno, seqno, JSON.stringify(point));
    t.deepEqual(sorted(documents), sorted(ledger.at(seqno)), `${name} ${JSON.stringify(point)}`);
    return verdict;
  };
  await same('one', { kind: 'backup' }, one.seqno);
  await same('two', { kind: 'backup' }, two.seqno);
  const latest = await same('one', { kind: 'latest' }, last);
  t.true(latest.shards.every(({ pieces }) => pieces > 0));
  // On both sides of a deletion, and in the middle of batches.
  const deletions = all.filter(({ seqno, n }) => n === undefined && seqno > two.seqno + 5);
  const { seqno: deletion } = pick(prng, deletions);
  for (const seqno of [deletion - 1, deletion, deletion + 1])
    await same('two', { kind: 'seqno', seqno }, seqno);
  for (let i = 0; i < 6; i++) {
    const seqno = one.seqno + 1 + prng.nextBelow(last - one.seqno);
    await same(seqno >= two.seqno ? pick(prng, ['one', 'two']) : 'one', { kind: 'seqno', seqno }, seqno);
  }
  for (let i = 0; i < MOMENTS; i++) {
    const candidates = all.filter(({ seqno }) => seqno > one.seqno);
    const timeMs = pick(prng, candidates).answeredAtMs;
    const { verdict, documents } = await restored(t, archive, 'one', { kind: 'time', timeMs });
    t.deepEqual(sorted(documents), sorted(ledger.at(verdict.seqno)));
    for (const { seqno, askedAtMs, answeredAtMs } of all) {
      if (answeredAtMs <= timeMs) t.true(seqno <= verdict.seqno, `acknowledged before ${timeMs}`);
      if (askedAtMs > timeMs) t.true(seqno > verdict.seqno, `asked for after ${timeMs}`);
    }
  }
});

test('what cannot be reached is said, and a damaged source leaves no database behind', async (t) => {
  const prng = seededPrng(t);
  const archive = await archived(t, prng);
  const { ledger, folder, wal } = archive;
  const last = ledger.all[ledger.all.length - 1].seqno;
  const refused = (name: string, point: RestorePoint, message: RegExp) =>
    t.throwsAsync(restored(t, archive, name, point), { message });
  await refused('one', { kind: 'seqno', seqno: last + 1 }, /behind the end of what is known/);
  await refused('one', { kind: 'time', timeMs: Date.now() + 3_600_000 }, /behind the end of what is known/);
  await refused('two', { kind: 'seqno', seqno: 1 }, /take an earlier backup/);
  const instance = readdirSync(wal)[0];
  const pieces = join(wal, instance, 'shard-0001');
  const names = readdirSync(pieces).sort();
  const behind = names.filter((name) => Number(name.slice(0, 16)) > readSeqno(join(folder, 'two')));
  t.true(behind.length > 2, `${behind.length} pieces`);
  const victim = join(pieces, behind[Math.floor((behind.length - 1) / 2)]);
  const whole = readFileSync(victim);
  // Damaged, exchanged, missing: each is noticed, and named.
  const damaged = Buffer.from(whole);
  damaged[Math.floor(damaged.length / 2)] ^= 1;
  writeFileSync(victim, damaged);
  await refused('two', { kind: 'latest' }, /shard-0001\/.* is damaged/);
  writeFileSync(victim, readFileSync(join(pieces, names[2])));
  await refused('two', { kind: 'latest' }, /is damaged: it is the log of shard 1/);
  rmSync(victim);
  await refused(
    'two',
    { kind: 'seqno', seqno: last },
    /WAL stream of shard 1 has a gap between seqno \d+ and \d+/,
  );
  writeFileSync(victim, whole);
  // The server said last how far each row goes: without its last piece it is not taken for one that was quiet.
  const end = join(pieces, names[names.length - 1]);
  const wholeEnd = readFileSync(end);
  rmSync(end);
  await refused('two', { kind: 'seqno', seqno: last }, /WAL stream of shard 1 has lost its end/);
  writeFileSync(end, wholeEnd);
  const { verdict } = await restored(t, archive, 'two', { kind: 'latest' });
  t.is(verdict.seqno, last);
  const table = readdirSync(join(folder, 'one', 'shard-0000')).find((name) => name.includes('.sst')) ?? '';
  const path = join(folder, 'one', 'shard-0000', table);
  const bytes = readFileSync(path);
  bytes[bytes.length - 20] ^= 4;
  writeFileSync(path, bytes);
  await refused('one', { kind: 'backup' }, /is damaged/);
});

function readSeqno(backup: string): number {
  return (JSON.parse(readFileSync(join(backup, 'backup.json'), 'utf8')) as { seqno: number }).seqno;
}
