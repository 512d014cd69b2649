/** Casts at run time: by what the value is and the type it shall have. Any thread. */
import { DbError } from '../../base/errors.js';
import { INVALID_TEXT_REPRESENTATION, NUMERIC_VALUE_OUT_OF_RANGE, sqlError } from '../errors.js';
import { type ArrayTextNode, parseArrayText } from './array-text.js';
import { castToDate, castToInterval, castToTime, castToTimestamp } from './cast-time.js';
import { checkJson, isJsonArray, parseTree, treeToValue } from './json-tree.js';
import { isNumber, parseInt8, parseNumber, roundDecimal, roundToInt8, toInt8 } from './numbers.js';
import { elementType, isArrayType, type SqlType } from './sql-type.js';
import { castToText, isArray, jsonToValue, toJsonText } from './text.js';
import * as rules from './type-rules.js';
import { Json, SqlRecord, type SqlValue } from './values.js';

export interface CastOptions {
  /**
   * Static type of the value. It matters for strings: as `any` or `jsonb` they are JSON strings already, as text they are
   * parsed when cast to jsonb; and for halves of `float8`, which round to even.
   */
  readonly from?: SqlType;
  /** Start of the statement: for 'now', 'today' and their like, which are an error without it. */
  readonly nowMicros?: number;
}

const NO_OPTIONS: CastOptions = {};
const FROM_FLOAT8: CastOptions = { from: 'float8' };

/** Options of casts within statements. Whether a string is JSON is decided before them. */
export function optionsFrom(type: SqlType): CastOptions {
  return type === 'float8' ? FROM_FLOAT8 : NO_OPTIONS;
}

export const canCast = (
  from: SqlType,
  to: SqlType,
  context: 'implicit' | 'assignment' | 'explicit',
): boolean => rules.canCast(from, to, context);

export const commonType = (types: readonly SqlType[]): SqlType | undefined => rules.commonType(types);

/** The explicit cast. Throws sqlError: 22P02, 22003, 22007, 22008, 42846. */
export function castValue(
  value: SqlValue,
  to: SqlType,
  modifiers?: readonly number[],
  options: CastOptions = NO_OPTIONS,
): SqlValue {
  if (value === null) return null;
  switch (to) {
    case 'unknown':
    case 'any':
      return value;
    case 'text':
      return castText(value, modifiers, options);
    case 'bool':
      return castBool(value);
    case 'int8':
      return castInt8(value, options);
    case 'float8':
      return castFloat8(value);
    case 'numeric':
      return castNumeric(value, modifiers);
    case 'timestamptz':
    case 'timestamp':
      return castToTimestamp(value, to === 'timestamptz', modifiers, options.nowMicros);
    case 'date':
      return castToDate(value, options.nowMicros);
    case 'time':
      return castToTime(value, modifiers, options.nowMicros);
    case 'interval':
      return castToInterval(value, modifiers);
    case 'jsonb':
      return castJson(value, options);
    case 'record':
      if (value instanceof SqlRecord) return value;
      throw cannotCast(value, to);
    default:
      return castArray(value, to, modifiers, options);
  }
}

/** NULL where castValue throws an error of the value. */
export function castOrNull(value: SqlValue, to: SqlType, options: CastOptions = NO_OPTIONS): SqlValue {
  try {
    return castValue(value, to, undefined, options);
  } catch (error) {
    if (error instanceof DbError) return null;
    throw error;
  }
}

export function kindName(value: SqlValue): string {
  if (value === null) return 'unknown';
  if (isArray(value)) return 'array';
  switch (typeof value) {
    case 'string':
      return 'text';
    case 'boolean':
      return 'boolean';
    case 'object':
      return value.kind === 'timestamp' && value.hasZone ? 'timestamp with time zone' : value.kind;
    default:
      return 'numeric';
  }
}

export const cannotCast = (value: SqlValue, to: SqlType): DbError =>
  sqlError('42846', `cannot cast type ${kindName(value)} to ${rules.typeName(to)}`);

function castText(value: SqlValue, modifiers: readonly number[] | undefined, options: CastOptions): string {
  const text =
    typeof value === 'string' && options.from === 'jsonb' ? JSON.stringify(value) : castToText(value);
  const length = modifiers?.[0];
  return length === undefined || length < 0 || text.length <= length ? text : firstCharacters(text, length);
}

/** Characters are code points. */
function firstCharacters(text: string, count: number): string {
  let at = 0;
  for (let taken = 0; taken < count && at < text.length; taken++) {
    at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
  }
  return text.slice(0, at);
}

const TRUE_TEXT = /^(?:t|tr|tru|true|y|ye|yes|on|1)$/i;
const FALSE_TEXT = /^(?:f|fa|fal|fals|false|n|no|of|off|0)$/i;

function castBool(value: SqlValue): boolean {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'string') {
    const trimmed = value.trim();
    if (TRUE_TEXT.test(trimmed)) return true;
    if (FALSE_TEXT.test(trimmed)) return false;
    throw sqlError(INVALID_TEXT_REPRESENTATION, `invalid input syntax for type boolean: "${value}"`);
  }
  if (typeof value === 'number') return value !== 0;
  if (typeof value === 'bigint') return true;
  throw cannotCast(value, 'bool');
}

function castInt8(value: SqlValue, options: CastOptions): number | bigint {
  if (typeof value === 'number') {
    return Number.isSafeInteger(value) ? value : roundToInt8(value, options.from === 'float8');
  }
  if (typeof value === 'string') return parseInt8(value);
  if (typeof value === 'bigint') return toInt8(value);
  if (typeof value === 'boolean') return value ? 1 : 0;
  throw cannotCast(value, 'int8');
}

function castFloat8(value: SqlValue): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'string') return Number(parseNumber(value, 'float8'));
  throw cannotCast(value, 'float8');
}

function castNumeric(value: SqlValue, modifiers: readonly number[] | undefined): number | bigint {
  const number = typeof value === 'string' ? parseNumber(value, 'numeric') : value;
  if (!isNumber(number)) throw cannotCast(value, 'numeric');
  const precision = modifiers?.[0];
  if (precision === undefined || precision < 0) return number;
  const scale = modifiers?.[1] ?? 0;
  const rounded = roundDecimal(number, scale);
  const limit = 10 ** (precision - scale);
  if (!Number.isNaN(rounded as number) && (rounded >= limit || rounded <= -limit)) {
    const allowed = `A field with precision ${precision}, scale ${scale} must round to an absolute value less than 10^${precision - scale}`;
    throw sqlError(NUMERIC_VALUE_OUT_OF_RANGE, `numeric field overflow: ${allowed}`);
  }
  return rounded;
}

function castJson(value: SqlValue, options: CastOptions): SqlValue {
  if (value instanceof Json) return value;
  if (typeof value === 'string') {
    if (options.from === 'any' || options.from === 'jsonb') return value;
    checkJson(value);
    return jsonToValue(value);
  }
  return toJsonValue(value);
}

/** to_jsonb(): JSON scalars stay what they are, times become strings, arrays and records JSON. */
export function toJsonValue(value: SqlValue): SqlValue {
  return typeof value === 'object' && value !== null ? jsonToValue(toJsonText(value)) : value;
}

function castArray(
  value: SqlValue,
  to: SqlType,
  modifiers: readonly number[] | undefined,
  options: CastOptions,
): SqlValue {
  if (!isArrayType(to)) throw cannotCast(value, to);
  const element = elementType(to);
  if (isArray(value)) return castItems(value, to, modifiers, options);
  if (typeof value === 'string') {
    const fromText = (node: ArrayTextNode): SqlValue =>
      node === null || typeof node === 'string'
        ? castValue(node, element, modifiers, { nowMicros: options.nowMicros })
        : node.map(fromText);
    return parseArrayText(value).map(fromText);
  }
  if (value instanceof Json) {
    const items = jsonArrayItems(value);
    if (items !== undefined) return castItems(items, to, modifiers, { ...options, from: 'any' });
  }
  throw cannotCast(value, to);
}

function castItems(
  items: readonly SqlValue[],
  to: SqlType,
  modifiers: readonly number[] | undefined,
  options: CastOptions,
): SqlValue {
  const element = elementType(to);
  if (element === 'any' || element === 'unknown') return items;
  const inner =
    options.from !== undefined && isArrayType(options.from) ? elementType(options.from) : options.from;
  const itemOptions = { ...options, from: inner };
  return items.map((item) => castValue(item, isArray(item) ? to : element, modifiers, itemOptions));
}

/** Elements of a JSON array as values; undefined for an object. */
export function jsonArrayItems(json: Json): readonly SqlValue[] | undefined {
  const tree = parseTree(json.text);
  return isJsonArray(tree) ? tree.map(treeToValue) : undefined;
}
