import test from 'ava';
import { readJsonLines } from '../../src/transfer/jsonl-reader.js';
import { BEGINNING } from '../../src/transfer/record.js';
import { collect, intake, pieces } from './readers.js';

const read = (text: string | Uint8Array, size = 1 << 20, bytesMax?: number) =>
  readJsonLines(pieces(Buffer.from(text), size), BEGINNING, bytesMax);

test('lines keep their number and offset however the input is cut, and blank ones count', async (t) => {
  const text = '\ufeff{"a":1}\r\n\n  \t\r\n{"b":"\u00e9"}\n{"c":3}';
  const expected = [
    { line: 1, offset: 0, document: '{"a":1}', raw: '{"a":1}' },
    { line: 4, offset: 18, document: '{"b":"\u00e9"}', raw: '{"b":"\u00e9"}' },
    { line: 5, offset: 29, document: '{"c":3}', raw: '{"c":3}' },
  ];
  for (const size of [1, 2, 3, 5, 7, 1000]) t.deepEqual(await collect(read(text, size)), expected, `${size}`);
});

test('reading goes on at any line as if it had begun there', async (t) => {
  const text = '{"a":1}\n\n{"b":2}\n{"c":3}\n';
  const rest = readJsonLines(pieces(Buffer.from(text.slice(9)), 4), { line: 3, offset: 9 });
  t.deepEqual(await collect(rest), (await collect(read(text))).slice(1));
});

test('a byte order mark counts only at the beginning of the input', async (t) => {
  t.deepEqual(await intake(read('{"_id":"a"}\n\ufeff{"_id":"b"}\n')), [
    '{"_id":"a"}',
    { code: 'INVALID_JSON' },
  ]);
});

test('a line that is too long is rejected without being kept, and the next one is read', async (t) => {
  const long = `{"a":"${'x'.repeat(5000)}"}`;
  for (const size of [1, 64, 1 << 20]) {
    const seen = await collect(read(`{"b":1}\n${long}\r\n{"c":1}\n${long}`, size, 1000));
    t.deepEqual(
      seen.map(({ line, offset, code }) => [line, offset, code]),
      [
        [1, 0, undefined],
        [2, 8, 'RECORD_TOO_LARGE'],
        [3, 8 + long.length + 2, undefined],
        [4, 8 + long.length + 2 + 8, 'RECORD_TOO_LARGE'],
      ],
      `${size}`,
    );
    t.true(long.startsWith(seen[1].raw) && seen[1].raw.length > 0);
  }
});

test('a line of a hundred megabytes takes no hundred megabytes', async (t) => {
  async function* input(): AsyncGenerator<Uint8Array> {
    const chunk = Buffer.alloc(1024 * 1024, 'x');
    for (let count = 0; count < 100; count++) yield chunk;
    yield Buffer.from('\n{"a":1}\n');
  }
  const before = process.memoryUsage();
  const seen = await collect(readJsonLines(input(), BEGINNING));
  const after = process.memoryUsage();
  t.deepEqual(
    seen.map(({ line, code }) => [line, code]),
    [
      [1, 'RECORD_TOO_LARGE'],
      [2, undefined],
    ],
  );
  t.true(after.arrayBuffers - before.arrayBuffers < 80 * 1024 * 1024);
});

test('hostile lines are rejected one by one or taken as they stand', async (t) => {
  const bad = Buffer.concat([
    Buffer.from('{"_id":"u","a":"'),
    Buffer.from([0xff, 0xc0]),
    Buffer.from('"}\n'),
  ]);
  const lines = [
    '[1]',
    'null',
    '{"_id":1}',
    '{"_id":"a","_id":"b"}',
    '{"_id":""}',
    `{"_id":"${'k'.repeat(1025)}"}`,
    '{"_id":"c"} {"_id":"d"}',
    '{"_id":"e","a":"\\ud800"}',
    `{"_id":"f","a":${'['.repeat(300)}${']'.repeat(300)}}`,
    '{"_id":"g","a":"\u0001"}',
    '{"_id":"h","__proto__":{"x":1},"constructor":1,"n":1,"n":12345678901234567890,"f":1.50}',
  ];
  t.deepEqual(await intake(read(Buffer.concat([bad, Buffer.from(lines.join('\n'))]))), [
    { code: 'INVALID_UTF8' },
    { code: 'INVALID_JSON' },
    { code: 'INVALID_JSON' },
    { code: 'INVALID_JSON' },
    { code: 'INVALID_JSON' },
    { code: 'BAD_ID' },
    { code: 'BAD_ID' },
    { code: 'INVALID_JSON' },
    { code: 'INVALID_JSON' },
    { code: 'INVALID_JSON' },
    { code: 'INVALID_JSON' },
    lines[10],
  ]);
});

test('an _id is the own one, that of a field, or made of the import and the line', async (t) => {
  t.deepEqual(await intake(read('{"a":1}\n{"_id":"x"}\n')), [
    '{"_id":"test-0000000001","a":1}',
    '{"_id":"x"}',
  ]);
  const lines = [
    '{"k":{"n":7}}',
    '{"k":{"n":"\u00e9\\""}}',
    '{"k":{"n":1.5}}',
    '{"k":1}',
    '{"_id":"7","k":{"n":7}}',
    '{"_id":"8","k":{"n":7}}',
  ];
  t.deepEqual(await intake(read(lines.join('\n')), 'k.n'), [
    '{"_id":"7","k":{"n":7}}',
    '{"_id":"\u00e9\\"","k":{"n":"\u00e9\\""}}',
    { code: 'BAD_ID' },
    { code: 'BAD_ID' },
    '{"_id":"7","k":{"n":7}}',
    { code: 'BAD_ID' },
  ]);
});
