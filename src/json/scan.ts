/**
 * The validating scanner: one pass over the bytes of a document before it enters the store, and the only place
 * that decides what a valid document is. RFC 8259 grammar, strict UTF-8, whole surrogate pairs, bounded depth, a
 * top-level object. Everything else in src/json reads text that has passed here and does not check again.
 * Any thread; not re-entrant (it never calls out). It allocates nothing: the caller owns the DocumentScan.
 */
import { JSON_DEPTH_MAX } from '../base/limits.js';
import { JsonFault } from './fault.js';

/** What one scan found. Offsets are indexes into the scanned array, except `faultOffset`. Reuse one per thread. */
export class DocumentScan {
  /** Index of `{`. */
  objectStart = 0;
  /** One past the `}` that closes the document. */
  objectEnd = 0;
  /** Members of the top-level object, repeated keys counted each time. 0 means `{}`. */
  memberCount = 0;
  /** First byte of the contents of the top-level `_id`, between its quotes; -1 when there is no `_id`. */
  idStart = -1;
  /** One past the contents of `_id`; -1 when there is none. */
  idEnd = -1;
  /** True when those contents hold a backslash, so that they are not the id's bytes themselves. */
  idHasEscapes = false;
  /** What the scan returned. */
  fault: number = JsonFault.NONE;
  /** Where the fault is, counted from `start`; 0 when there is none. */
  faultOffset = 0;
  /** Whether the string scanned last holds an escape. Only meaningful inside the scanner. */
  sawEscape = false;

  /** Documents and patches follow the rules for `_id`; other texts, such as filters, may spell it as they like. */
  constructor(readonly checksId = true) {}
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** 1 for the bytes a string may hold as they are: ASCII without controls, quote and backslash. */
const PLAIN = new Uint8Array(256).fill(1, 0x20, 0x80);
PLAIN[QUOTE] = 0;
PLAIN[BACKSLASH] = 0;

const ID_LETTERS: readonly number[] = [0x5f, 0x69, 0x64];

/** enclosing[d] is 1 when the container at depth d is an object. Per thread: each worker has its own module. */
const enclosing = new Uint8Array(JSON_DEPTH_MAX + 1);

/**
 * Returns JsonFault.NONE (0) when bytes[start, end) is exactly one valid JSON object with optional whitespace
 * around it, and fills `out`; otherwise the reason, with `out.faultOffset`, and the rest of `out` means nothing.
 */
export function scanDocument(bytes: Uint8Array, start: number, end: number, out: DocumentScan): number {
  out.fault = JsonFault.NONE;
  out.faultOffset = 0;
  out.idStart = -1;
  out.idEnd = -1;
  out.idHasEscapes = false;
  let at = skipSpace(bytes, start, end);
  if (at >= end) return refuse(out, JsonFault.EMPTY, at - start);
  if (bytes[at] !== OPEN_BRACE) return refuse(out, JsonFault.NOT_AN_OBJECT, at - start);
  out.objectStart = at;
  at = skipSpace(bytes, at + 1, end);
  let memberCount = 0;
  let depth = 1;
  let inObject = true;
  if (at < end && bytes[at] === CLOSE_BRACE) {
    at++;
    depth = 0;
  }
  members: while (depth > 0) {
    // Here `at` is at a key of an object or at an element of an array, after whitespace.
    let isId = false;
    if (at >= end) return refuse(out, JsonFault.TRUNCATED, end - start);
    let byte = bytes[at];
    if (inObject) {
      if (byte !== QUOTE) return refuse(out, JsonFault.EXPECTED_KEY, at - start);
      const keyStart = ++at;
      at = skipPlain(bytes, at, end);
      if (at < end && bytes[at] === QUOTE) {
        if (depth === 1) {
          memberCount++;
          if (at - keyStart === 3) isId = isIdAt(bytes, keyStart);
        }
      } else {
        at = finishString(bytes, at, end, out);
        if (at < 0) return refuse(out, out.fault, ~at - start);
        if (depth === 1) {
          memberCount++;
          if (out.sawEscape) isId = isEscapedId(bytes, keyStart, at);
        }
      }
      if (isId && !out.checksId) isId = false;
      if (isId && out.idStart >= 0) return refuse(out, JsonFault.ID_TWICE, keyStart - 1 - start);
      at++;
      if (at < end && bytes[at] !== COLON) at = skipSpace(bytes, at, end);
      if (at >= end) return refuse(out, JsonFault.TRUNCATED, end - start);
      if (bytes[at] !== COLON) return refuse(out, JsonFault.EXPECTED_COLON, at - start);
      at++;
      if (at < end && bytes[at] <= 0x20) at = skipSpace(bytes, at, end);
      if (at >= end) return refuse(out, JsonFault.TRUNCATED, end - start);
      byte = bytes[at];
      if (isId && byte !== QUOTE) return refuse(out, JsonFault.ID_NOT_A_STRING, at - start);
    }
    if (byte === QUOTE) {
      const contentStart = ++at;
      let hasEscapes = false;
      at = skipPlain(bytes, at, end);
      if (at >= end || bytes[at] !== QUOTE) {
        at = finishString(bytes, at, end, out);
        if (at < 0) return refuse(out, out.fault, ~at - start);
        hasEscapes = out.sawEscape;
      }
      if (isId) {
        out.idStart = contentStart;
        out.idEnd = at;
        out.idHasEscapes = hasEscapes;
      }
      at++;
    } else if (byte <= NINE && (byte >= ZERO || byte === MINUS)) {
      at = scanNumber(bytes, at, end);
      if (at < 0) return refuse(out, ~at < end ? JsonFault.BAD_NUMBER : JsonFault.TRUNCATED, ~at - start);
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      if (depth === JSON_DEPTH_MAX) return refuse(out, JsonFault.TOO_DEEP, at - start);
      at++;
      if (at < end && bytes[at] <= 0x20) at = skipSpace(bytes, at, end);
      // The closing bracket's code is the opening one's plus two, for both kinds.
      if (at < end && bytes[at] === byte + 2) at++;
      else {
        enclosing[depth++] = inObject ? 1 : 0;
        inObject = byte === OPEN_BRACE;
        continue;
      }
    } else {
      at = scanLiteral(bytes, at, end, byte, out);
      if (at < 0) return refuse(out, out.fault, ~at - start);
    }
    // A value has ended: commas go on, closing brackets end enclosing values one by one.
    for (;;) {
      if (at < end && bytes[at] <= 0x20) at = skipSpace(bytes, at, end);
      if (at >= end) return refuse(out, JsonFault.TRUNCATED, end - start);
      byte = bytes[at++];
      if (byte === COMMA) {
        if (at < end && bytes[at] <= 0x20) at = skipSpace(bytes, at, end);
        continue members;
      }
      if (byte !== (inObject ? CLOSE_BRACE : CLOSE_BRACKET)) {
        return refuse(out, JsonFault.EXPECTED_COMMA_OR_CLOSE, at - 1 - start);
      }
      if (--depth === 0) break members;
      inObject = enclosing[depth] === 1;
    }
  }
  out.objectEnd = at;
  out.memberCount = memberCount;
  if (at < end) at = skipSpace(bytes, at, end);
  return at === end ? JsonFault.NONE : refuse(out, JsonFault.TRAILING_BYTES, at - start);
}

function refuse(out: DocumentScan, reason: number, offset: number): number {
  out.fault = reason;
  out.faultOffset = offset;
  return reason;
}

/** The first byte that is not plain. By fours: V8 checks for interrupts once per turn of a loop (-15% per scan). */
function skipPlain(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  const lastFour = end - 4;
  while (at < lastFour) {
    if (PLAIN[bytes[at]] === 0) return at;
    if (PLAIN[bytes[at + 1]] === 0) return at + 1;
    if (PLAIN[bytes[at + 2]] === 0) return at + 2;
    if (PLAIN[bytes[at + 3]] === 0) return at + 3;
    at += 4;
  }
  while (at < end && PLAIN[bytes[at]] === 1) at++;
  return at;
}

function skipSpace(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end) {
    const byte = bytes[at];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break;
    at++;
  }
  return at;
}

/** The index after the number, or ~index of the byte that breaks it (`end` when the text stops too early). */
function scanNumber(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  if (bytes[at] === MINUS) at++;
  if (at >= end) return ~end;
  let byte = bytes[at];
  if (byte < ZERO || byte > NINE) return ~at;
  at++;
  if (byte !== ZERO) at = skipDigits(bytes, at, end);
  if (at >= end) return at;
  byte = bytes[at];
  if (byte === DOT) {
    const digits = at + 1;
    at = skipDigits(bytes, digits, end);
    if (at === digits) return ~at;
    if (at >= end) return at;
    byte = bytes[at];
  }
  if ((byte | 0x20) === 0x65) {
    let digits = at + 1;
    if (digits < end && (bytes[digits] === 0x2b || bytes[digits] === MINUS)) digits++;
    at = skipDigits(bytes, digits, end);
    if (at === digits) return ~at;
  }
  return at;
}

function skipDigits(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end) {
    const byte = bytes[at];
    if (byte < ZERO || byte > NINE) break;
    at++;
  }
  return at;
}

/** `true`, `false`, `null`: the index after it, or ~index with out.fault set. */
function scanLiteral(bytes: Uint8Array, at: number, end: number, byte: number, out: DocumentScan): number {
  if (byte === 0x74) {
    if (at + 4 <= end && bytes[at + 1] === 0x72 && bytes[at + 2] === 0x75 && bytes[at + 3] === 0x65)
      return at + 4;
  } else if (byte === 0x6e) {
    if (at + 4 <= end && bytes[at + 1] === 0x75 && bytes[at + 2] === 0x6c && bytes[at + 3] === 0x6c)
      return at + 4;
  } else if (byte === 0x66) {
    if (
      at + 5 <= end &&
      bytes[at + 1] === 0x61 &&
      bytes[at + 2] === 0x6c &&
      bytes[at + 3] === 0x73 &&
      bytes[at + 4] === 0x65
    )
      return at + 5;
  } else {
    out.fault = JsonFault.EXPECTED_VALUE;
    return ~at;
  }
  out.fault = JsonFault.BAD_LITERAL;
  return ~at;
}

/**
 * The rest of a string from its first byte that is not plain. Returns the index of the closing quote, or ~index
 * with out.fault set. Sets out.sawEscape.
 */
function finishString(bytes: Uint8Array, from: number, end: number, out: DocumentScan): number {
  let at = from;
  out.sawEscape = false;
  while (at < end) {
    const byte = bytes[at];
    if (PLAIN[byte] === 1) {
      at++;
    } else if (byte === QUOTE) {
      return at;
    } else if (byte === BACKSLASH) {
      out.sawEscape = true;
      const next = scanEscape(bytes, at, end, out);
      if (next < 0) return next;
      at = next;
    } else if (byte < 0x20) {
      out.fault = JsonFault.CONTROL_CHARACTER;
      return ~at;
    } else if (byte >= 0xc2 && byte <= 0xdf && at + 1 < end && (bytes[at + 1] & 0xc0) === 0x80) {
      at += 2;
    } else {
      const next = scanMultibyte(bytes, at, end);
      if (next < 0) {
        out.fault = ~next < end ? JsonFault.BAD_UTF8 : JsonFault.TRUNCATED;
        return next;
      }
      at = next;
    }
  }
  out.fault = JsonFault.TRUNCATED;
  return ~end;
}

/** One UTF-8 sequence of two to four bytes (Unicode 15, table 3-7): the index after it, or ~index of its fault. */
function scanMultibyte(bytes: Uint8Array, at: number, end: number): number {
  const lead = bytes[at];
  if (lead < 0xc2 || lead > 0xf4) return ~at;
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  // The second byte's range rules out overlong forms, surrogates and code points above U+10FFFF.
  const lowest = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const highest = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (at + 1 >= end) return ~end;
  const second = bytes[at + 1];
  if (second < lowest || second > highest) return ~at;
  for (let index = at + 2; index < at + length; index++) {
    if (index >= end) return ~end;
    if ((bytes[index] & 0xc0) !== 0x80) return ~at;
  }
  return at + length;
}

/** One escape, or two that form a surrogate pair, from its backslash: the index after it, or ~index. */
function scanEscape(bytes: Uint8Array, at: number, end: number, out: DocumentScan): number {
  if (at + 1 >= end) {
    out.fault = JsonFault.TRUNCATED;
    return ~end;
  }
  switch (bytes[at + 1]) {
    case 0x22: // "
    case 0x5c: // \
    case 0x2f: // /
    case 0x62: // b
    case 0x66: // f
    case 0x6e: // n
    case 0x72: // r
    case 0x74: // t
      return at + 2;
    case 0x75: {
      const unit = hex4(bytes, at + 2, end);
      if (unit < 0) {
        out.fault = at + 6 <= end ? JsonFault.BAD_ESCAPE : JsonFault.TRUNCATED;
        return at + 6 <= end ? ~at : ~end;
      }
      if (unit < 0xd800 || unit > 0xdfff) return at + 6;
      if (unit < 0xdc00 && at + 8 <= end && bytes[at + 6] === BACKSLASH && bytes[at + 7] === 0x75) {
        const low = hex4(bytes, at + 8, end);
        if (low >= 0xdc00 && low <= 0xdfff) return at + 12;
      }
      out.fault = JsonFault.LONE_SURROGATE;
      return ~at;
    }
    default:
      out.fault = JsonFault.BAD_ESCAPE;
      return ~at;
  }
}

/** The number of four hexadecimal digits, or -1. */
function hex4(bytes: Uint8Array, at: number, end: number): number {
  if (at + 4 > end) return -1;
  let unit = 0;
  for (let index = at; index < at + 4; index++) {
    const byte = bytes[index];
    const letter = byte | 0x20;
    if (byte >= ZERO && byte <= NINE) unit = (unit << 4) | (byte - ZERO);
    else if (letter >= 0x61 && letter <= 0x66) unit = (unit << 4) | (letter - 0x57);
    else return -1;
  }
  return unit;
}

function isIdAt(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0x5f && bytes[at + 1] === 0x69 && bytes[at + 2] === 0x64;
}

/** Whether a valid key with escapes spells `_id`. None of its letters has a short escape, so only \u00xx counts. */
function isEscapedId(bytes: Uint8Array, from: number, end: number): boolean {
  let at = from;
  for (const letter of ID_LETTERS) {
    if (at >= end) return false;
    if (bytes[at] === letter) at++;
    else if (bytes[at] === BACKSLASH && bytes[at + 1] === 0x75 && hex4(bytes, at + 2, end) === letter)
      at += 6;
    else return false;
  }
  return at === end;
}
