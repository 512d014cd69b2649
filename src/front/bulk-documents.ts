/**
 * Splits the body of a bulk request into documents, without parsing it: `{"documents":[...]}` or one document a line.
 * The result is spans of the body; each document is validated on its own afterwards, so that one bad document does not
 * spoil the others.
 */
import { DbError } from '../base/errors.js';
import { BULK_OPERATIONS_MAX } from '../base/limits.js';
import { describeFault } from '../json/fault.js';
import { ElementCursor, findMember, Span } from '../json/members.js';
import { DocumentScan, scanDocument } from '../json/scan.js';

const NEWLINE = 0x0a;
const OPEN_BRACKET = 0x5b;
const DOCUMENTS_KEY = new TextEncoder().encode('documents');

/** start, end, start, end, ... */
export type DocumentSpans = readonly number[];

/** Throws DbError('VALIDATION' | 'MALFORMED_JSON'). */
export function splitBulkBody(body: Uint8Array, isNdjson: boolean): DocumentSpans {
  const spans = isNdjson ? splitLines(body) : splitArray(body);
  if (spans.length === 0)
    throw new DbError('VALIDATION', 'the bulk request has no documents', { field: 'documents' });
  return spans;
}

function splitLines(body: Uint8Array): number[] {
  const spans: number[] = [];
  let start = 0;
  while (start < body.length) {
    const newline = body.indexOf(NEWLINE, start);
    const end = newline < 0 ? body.length : newline;
    if (!isBlank(body, start, end)) push(spans, start, end);
    start = end + 1;
  }
  return spans;
}

function splitArray(body: Uint8Array): number[] {
  const scan = new DocumentScan(false);
  const fault = scanDocument(body, 0, body.length, scan);
  if (fault !== 0) {
    const offset = scan.faultOffset;
    throw new DbError('MALFORMED_JSON', `${describeFault(fault)} at byte ${offset} of the bulk body`, {
      offset,
    });
  }
  const span = new Span();
  const found = findMember(body, scan.objectStart, scan.objectEnd, DOCUMENTS_KEY, span);
  if (!found || body[span.start] !== OPEN_BRACKET) {
    const message =
      'a bulk body is {"documents":[...]}, or lines of JSON with Content-Type application/x-ndjson';
    throw new DbError('VALIDATION', message, { field: 'documents' });
  }
  const spans: number[] = [];
  const cursor = new ElementCursor();
  cursor.reset(body, span.start);
  while (cursor.next()) push(spans, cursor.valueStart, cursor.valueEnd);
  return spans;
}

function push(spans: number[], start: number, end: number): void {
  if (spans.length >= BULK_OPERATIONS_MAX * 2) {
    throw new DbError('PAYLOAD_TOO_LARGE', `a bulk request has at most ${BULK_OPERATIONS_MAX} documents`, {
      limit: BULK_OPERATIONS_MAX,
    });
  }
  spans.push(start, end);
}

function isBlank(body: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (body[i] > 0x20) return false;
  return true;
}
