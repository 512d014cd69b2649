/** Documents through a writer and the reader of the same format: what comes back is what went in, by the rules. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { readCsv } from '../../src/transfer/csv-reader.js';
import { newExportState } from '../../src/transfer/export-state.js';
import { readJsonLines } from '../../src/transfer/jsonl-reader.js';
import { openWriter, shapeOf, type WriterOptions } from '../../src/transfer/open-writer.js';
import { readParquet } from '../../src/transfer/parquet-reader.js';
import { BEGINNING } from '../../src/transfer/record.js';
import { testSeed } from '../support/random.js';
import { intake, pieces } from './readers.js';

const directory = mkdtempSync(join(tmpdir(), 'lumadb-transfer-'));
let files = 0;
test.after.always(() => rmSync(directory, { recursive: true, force: true }));

async function write(
  texts: readonly string[],
  options: Partial<WriterOptions> & Pick<WriterOptions, 'format'>,
): Promise<Buffer> {
  const settings = { fields: undefined, delimiter: ',', ...options };
  const state = newExportState({});
  const shape = shapeOf(settings);
  for (const text of texts) shape?.observe(Buffer.from(text));
  state.columns = shape?.columns() ?? null;
  const writer = await openWriter(settings, state);
  for (const text of texts) {
    const misfit = writer.add(Buffer.from(text));
    if (misfit !== undefined) throw new Error(misfit.message);
  }
  return Buffer.concat([writer.takeBlock(), writer.end()]);
}

async function readBack(bytes: Buffer, format: 'jsonl' | 'csv' | 'parquet'): Promise<string[]> {
  if (format === 'jsonl') return (await intake(readJsonLines(pieces(bytes, 100), BEGINNING))) as string[];
  if (format === 'csv') return (await intake(readCsv(pieces(bytes, 100), BEGINNING))) as string[];
  const path = join(directory, `${files++}.parquet`);
  writeFileSync(path, bytes);
  return (await intake(readParquet(path, BEGINNING))) as string[];
}

/** Numbers as they are written, whatever a double makes of them. */
const numberText = fc.oneof(
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(String),
  fc.integer().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
  fc.constantFrom('1.50', '-0', '1E400', '0.1234567890123456789', '9223372036854775807', '1e2'),
);
const word = fc.oneof(
  fc.string(),
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom(
    '',
    ' ',
    'null',
    'true',
    '42',
    '007',
    '[1]',
    '{"a":1}',
    '"[1]"',
    '"x"',
    '\r\n',
    'a,b',
    '2026-01-15T08:00:00.000Z',
    '2026-02-30T08:00:00.000Z',
    '"',
    '{',
  ),
);
const scalar = fc.oneof(
  numberText,
  word.map((text) => JSON.stringify(text.toWellFormed())),
  fc.constantFrom('true', 'false', 'null'),
);
const value = fc.oneof(
  { weight: 4, arbitrary: scalar },
  fc.array(scalar, { maxLength: 3 }).map((items) => `[${items.join(', ')}]`),
  fc
    .array(fc.tuple(word, scalar), { maxLength: 3 })
    .map(
      (members) =>
        `{${members.map(([name, text]) => `${JSON.stringify(name.toWellFormed())}:${text}`).join(',')}}`,
    ),
);
const name = fc.oneof(
  fc.constantFrom('a', 'b', 'c', '', '__proto__', 'a.b', 'a,b', '\u00e9"', 'constructor', '\n'),
  fc.string().map((text) => text.toWellFormed()),
);
const members = fc
  .uniqueArray(fc.tuple(name, value), { maxLength: 5, selector: ([key]) => key })
  .map((all) => all.filter(([key]) => key !== '_id'));
const collection = fc.array(members, { maxLength: 8 });

const documentText = (all: readonly (readonly [string, string])[], index: number): string =>
  `{${[['_id', `"${index}"`] as const, ...all].map(([key, text]) => `${JSON.stringify(key)}:${text}`).join(',')}}`;

/** Members by name, values by their text; two documents are equal when these are. */
function membersOf(text: string, dropsNulls = false): [string, string][] {
  // The texts of values, digits and all: JSON.parse gives the source of each number.
  const exact = JSON.stringify(
    JSON.parse(
      text.replaceAll(/("(?:[^"\\]|\\.)*")|(-?\d[\d.eE+-]*)/g, (match, string) => string ?? `"#${match}"`),
    ),
  );
  return Object.entries(JSON.parse(exact) as Record<string, unknown>)
    .filter(([, member]) => !dropsNulls || member !== null)
    .map(([key, member]): [string, string] => [key, JSON.stringify(member)])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

test('JSON Lines give back the very texts', async (t) => {
  const property = fc.asyncProperty(collection, async (all) => {
    const texts = all.map(documentText);
    t.deepEqual(await readBack(await write(texts, { format: 'jsonl' }), 'jsonl'), texts);
  });
  await fc.assert(property, { numRuns: 200, seed: testSeed() });
});

test('CSV gives back every document: types, digits, nulls, missing members and texts that look like something else', async (t) => {
  const property = fc.asyncProperty(collection, fc.constantFrom(',', ';', '\t'), async (all, delimiter) => {
    const texts = all.map(documentText);
    const bytes = await write(texts, { format: 'csv', delimiter });
    const back = (await intake(readCsv(pieces(bytes, 100), BEGINNING, { delimiter }))) as string[];
    t.deepEqual(
      back.map((text) => membersOf(text)),
      texts.map((text) => membersOf(text)),
    );
    // And the file is one that others can read.
    const rows: string[][] = parse(bytes, { delimiter, record_delimiter: '\r\n' });
    t.is(rows.length, texts.length + 1);
  });
  await fc.assert(property, { numRuns: 300, seed: testSeed() });
});

test('Parquet gives back every document but for nulls, and numbers of a double column by their value', async (t) => {
  const property = fc.asyncProperty(collection, async (all) => {
    const texts = all.map(documentText);
    const back = await readBack(await write(texts, { format: 'parquet' }), 'parquet');
    const byValue = (text: string): unknown =>
      membersOf(text, true).map(([key, member]) => [
        key,
        /^"#[^"]*"$/.test(member) && Number.isFinite(Number(member.slice(2, -1)))
          ? Number(member.slice(2, -1))
          : member,
      ]);
    t.deepEqual(back.map(byValue), texts.map(byValue));
  });
  await fc.assert(property, { numRuns: 150, seed: testSeed() });
});

test('Parquet types are the narrowest that hold every value', async (t) => {
  const columns = (values: Readonly<Record<string, readonly string[]>>): Record<string, string | null> => {
    const shape = shapeOf({ format: 'parquet', fields: undefined, delimiter: ',' });
    for (const [key, texts] of Object.entries(values)) {
      for (const text of texts) shape?.observe(Buffer.from(`{"_id":"x","${key}":${text}}`));
    }
    return Object.fromEntries(shape?.columns().map((column) => [column.name, column.type]) ?? []);
  };
  t.deepEqual(
    columns({
      flag: ['true', 'null'],
      int: ['1', '9223372036854775807'],
      big: ['1', '9223372036854775808'],
      double: ['1', '1.5'],
      long: ['9007199254740993', '1.5'],
      fine: ['0.1234567890123456789'],
      moment: ['"2026-01-15T08:00:00.000Z"'],
      text: ['"2026-01-15T08:00:00.000Z"', '"x"'],
      mixed: ['1', '"x"'],
      nested: ['[1]'],
      nothing: ['null'],
    }),
    {
      _id: 'STRING',
      flag: 'BOOLEAN',
      int: 'INT64',
      big: 'JSON',
      double: 'DOUBLE',
      long: 'JSON',
      fine: 'JSON',
      moment: 'TIMESTAMP',
      text: 'STRING',
      mixed: 'JSON',
      nested: 'JSON',
      nothing: 'JSON',
    },
  );
});

test('a Parquet writer goes on behind a row group with the same bytes', async (t) => {
  const options: WriterOptions = { format: 'parquet', fields: undefined, delimiter: ',' };
  const texts = Array.from(
    { length: 50 },
    (_, index) =>
      `{"_id":"${index}","n":${index},"s":"text ${index}","j":[${index}],"t":"2026-01-15T08:00:00.0${10 + index}Z"}`,
  );
  const state = newExportState({});
  const shape = shapeOf(options);
  for (const text of texts) shape?.observe(Buffer.from(text));
  state.columns = shape?.columns() ?? null;
  const blocks = async (isCut: boolean): Promise<Buffer> => {
    let writer = await openWriter(options, { ...state });
    for (const text of texts.slice(0, 25)) writer.add(Buffer.from(text));
    const first = writer.takeBlock();
    if (isCut)
      writer = await openWriter(options, { ...state, bytes: first.length, writer: writer.memento() ?? null });
    for (const text of texts.slice(25)) writer.add(Buffer.from(text));
    return Buffer.concat([first, writer.end()]);
  };
  const whole = await blocks(false);
  t.deepEqual(await blocks(true), whole);
  t.deepEqual(
    (await readBack(whole, 'parquet')).map((text) => JSON.parse(text)),
    texts.map((text) => JSON.parse(text)),
  );
});

test('a document that does not fit is left out and named, and nothing of it stays', async (t) => {
  for (const format of ['csv', 'parquet'] as const) {
    const options: WriterOptions = { format, fields: undefined, delimiter: ',' };
    const shape = shapeOf(options);
    shape?.observe(Buffer.from('{"_id":"a","n":1}'));
    const writer = await openWriter(options, { ...newExportState({}), columns: shape?.columns() ?? null });
    t.is(writer.add(Buffer.from('{"_id":"a","n":1}')), undefined);
    t.is(writer.add(Buffer.from('{"_id":"b","n":1,"x":2}'))?.code, 'UNKNOWN_FIELD');
    if (format === 'parquet') t.is(writer.add(Buffer.from('{"_id":"c","n":"x"}'))?.code, 'BAD_TYPE');
    t.deepEqual(await readBack(Buffer.from(writer.end()), format), ['{"_id":"a","n":1}']);
  }
});

test('a file that is no Parquet is refused in a sentence', async (t) => {
  for (const bytes of [
    Buffer.alloc(0),
    Buffer.from('PAR1'),
    Buffer.alloc(1000, 'x'),
    Buffer.concat([Buffer.alloc(100, 'x'), Buffer.from([255, 255, 255, 127]), Buffer.from('PAR1')]),
  ]) {
    await t.throwsAsync(readBack(bytes, 'parquet'), { message: /cannot be read as Parquet/ });
  }
});
