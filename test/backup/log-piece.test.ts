import test from 'ava';
import { CHAIN_BYTES, NO_CHAIN, type PieceRecord } from '../../src/backup/log-piece/piece-format.js';
import { readPiece } from '../../src/backup/log-piece/piece-reader.js';
import { PieceWriter } from '../../src/backup/log-piece/piece-writer.js';
import { asSeqno } from '../../src/base/brand.js';

const record = (firstSeqno: number, operationCount: number, text: string): PieceRecord => ({
  firstSeqno: asSeqno(firstSeqno),
  operationCount,
  wallClockMs: 1_800_000_000_000 + firstSeqno,
  epoch: 3,
  payload: Buffer.from(text),
});

const RECORDS = [
  record(12, 2, 'first'),
  record(15, 0, 'an epoch takes a seqno'),
  record(20, 1, 'x'.repeat(16)),
];

function piece(records = RECORDS, after = 10, through = 25, previousChain = NO_CHAIN) {
  const writer = new PieceWriter({ shard: 1, after, previousChain });
  const parts = [writer.header(), ...records.map((each) => writer.record(each))];
  const { bytes, end } = writer.end(through);
  return { bytes: Buffer.concat([...parts, bytes]), end };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

test('what was written is read, with its interval and its chain', async (t) => {
  const { bytes, end } = piece();
  const found: PieceRecord[] = [];
  const read = await readPiece(once(bytes), {
    name: 'p',
    onRecord: (each) => {
      found.push({ ...each, payload: Buffer.from(each.payload) });
    },
  });
  t.deepEqual(found, RECORDS);
  t.like(read, { shard: 1, after: 10, through: 25, records: 3, lastWallClockMs: RECORDS[2].wallClockMs });
  t.deepEqual(Buffer.from(read.chain), Buffer.from(end.chain));
  t.is(end.chain.length, CHAIN_BYTES);
});

test('a piece without records has an interval all the same', async (t) => {
  const read = await readPiece(once(piece([], 10, 30).bytes), { name: 'p' });
  t.like(read, { after: 10, through: 30, records: 0, lastWallClockMs: 0 });
});

test('the chain tells the interval, the batches and the pieces before apart', (t) => {
  const chains = [
    piece(),
    piece(RECORDS, 9),
    piece(RECORDS, 10, 26),
    piece(RECORDS.slice(1)),
    piece(RECORDS, 10, 25, Buffer.alloc(CHAIN_BYTES, 1)),
  ].map(({ end }) => Buffer.from(end.chain).toString('hex'));
  t.is(new Set(chains).size, chains.length);
  t.is(Buffer.from(piece().end.chain).toString('hex'), chains[0]);
});

test('a changed byte anywhere, a cut anywhere and bytes behind the end are found', async (t) => {
  const { bytes } = piece();
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes);
    changed[at] ^= 1 << (at % 8);
    await t.throwsAsync(readPiece(once(changed), { name: 'p' }), { message: /p is damaged/ }, `byte ${at}`);
    await t.throwsAsync(readPiece(once(bytes.subarray(0, at)), { name: 'p' }), { message: /p is damaged/ });
  }
  await t.throwsAsync(readPiece(once(Buffer.concat([bytes, bytes])), { name: 'p' }), {
    message: /behind its end/,
  });
});

test('records that are exchanged do not follow each other', async (t) => {
  const writer = new PieceWriter({ shard: 1, after: 10, previousChain: NO_CHAIN });
  const [header, first, second] = [writer.header(), writer.record(RECORDS[0]), writer.record(RECORDS[1])];
  const { bytes } = writer.end(25);
  const swapped = Buffer.concat([header, second, first, bytes]);
  await t.throwsAsync(readPiece(once(swapped), { name: 'p' }), { message: /does not follow/ });
});
