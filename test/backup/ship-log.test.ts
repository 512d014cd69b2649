import test from 'ava';
import { NO_CHAIN, type PieceRecord } from '../../src/backup/log-piece/piece-format.js';
import { readPiece } from '../../src/backup/log-piece/piece-reader.js';
import { decodeObject } from '../../src/backup/object/object-reader.js';
import { CatalogRow } from '../../src/backup/stream/catalog-row.js';
import { type ShipJob, type Shipped, shipLog, startOfLog } from '../../src/backup/stream/ship-log.js';
import { parseCatalogName, parsePieceName } from '../../src/backup/stream/stream-names.js';
import { decodeStreamState, encodeStreamState } from '../../src/backup/stream/stream-state.js';
import { asSeqno } from '../../src/base/brand.js';
import { MemoryVfs } from '../../src/vfs/memory.js';
import type { WalWriter } from '../../src/wal/writer.js';
import { MemoryObjectStore } from '../support/memory-object-store.js';
import { commit, DIRECTORY, openLog, SHARD } from '../wal/support.js';

const KEY = Buffer.alloc(32, 3);

function jobFor(writer: WalWriter, shipped: Shipped | undefined, through: number, vfs: MemoryVfs): ShipJob {
  const start = startOfLog(vfs, DIRECTORY, SHARD);
  const after = shipped?.through ?? 0;
  return {
    shard: SHARD,
    walDirectory: DIRECTORY,
    after,
    through,
    from: shipped?.position ?? start?.from ?? null,
    end: writer.intervalAbove(asSeqno(after))?.end ?? null,
    chain: shipped?.chain ?? NO_CHAIN,
    compression: 'lz4',
    key: KEY,
  };
}

async function piecesOf(store: MemoryObjectStore) {
  const found: Array<{ after: number; through: number; seqnos: number[]; previous: string; chain: string }> =
    [];
  for await (const { name } of store.list('')) {
    const parsed = parsePieceName(SHARD, name);
    if (parsed === undefined) continue;
    const seqnos: number[] = [];
    const read = await readPiece(decodeObject(store.get(name), { name, key: KEY }), {
      name,
      onRecord: (record: PieceRecord) => void seqnos.push(record.firstSeqno),
    });
    const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
    found.push({ ...parsed, seqnos, previous: hex(read.previousChain), chain: hex(read.chain) });
  }
  return found;
}

test('what a log gains is shipped once, in pieces that touch and are chained, across segments', async (t) => {
  const vfs = new MemoryVfs();
  const { writer } = openLog(vfs);
  const store = new MemoryObjectStore();
  let shipped: Shipped | undefined;
  let written = 0;
  for (const [count, agreed] of [
    [3, 3],
    [5, 6],
    [4, 12],
    [0, 20],
  ]) {
    if (count > 0) commit(writer, written + 1, written + count, 20 * 1024);
    written += count;
    shipped = await shipLog(vfs, store, jobFor(writer, shipped, agreed, vfs));
    t.is(shipped.through, agreed);
  }
  const pieces = await piecesOf(store);
  t.deepEqual(
    pieces.map(({ after, through, seqnos }) => [after, through, seqnos]),
    [
      [0, 3, [1, 2, 3]],
      // Operations behind what all shards have agreed on wait.
      [3, 6, [4, 5, 6]],
      [6, 12, [7, 8, 9, 10, 11, 12]],
      [12, 20, []],
    ],
  );
  pieces.slice(1).forEach(({ previous }, index) => void t.is(previous, pieces[index].chain));
  t.true(writer.counters().segmentsOpened > 1, 'several segments');
});

test('a store that fails leaves what has arrived, and the same job goes on from there', async (t) => {
  const vfs = new MemoryVfs();
  const { writer } = openLog(vfs);
  commit(writer, 1, 10, 1000);
  const store = new MemoryObjectStore();
  const failing = new Proxy(store, {
    get: (target, name) =>
      name === 'put'
        ? () => Promise.reject(new Error('no'))
        : (Reflect.get(target, name) as { bind?: (to: object) => unknown }).bind?.(target),
  });
  await t.throwsAsync(shipLog(vfs, failing, jobFor(writer, undefined, 10, vfs)), { message: 'no' });
  t.deepEqual(await piecesOf(store), []);
  await shipLog(vfs, store, jobFor(writer, undefined, 10, vfs));
  t.is((await piecesOf(store))[0].seqnos.length, 10);
});

test('a log keeps what has not been copied, up to the limit', (t) => {
  const vfs = new MemoryVfs();
  const { writer } = openLog(vfs);
  const segmentBytes = 64 * 1024;
  writer.retainAbove({ copiedThrough: 4, bytesMax: 3 * segmentBytes });
  commit(writer, 1, 8, 20 * 1024);
  const kept = () => startOfLog(vfs, DIRECTORY, SHARD)?.after ?? -1;
  writer.releaseThrough(asSeqno(8));
  t.true(kept() <= 4, 'the segment with operation 5 is there');
  commit(writer, 9, 40, 20 * 1024);
  writer.releaseThrough(asSeqno(40));
  t.true(kept() > 4, 'beyond the limit the oldest goes');
  t.true(writer.counters().segmentsRetained <= 4);
  writer.retainAbove(undefined);
  writer.releaseThrough(asSeqno(40));
  t.is(writer.counters().segmentsRetained, 1);
});

test('catalogs come in order, each once; one that never came true is forgotten', (t) => {
  const row = new CatalogRow([], 'a');
  t.true(row.add('a', 0, 1));
  t.false(row.add('a', 5, 2));
  t.true(row.add('b', 7, 3));
  t.true(row.add('a', 7, 4));
  t.deepEqual(
    row.waiting.map(({ number, seqno, text }) => [number, seqno, text]),
    [
      [1, 0, 'a'],
      [2, 7, 'b'],
      [3, 7, 'a'],
    ],
  );
  row.shipped(row.waiting[0]);
  row.shipped(row.waiting[0]);
  t.is(row.waiting.length, 1);
  t.is(new CatalogRow(row.entries, 'a').waiting.length, 1);
  t.is(new CatalogRow(row.entries, 'b').waiting.length, 0, 'catalog.json never became it');
});

test('a catalog that comes while a server starts is not put in front of earlier ones', (t) => {
  const row = new CatalogRow([], undefined);
  row.add('a', 50, 1);
  row.add('b', 0, 2);
  t.deepEqual(
    row.entries.map(({ seqno }) => seqno),
    [50, 50],
  );
});

test('state and names come back as they were written, and nonsense is nothing', (t) => {
  const state = {
    destination: 's3://b/w',
    seqno: 9,
    catalogs: [{ number: 1, seqno: 0, wall_clock_ms: 5, text: '{}', is_shipped: true }],
    shards: [{ shard: 0, through: 9, chain: 'a'.repeat(64) }],
  };
  t.deepEqual(decodeStreamState(encodeStreamState(state)), state);
  for (const text of ['', '{}', 'null', encodeStreamState(state).replace('"seqno": 9', '"seqno": -9')])
    t.is(decodeStreamState(text), undefined, text);
  for (const name of ['shard-0000/1-2.log', 'shard-0001/0000000000000001-0000000000000002.log', 'x', ''])
    t.is(parsePieceName(0, name), undefined, name);
  t.is(
    parsePieceName(0, 'shard-0000/0000000000000003-0000000000000002.log'),
    undefined,
    'it ends before it begins',
  );
  t.is(parseCatalogName('catalog/x.json'), undefined);
});
