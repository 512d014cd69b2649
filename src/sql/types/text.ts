/** Values as text: PostgreSQL's output form, and JSON for results. Any thread. */
import { type ArrayTextNode, writeArrayText, writeRowText } from './array-text.js';
import { dateToText, intervalToText, timestampToIso, timestampToText, timeToText } from './datetime-text.js';
import { parseTree, writeJsonb } from './json-tree.js';
import { numberToJson, numberToText, parseJsonNumber } from './numbers.js';
import { Json, type SqlValue } from './values.js';

/** As psql shows it: `t`, `2024-01-15 10:30:00+00`, `{1,2}`, `{"a": 1}`; NULL as the empty text. */
export function toText(value: SqlValue): string {
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
    case 'bigint':
      return numberToText(value);
    case 'boolean':
      return value ? 't' : 'f';
    default:
      return value === null ? '' : objectToText(value);
  }
}

function objectToText(value: Exclude<SqlValue, null | boolean | number | bigint | string>): string {
  if (isArray(value)) return writeArrayText(value.map(arrayNode));
  switch (value.kind) {
    case 'timestamp':
      return timestampToText(value);
    case 'date':
      return dateToText(value);
    case 'time':
      return timeToText(value);
    case 'interval':
      return intervalToText(value);
    case 'json':
      return writeJsonb(parseTree(value.text));
    case 'record':
      return writeRowText(value.values.map((item) => (item === null ? null : toText(item))));
  }
}

const arrayNode = (item: SqlValue): ArrayTextNode => {
  if (item === null) return null;
  return isArray(item) ? item.map(arrayNode) : toText(item);
};

/** Array.isArray that also narrows readonly arrays. */
export const isArray = (value: unknown): value is readonly SqlValue[] => Array.isArray(value);

/** The cast to text, which spells booleans out. */
export const castToText = (value: SqlValue): string =>
  typeof value === 'boolean' ? (value ? 'true' : 'false') : toText(value);

/**
 * As it stands in a JSON result: numbers exact, JSON unchanged, times as ISO 8601 with Z, NULL as null, arrays as arrays,
 * records as objects. Infinite and undefined numbers become strings.
 */
export function toJsonText(value: SqlValue): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'number':
    case 'bigint':
      return numberToJson(value);
    case 'boolean':
      return value ? 'true' : 'false';
  }
  if (value === null) return 'null';
  if (isArray(value)) return `[${value.map(toJsonText).join(',')}]`;
  switch (value.kind) {
    case 'json':
      return value.text;
    case 'timestamp':
      return `"${timestampToIso(value)}"`;
    case 'record':
      return `{${value.values
        .map((item, index) => `${JSON.stringify(value.names[index] ?? `f${index + 1}`)}:${toJsonText(item)}`)
        .join(',')}}`;
    default:
      return `"${toText(value)}"`;
  }
}

/** The value that a valid JSON text spells; objects and arrays keep their text. */
export function jsonToValue(text: string): SqlValue {
  const trimmed = text.trim();
  switch (trimmed.charCodeAt(0)) {
    case 0x7b: // {
    case 0x5b: // [
      return new Json(trimmed);
    case 0x22: // "
      return JSON.parse(trimmed) as string;
    case 0x74: // t
      return true;
    case 0x66: // f
      return false;
    case 0x6e: // n
      return null;
    default:
      return parseJsonNumber(trimmed);
  }
}
