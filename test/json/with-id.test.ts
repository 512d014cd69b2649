import test from 'ava';
import { createPrng } from '../../src/base/prng.js';
import { ByteSink } from '../../src/json/byte-sink.js';
import { DocumentScan, scanDocument } from '../../src/json/scan.js';
import { decodeText } from '../../src/json/text.js';
import { idBytes, splicedSizeMax, spliceId } from '../../src/json/with-id.js';
import { testSeed } from '../support/random.js';
import { randomObject } from './generate.js';

const encoder = new TextEncoder();
const scan = new DocumentScan();
const scratch = new Uint8Array(64);

test('a spliced _id is the first member, is read back exactly, and the rest keeps its bytes', (t) => {
  const seed = testSeed();
  t.log(`seed ${seed}`);
  const prng = createPrng(seed);
  const pieces = ['a', '"', '\\', '\n', '\x01', '\x1f', '\x7f', 'é', '😀', '/', '\u2028'];
  const out = new ByteSink(64, 1 << 20);
  for (let round = 0; round < 5000; round++) {
    const text = ` ${randomObject(prng, 2)}\n`;
    const id = Array.from({ length: prng.nextBelow(12) }, () => pieces[prng.nextBelow(pieces.length)]).join(
      '',
    );
    const doc = encoder.encode(text);
    const idUtf8 = encoder.encode(id);
    t.is(scanDocument(doc, 0, doc.length, scan), 0);
    out.reset();
    spliceId(doc, scan, idUtf8, idUtf8.length, out);
    const spliced = decodeText(out.bytes, 0, out.length);
    t.true(out.length <= splicedSizeMax(scan.objectEnd - scan.objectStart, idUtf8.length));
    if (scan.memberCount > 0) t.true(spliced.endsWith(text.trim().slice(1)));
    t.deepEqual(
      JSON.parse(spliced),
      Object.defineProperties({ _id: id }, Object.getOwnPropertyDescriptors(JSON.parse(text))),
    );
    t.is(scanDocument(out.bytes, 0, out.length, scan), 0);
    const length = idBytes(out.bytes, scan, scratch);
    t.is(decodeText(scratch, 0, length), id);
  }
});

test('an _id longer than the scratch is reported, one that fits exactly is not, with escapes or without', (t) => {
  const read = (text: string, scratchBytes: number): number => {
    const doc = encoder.encode(text);
    t.is(scanDocument(doc, 0, doc.length, scan), 0);
    return idBytes(doc, scan, new Uint8Array(scratchBytes));
  };
  t.is(read('{"_id":"abcd"}', 4), 4);
  t.is(read('{"_id":"abcd"}', 3), -1);
  t.is(read('{"_id":"\\u0061\\n\\u00e9"}', 4), 4);
  t.is(read('{"_id":"\\u0061\\n\\u00e9"}', 3), -1);
  t.is(read('{"_id":"\\ud83d\\ude00\\u20ac"}', 7), 7);
  t.is(read('{"_id":"\\ud83d\\ude00\\u20ac"}', 3), -1);
  t.is(read('{"_id":"\\n"}', 0), -1);
  t.is(read('{"_id":""}', 0), 0);
});

test('a sink grows to its limit, refuses more with PAYLOAD_TOO_LARGE, and keeps what it had', (t) => {
  const sink = new ByteSink(0, 300);
  const source = Uint8Array.from({ length: 400 }, (_, index) => index & 255);
  for (let at = 0; at < 299; at++) sink.appendByte(source[at]);
  t.throws(() => sink.append(source, 0, 2), { code: 'PAYLOAD_TOO_LARGE' });
  sink.append(source, 299, 300);
  t.throws(() => sink.appendByte(1), { code: 'PAYLOAD_TOO_LARGE' });
  t.deepEqual(sink.bytes.slice(0, sink.length), source.slice(0, 300));
  sink.reset();
  sink.append(source, 5, 5);
  sink.append(source, 10, 200);
  t.deepEqual(sink.bytes.slice(0, sink.length), source.slice(10, 200));
});
