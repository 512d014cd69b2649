/** CSV (RFC 4180: CRLF, quotes doubled) with a header. What stands in a field: csv-values.ts. */
import { decodeString, decodeText } from '../json/text.js';
import { ABSENT, ColumnValues, ID_COLUMN } from './columns.js';
import { fieldOf, fieldOfText } from './csv-values.js';
import { BLOCK_BYTES, type FormatWriter, type Misfit } from './format-writer.js';

const QUOTE = 0x22;
const NEWLINE = '\r\n';

export interface CsvWriterOptions {
  readonly columns: readonly string[];
  /** The columns are dotted paths that were asked for. */
  readonly areFields: boolean;
  readonly delimiter: string;
  /** False where an earlier run has written it. */
  readonly writesHeader: boolean;
}

export class CsvWriter implements FormatWriter {
  private readonly values: ColumnValues;
  private readonly delimiter: string;
  private text = '';

  constructor(options: CsvWriterOptions) {
    const { columns, areFields, delimiter, writesHeader } = options;
    this.values = new ColumnValues(columns, areFields);
    this.delimiter = delimiter;
    if (writesHeader) this.text = columns.map((name) => fieldOf(name, delimiter)).join(delimiter) + NEWLINE;
  }

  get isBlockFull(): boolean {
    return this.text.length >= BLOCK_BYTES;
  }

  add(document: Buffer): Misfit | undefined {
    const { values } = this;
    const unknown = values.read(document);
    if (unknown !== undefined) {
      return { code: 'UNKNOWN_FIELD', message: `the member ${JSON.stringify(unknown)} is no column` };
    }
    let line = '';
    for (let index = 0; index < values.names.length; index++) {
      if (index > 0) line += this.delimiter;
      if (values.starts[index] !== ABSENT) line += this.field(document, index);
    }
    this.text += line + NEWLINE;
    return undefined;
  }

  takeBlock(): Uint8Array {
    const block = Buffer.from(this.text);
    this.text = '';
    return block;
  }

  end(): Uint8Array {
    return this.takeBlock();
  }

  memento(): undefined {}

  private field(document: Buffer, index: number): string {
    const start = this.values.starts[index];
    const end = this.values.ends[index];
    if (document[start] !== QUOTE) return fieldOf(decodeText(document, start, end), this.delimiter);
    const text = decodeString(document, start + 1, end - 1);
    // An _id is read as a text whatever it looks like.
    return this.values.names[index] === ID_COLUMN
      ? fieldOf(text, this.delimiter)
      : fieldOfText(text, this.delimiter);
  }
}
