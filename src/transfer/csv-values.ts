/**
 * What a field of a CSV file means, and how a value is written so that it is read back as the same. Pure functions.
 *
 *     missing member   an empty field without quotes        a null       null, without quotes
 *     number, boolean  its JSON text, without quotes        array, object  its JSON text
 *     text             the text; in quotes where it would be read as something else without them ("", "42", "null")
 *
 * A text that is itself the JSON of an array or object would be read as such even in quotes, so it is written as a JSON
 * string, and a JSON string of such a text (or of another JSON string) is read as the text. See readsAsJson.
 */
import type { CsvType } from './column-types.js';
import { parseMoment } from './moment.js';

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const INTEGER = /^[+-]?\d+$/;
const LOOSE_NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const TRUTHS = new Set(['true', 't', 'yes', 'y', '1']);
const FALSEHOODS = new Set(['false', 'f', 'no', 'n', '0']);
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
/** Digits of the longest number of 64 bits, with room for leading zeros. */
const INT64_TEXT_LENGTH_MAX = 100;

/** Why a field cannot be read as the type that was asked for. */
export class BadValue {
  constructor(readonly reason: string) {}
}

/** JSON text of the member; undefined leaves it out. */
export function memberFromField(
  text: string,
  isQuoted: boolean,
  type: CsvType,
): string | undefined | BadValue {
  if (text === '' && (!isQuoted || (type !== 'auto' && type !== 'text'))) return undefined;
  // As an export writes it, whatever else the column holds.
  if (text === 'null' && !isQuoted && type !== 'text' && type !== 'skip') return text;
  switch (type) {
    case 'auto':
      return autoMember(text, isQuoted);
    case 'text':
      return JSON.stringify(text);
    case 'int':
      return integerMember(text.trim());
    case 'number':
      return numberMember(text.trim());
    case 'bool':
      return booleanMember(text.trim().toLowerCase());
    case 'json':
      return isJson(text) ? text : new BadValue('it is not JSON');
    case 'timestamp': {
      const moment = parseMoment(text.trim());
      return moment === undefined ? new BadValue('it is no point in time') : JSON.stringify(moment);
    }
    case 'skip':
      return undefined;
  }
}

function autoMember(text: string, isQuoted: boolean): string {
  const json = readsAsJson(text);
  if (json !== undefined) return json;
  if (!isQuoted && isBareLiteral(text)) return text;
  return JSON.stringify(text);
}

function integerMember(text: string): string | BadValue {
  if (!INTEGER.test(text)) return new BadValue('it is no whole number');
  const value = text.length > INT64_TEXT_LENGTH_MAX ? INT64_MAX + 1n : BigInt(text.replace(/^\+/, ''));
  if (value < INT64_MIN || value > INT64_MAX) return new BadValue('it does not fit into 64 bits');
  return value.toString();
}

function numberMember(text: string): string | BadValue {
  // Its own text where that is JSON: every digit is kept.
  if (NUMBER.test(text)) return text;
  const value = LOOSE_NUMBER.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(value) ? JSON.stringify(value) : new BadValue('it is no number');
}

function booleanMember(text: string): string | BadValue {
  if (TRUTHS.has(text)) return 'true';
  return FALSEHOODS.has(text) ? 'false' : new BadValue('it is neither true nor false');
}

/** A text that is no text when it stands there without quotes. */
function isBareLiteral(text: string): boolean {
  return text === 'true' || text === 'false' || text === 'null' || NUMBER.test(text);
}

/** The JSON that this text is read as, in quotes or not; undefined: it is a text. */
function readsAsJson(text: string): string | undefined {
  const first = text.charCodeAt(0);
  if (first === 0x7b || first === 0x5b) return isJson(text) ? text : undefined;
  if (first !== 0x22) return undefined;
  const value = parse(text);
  // Only what the writer had to write so: "\"The Raven\"" is a title in quotes and stays one.
  return typeof value === 'string' && /^[{["]/.test(value) ? text : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isJson = (text: string): boolean => parse(text) !== undefined;

/** The field, quotes included where it needs them, for a member that is a text. */
export function fieldOfText(text: string, delimiter: string): string {
  const written = readsAsJson(text) === undefined ? text : JSON.stringify(text);
  const isOther = written === '' || isBareLiteral(written);
  return isOther ? quote(written) : fieldOf(written, delimiter);
}

/** The field of what is read back as it stands: an `_id`, a name of a column, the JSON text of a value. */
export function fieldOf(text: string, delimiter: string): string {
  const needsQuotes =
    text.includes('"') || text.includes(delimiter) || text.includes('\n') || text.includes('\r');
  return needsQuotes ? quote(text) : text;
}

const quote = (text: string): string => `"${text.replaceAll('"', '""')}"`;
