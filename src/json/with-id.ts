/** The `_id` of a scanned document: reading it, and putting one into a document that came without. Any thread. */
import { assert } from '../base/assert.js';
import type { ByteSink } from './byte-sink.js';
import { escapeUtf8, unescapeUtf8 } from './escape.js';
import type { DocumentScan } from './scan.js';

const ID_OPENING = new TextEncoder().encode('{"_id":"');
const QUOTE = 0x22;
const COMMA = 0x2c;
const CLOSE_BRACE = 0x7d;
/** A control character takes six bytes as \u00xx. */
const ESCAPED_BYTE_MAX = 6;

/** The most bytes that spliceId writes for an object of `objectBytes` and an id of `idBytes`. */
export function splicedSizeMax(objectBytes: number, idBytes: number): number {
  return objectBytes + idBytes * ESCAPED_BYTE_MAX + ID_OPENING.length + 1;
}

/**
 * Appends the object that `scan` found in `doc`, with `"_id":"…"` as its first member, to `out`. The id is
 * idUtf8[0, idLength), valid UTF-8, and is escaped here. The rest of the object stays byte for byte; whitespace
 * around the object is dropped. The document must have no `_id`.
 */
export function spliceId(
  doc: Uint8Array,
  scan: DocumentScan,
  idUtf8: Uint8Array,
  idLength: number,
  out: ByteSink,
): void {
  assert(scan.idStart < 0, 'the document already has an _id');
  out.append(ID_OPENING, 0, ID_OPENING.length);
  escapeUtf8(idUtf8, idLength, out);
  out.appendByte(QUOTE);
  if (scan.memberCount === 0) {
    out.appendByte(CLOSE_BRACE);
    return;
  }
  out.appendByte(COMMA);
  out.append(doc, scan.objectStart + 1, scan.objectEnd);
}

/**
 * Writes the `_id` that `scan` found in `doc`, unescaped, as UTF-8 to `scratch`. Returns its length in bytes, or -1
 * when it is longer than `scratch`. The document must have an `_id`.
 */
export function idBytes(doc: Uint8Array, scan: DocumentScan, scratch: Uint8Array): number {
  assert(scan.idStart >= 0, 'the document has no _id');
  if (scan.idHasEscapes) return unescapeUtf8(doc, scan.idStart, scan.idEnd, scratch);
  const length = scan.idEnd - scan.idStart;
  if (length > scratch.length) return -1;
  for (let index = 0; index < length; index++) scratch[index] = doc[scan.idStart + index];
  return length;
}
