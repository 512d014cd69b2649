/**
 * From spans of valid JSON text to JavaScript strings and values, and comparison of string contents without that.
 * The bytes may be shared memory, which TextDecoder refuses; Buffer's decoder copies while it reads. Any thread,
 * not re-entrant.
 */
import { hasEscape, unescapeUtf8 } from './escape.js';

/** Up to this length, ASCII is decoded by a loop, which is faster than a call into C++. */
const SHORT_TEXT_BYTES = 24;
const SCRATCH_BYTES_MIN = 256;

let scratch = new Uint8Array(SCRATCH_BYTES_MIN);
let otherScratch = new Uint8Array(SCRATCH_BYTES_MIN);

/** The text of bytes[start, end), which must be valid UTF-8, escapes untouched. */
export function decodeText(bytes: Uint8Array, start: number, end: number): string {
  if (end - start <= SHORT_TEXT_BYTES) {
    let text = '';
    let at = start;
    for (; at < end && bytes[at] < 0x80; at++) text += String.fromCharCode(bytes[at]);
    if (at === end) return text;
  }
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
}

/** The string whose contents, between the quotes, are bytes[start, end). */
export function decodeString(bytes: Uint8Array, start: number, end: number): string {
  if (!hasEscape(bytes, start, end)) return decodeText(bytes, start, end);
  if (scratch.length < end - start) scratch = new Uint8Array(end - start);
  return decodeText(scratch, 0, unescapeUtf8(bytes, start, end, scratch));
}

/** The value whose text is bytes[start, end), as JSON.parse gives it: large integers lose precision. */
export function parseValue(bytes: Uint8Array, start: number, end: number): unknown {
  return JSON.parse(decodeText(bytes, start, end));
}

/** Whether the key with contents bytes[start, end) is the unescaped `keyUtf8`. */
export function keyEquals(
  bytes: Uint8Array,
  start: number,
  end: number,
  hasEscapes: boolean,
  keyUtf8: Uint8Array,
): boolean {
  const length = keyUtf8.length;
  if (hasEscapes) {
    return end - start >= length && compareContents(bytes, start, end, keyUtf8) === 0;
  }
  if (end - start !== length) return false;
  for (let index = 0; index < length; index++) if (bytes[start + index] !== keyUtf8[index]) return false;
  return true;
}

/** Whether two keys, each with its escapes, spell the same string. */
export function sameKey(
  left: Uint8Array,
  leftStart: number,
  leftEnd: number,
  leftHasEscapes: boolean,
  right: Uint8Array,
  rightStart: number,
  rightEnd: number,
  rightHasEscapes: boolean,
): boolean {
  if (leftHasEscapes || rightHasEscapes) {
    const length = unescapeToOtherScratch(right, rightStart, rightEnd);
    return compareContents(left, leftStart, leftEnd, otherScratch.subarray(0, length)) === 0;
  }
  const length = leftEnd - leftStart;
  if (rightEnd - rightStart !== length) return false;
  for (let index = 0; index < length; index++) {
    if (left[leftStart + index] !== right[rightStart + index]) return false;
  }
  return true;
}

/**
 * Orders string contents against unescaped UTF-8 by bytes, which is the order of code points: negative, 0 or
 * positive.
 */
export function compareContents(bytes: Uint8Array, start: number, end: number, utf8: Uint8Array): number {
  if (!hasEscape(bytes, start, end)) return compareBytes(bytes, start, end, utf8);
  if (scratch.length < end - start) scratch = new Uint8Array(end - start);
  return compareBytes(scratch, 0, unescapeUtf8(bytes, start, end, scratch), utf8);
}

function compareBytes(bytes: Uint8Array, start: number, end: number, other: Uint8Array): number {
  const length = end - start;
  const common = Math.min(length, other.length);
  for (let index = 0; index < common; index++) {
    const difference = bytes[start + index] - other[index];
    if (difference !== 0) return difference;
  }
  return length - other.length;
}

function unescapeToOtherScratch(bytes: Uint8Array, start: number, end: number): number {
  if (otherScratch.length < end - start) otherScratch = new Uint8Array(end - start);
  return unescapeUtf8(bytes, start, end, otherScratch);
}
