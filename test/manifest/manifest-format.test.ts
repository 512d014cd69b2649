import test from 'ava';
import { asShardId } from '../../src/base/brand.js';
import { ByteWriter } from '../../src/manifest/byte-writer.js';
import { encodeHeader, encodeRecord, encodeSeal, recordSpan } from '../../src/manifest/manifest-format.js';
import {
  classifySstName,
  decodeCurrent,
  encodeCurrent,
  manifestName,
  tableFileName,
  temporaryManifestName,
} from '../../src/manifest/manifest-names.js';
import { encodeVersionEdit } from '../../src/manifest/version-edit-encoder.js';
import { edit } from './support.js';

test('the worked example of the specification holds', (t) => {
  const payload = new ByteWriter();
  encodeVersionEdit(edit({ nextFileNumber: 3 }), payload);
  const bytes = Buffer.concat([
    encodeHeader(asShardId(2), 5),
    encodeRecord({ manifest: 5, offset: 32 }, 9, payload.written()),
    encodeSeal({ manifest: 5, offset: 80 }),
  ]);
  t.is(
    bytes.toString('hex'),
    [
      '4c756d614d6674000100000002000000',
      '05000000000000000000000046de57ef',
      '85f8f1f20d0000000900000000000000',
      '20000000000000000500000000000000',
      '04080000000300000000000000000000',
      'ff39467fffffffff5000000000000000',
      '0500000000000000',
    ].join(''),
  );
});

test('records start at multiples of 8', (t) => {
  t.is(recordSpan(0), 32);
  t.is(recordSpan(1), 40);
  t.is(recordSpan(8), 40);
  t.is(recordSpan(2 ** 31 - 1), 2 ** 31 + 32, 'the largest one');
});

test('names say what a file is', (t) => {
  t.is(manifestName(7), 'MANIFEST-0000000007');
  t.is(tableFileName(4_294_967_295), '4294967295.sst');
  t.deepEqual(classifySstName('CURRENT'), { kind: 'current' });
  t.deepEqual(classifySstName(manifestName(7)), { kind: 'manifest', number: 7 });
  t.deepEqual(classifySstName(temporaryManifestName(7)), { kind: 'incomplete manifest', number: 7 });
  t.deepEqual(classifySstName('0000000012.sst'), { kind: 'table', number: 12 });
  t.deepEqual(classifySstName('0000000012.sst.tmp'), { kind: 'incomplete table', number: 12 });
  for (const name of ['CURRENT.0.tmp', 'CURRENT.17.tmp']) {
    t.deepEqual(classifySstName(name), { kind: 'incomplete' }, name);
  }
  for (const name of [
    '12.sst',
    '4294967296.sst',
    'MANIFEST-4294967296',
    'MANIFEST-7',
    'CURRENT.tmp',
    'CURRENT.x.tmp',
    '0000000012.sst.bak',
    'x0000000012.sst',
    '',
  ]) {
    t.deepEqual(classifySstName(name), { kind: 'unknown' }, name);
  }
});

test('CURRENT is text with a checksum, and any changed byte is noticed', (t) => {
  const bytes = encodeCurrent(5);
  t.is(Buffer.from(bytes).toString(), 'MANIFEST-0000000005 623f3cbf\n');
  t.is(decodeCurrent(bytes), 5);
  for (let at = 0; at < bytes.length; at++) {
    for (let byte = 0; byte < 256; byte++) {
      const changed = bytes.slice();
      changed[at] = byte;
      if (byte !== bytes[at]) t.is(decodeCurrent(changed), undefined, `byte ${at} = ${byte}`);
    }
    t.is(decodeCurrent(bytes.subarray(0, at)), undefined, `${at} bytes`);
  }
});
