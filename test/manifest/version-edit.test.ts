import test from 'ava';
import * as fc from 'fast-check';
import { AssertionError } from '../../src/base/assert.js';
import { DbError } from '../../src/base/errors.js';
import { ByteWriter } from '../../src/manifest/byte-writer.js';
import type { VersionEdit } from '../../src/manifest/version-edit.js';
import { decodeVersionEdit } from '../../src/manifest/version-edit-decoder.js';
import { encodeVersionEdit } from '../../src/manifest/version-edit-encoder.js';
import { seedOf } from '../support/random.js';
import { bound, edit, table } from './support.js';

const PLACE = { file: 'MANIFEST-0000000001', offset: 64 };

function encoded(change: VersionEdit): Uint8Array {
  const out = new ByteWriter();
  encodeVersionEdit(change, out);
  return out.written().slice();
}

const hexOf = (change: VersionEdit): string => Buffer.from(encoded(change)).toString('hex');

const u8 = fc.integer({ min: 0, max: 0xff });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const u53 = fc.maxSafeNat();
const anyBound = fc.record({ collection: u32, key: fc.uint8Array({ maxLength: 1024 }) });
const anyTable = fc.record({
  fileNumber: u32,
  level: u8,
  run: u32,
  sizeBytes: u53,
  entries: u53,
  tombstones: u53,
  rawBytes: u53,
  minSeqno: u53,
  maxSeqno: u53,
  earliestExpiry: u32,
  smallest: anyBound,
  largest: anyBound,
  collections: fc.array(fc.record({ collection: u32, entries: u53, tombstones: u53, rawBytes: u53 }), {
    maxLength: 4,
  }),
});
const anyEdit: fc.Arbitrary<VersionEdit> = fc.record(
  {
    addedTables: fc.array(anyTable, { maxLength: 5 }),
    removedTables: fc.array(u32, { maxLength: 5 }),
    flushedSeqno: u53,
    nextFileNumber: u53,
    nextRun: u53,
    databaseSeconds: u53,
    collectionStats: fc.array(fc.record({ collection: u32, documents: u53, bytes: u53 }), { maxLength: 4 }),
    operationIds: fc.array(fc.record({ identity: u53, fingerprint: u53, status: u8, seqno: u53 }), {
      minLength: 1,
      maxLength: 4,
    }),
    compactionCursors: fc.array(fc.record({ level: u8, bound: anyBound }), { minLength: 1, maxLength: 4 }),
  },
  { requiredKeys: ['addedTables', 'removedTables'], noNullPrototype: true },
);

test('every edit comes back as it was', (t) => {
  fc.assert(
    fc.property(anyEdit, (change) => {
      t.deepEqual(decodeVersionEdit(encoded(change), PLACE), change);
    }),
    { seed: seedOf(t), numRuns: 300 },
  );
});

test('the worked example of the specification holds', (t) => {
  t.is(
    hexOf(edit({ removedTables: [7], flushedSeqno: 300, nextFileNumber: 9 })),
    '02080000000100000007000000' + '03080000002c01000000000000' + '04080000000900000000000000',
  );
});

test('the bytes of every field are pinned', (t) => {
  const change = edit({
    addedTables: [table(2, 'a', 'bc', { level: 3, earliestExpiry: 0x65, sizeBytes: 2 ** 32 + 1 })],
    nextRun: 5,
    databaseSeconds: 1_700_000_000,
    collectionStats: [],
    operationIds: [{ identity: 2 ** 52, fingerprint: 1, status: 2, seqno: 3 }],
    compactionCursors: [{ level: 1, bound: bound('k', 258) }],
  });
  t.is(
    hexOf(change),
    [
      '0170000000' + '01000000',
      '02000000' + '03' + '00000000' + '0100000001000000' + '1400000000000000' + '0200000000000000',
      'd007000000000000' + '0200000000000000' + '6600000000000000' + '65000000',
      '01000000' + '0100' + '61' + '01000000' + '0200' + '6263',
      '01000000' + '01000000' + '1400000000000000' + '0200000000000000' + 'd007000000000000',
      '0508000000' + '0500000000000000',
      '0608000000' + '00f1536500000000',
      '0704000000' + '00000000',
      '081d000000' + '01000000' + '0000000000001000' + '0100000000000000' + '02' + '0300000000000000',
      '090c000000' + '01000000' + '01' + '02010000' + '0100' + '6b',
    ].join(''),
  );
});

test('an unknown tag is an error that names tag, format version and place', (t) => {
  const bytes = Uint8Array.of(...encoded(edit({ nextRun: 1 })), 42, 0, 0, 0, 0);
  const error = t.throws(() => decodeVersionEdit(bytes, PLACE), { instanceOf: DbError });
  t.is(error?.code, 'CORRUPT_MANIFEST');
  t.regex(error?.message ?? '', /MANIFEST-0000000001 .*format version 1 has no field with tag 42/);
  t.like(error?.details, { file: PLACE.file, offset: 64 + 13 + 5, got: 42 });
});

test('fields that are repeated, out of order, or reserved are refused', (t) => {
  const run = encoded(edit({ nextRun: 1 }));
  const seqno = encoded(edit({ flushedSeqno: 1 }));
  for (const bytes of [
    Uint8Array.of(...run, ...run),
    Uint8Array.of(...run, ...seqno),
    Uint8Array.of(0, 0, 0, 0, 0),
  ]) {
    t.throws(() => decodeVersionEdit(bytes, PLACE), { instanceOf: DbError, message: /out of order/ });
  }
});

test('an edit that is cut off anywhere is refused or ends with a whole field', (t) => {
  const change = edit({ addedTables: [table(1, 'a', 'b')], removedTables: [5, 6], nextRun: 3 });
  const bytes = encoded(change);
  const ends = new Set([
    0,
    encoded(edit({ addedTables: change.addedTables })).length,
    bytes.length - 13,
    bytes.length,
  ]);
  for (let length = 0; length <= bytes.length; length++) {
    const decode = (): VersionEdit => decodeVersionEdit(bytes.subarray(0, length), PLACE);
    if (ends.has(length)) t.notThrows(decode, `${length}`);
    else t.throws(decode, { instanceOf: DbError }, `${length}`);
  }
});

test('any bytes give an edit or CORRUPT_MANIFEST, and a hostile count allocates nothing', (t) => {
  const isRefused = (bytes: Uint8Array): boolean => {
    try {
      decodeVersionEdit(bytes, PLACE);
      return false;
    } catch (error) {
      if (error instanceof DbError && error.code === 'CORRUPT_MANIFEST') return true;
      throw error;
    }
  };
  fc.assert(
    fc.property(anyEdit, fc.nat(), u8, (change, at, byte) => {
      const bytes = encoded(change);
      if (bytes.length > 0) bytes[at % bytes.length] = byte;
      isRefused(bytes);
    }),
    { seed: seedOf(t), numRuns: 500 },
  );
  t.true(isRefused(Uint8Array.of(2, 4, 0, 0, 0, 255, 255, 255, 255)));
  t.true(isRefused(Uint8Array.of(3, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x20, 0)), '2^53');
});

test('values that do not fit are assertions before anything is written', (t) => {
  for (const change of [
    edit({ removedTables: [2 ** 32] }),
    edit({ flushedSeqno: -1 }),
    edit({ nextRun: 1.5 }),
    edit({ databaseSeconds: 2 ** 53 }),
    edit({ addedTables: [table(1, 'a', 'x'.repeat(70_000))] }),
  ]) {
    t.throws(() => encoded(change), { instanceOf: AssertionError });
  }
});
