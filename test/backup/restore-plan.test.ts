/** To where a restore can go, by what its sources say of themselves. */
import test from 'ava';
import type { BackupManifest } from '../../src/backup/manifest/backup-manifest.js';
import { readChain } from '../../src/backup/manifest/chain.js';
import { earlierBackups } from '../../src/backup/restore/earlier-backups.js';
import { readRow } from '../../src/backup/restore/read-row.js';
import { planRestore, type RestorePlan, type RestorePoint } from '../../src/backup/restore/restore-plan.js';
import { surveyStream } from '../../src/backup/restore/stream-survey.js';
import { decodeStreamHead, encodeStreamHead } from '../../src/backup/stream/stream-head.js';
import { MemoryObjectStore } from '../support/memory-object-store.js';
import { placeIn } from './support/database.js';
import { HookedStore } from './support/hooked-store.js';
import { hex32, manifestOf, store } from './support/manifests.js';
import { StreamBuilder } from './support/streams.js';

const TAKEN_MS = Date.parse('2026-01-01T00:00:00.000Z');
const at = (seconds: number): number => TAKEN_MS + seconds * 1000;
const batch = (firstSeqno: number, seconds: number, operationCount = 1) => ({
  firstSeqno,
  wallClockMs: at(seconds),
  operationCount,
});

/** A backup of two shards at seqno 100, all of it in tables, and a stream beside it. */
class Place {
  readonly siblings = new MemoryObjectStore();
  readonly streams = new MemoryObjectStore();
  readonly stream = new StreamBuilder(this.streams.below('instance'));

  static async make(changes: Partial<BackupManifest> = {}): Promise<Place> {
    const place = new Place();
    await store(place.siblings, flushed('full', 100, changes));
    return place;
  }

  async plan(
    point: RestorePoint,
    streams: MemoryObjectStore | HookedStore = this.streams,
  ): Promise<RestorePlan> {
    const chain = await readChain(placeIn(this.siblings, 'full'));
    const stream = await surveyStream(streams, 'instance', 2);
    const earlier = (wanted: { seqno: number } | { timeMs: number }) =>
      earlierBackups(this.siblings, 'instance', wanted);
    return planRestore({ chain, stream, point, earlier });
  }

  seqnoAt(seconds: number): Promise<number> {
    return this.plan({ kind: 'time', timeMs: at(seconds) }).then(({ seqno }) => seqno);
  }
}

function flushed(name: string, seqno: number, changes: Partial<BackupManifest> = {}): BackupManifest {
  return manifestOf({
    name,
    shards: 2,
    seqno,
    files: [],
    log: [],
    shard_states: [
      { shard: 0, flushed_seqno: seqno },
      { shard: 1, flushed_seqno: seqno },
    ],
    ...changes,
  });
}

test('all shards stop at one seqno, in front of the first operation of any that is later', async (t) => {
  const place = await Place.make();
  await place.stream.piece(0, 100, 110, [batch(101, 10), batch(104, 40, 3), batch(108, 80)]);
  await place.stream.piece(1, 100, 110, [batch(102, 20, 2), batch(107, 70), batch(109, 90, 2)]);
  await place.stream.head(110, at(95));
  t.is(await place.seqnoAt(10), 101);
  t.is(await place.seqnoAt(19.999), 101);
  t.is(await place.seqnoAt(20), 103);
  t.is(await place.seqnoAt(39), 103);
  t.is(await place.seqnoAt(69), 106);
  t.is(await place.seqnoAt(70), 107);
  t.is(await place.seqnoAt(94), 110, 'known to be quiet');
  await t.throwsAsync(place.seqnoAt(96), { message: /behind the end of what is known \(seqno 110/ });
});

test('clocks that were set back stop it at the first operation that claims to be later', async (t) => {
  const place = await Place.make();
  await place.stream.piece(0, 100, 110, [batch(101, 10), batch(102, 60), batch(103, 20), batch(104, 70)]);
  await place.stream.piece(1, 100, 110, [batch(105, 25), batch(106, 80)]);
  await place.stream.head(110, at(90));
  t.is(await place.seqnoAt(30), 101);
  t.is(await place.seqnoAt(60), 103);
});

test('a moment before the last operation in tables is not answered with them', async (t) => {
  const place = await Place.make();
  await place.stream.piece(0, 100, 110, [batch(101, 10)]);
  await place.stream.head(110, at(20));
  t.is(await place.seqnoAt(5), 100, 'nothing was written between the backup and then');
  const error = await t.throwsAsync(place.seqnoAt(-3600));
  t.regex(
    error.message,
    /lies before what backup full can give back .*: take an earlier backup as the source$/,
  );
  await store(place.siblings, flushed('old', 30, { taken_at: '2025-12-31T20:00:00.000Z', id: id(2) }));
  await store(place.siblings, flushed('older', 20, { taken_at: '2025-12-30T20:00:00.000Z', id: id(3) }));
  const other = { taken_at: '2025-12-30T20:00:00.000Z', id: id(4), instance_id: 'another' };
  await store(place.siblings, flushed('stranger', 25, other));
  await t.throwsAsync(place.seqnoAt(-3600), {
    message: /earlier backup as the source, such as old or older$/,
  });
  await t.throwsAsync(place.plan({ kind: 'seqno', seqno: 25 }), { message: /such as older$/ });
});

test('a gap ends what can be reached, and is named with its shard', async (t) => {
  const place = await Place.make();
  await place.stream.piece(0, 100, 200, [batch(150, 10)]);
  await place.stream.piece(1, 100, 120, [batch(120, 5)]);
  place.stream.beginAnew(1);
  await place.stream.piece(1, 160, 200, [batch(161, 15)]);
  await place.stream.head(200, at(100));
  const latest = await place.plan({ kind: 'latest' });
  t.is(latest.seqno, 120);
  t.is(latest.shortfall, 'the WAL stream of shard 1 has a gap between seqno 120 and 160');
  for (const point of [{ kind: 'seqno', seqno: 121 } as const, { kind: 'time', timeMs: at(50) } as const])
    await t.throwsAsync(place.plan(point), {
      message:
        /cannot be reached: the WAL stream of shard 1 has a gap between seqno 120 and 160\. .*seqno 120/,
    });
});

test('a row that has lost its last piece is not taken for one where nothing was written', async (t) => {
  const place = await Place.make();
  await place.stream.piece(0, 100, 200, [batch(150, 10)]);
  await place.stream.piece(1, 100, 120, [batch(120, 5)]);
  const last = await place.stream.piece(1, 120, 180, [batch(170, 15)]);
  await place.stream.head(200, at(100));
  t.like(await place.plan({ kind: 'latest' }), { seqno: 200, shortfall: null });
  place.streams.objects.delete(`instance/${last}`);
  t.like(await place.plan({ kind: 'latest' }), {
    seqno: 120,
    shortfall: 'the WAL stream of shard 1 has lost its end: it went to seqno 180 and ends at 120',
  });
  await t.throwsAsync(place.plan({ kind: 'seqno', seqno: 190 }), { message: /has lost its end/ });
});

test('the last piece of a row is the one that the head names', async (t) => {
  const place = await Place.make();
  await place.stream.piece(0, 100, 200, [batch(150, 10)]);
  await place.stream.head(200, at(100));
  const [said] = place.stream.rowEnds();
  const read = async () => {
    const { rows } = await place.plan({ kind: 'latest' });
    return readRow(rows[0], { through: 200, onRecord: () => true });
  };
  t.is((await read()).chain, said.chain);
  await place.stream.head(200, at(100), [{ ...said, chain: hex32('b') }]);
  await t.throwsAsync(read, { message: /its chain is not the one that its source names: it was exchanged/ });
});

test('a piece that a killed server has left behind may end where those end that it streamed later', async (t) => {
  for (const end of ['in the middle', 'at the end'] as const) {
    const place = await Place.make();
    const { stream } = place;
    await stream.piece(0, 100, 110, [batch(105, 1)]);
    const forget = stream.mark();
    const left = await stream.piece(0, 110, 130, [batch(115, 2), batch(125, 3)]);
    forget();
    await stream.piece(0, 110, 120, [batch(115, 2)]);
    const last = await stream.piece(0, 120, 130, [batch(125, 3)]);
    if (end === 'in the middle') await stream.piece(0, 130, 140, [batch(135, 4)]);
    await stream.head(end === 'in the middle' ? 140 : 130, at(50));
    const { rows, seqno } = await place.plan({ kind: 'latest' });
    const seqnos: number[] = [];
    const read = () =>
      readRow(rows[0], {
        through: seqno,
        onRecord: ({ firstSeqno }) => {
          seqnos.push(firstSeqno);
          return true;
        },
      });
    await read();
    t.deepEqual(seqnos, end === 'in the middle' ? [105, 115, 125, 135] : [105, 115, 125]);
    t.true(rows[0].pieces.some(({ object }) => object === left));
    // Without the one that the row is chained to, the other proves nothing.
    place.streams.objects.set(`instance/${last}`, { bytes: Buffer.from('no piece'), modifiedMs: 0 });
    await t.throwsAsync(read, { message: /was exchanged/ });
  }
});

test('shorter pieces that a crash has left beside longer ones are passed over, also a great many', async (t) => {
  const place = await Place.make();
  const names: string[] = [];
  for (const [after, through] of [
    [100, 105],
    [100, 130],
    [105, 120],
    [130, 131],
    [130, 190],
    [190, 200],
  ])
    names.push(await place.stream.piece(0, after, through, []));
  await place.stream.head(200, at(100));
  const { rows, seqno } = await place.plan({ kind: 'latest' });
  t.is(seqno, 200);
  t.deepEqual(
    rows[0].pieces.map(({ object }) => object),
    [names[1], names[4], names[5]],
  );
  const bytes = Buffer.from('x');
  for (let i = 200; i < 40_200; i++) {
    const name = `${String(i).padStart(16, '0')}-${String(i + 1).padStart(16, '0')}.log`;
    place.streams.objects.set(`instance/shard-0000/${name}`, { bytes, modifiedMs: 0 });
  }
  const startMs = performance.now();
  t.is((await place.plan({ kind: 'latest' })).rows[0].reach, 40_200);
  t.true(performance.now() - startMs < 20_000);
});

test('a stream that goes on while it is looked at loses nothing', async (t) => {
  const place = await Place.make();
  await place.stream.piece(0, 100, 110, [batch(105, 10)]);
  await place.stream.piece(1, 100, 110, [batch(106, 10)]);
  await place.stream.head(110, at(20));
  let hasGoneOn = false;
  const hooked = new HookedStore(place.streams, async ({ operation, name }) => {
    // Shard 0 has been listed when a whole round of the server comes.
    if (operation !== 'list' || !name.includes('shard-0001') || hasGoneOn) return;
    hasGoneOn = true;
    await place.stream.piece(0, 110, 120, [batch(115, 30)]);
    await place.stream.piece(1, 110, 120, [batch(116, 30)]);
    await place.stream.head(120, at(40));
  });
  const { seqno, rows } = await place.plan({ kind: 'latest' }, hooked);
  t.true(hasGoneOn);
  for (const { pieces } of rows)
    t.true(
      pieces.some(({ through }) => through >= seqno),
      `to ${seqno}`,
    );
});

test('the catalog is the one that was in force, and that of the backup where the stream has an older one', async (t) => {
  const place = await Place.make();
  const bytes = Buffer.from('{}');
  await place.stream.piece(0, 100, 120, [batch(101, 10), batch(104, 50)]);
  const old = await place.stream.catalog({ seqno: 40, number: 1, wallClockMs: at(-100) }, bytes);
  await place.stream.head(120, at(100));
  const chosen = async (point: RestorePoint) => (await place.plan(point)).catalog;
  t.is(await chosen({ kind: 'backup' }), undefined);
  t.is(await chosen({ kind: 'latest' }), undefined, `not ${old}`);
  const second = await place.stream.catalog({ seqno: 105, number: 2, wallClockMs: at(60) }, bytes);
  const third = await place.stream.catalog({ seqno: 120, number: 3, wallClockMs: at(70) }, bytes);
  const later = await place.stream.catalog({ seqno: 130, number: 4, wallClockMs: at(200) }, bytes);
  t.is(await chosen({ kind: 'latest' }), third, `not ${later}`);
  t.is(await chosen({ kind: 'seqno', seqno: 105 }), undefined);
  t.is(await chosen({ kind: 'seqno', seqno: 106 }), second);
  t.is(await chosen({ kind: 'seqno', seqno: 120 }), second);
  // Its clock was ahead: operations in front of the moment need it all the same.
  t.is(await chosen({ kind: 'time', timeMs: at(55) }), second);
  t.is(await chosen({ kind: 'time', timeMs: at(71) }), third);
  t.is(await chosen({ kind: 'time', timeMs: at(12) }), undefined);
});

test('heads are read as they were written, also those of the first builds, and nothing else is', (t) => {
  const head = { seqno: 7, takenAtMs: TAKEN_MS, shards: [{ shard: 1, through: 6, chain: hex32('c') }] };
  t.deepEqual(decodeStreamHead(encodeStreamHead(head), 'f'), head);
  const first = '{"format_version":1,"seqno":7,"taken_at":"2026-01-01T00:00:00.000Z"}\n';
  t.deepEqual(decodeStreamHead(first, 'f'), { ...head, shards: [] });
  for (const text of ['', '{', '{}', first.replace('7', '-7'), first.replace('2026-01', 'x')])
    t.throws(() => decodeStreamHead(text, 'f'), { code: 'CORRUPT_BACKUP', message: /f is damaged/ });
});

const id = (digit: number): string => manifestOf().id.replaceAll('1', String(digit));
