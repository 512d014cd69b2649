import test, { type ExecutionContext } from 'ava';
import { JSON_DEPTH_MAX } from '../../src/base/limits.js';
import { createPrng } from '../../src/base/prng.js';
import { describeFault, JsonFault } from '../../src/json/fault.js';
import { DocumentScan, scanDocument } from '../../src/json/scan.js';
import { decodeString } from '../../src/json/text.js';
import { testSeed } from '../support/random.js';
import { pick, randomObject } from './generate.js';
import { referenceScan } from './reference.js';

const RANDOM_DOCUMENTS = 70_000;
const PADDING = 7;
const encoder = new TextEncoder();
const encode = (text: string): Uint8Array => encoder.encode(text);
const scan = new DocumentScan();

/** Scans the text inside shared memory, between bytes that would change the answer if they were looked at. */
function scanAmongNoise(text: Uint8Array): number {
  const memory = new Uint8Array(new SharedArrayBuffer(text.length + 2 * PADDING)).fill(0x7d);
  memory.set(text, PADDING);
  const reason = scanDocument(memory, PADDING, PADDING + text.length, scan);
  if (reason !== JsonFault.NONE) return reason;
  memory.fill(0x20, PADDING + text.length);
  return scanDocument(memory, PADDING, PADDING + text.length, scan);
}

/** Fails the test when the scanner and the reference disagree; cheap when they agree. */
function agree(t: ExecutionContext, text: Uint8Array, hint: string): boolean {
  const reason = scanAmongNoise(text);
  const expected = referenceScan(text);
  const label = () => `${hint}: ${Buffer.from(text).toString('latin1')} (${describeFault(reason)})`;
  if ((reason === JsonFault.NONE) !== (expected !== null)) {
    t.fail(label());
    return false;
  }
  if (expected === null) {
    if (scan.fault === reason && scan.faultOffset >= 0 && scan.faultOffset <= text.length) return false;
    t.fail(`bad fault offset ${scan.faultOffset}, ${label()}`);
    return false;
  }
  const id = scan.idStart < 0 ? undefined : decodeString(text, scan.idStart - PADDING, scan.idEnd - PADDING);
  const isSame =
    id === expected.id &&
    scan.memberCount === expected.memberCount &&
    text[scan.objectStart - PADDING] === 0x7b &&
    text[scan.objectEnd - PADDING - 1] === 0x7d;
  if (!isSame) t.fail(label());
  return true;
}

test('random, mutated and truncated documents are judged as JSON.parse judges them', (t) => {
  const seed = testSeed();
  t.log(`seed ${seed}`);
  const prng = createPrng(seed);
  const insertions = encode('{}[]",:\\u0019-.eE+ntf \n\x00\x1f\x7f\x80\xc0\xe0\xed\xf0');
  let accepted = 0;
  for (let round = 0; round < RANDOM_DOCUMENTS; round++) {
    const text = encode(pick(prng, ['', ' ', '\n']) + randomObject(prng, 3, 15, 3) + pick(prng, ['', '\t']));
    if (agree(t, text, `seed ${seed}`)) accepted++;
    const mutated = text.slice();
    for (let left = 1 + prng.nextBelow(2); left > 0; left--) {
      mutated[prng.nextBelow(mutated.length)] =
        prng.nextBelow(2) === 0 ? pick(prng, [...insertions]) : prng.nextBelow(256);
    }
    if (agree(t, mutated, `seed ${seed}`)) accepted++;
    const cut = prng.nextBelow(text.length + 1);
    const removed = prng.nextBelow(2) === 0 ? text.length : prng.nextBelow(3);
    const truncated = Uint8Array.from([...text.subarray(0, cut), ...text.subarray(cut + removed)]);
    if (agree(t, truncated, `seed ${seed}`)) accepted++;
  }
  t.log(`${accepted} of ${3 * RANDOM_DOCUMENTS} accepted`);
  t.true(accepted > RANDOM_DOCUMENTS / 2);
});

const SAMPLE = encode(
  ' {"_id":"u\\u00e9-1","né😀":"a\\n\\ud83d\\ude00 Ж漢","n":[-0.5e+3,0,12,{}],"t":true,"f":false,"z":null,"o":{"p":[]}} ',
);

test('every truncation of a document is refused except for the whitespace after it', (t) => {
  for (let length = 0; length <= SAMPLE.length; length++) {
    agree(t, SAMPLE.slice(0, length), 'truncated');
    t.is(scanAmongNoise(SAMPLE.slice(0, length)) === JsonFault.NONE, length >= SAMPLE.length - 1);
  }
});

test('every change of one byte of a document is judged as JSON.parse judges it', (t) => {
  let accepted = 0;
  for (let at = 0; at < SAMPLE.length; at++) {
    for (let byte = 0; byte < 256; byte++) {
      const changed = SAMPLE.slice();
      changed[at] = byte;
      if (agree(t, changed, `byte ${at}`)) accepted++;
    }
  }
  t.true(accepted > 0);
});

test('every two-byte and many longer sequences of high bytes are accepted exactly when they are UTF-8', (t) => {
  const seconds = [0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0];
  for (let lead = 0x80; lead < 256; lead++) {
    for (let second = 0; second < 256; second++) agree(t, inString([lead, second]), 'two bytes');
    for (const second of seconds) {
      for (const third of seconds) {
        agree(t, inString([lead, second, third]), 'three bytes');
        for (const fourth of seconds) agree(t, inString([lead, second, third, fourth]), 'four bytes');
      }
    }
  }
  t.pass();
});

function inString(content: number[]): Uint8Array {
  return Uint8Array.from([...encode('{"a":"'), ...content, ...encode('"}')]);
}

test('nesting is accepted up to the limit and refused beyond it, however deep', (t) => {
  const nested = (depth: number): Uint8Array =>
    encode(`{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`);
  const nestedObjects = (depth: number): Uint8Array =>
    encode(`${'{"a":'.repeat(depth - 1)}{}${'}'.repeat(depth - 1)}`);
  for (const build of [nested, nestedObjects]) {
    t.is(scanAmongNoise(build(JSON_DEPTH_MAX)), JsonFault.NONE);
    t.is(scanAmongNoise(build(JSON_DEPTH_MAX + 1)), JsonFault.TOO_DEEP);
    t.is(scanAmongNoise(build(100_000)), JsonFault.TOO_DEEP);
  }
  t.is(scanAmongNoise(encode(`{"a":${'['.repeat(100_000)}`)), JsonFault.TOO_DEEP);
});

test('strings, numbers and lists of a megabyte are scanned', (t) => {
  const size = 1 << 20;
  const texts = [
    `{"a":"${'x'.repeat(size)}"}`,
    `{"a":"${'\\u00e9'.repeat(size / 6)}"}`,
    `{"a":"${'😀'.repeat(size / 4)}"}`,
    `{"a":${'9'.repeat(size)}}`,
    `{"a":[${'1,'.repeat(size / 2)}1]}`,
    `{${' '.repeat(size)}}`,
  ];
  for (const text of texts) {
    t.is(scanAmongNoise(encode(text)), JsonFault.NONE);
    t.not(scanAmongNoise(encode(text.slice(0, -1))), JsonFault.NONE);
  }
});

/** In the manner of JSONTestSuite (Seriot): y_ must be accepted, n_ refused; values are put into a member. */
const Y_VALUES = [
  '0',
  '-0',
  '1',
  '-1',
  '10',
  '1.5',
  '0.0',
  '1e1',
  '1E1',
  '1e+1',
  '1e-1',
  '0e1',
  '0e+1',
  '123.456e78',
  '1e999',
  '-1e-999',
  '123456789012345678901234567890',
  '""',
  '" "',
  '"\\u0000"',
  '"\\u0060\\u012a\\u12AB"',
  '"\\uD801\\udc37"',
  '"\\ud83d\\ude39\\ud83d\\udc8d"',
  '"\\"\\\\\\/\\b\\f\\n\\r\\t"',
  '"\\\\u0000"',
  '"\\uFFFF"',
  '"\\u2028"',
  '"\u2028\u2029"',
  '"\uffff"',
  '"\u{10ffff}"',
  '"\u007f"',
  '"€𝄞"',
  '[]',
  '[ ]',
  '{}',
  '{ }',
  '[[]]',
  '[null]',
  '[1,2]',
  '{"":0}',
  '{"a":1,"a":2}',
  '{"a":[],"b":{}}',
  '\t1\r\n',
  '[\n]',
  'true',
  'false',
  'null',
  '[1\n,2 ]',
  '"new\\u000Aline"',
];
const N_VALUES = [
  '',
  '+1',
  '01',
  '-01',
  '-',
  '--1',
  '.5',
  '-.5',
  '1.',
  '1.e1',
  '1e',
  '1e+',
  '1E-',
  '1eE2',
  '0x1',
  '1_0',
  '1a',
  '1 2',
  'NaN',
  'Infinity',
  '-Infinity',
  '１',
  'True',
  'tru',
  'truee',
  'nul',
  'nulll',
  'fals',
  'undefined',
  "'a'",
  '"',
  '"a',
  '"\\',
  '"\\"',
  '"\\x00"',
  '"\\u"',
  '"\\u00A"',
  '"\\uD800"',
  '"\\uDC00"',
  '"\\uD800\\u0041"',
  '"\\uD800\\uD800"',
  '"\\uDC00\\uD800"',
  '"\\ud800a"',
  '"\\uD8"',
  '"\\u{61}"',
  '"\\U0041"',
  '"\\a"',
  '"\\\u00e5"',
  '"\t"',
  '"\n"',
  '"\u0000"',
  '"\u001f"',
  'a',
  '[',
  ']',
  '[1',
  '[1,',
  '[,1]',
  '[1,]',
  '[1,,2]',
  '[1 2]',
  '["a" "b"]',
  '[1}',
  '[1:2]',
  '{',
  '{1:1}',
  '{"a"}',
  '{"a":}',
  '{"a" 1}',
  '{"a":1,}',
  '{,}',
  '{"a":1 "b":2}',
  '{"a":1]',
  '{a:1}',
  "{'a':1}",
  '{"a"::1}',
  '{null:1}',
  '{"a":1,,"b":2}',
  '/*c*/1',
  '1//c',
  '\u00a01',
  '\v1',
  '\f1',
  '\ufeff1',
  '1\u2060',
  '[1]]',
  '{}}',
  '*',
  '<null>',
  '[\\n]',
];

test('the table of accepted values is accepted and agrees with JSON.parse', (t) => {
  for (const value of Y_VALUES) {
    const text = encode(`{"v":${value}}`);
    t.is(scanAmongNoise(text), JsonFault.NONE, value);
    agree(t, text, 'y');
  }
});

test('the table of refused values is refused, as is the value without its object', (t) => {
  for (const value of N_VALUES) {
    const text = encode(`{"v":${value}}`);
    t.not(scanAmongNoise(text), JsonFault.NONE, value);
    agree(t, text, 'n');
  }
});

const REASONS: ReadonlyArray<readonly [string, number, number]> = [
  ['', JsonFault.EMPTY, 0],
  [' \n', JsonFault.EMPTY, 2],
  ['[1]', JsonFault.NOT_AN_OBJECT, 0],
  [' "a"', JsonFault.NOT_AN_OBJECT, 1],
  ['\ufeff{}', JsonFault.NOT_AN_OBJECT, 0],
  ['{"a":1', JsonFault.TRUNCATED, 6],
  ['{"a":"b', JsonFault.TRUNCATED, 7],
  ['{"a":1.', JsonFault.TRUNCATED, 7],
  ['{} x', JsonFault.TRAILING_BYTES, 3],
  ['{a:1}', JsonFault.EXPECTED_KEY, 1],
  ['{"a":1,}', JsonFault.EXPECTED_KEY, 7],
  ['{"a" 1}', JsonFault.EXPECTED_COLON, 5],
  ['{"a":}', JsonFault.EXPECTED_VALUE, 5],
  ['{"a":[1,]}', JsonFault.EXPECTED_VALUE, 8],
  ['{"a":1 2}', JsonFault.EXPECTED_COMMA_OR_CLOSE, 7],
  ['{"a":[1}', JsonFault.EXPECTED_COMMA_OR_CLOSE, 7],
  ['{"a":nul}', JsonFault.BAD_LITERAL, 5],
  ['{"a":-x}', JsonFault.BAD_NUMBER, 6],
  ['{"a":01}', JsonFault.EXPECTED_COMMA_OR_CLOSE, 6],
  ['{"a":"\\x"}', JsonFault.BAD_ESCAPE, 6],
  ['{"a":"\\u12g4"}', JsonFault.BAD_ESCAPE, 6],
  ['{"a":"\n"}', JsonFault.CONTROL_CHARACTER, 6],
  ['{"a":"\\ud800"}', JsonFault.LONE_SURROGATE, 6],
  ['{"\\udc00":1}', JsonFault.LONE_SURROGATE, 2],
  ['{"_id":1}', JsonFault.ID_NOT_A_STRING, 7],
  ['{"\\u005f\\u0069\\u0064":null}', JsonFault.ID_NOT_A_STRING, 22],
  ['{"_id":"a","_id":"a"}', JsonFault.ID_TWICE, 11],
  ['{"_id":"a","\\u005Fid":"a"}', JsonFault.ID_TWICE, 11],
];

test('each fault is reported with its own reason and offset', (t) => {
  for (const [text, reason, offset] of REASONS) {
    t.is(scanAmongNoise(encode(text)), reason, text);
    t.is(scan.faultOffset, offset, text);
    t.true(describeFault(reason).length > 10);
  }
  t.is(scanAmongNoise(inString([0xff])), JsonFault.BAD_UTF8);
  t.is(scan.faultOffset, 6);
});

test('only the top-level _id counts, escapes in its contents are reported, and a scan forgets the one before', (t) => {
  t.is(scanAmongNoise(encode('{"a":{"_id":1},"_id":"x\\ty","b":[{"_id":null}]}')), JsonFault.NONE);
  t.true(scan.idHasEscapes);
  t.is(scanAmongNoise(encode('{"_id ":1,"id":2,"_idx":3,"\\u005fidx":4}')), JsonFault.NONE);
  t.deepEqual([scan.idStart, scan.idEnd, scan.idHasEscapes, scan.memberCount], [-1, -1, false, 4]);
});

test('a scan without the rules for _id accepts an _id of any type', (t) => {
  const free = new DocumentScan(false);
  const text = encode('{"_id":{"$in":[1]},"_id":2}');
  t.is(scanDocument(text, 0, text.length, free), JsonFault.NONE);
  t.is(free.idStart, -1);
});
