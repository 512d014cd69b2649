/**
 * A statement's result as bytes, in either format: the JSON object of the API, whole and within a limit, or lines that are handed
 * on as they come. One thread.
 */
import type { PreparedQuery, ResultColumn } from '../algebra/physical.js';
import { PROGRAM_LIMIT_EXCEEDED, sqlError } from '../errors.js';
import { type ChunkSink, LineResult, TableResult } from '../execute/result-json.js';
import type { Row } from '../types/values.js';

export interface ResultOptions {
  readonly format: 'json' | 'ndjson';
  /** Of a JSON object, in bytes. */
  readonly bytesMax: number;
  /** Gets the lines of a streamed result as they come. */
  readonly stream: ChunkSink;
}

export interface ResultSummary {
  readonly command: string;
  /** Rows returned, or, of a statement without a result, documents changed. */
  readonly rowCount: number;
  readonly executionTimeMs: number;
}

const utf8 = new TextEncoder();

export class ResultBody {
  private readonly chunks: Uint8Array[] = [];
  private bytes = 0;
  private readonly result: TableResult | LineResult;

  constructor(
    columns: readonly ResultColumn[],
    private readonly options: ResultOptions,
  ) {
    this.result =
      options.format === 'json'
        ? new TableResult(columns, (chunk) => this.keep(chunk), { waitingBytesMax: options.bytesMax })
        : new LineResult(columns, options.stream);
  }

  /** Throws when the result is larger than it may be. */
  add(row: Row): void {
    this.result.add(row);
  }

  /** The bytes that have not gone to the stream: of a JSON result, all of it. */
  end({ command, rowCount, executionTimeMs }: ResultSummary): Uint8Array {
    this.result.end();
    if (this.options.format === 'ndjson') return new Uint8Array(0);
    const time = Math.round(executionTimeMs * 1000) / 1000;
    const tail = `,"row_count":${rowCount},"command":${JSON.stringify(command)},"execution_time_ms":${time}}`;
    return Buffer.concat([utf8.encode('{'), ...this.chunks, utf8.encode(tail)]);
  }

  private keep(chunk: Uint8Array): void {
    this.bytes += chunk.length;
    if (this.bytes > this.options.bytesMax) {
      throw sqlError(
        PROGRAM_LIMIT_EXCEEDED,
        `the result is larger than ${this.options.bytesMax} bytes (query.result_limit); add a LIMIT, or stream it with Accept: application/x-ndjson`,
      );
    }
    this.chunks.push(chunk);
  }
}

/** EXPLAIN's: lines of text in one column. */
export const EXPLAIN_COLUMNS: PreparedQuery['columns'] = [
  { name: 'QUERY PLAN', type: 'text', spread: false },
];
