/**
 * Lazy reading of text that scanDocument has accepted: finds members, elements and paths and returns spans of the
 * text, without building values. Nothing here validates. When a key repeats, the last one counts, as in
 * JSON.parse. Any thread; the bytes may be shared memory.
 */
import type { ContainerEnds } from './container-ends.js';
import { hasEscape } from './escape.js';
import { keyEquals } from './text.js';

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** 1 for the bytes that open or close something outside of strings. */
const STRUCTURE = new Uint8Array(256);
for (const byte of [QUOTE, OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE]) STRUCTURE[byte] = 1;

/** 1 for the bytes that end a run of plain bytes inside a string. */
const STRING_END = new Uint8Array(256);
STRING_END[QUOTE] = 1;
STRING_END[BACKSLASH] = 1;

const NO_BYTES = new Uint8Array(0);

/** bytes[start, end) of one value's text, quotes included for strings. */
export class Span {
  start = -1;
  end = -1;
}

/** Walks the members of one object in text order, repeated keys included. Reusable: call reset for each object. */
export class MemberCursor {
  /** The key's contents between its quotes. */
  keyStart = 0;
  keyEnd = 0;
  keyHasEscapes = false;
  valueStart = 0;
  valueEnd = 0;
  private bytes: Uint8Array = NO_BYTES;
  private at = 0;
  private ends: ContainerEnds | null = null;

  /**
   * `start` is at the object's `{` or at whitespace before it. `ends`, made for the same bytes, spares a caller that
   * reads nested objects level by level from passing over the innermost ones once per level.
   */
  reset(bytes: Uint8Array, start: number, ends: ContainerEnds | null = null): void {
    this.ends = ends;
    this.bytes = bytes;
    this.at = skipSpace(bytes, start) + 1;
  }

  /** Moves to the next member; false when there is none. */
  next(): boolean {
    const bytes = this.bytes;
    let at = skipSpace(bytes, this.at);
    if (bytes[at] === COMMA) at = skipSpace(bytes, at + 1);
    if (bytes[at] !== QUOTE) return false;
    const keyStart = ++at;
    let hasEscapes = false;
    for (let byte = bytes[at]; byte !== QUOTE; byte = bytes[at]) {
      if (byte === BACKSLASH) {
        hasEscapes = true;
        at++;
      }
      at++;
    }
    this.keyStart = keyStart;
    this.keyEnd = at;
    this.keyHasEscapes = hasEscapes;
    // Whitespace, the colon, whitespace.
    at = skipSpace(bytes, skipSpace(bytes, at + 1) + 1);
    this.valueStart = at;
    this.at = this.valueEnd = this.ends === null ? skipValue(bytes, at) : this.ends.skipValue(bytes, at);
    return true;
  }
}

/** Walks the elements of one array. Reusable: call reset for each array. */
export class ElementCursor {
  valueStart = 0;
  valueEnd = 0;
  private bytes: Uint8Array = NO_BYTES;
  private at = 0;

  /** `start` is at the array's `[` or at whitespace before it. */
  reset(bytes: Uint8Array, start: number): void {
    this.bytes = bytes;
    this.at = skipSpace(bytes, start) + 1;
  }

  /** Moves to the next element; false when there is none. */
  next(): boolean {
    const bytes = this.bytes;
    let at = skipSpace(bytes, this.at);
    if (bytes[at] === COMMA) at = skipSpace(bytes, at + 1);
    if (bytes[at] === CLOSE_BRACKET) return false;
    this.valueStart = at;
    this.at = this.valueEnd = skipValue(bytes, at);
    return true;
  }
}

const elementCursor = new ElementCursor();

/**
 * The value of the last member named `keyUtf8` (unescaped UTF-8) of the object in bytes[start, end). False when it
 * has none or the text is not an object; `span` is then left as it was.
 */
export function findMember(
  bytes: Uint8Array,
  start: number,
  end: number,
  keyUtf8: Uint8Array,
  span: Span,
): boolean {
  let at = skipSpace(bytes, start);
  if (at >= end || bytes[at] !== OPEN_BRACE) return false;
  let isFound = false;
  // The loop of MemberCursor.next on locals: this is the hot path of every filter.
  for (at++; ; at++) {
    if (bytes[at] <= 0x20) at = skipSpace(bytes, at);
    if (bytes[at] !== QUOTE) return isFound;
    const keyStart = at + 1;
    const keyEnd = skipString(bytes, at) - 1;
    at = keyEnd + 1;
    if (bytes[at] <= 0x20) at = skipSpace(bytes, at);
    at++;
    if (bytes[at] <= 0x20) at = skipSpace(bytes, at);
    const valueStart = at;
    at = skipValue(bytes, at);
    if (keyMatches(bytes, keyStart, keyEnd, keyUtf8)) {
      isFound = true;
      span.start = valueStart;
      span.end = at;
    }
    if (bytes[at] <= 0x20) at = skipSpace(bytes, at);
    if (bytes[at] !== COMMA) return isFound;
  }
}

/** A key of a different length matches only when it is longer and holds an escape. */
function keyMatches(bytes: Uint8Array, start: number, end: number, keyUtf8: Uint8Array): boolean {
  if (end - start < keyUtf8.length) return false;
  if (end - start === keyUtf8.length) return keyEquals(bytes, start, end, false, keyUtf8);
  return hasEscape(bytes, start, end) && keyEquals(bytes, start, end, true, keyUtf8);
}

/**
 * Follows `segments` from the value in bytes[start, end): a segment names a member of an object, or an element of an
 * array by its decimal index (`0`, `12`; not `01` or `-1`). False when any step leads nowhere; `span` is then
 * unspecified. No segments at all find the value itself.
 */
export function findPath(
  bytes: Uint8Array,
  start: number,
  end: number,
  segments: readonly Uint8Array[],
  span: Span,
): boolean {
  span.start = skipSpace(bytes, start);
  if (segments.length === 0) span.end = skipValue(bytes, span.start);
  for (let index = 0; index < segments.length; index++) {
    const segment = segments[index];
    const isStep =
      bytes[span.start] === OPEN_BRACKET
        ? findElement(bytes, span.start, arrayIndex(segment), span)
        : findMember(bytes, span.start, end, segment, span);
    if (!isStep) return false;
  }
  return true;
}

function findElement(bytes: Uint8Array, start: number, index: number, span: Span): boolean {
  if (index < 0) return false;
  const cursor = elementCursor;
  cursor.reset(bytes, start);
  let left = index;
  while (cursor.next()) {
    if (left-- > 0) continue;
    span.start = cursor.valueStart;
    span.end = cursor.valueEnd;
    return true;
  }
  return false;
}

/** No array of a document has more elements than this many digits can count. */
const INDEX_DIGITS_MAX = 9;

/** The array index that a path segment spells, or -1. */
function arrayIndex(segment: Uint8Array): number {
  const length = segment.length;
  if (length === 0 || length > INDEX_DIGITS_MAX || (segment[0] === 0x30 && length > 1)) return -1;
  let index = 0;
  for (let at = 0; at < length; at++) {
    const digit = segment[at] - 0x30;
    if (digit < 0 || digit > 9) return -1;
    index = index * 10 + digit;
  }
  return index;
}

/** The index after the value that starts at `start` (exactly: no whitespace before it). */
export function skipValue(bytes: Uint8Array, start: number): number {
  const first = bytes[start];
  if (first === QUOTE) return skipString(bytes, start);
  if (first === OPEN_BRACE || first === OPEN_BRACKET) return skipContainer(bytes, start);
  let at = start + 1;
  while (at < bytes.length) {
    const byte = bytes[at];
    if (byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET || byte <= 0x20) break;
    at++;
  }
  return at;
}

/** The first index at or after `start` that is not whitespace. */
export function skipSpace(bytes: Uint8Array, start: number): number {
  let at = start;
  while (at < bytes.length && bytes[at] <= 0x20) at++;
  return at;
}

/** The index after the string whose opening quote is at `start`. */
export function skipString(bytes: Uint8Array, start: number): number {
  let at = start + 1;
  const lastFour = bytes.length - 4;
  for (;;) {
    while (at < lastFour) {
      if (STRING_END[bytes[at]] === 1) break;
      if (STRING_END[bytes[++at]] === 1) break;
      if (STRING_END[bytes[++at]] === 1) break;
      if (STRING_END[bytes[++at]] === 1) break;
      at++;
    }
    const byte = bytes[at];
    if (byte === QUOTE) return at + 1;
    at += byte === BACKSLASH ? 2 : 1;
  }
}

function skipContainer(bytes: Uint8Array, start: number): number {
  let depth = 1;
  let at = start + 1;
  for (;;) {
    at = skipToStructure(bytes, at);
    const byte = bytes[at];
    if (byte === QUOTE) {
      at = skipString(bytes, at);
      continue;
    }
    at++;
    // Brackets and braces differ from each other by 0x20, so one comparison serves both kinds.
    if ((byte | 0x20) === OPEN_BRACE) depth++;
    else if (--depth === 0) return at;
  }
}

/** The next quote, bracket or brace of valid text that has one ahead; by fours, as in scan.ts. */
export function skipToStructure(bytes: Uint8Array, start: number): number {
  let at = start;
  const lastFour = bytes.length - 4;
  while (at < lastFour) {
    if (STRUCTURE[bytes[at]] === 1) return at;
    if (STRUCTURE[bytes[at + 1]] === 1) return at + 1;
    if (STRUCTURE[bytes[at + 2]] === 1) return at + 2;
    if (STRUCTURE[bytes[at + 3]] === 1) return at + 3;
    at += 4;
  }
  while (STRUCTURE[bytes[at]] === 0) at++;
  return at;
}
