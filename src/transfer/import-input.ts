/** The input of an import: what it is, and its records from any place on. */
import { DbError } from '../base/errors.js';
import { ColumnTypes } from './column-types.js';
import { readCsv } from './csv-reader.js';
import { decompress, skipBytes } from './decompress.js';
import { fileSize, headDigest, readFrom } from './files.js';
import { type Compression, type Format, STANDARD_STREAM } from './formats.js';
import { readJsonLines } from './jsonl-reader.js';
import type { Place, RecordStream } from './record.js';

export interface ImportInputOptions {
  readonly path: string;
  readonly format: Format;
  readonly compression: Compression;
  readonly types?: ColumnTypes;
  readonly delimiter?: string;
  /** Names of CSV columns, for an input without a header. */
  readonly columns?: readonly string[];
  /** Read in place of a file when the path is "-". */
  readonly standardInput: AsyncIterable<Uint8Array>;
}

export class ImportInput {
  /** Bytes of the file that have been read, compressed ones where it is. */
  bytesRead = 0;
  /** CSV columns, once they are known. */
  columns: readonly string[] | undefined;

  private constructor(
    private readonly options: ImportInputOptions,
    /** Undefined for standard input. */
    readonly bytesTotal: number | undefined,
    readonly headSha256: string | undefined,
  ) {}

  /** Throws DbError('VALIDATION' | 'NOT_FOUND'). */
  static async open(options: ImportInputOptions): Promise<ImportInput> {
    const { path, format, compression } = options;
    const isFile = path !== STANDARD_STREAM;
    if (format === 'parquet' && (!isFile || compression !== 'none')) {
      throw new DbError('VALIDATION', 'Parquet is read from a file that is not compressed as a whole');
    }
    if (!isFile) return new ImportInput(options, undefined, undefined);
    const bytes = await fileSize(path);
    if (bytes === undefined) throw new DbError('NOT_FOUND', `there is no file ${path}`);
    return new ImportInput(options, bytes, await headDigest(path, bytes));
  }

  /** Records from `start` on; `columns` are those of an earlier run. */
  async records(start: Place, columns: readonly string[] | undefined): Promise<RecordStream> {
    const { format, types, delimiter } = this.options;
    if (format === 'parquet') {
      const { readParquet } = await import('./parquet-reader.js');
      return readParquet(this.options.path, start, (bytes) => {
        this.bytesRead = bytes;
      });
    }
    const chunks = this.chunks(start.offset);
    if (format === 'jsonl') return readJsonLines(chunks, start);
    this.columns = columns ?? this.options.columns;
    return readCsv(chunks, start, {
      columns: this.columns,
      types: types ?? ColumnTypes.none,
      delimiter,
      onColumns: (names) => {
        this.columns = names;
      },
    });
  }

  private chunks(offset: number): AsyncIterable<Uint8Array> {
    const { path, compression, standardInput } = this.options;
    const count = (bytes: number): void => {
      this.bytesRead += bytes;
    };
    if (path === STANDARD_STREAM) return skipBytes(decompress(standardInput, compression), offset);
    if (compression !== 'none') return skipBytes(decompress(readFrom(path, 0, count), compression), offset);
    this.bytesRead = offset;
    return readFrom(path, offset, count);
  }
}
