/**
 * Which members of an object are wanted, and in what order objects of its kind have had their members so far. Documents of a
 * collection mostly look alike: at each member the key that followed last time is compared first, and nothing else is
 * looked up when it is there. Predictions are only hints: every key of every document is compared. One thread.
 */
import { hasEscape } from '../../json/escape.js';
import { findPath, Span, skipSpace, skipString, skipValue } from '../../json/members.js';
import { keyEquals } from '../../json/text.js';

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** Objects with more members than this, or with ever new ones, are not predicted any further. */
const PREDICTED_MEMBERS_MAX = 64;
/** How many predicted members may be missing in a row before a key is looked up instead. */
const SKIPPED_MEMBERS_MAX = 4;
const ABSENT = -1;

/** 1 for the bytes that end a run of plain bytes inside a string. */
const STRING_END = new Uint8Array(256);
STRING_END[QUOTE] = 1;
STRING_END[BACKSLASH] = 1;

/** 1 for the bytes that end a number or literal. */
const SCALAR_END = new Uint8Array(256);
for (let byte = 0; byte <= 0x20; byte++) SCALAR_END[byte] = 1;
for (const byte of [COMMA, 0x5d, CLOSE_BRACE]) SCALAR_END[byte] = 1;

const textEncoder = new TextEncoder();
const span = new Span();

/** A wanted member: of its own (`field`), for what is inside of it (`inner`), or both. */
interface WantedMember {
  readonly key: Uint8Array;
  /** Place of its span, or ABSENT. */
  field: number;
  inner: ObjectLayout | undefined;
  /** Paths below it, for values that are arrays: an element is named by its place. */
  readonly paths: { readonly segments: readonly Uint8Array[]; readonly field: number }[];
}

/** Where fields have been found: text [starts[i], ends[i]), starts[i] negative for one that is missing. */
export interface FieldSpans {
  readonly starts: Int32Array;
  readonly ends: Int32Array;
}

export class ObjectLayout {
  private readonly wanted: WantedMember[] = [];
  /** Every field at or below this object. */
  private readonly fields: number[] = [];
  /** Predicted members: keys one after the other without quotes, and what is wanted of each. */
  private keyBytes = new Uint8Array(256);
  private keyBytesLength = 0;
  private readonly keyStart: number[] = [];
  private readonly keyLength: number[] = [];
  private readonly member: (WantedMember | undefined)[] = [];

  /** `field` is the place of the path's span. */
  add(path: readonly string[], field: number): void {
    this.fields.push(field);
    const key = textEncoder.encode(path[0]);
    let wanted = this.wanted.find((other) => Buffer.compare(other.key, key) === 0);
    if (wanted === undefined) {
      wanted = { key, field: ABSENT, inner: undefined, paths: [] };
      this.wanted.push(wanted);
    }
    if (path.length === 1) {
      wanted.field = field;
      return;
    }
    wanted.inner ??= new ObjectLayout();
    wanted.inner.add(path.slice(1), field);
    wanted.paths.push({ segments: path.slice(1).map((segment) => textEncoder.encode(segment)), field });
  }

  /** `start` is at the object's `{`. Returns the index after the object. Spans must have been cleared. */
  locate(bytes: Uint8Array, start: number, spans: FieldSpans): number {
    const { keyStart, keyLength, member } = this;
    let next = 0;
    let at = start + 1;
    for (;;) {
      if (bytes[at] <= 0x20) at = skipSpace(bytes, at);
      if (bytes[at] !== QUOTE) return at + 1;
      at++;
      // The prediction is read again each time: a look-up may have added to it.
      const { keyBytes } = this;
      let wanted: WantedMember | undefined;
      let isFound = false;
      const limit = Math.min(member.length, next + SKIPPED_MEMBERS_MAX);
      for (let candidate = next; candidate < limit; candidate++) {
        const length = keyLength[candidate];
        const from = keyStart[candidate];
        let matched = 0;
        while (matched < length && bytes[at + matched] === keyBytes[from + matched]) matched++;
        if (matched < length || bytes[at + length] !== QUOTE) continue;
        wanted = member[candidate];
        at += length + 1;
        next = candidate + 1;
        isFound = true;
        break;
      }
      if (!isFound) {
        const keyEnd = skipString(bytes, at - 1) - 1;
        wanted = this.lookUp(bytes, at, keyEnd);
        if (member.length < PREDICTED_MEMBERS_MAX) this.predict(next++, bytes, at, keyEnd, wanted);
        at = keyEnd + 1;
      }
      if (bytes[at] !== COLON) at = skipSpace(bytes, at);
      at++;
      if (bytes[at] <= 0x20) at = skipSpace(bytes, at);
      const valueStart = at;
      const first = bytes[at];
      if (first === QUOTE) {
        at++;
        while (STRING_END[bytes[at]] === 0) at++;
        at = bytes[at] === QUOTE ? at + 1 : skipString(bytes, valueStart);
        if (wanted !== undefined) this.note(wanted, bytes, valueStart, at, spans);
      } else if (first === OPEN_BRACE || first === OPEN_BRACKET) {
        at = this.container(wanted, bytes, valueStart, spans);
      } else {
        at++;
        while (SCALAR_END[bytes[at]] === 0) at++;
        if (wanted !== undefined) this.note(wanted, bytes, valueStart, at, spans);
      }
      if (bytes[at] === COMMA) at++;
      else {
        if (bytes[at] <= 0x20) at = skipSpace(bytes, at);
        if (bytes[at] !== COMMA) return at + 1;
        at++;
      }
    }
  }

  private note(wanted: WantedMember, bytes: Uint8Array, start: number, end: number, spans: FieldSpans): void {
    const { field, inner } = wanted;
    if (field >= 0) {
      spans.starts[field] = start;
      spans.ends[field] = end;
    }
    if (inner === undefined) return;
    // A member that repeats hides what was found in the one before.
    inner.clear(spans);
    if (bytes[start] === OPEN_BRACKET) locateInArray(wanted, bytes, start, end, spans);
  }

  private container(
    wanted: WantedMember | undefined,
    bytes: Uint8Array,
    start: number,
    spans: FieldSpans,
  ): number {
    if (wanted?.inner === undefined || bytes[start] === OPEN_BRACKET) {
      const end = skipValue(bytes, start);
      if (wanted !== undefined) this.note(wanted, bytes, start, end, spans);
      return end;
    }
    wanted.inner.clear(spans);
    const end = wanted.inner.locate(bytes, start, spans);
    if (wanted.field >= 0) {
      spans.starts[wanted.field] = start;
      spans.ends[wanted.field] = end;
    }
    return end;
  }

  private clear({ starts }: FieldSpans): void {
    for (let i = 0; i < this.fields.length; i++) starts[this.fields[i]] = ABSENT;
  }

  private lookUp(bytes: Uint8Array, start: number, end: number): WantedMember | undefined {
    const hasEscapes = hasEscape(bytes, start, end);
    return this.wanted.find(({ key }) => keyEquals(bytes, start, end, hasEscapes, key));
  }

  /** Puts a key into the predictions, at the place where it was met. */
  private predict(
    place: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    wanted: WantedMember | undefined,
  ): void {
    const length = end - start;
    if (this.keyBytesLength + length > this.keyBytes.length) {
      const larger = new Uint8Array((this.keyBytesLength + length) * 2);
      larger.set(this.keyBytes);
      this.keyBytes = larger;
    }
    for (let i = 0; i < length; i++) this.keyBytes[this.keyBytesLength + i] = bytes[start + i];
    this.keyStart.splice(place, 0, this.keyBytesLength);
    this.keyLength.splice(place, 0, length);
    this.member.splice(place, 0, wanted);
    this.keyBytesLength += length;
  }
}

function locateInArray(
  { paths }: WantedMember,
  bytes: Uint8Array,
  start: number,
  end: number,
  { starts, ends }: FieldSpans,
): void {
  for (const { segments, field } of paths) {
    if (!findPath(bytes, start, end, segments, span)) continue;
    starts[field] = span.start;
    ends[field] = span.end;
  }
}
