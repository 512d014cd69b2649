/**
 * Parquet into documents, by hyparquet: a window of rows of one row group at a time. Null is no member. `line` and
 * `offset` of a record are the number of its row. What values become: parquet-values.ts.
 */
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import {
  type AsyncBuffer,
  type Compressors,
  type FileMetaData,
  parquetMetadataAsync,
  parquetRead,
  parquetSchema,
} from 'hyparquet';
import { decompress as zstdDecompress } from 'zstd-napi';
import { DbError } from '../base/errors.js';
import { ID_COLUMN } from './columns.js';
import { fileSize, readRange } from './files.js';
import { decimalText, JsonText, jsonOf, PARSERS } from './parquet-values.js';
import type { InputRecord, Place, RecordStream } from './record.js';

/** Rows that are held at a time. */
const WINDOW_ROWS = 50_000;

const COMPRESSORS: Compressors = {
  GZIP: (bytes) => gunzipSync(bytes),
  BROTLI: (bytes) => brotliDecompressSync(bytes),
  ZSTD: (bytes) => zstdDecompress(bytes),
};

/** `onRead` is told about how far into the file reading has come. Throws DbError('VALIDATION'). */
export async function* readParquet(
  path: string,
  start: Place,
  onRead: (bytes: number) => void = () => {},
): RecordStream {
  const byteLength = (await fileSize(path)) ?? 0;
  const file: AsyncBuffer = { byteLength, slice: (from, to) => readSlice(path, byteLength, from, to) };
  const metadata = await understood(path, parquetMetadataAsync(file, { geoparquet: false }));
  const columns = columnsOf(metadata);
  const rows = Number(metadata.num_rows);
  for (const { from, to } of windows(metadata, start.offset)) {
    const values = await understood(path, readRows(file, metadata, from, to));
    yield values.map((row, index) => recordOf(columns, row, from + index));
    onRead(Math.floor((to / rows) * byteLength));
  }
}

function readSlice(path: string, byteLength: number, from: number, to = byteLength): Promise<ArrayBuffer> {
  return readRange(path, from < 0 ? byteLength + from : from, to);
}

async function understood<T>(path: string, promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (cause) {
    throw new DbError(
      'VALIDATION',
      `${path} cannot be read as Parquet: ${(cause as Error).message}`,
      undefined,
      { cause },
    );
  }
}

/** Of one row group each, since the library reads whole row groups. */
function* windows(metadata: FileMetaData, start: number): Generator<{ from: number; to: number }> {
  let first = 0;
  for (const { num_rows } of metadata.row_groups) {
    const last = first + Number(num_rows);
    for (let from = Math.max(first, start); from < last; from += WINDOW_ROWS) {
      yield { from, to: Math.min(from + WINDOW_ROWS, last) };
    }
    first = last;
  }
}

function readRows(file: AsyncBuffer, metadata: FileMetaData, from: number, to: number): Promise<unknown[][]> {
  return new Promise((resolve, reject) => {
    parquetRead({
      file,
      metadata,
      rowStart: from,
      rowEnd: to,
      compressors: COMPRESSORS,
      parsers: PARSERS,
      // Bytes that are no text stay bytes.
      utf8: false,
      geoparquet: false,
      onComplete: resolve,
    }).catch(reject);
  });
}

interface Column {
  readonly name: string;
  /** The name as a JSON string, with the colon. */
  readonly key: string;
  /** JSON text of a value; undefined for none. */
  readonly json: (value: unknown) => string | undefined;
}

/** Changes `metadata`: decimals are read unscaled, and scaled here without rounding. */
function columnsOf(metadata: FileMetaData): Column[] {
  return parquetSchema(metadata).children.map(({ element, children }) => {
    const { name, logical_type: logical } = element;
    const key = `${JSON.stringify(name)}:`;
    if (children.length === 0 && element.converted_type === 'DECIMAL') {
      const scale = element.scale ?? 0;
      element.converted_type = undefined;
      element.logical_type = undefined;
      return { name, key, json: (value) => jsonOf(decimalText(value, scale)) };
    }
    if (children.length === 0 && logical?.type === 'JSON') {
      return { name, key, json: (value) => jsonOf(value instanceof Uint8Array ? jsonText(value) : value) };
    }
    return { name, key, json: name === ID_COLUMN ? idOf : jsonOf };
  });
}

const jsonText = (bytes: Uint8Array): JsonText => new JsonText(Buffer.from(bytes).toString('utf8'));

/** Whole numbers are texts as an `_id`. */
function idOf(value: unknown): string | undefined {
  const isNumber = typeof value === 'bigint' || Number.isSafeInteger(value);
  return jsonOf(isNumber ? String(value) : value);
}

function recordOf(columns: readonly Column[], row: readonly unknown[], index: number): InputRecord {
  let text = '{';
  for (let column = 0; column < columns.length; column++) {
    const json = columns[column].json(row[column]);
    if (json === undefined) continue;
    text += `${text.length === 1 ? '' : ','}${columns[column].key}${json}`;
  }
  const document = Buffer.from(`${text}}`);
  const at = { line: index + 1, offset: index };
  return { at, next: { line: index + 2, offset: index + 1 }, document, fault: undefined, raw: document };
}
