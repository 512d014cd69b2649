/**
 * CSV into documents: the first record names the members, unless the caller does. What fields mean: csv-values.ts; what
 * a record is: csv-scan.ts. `_id` is always text. Blank lines are passed over.
 *
 * A quote that is not closed before the end of the input, or before the record is too large, has swallowed what follows
 * it: its first line is rejected, and reading goes on with the line after that one.
 */
import { isAscii, isUtf8 } from 'node:buffer';
import { DbError } from '../base/errors.js';
import { byteOrderMarkLength } from './byte-order-mark.js';
import { ByteQueue } from './byte-queue.js';
import { ColumnTypes, type CsvType } from './column-types.js';
import { CsvEnd, CsvFields, scanCsvRecord } from './csv-scan.js';
import { memberFromField } from './csv-values.js';
import {
  type Fault,
  fault,
  type InputRecord,
  type Place,
  RECORD_BYTES_MAX,
  REJECTED_BYTES_MAX,
  type RecordStream,
} from './record.js';

const LF = 0x0a;
const ID = '_id';
/** A header with more names is taken for a file that is none. */
const COLUMNS_MAX = 10_000;

export interface CsvReaderOptions {
  /** Names of the columns, when the input has no header or reading goes on behind it. */
  readonly columns?: readonly string[];
  readonly delimiter?: string;
  readonly types?: ColumnTypes;
  /** Told once, before the first record. */
  readonly onColumns?: (columns: readonly string[]) => void;
  readonly recordBytesMax?: number;
}

/** Throws DbError('VALIDATION') for a header that cannot be one. */
export async function* readCsv(
  chunks: AsyncIterable<Uint8Array>,
  start: Place,
  options: CsvReaderOptions = {},
): RecordStream {
  const reader = new CsvReader(start, options);
  for await (const chunk of chunks) {
    reader.append(chunk);
    const records = reader.take(false);
    if (records.length > 0) yield records;
  }
  for (let records = reader.take(true); records.length > 0; records = reader.take(true)) yield records;
}

interface Column {
  /** The name as a JSON string, with the colon. */
  readonly key: string;
  readonly name: string;
  readonly type: CsvType;
}

class CsvReader {
  private readonly queue = new ByteQueue();
  private readonly fields = new CsvFields();
  private readonly delimiter: number;
  private readonly recordBytesMax: number;
  private place: Place;
  private columns: readonly Column[] | undefined;

  constructor(
    start: Place,
    private readonly options: CsvReaderOptions,
  ) {
    this.place = start;
    this.delimiter = (options.delimiter ?? ',').charCodeAt(0);
    this.recordBytesMax = options.recordBytesMax ?? RECORD_BYTES_MAX;
    if (options.columns !== undefined) this.setColumns(options.columns);
  }

  append(chunk: Uint8Array): void {
    this.queue.append(chunk);
  }

  /** All records that are complete. */
  take(isLast: boolean): InputRecord[] {
    const { queue, fields } = this;
    const records: InputRecord[] = [];
    if (this.place.offset === 0 && !this.skipMark(isLast)) return records;
    while (queue.length > 0) {
      const end = scanCsvRecord(queue.bytes, queue.start, queue.end, this.delimiter, isLast, fields);
      const isTooLarge = queue.length > this.recordBytesMax;
      if (end === CsvEnd.INCOMPLETE && !isTooLarge) break;
      if (end === CsvEnd.INCOMPLETE || end === CsvEnd.UNCLOSED) {
        const record = this.rejectLine(isLast);
        if (record === undefined) break;
        records.push(record);
        continue;
      }
      const record = this.record(end === CsvEnd.MALFORMED);
      queue.consumeTo(fields.next);
      this.place = record.next;
      if (record.fault !== undefined || record.document !== undefined) records.push(record);
    }
    return records;
  }

  /** False: too little has been read to tell. */
  private skipMark(isLast: boolean): boolean {
    const { queue } = this;
    if (queue.length < 3 && !isLast) return false;
    const length = byteOrderMarkLength(queue.bytes, queue.start, queue.end);
    queue.consumeTo(queue.start + length);
    this.place = { line: this.place.line, offset: length };
    return true;
  }

  /** The record that was scanned last. A header and a blank line have neither a document nor a fault. */
  private record(isMalformed: boolean): InputRecord {
    const { queue, fields, place } = this;
    const bytes = queue.bytes.subarray(queue.start, fields.next);
    const next = { line: place.line + countLines(bytes), offset: place.offset + bytes.length };
    const raw = withoutNewline(bytes);
    const nothing = { at: place, next, document: undefined, fault: undefined, raw };
    if (raw.length === 0) return nothing;
    const refused = (reason: Fault): InputRecord => ({
      ...nothing,
      fault: reason,
      raw: raw.subarray(0, REJECTED_BYTES_MAX),
    });
    if (raw.length > this.recordBytesMax) return refused(tooLarge(raw.length, this.recordBytesMax));
    if (!isAscii(raw) && !isUtf8(raw)) {
      if (this.columns === undefined) throw new DbError('VALIDATION', 'the header is not UTF-8');
      return refused(fault('INVALID_UTF8', 'the record is not valid UTF-8'));
    }
    if (this.columns === undefined) {
      if (isMalformed) throw new DbError('VALIDATION', 'the header is malformed: a quote in the wrong place');
      this.setColumns(Array.from({ length: fields.count }, (_, index) => fields.text(queue.bytes, index)));
      return nothing;
    }
    if (isMalformed) return refused(fault('INVALID_CSV', 'a quote stands in the wrong place'));
    const document = this.document(this.columns);
    return typeof document === 'string' ? { ...nothing, document: Buffer.from(document) } : refused(document);
  }

  private document(columns: readonly Column[]): string | Fault {
    const { fields, queue } = this;
    if (fields.count !== columns.length) {
      const message = `the record has ${fields.count} fields, and there are ${columns.length} columns`;
      return fault('COLUMN_COUNT', message);
    }
    let text = '{';
    for (let index = 0; index < columns.length; index++) {
      const { key, name, type } = columns[index];
      const member = memberFromField(fields.text(queue.bytes, index), fields.quoted[index], type);
      if (member === undefined) continue;
      if (typeof member !== 'string') {
        return fault('BAD_VALUE', `column ${JSON.stringify(name)} is ${type}: ${member.reason}`);
      }
      text += text.length === 1 ? key + member : `,${key}${member}`;
    }
    return `${text}}`;
  }

  /** Rejects the first line of what is queued; undefined when the end of that line has not been read. */
  private rejectLine(isLast: boolean): InputRecord | undefined {
    const { queue, place } = this;
    const found = queue.bytes.subarray(0, queue.end).indexOf(LF, queue.start);
    const isWhole = found >= 0 || isLast;
    // A line without an end is cut where it is too long: what follows is judged by itself.
    if (!isWhole && queue.length <= this.recordBytesMax) return undefined;
    const end = found >= 0 ? found + 1 : queue.end;
    const bytes = queue.bytes.subarray(queue.start, end);
    const next = { line: place.line + (found >= 0 ? 1 : 0), offset: place.offset + bytes.length };
    const message = `a quote is not closed within ${this.recordBytesMax} bytes or by the end of the input`;
    const reason = isWhole ? fault('INVALID_CSV', message) : tooLarge(bytes.length, this.recordBytesMax);
    queue.consumeTo(end);
    this.place = next;
    const raw = withoutNewline(bytes).subarray(0, REJECTED_BYTES_MAX);
    if (this.columns === undefined) throw new DbError('VALIDATION', `there is no header: ${reason.message}`);
    return { at: place, next, document: undefined, fault: reason, raw };
  }

  private setColumns(names: readonly string[]): void {
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (names.length > COLUMNS_MAX) {
      throw new DbError('VALIDATION', `the header has ${names.length} columns; at most ${COLUMNS_MAX}`);
    }
    if (twice !== undefined) {
      throw new DbError('VALIDATION', `the header has the column ${JSON.stringify(twice)} twice`);
    }
    const types = this.options.types ?? ColumnTypes.none;
    const [unknown] = types.unknown(names);
    if (unknown !== undefined) {
      const message = `there is no column ${JSON.stringify(unknown)} to give a type; there are ${names.join(', ')}`;
      throw new DbError('VALIDATION', message);
    }
    this.columns = names.map((name) => ({
      key: `${JSON.stringify(name)}:`,
      name,
      type: name === ID && types.of(name) !== 'skip' ? 'text' : types.of(name),
    }));
    this.options.onColumns?.(names);
  }
}

function tooLarge(bytes: number, bytesMax: number): Fault {
  return fault('RECORD_TOO_LARGE', `the record has ${bytes} bytes or more; at most ${bytesMax} are read`);
}

function countLines(bytes: Uint8Array): number {
  let lines = 0;
  for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1)) lines++;
  return lines;
}

function withoutNewline(bytes: Buffer): Buffer {
  let end = bytes.length;
  if (end > 0 && bytes[end - 1] === LF) end--;
  if (end > 0 && end < bytes.length && bytes[end - 1] === 0x0d) end--;
  return bytes.subarray(0, end);
}
