import test from 'ava';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { ColumnTypes } from '../../src/transfer/column-types.js';
import { type CsvReaderOptions, readCsv } from '../../src/transfer/csv-reader.js';
import { BEGINNING } from '../../src/transfer/record.js';
import { testSeed } from '../support/random.js';
import { collect, intake, pieces, type Seen } from './readers.js';

const read = (text: string | Uint8Array, options: CsvReaderOptions = {}, size = 1 << 20) =>
  readCsv(pieces(Buffer.from(text), size), BEGINNING, options);

const documents = async (text: string, options?: CsvReaderOptions): Promise<unknown[]> =>
  (await collect(read(text, options))).map(({ document, code }) =>
    document === undefined ? code : JSON.parse(document),
  );

const summary = (seen: readonly Seen[]): unknown[] =>
  seen.map(({ line, offset, document, code }) => [line, offset, document ?? code]);

test('records keep their line and offset through quotes, blank lines, CRLF and a byte order mark', async (t) => {
  const text = '\ufeffa,b\r\n1,"x\r\ny"\r\n\r\n\n"3","\u00e9"\n4,';
  for (const size of [1, 2, 3, 5, 1000]) {
    t.deepEqual(summary(await collect(read(text, {}, size))), [
      [2, 8, '{"a":1,"b":"x\\r\\ny"}'],
      [6, 21, '{"a":"3","b":"\u00e9"}'],
      [7, 30, '{"a":4}'],
    ]);
  }
});

test('fields mean what the rules say', async (t) => {
  const text = [
    'v,x',
    ',',
    '"",',
    '"42",',
    '42,',
    '-1.50e3,',
    '007,',
    'true,',
    '"true",',
    'null,',
    'NaN,',
    '"[1,2]",',
    '"{""a"":12345678901234567890}",',
    '"{not json}",',
    '"""The Raven""",',
    '"""[1]""",',
    '"""\\""x\\""""",',
  ].join('\n');
  const seen = (await collect(read(text))).map(({ document }) => document);
  t.deepEqual(seen, [
    '{}',
    '{"v":""}',
    '{"v":"42"}',
    '{"v":42}',
    '{"v":-1.50e3}',
    '{"v":"007"}',
    '{"v":true}',
    '{"v":"true"}',
    '{"v":null}',
    '{"v":"NaN"}',
    '{"v":[1,2]}',
    '{"v":{"a":12345678901234567890}}',
    '{"v":"{not json}"}',
    '{"v":"\\"The Raven\\""}',
    '{"v":"[1]"}',
    '{"v":"\\"x\\""}',
  ]);
});

test('types are obeyed, and what does not fit them is rejected', async (t) => {
  const types = ColumnTypes.parse('i:int,n:number,b:bool,z:text,t:timestamp,j:json,s:skip');
  const options = { types, columns: ['i', 'n', 'b', 'z', 't', 'j', 's', 'o'] };
  const rows = [
    '+007,.5,YES,01,2026-01-15 08:00+02:00,"[1]",x,5',
    '9223372036854775807,1.50,0,,2026-01-15,,,',
    '9223372036854775808,,,,,,,',
    '1.5,,,,,,,',
    ',x,,,,,,',
    ',,maybe,,,,,',
    ',,,,2026-02-30,,,',
    ',,,,,[,,',
    'null,,,null,,null,,',
    '1,2',
  ];
  t.deepEqual(
    (await collect(read(rows.join('\n'), options))).map(({ document, code }) => document ?? code),
    [
      '{"i":7,"n":0.5,"b":true,"z":"01","t":"2026-01-15T06:00:00.000Z","j":[1],"o":5}',
      '{"i":9223372036854775807,"n":1.50,"b":false,"t":"2026-01-15T00:00:00.000Z"}',
      'BAD_VALUE',
      'BAD_VALUE',
      'BAD_VALUE',
      'BAD_VALUE',
      'BAD_VALUE',
      'BAD_VALUE',
      '{"i":null,"z":"null","j":null}',
      'COLUMN_COUNT',
    ],
  );
  t.throws(() => ColumnTypes.parse('a:float'), { message: /not column:type/ });
  await t.throwsAsync(documents('a,b\n1,2', { types: ColumnTypes.parse('c:int') }), {
    message: /no column "c"/,
  });
});

test('an _id is text whatever it looks like, and * is every other column', async (t) => {
  t.deepEqual(await documents('_id,a,b\n42,1,2\n', { types: ColumnTypes.parse('*:text,b:int') }), [
    { _id: '42', a: '1', b: 2 },
  ]);
});

test('a malformed record is rejected alone, with its own line and text', async (t) => {
  const text = 'a,b\n1,2\n"x"y,3\n4,5\nx"y,6\n7\n8,9,10\n11,12\n';
  const seen = await collect(read(text));
  t.deepEqual(
    seen.map(({ line, code, raw }) => [line, code, raw]),
    [
      [2, undefined, '1,2'],
      [3, 'INVALID_CSV', '"x"y,3'],
      [4, undefined, '4,5'],
      [5, 'INVALID_CSV', 'x"y,6'],
      [6, 'COLUMN_COUNT', '7'],
      [7, 'COLUMN_COUNT', '8,9,10'],
      [8, undefined, '11,12'],
    ],
  );
});

test('a quote that is never closed costs its own line and not what follows it', async (t) => {
  for (const size of [1, 7, 1000]) {
    t.deepEqual(summary(await collect(read('a,b\n1,2\n"oops,3\n4,5\n6,7', {}, size))), [
      [2, 4, '{"a":1,"b":2}'],
      [3, 8, 'INVALID_CSV'],
      [4, 16, '{"a":4,"b":5}'],
      [5, 20, '{"a":6,"b":7}'],
    ]);
    const far = `a,b\n"oops,3\n${'4,5\n'.repeat(600)}`;
    const seen = await collect(read(far, { recordBytesMax: 1000 }, size));
    t.is(seen.length, 601);
    t.deepEqual(
      seen.map(({ line }) => line),
      Array.from({ length: 601 }, (_, index) => index + 2),
    );
  }
});

test('bytes that are not UTF-8 and names that are hostile', async (t) => {
  const text = Buffer.concat([
    Buffer.from('__proto__,constructor\n1,2\n'),
    Buffer.from([0x31, 0x2c, 0xff, 0x0a]),
    Buffer.from('3,4\n'),
  ]);
  t.deepEqual(await intake(read(text)), [
    '{"_id":"test-0000000002","__proto__":1,"constructor":2}',
    { code: 'INVALID_UTF8' },
    '{"_id":"test-0000000004","__proto__":3,"constructor":4}',
  ]);
  await t.throwsAsync(documents('a,b,a\n1,2,3'), { message: /column "a" twice/ });
  await t.throwsAsync(documents('a,"b\n1,2'), { message: /no header/ });
  await t.throwsAsync(documents('a,"b"c\n1,2'), { message: /header is malformed/ });
  t.deepEqual(await documents(''), []);
  t.deepEqual(await documents('a,b\n'), []);
});

test('reading goes on behind any record with the columns of before', async (t) => {
  const text = 'a,b\n1,"2\n"\n3,4\n';
  const rest = readCsv(
    pieces(Buffer.from(text.slice(11)), 3),
    { line: 4, offset: 11 },
    { columns: ['a', 'b'] },
  );
  t.deepEqual(await collect(rest), (await collect(read(text))).slice(1));
});

test('well-formed files are read as csv-parse reads them', async (t) => {
  const cell = fc.oneof(
    fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', ' ', '\u00e9', ';') }),
    fc.string(),
  );
  const table = fc
    .integer({ min: 2, max: 4 })
    .chain((width) =>
      fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 6 }),
    );
  const property = fc.asyncProperty(
    table,
    fc.constantFrom('\n', '\r\n'),
    fc.constantFrom(',', ';'),
    fc.integer({ min: 1, max: 40 }),
    async (rows, newline, delimiter, size) => {
      const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
      const text = rows.map((row) => row.map(quoted).join(delimiter)).join(newline);
      const columns = rows[0].map((_, index) => `c${index}`);
      const options = { columns, delimiter, types: ColumnTypes.parse('*:text') };
      const own = (await collect(read(text, options, size))).map(({ document }) =>
        Object.values(JSON.parse(document ?? '{}')),
      );
      const theirs: string[][] = parse(text, { delimiter, record_delimiter: newline });
      t.deepEqual(own, theirs);
    },
  );
  await fc.assert(property, { numRuns: 300, seed: testSeed() });
});

test('no input makes the reader lose its place or throw', async (t) => {
  const unit = fc.constantFrom('a', '1', '"', ',', '\n', '\r', '{', '[', '\u00e9', '\0');
  const property = fc.asyncProperty(
    fc.string({ unit, maxLength: 60 }),
    fc.integer({ min: 1, max: 9 }),
    async (text, size) => {
      const columns = ['a', 'b'];
      const whole = summary(await collect(read(text, { columns })));
      t.deepEqual(summary(await collect(read(text, { columns }, size))), whole);
    },
  );
  await fc.assert(property, { numRuns: 500, seed: testSeed() });
});
