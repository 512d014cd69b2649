/**
 * String escapes, both ways, on bytes. Input strings are the contents between the quotes of valid JSON (scan.ts), so
 * surrogates come in pairs and every escape is well formed. Any thread.
 */
import type { ByteSink } from './byte-sink.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const HEX = new TextEncoder().encode('0123456789abcdef');

/** What a backslash and this byte stand for; 0 for `u`, which is handled apart. */
const UNESCAPED = new Uint8Array(256);
/** The letter that follows the backslash for this byte, 0 when only the \u form exists. */
const SHORT_ESCAPE = new Uint8Array(256);
for (const [letter, byte] of [
  ['"', QUOTE],
  ['\\', BACKSLASH],
  ['b', 0x08],
  ['f', 0x0c],
  ['n', 0x0a],
  ['r', 0x0d],
  ['t', 0x09],
] as const) {
  UNESCAPED[letter.charCodeAt(0)] = byte;
  SHORT_ESCAPE[byte] = letter.charCodeAt(0);
}
UNESCAPED[0x2f] = 0x2f;

/**
 * Writes the UTF-8 that the string contents bytes[start, end) stand for to `out` and returns its length, which is
 * never more than end - start; -1 when it does not fit in `out`.
 */
export function unescapeUtf8(bytes: Uint8Array, start: number, end: number, out: Uint8Array): number {
  let at = start;
  let length = 0;
  while (at < end) {
    const byte = bytes[at];
    if (byte !== BACKSLASH) {
      if (length >= out.length) return -1;
      out[length++] = byte;
      at++;
      continue;
    }
    const letter = bytes[at + 1];
    if (letter !== 0x75) {
      if (length >= out.length) return -1;
      out[length++] = UNESCAPED[letter];
      at += 2;
      continue;
    }
    let point = hexUnit(bytes, at + 2);
    at += 6;
    if (point >= 0xd800 && point <= 0xdbff) {
      point = 0x10000 + ((point - 0xd800) << 10) + (hexUnit(bytes, at + 2) - 0xdc00);
      at += 6;
    }
    length = putCodePoint(point, out, length);
    if (length < 0) return -1;
  }
  return length;
}

/** Writes utf8[0, length) as the contents of a JSON string: quotes, backslashes and controls escaped. */
export function escapeUtf8(utf8: Uint8Array, length: number, out: ByteSink): void {
  let verbatimStart = 0;
  for (let at = 0; at < length; at++) {
    const byte = utf8[at];
    if (byte >= 0x20 && byte !== QUOTE && byte !== BACKSLASH) continue;
    out.append(utf8, verbatimStart, at);
    verbatimStart = at + 1;
    out.appendByte(BACKSLASH);
    if (SHORT_ESCAPE[byte] !== 0) {
      out.appendByte(SHORT_ESCAPE[byte]);
    } else {
      out.appendByte(0x75);
      out.appendByte(0x30);
      out.appendByte(0x30);
      out.appendByte(HEX[byte >> 4]);
      out.appendByte(HEX[byte & 15]);
    }
  }
  out.append(utf8, verbatimStart, length);
}

/** Whether bytes[start, end) holds a backslash. */
export function hasEscape(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at] === BACKSLASH) return true;
  return false;
}

function hexUnit(bytes: Uint8Array, at: number): number {
  return (
    (hexDigit(bytes[at]) << 12) |
    (hexDigit(bytes[at + 1]) << 8) |
    (hexDigit(bytes[at + 2]) << 4) |
    hexDigit(bytes[at + 3])
  );
}

function hexDigit(byte: number): number {
  return byte <= 0x39 ? byte - 0x30 : (byte | 0x20) - 0x57;
}

/** Returns the new length, or -1 when the code point does not fit. */
function putCodePoint(point: number, out: Uint8Array, length: number): number {
  const size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  if (length + size > out.length) return -1;
  if (size === 1) {
    out[length] = point;
    return length + 1;
  }
  const leadMark = size === 2 ? 0xc0 : size === 3 ? 0xe0 : 0xf0;
  out[length] = leadMark | (point >> (6 * (size - 1)));
  for (let index = 1; index < size; index++) {
    out[length + index] = 0x80 | ((point >> (6 * (size - 1 - index))) & 0x3f);
  }
  return length + size;
}
