/**
 * Documents of a collection in the order of `_id`, at one snapshot of the server: one streamed statement. Each row is
 * `{"d":{…}}`, the document in the text in which it is stored, which may hold ends of line between its tokens; so rows
 * are told apart by their brackets.
 */
import { errorFromAnswer, LumaDbError } from '../client/error.js';
import { findMember, Span } from '../json/members.js';
import { decodeString } from '../json/text.js';
import { ByteQueue } from './byte-queue.js';
import { keepOnOneLine } from './document-intake.js';
import type { TransferServer } from './server.js';

const ROW_OPENING = Buffer.from('{"d":');
const ID = new TextEncoder().encode('_id');

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

export interface RowSelection {
  /** Only documents behind this `_id`. */
  readonly after?: string;
  /** Only these. */
  readonly ids?: readonly string[];
  /** An SQL condition. */
  readonly where?: string;
  readonly limit?: number;
}

export interface DocumentRow {
  /** On one line. A view that stays as it is until the next rows are asked for. */
  readonly document: Buffer;
  id(): string;
}

/** Throws LumaDbError, also for an error that comes after the first rows. */
export async function* rowsOf(
  server: TransferServer,
  collection: string,
  selection: RowSelection,
  signal?: AbortSignal,
): AsyncGenerator<DocumentRow[]> {
  const { sql, params } = statement(collection, selection);
  const splitter = new RowSplitter();
  for await (const chunk of server.query(sql, params, signal)) {
    const rows = splitter.take(chunk);
    if (rows.length > 0) yield rows;
  }
  if (!splitter.isAtEnd)
    throw new LumaDbError('UNAVAILABLE', 'the answer of the server ends in the middle of a row');
}

function statement(collection: string, selection: RowSelection): { sql: string; params: unknown[] } {
  const params: unknown[] = [];
  const conditions: string[] = [];
  const parameter = (value: unknown): string => `$${params.push(value)}`;
  if (selection.where !== undefined) conditions.push(`(${selection.where}\n)`);
  if (selection.after !== undefined) conditions.push(`d._id > ${parameter(selection.after)}`);
  if (selection.ids !== undefined) conditions.push(`d._id = ANY(${parameter(selection.ids)})`);
  const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
  const limit = selection.limit === undefined ? '' : ` LIMIT ${selection.limit}`;
  const name = `"${collection.replaceAll('"', '""')}"`;
  return { sql: `SELECT d AS d FROM ${name} AS d${where} ORDER BY d._id${limit}`, params };
}

/** Cuts the stream of rows. A byte at a time, but each only once, however the stream is cut. */
export class RowSplitter {
  private readonly queue = new ByteQueue();
  private depth = 0;
  private isInString = false;
  private isEscaped = false;

  get isAtEnd(): boolean {
    return this.depth === 0;
  }

  take(chunk: Uint8Array): DocumentRow[] {
    const { queue } = this;
    const scanned = queue.length;
    queue.append(chunk);
    const { bytes, end } = queue;
    const rows: DocumentRow[] = [];
    let { depth, isInString, isEscaped } = this;
    for (let at = queue.start + scanned; at < end; at++) {
      const byte = bytes[at];
      if (isInString) {
        if (isEscaped) isEscaped = false;
        else if (byte === BACKSLASH) isEscaped = true;
        else if (byte === QUOTE) isInString = false;
      } else if (byte === QUOTE) isInString = true;
      else if (byte === OPEN_BRACE && depth++ === 0) queue.consumeTo(at);
      else if (byte === CLOSE_BRACE && --depth === 0) {
        rows.push(rowOf(bytes.subarray(queue.start, at + 1)));
        queue.consumeTo(at + 1);
      }
    }
    if (depth === 0) queue.consumeTo(end);
    this.depth = depth;
    this.isInString = isInString;
    this.isEscaped = isEscaped;
    return rows;
  }
}

function rowOf(row: Buffer): DocumentRow {
  if (row.compare(ROW_OPENING, 0, ROW_OPENING.length, 0, ROW_OPENING.length) !== 0) {
    throw errorFromAnswer(500, row.toString('utf8'));
  }
  const document = row.subarray(ROW_OPENING.length, row.length - 1);
  keepOnOneLine(document);
  return { document, id: () => idOf(document) };
}

function idOf(document: Buffer): string {
  const span = new Span();
  if (!findMember(document, 0, document.length, ID, span)) {
    throw new LumaDbError('INTERNAL_ERROR', 'the server gave a document without an _id');
  }
  return decodeString(document, span.start + 1, span.end - 1);
}
