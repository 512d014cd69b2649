/**
 * The file of rejected records: one JSON object a line, in the order of the input,
 * `{"line":3,"byte_offset":120,"code":"INVALID_JSON","message":"…","record":"…"}`. `record` is what stood in the input
 * (or the document, when the server refused it). Bytes that are not UTF-8 come besides as `record_base64`; a record that
 * was cut off has `record_truncated`. Pure; where the lines go is the caller's business.
 */
import { isUtf8 } from 'node:buffer';
import type { Place } from './record.js';
import { REJECTED_BYTES_MAX } from './record.js';

export interface Reject {
  readonly at: Place;
  readonly code: string;
  readonly message: string;
  readonly record: string;
  readonly recordBase64: string | undefined;
  readonly isTruncated: boolean;
}

/** Copies `record`. */
export function rejectOf(
  at: Place,
  code: string,
  message: string,
  record: Uint8Array,
  isCut = false,
): Reject {
  const kept = Buffer.from(record.buffer, record.byteOffset, Math.min(record.length, REJECTED_BYTES_MAX));
  const isTruncated = isCut || kept.length < record.length;
  // A cut may go through a character; that alone does not make a text binary.
  const isText = isUtf8(isTruncated ? wholeCharacters(kept) : kept);
  return {
    at,
    code,
    message,
    record: (isText && isTruncated ? wholeCharacters(kept) : kept).toString('utf8'),
    recordBase64: isText ? undefined : kept.toString('base64'),
    isTruncated,
  };
}

/** Without the character at the end that a cut may have gone through. */
function wholeCharacters(bytes: Buffer): Buffer {
  let end = bytes.length;
  while (end > 0 && bytes.length - end < 4 && (bytes[end - 1] & 0xc0) === 0x80) end--;
  return end > 0 && bytes[end - 1] >= 0xc0 ? bytes.subarray(0, end - 1) : bytes;
}

export function rejectLine(reject: Reject): string {
  const line = JSON.stringify({
    line: reject.at.line,
    byte_offset: reject.at.offset,
    code: reject.code,
    message: reject.message,
    record: reject.record,
    record_base64: reject.recordBase64,
    record_truncated: reject.isTruncated || undefined,
  });
  return `${line}\n`;
}
