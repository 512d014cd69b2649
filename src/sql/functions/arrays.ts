/** Functions and operators on arrays. A JSON array out of a document works wherever an array does. Subscripts are the binder's. */
import { sqlError } from '../errors.js';
import { castValue, jsonArrayItems } from '../types/cast.js';
import { compareForOrder, hashValue } from '../types/compare.js';
import type { SqlType } from '../types/sql-type.js';
import { isArray, toText } from '../types/text.js';
import { Json, type SqlValue } from '../types/values.js';
import { arrayTypeOf, many, one, three, two } from './define.js';
import type { FunctionDefinition } from './definition.js';
import { checkTextLength } from './text-limit.js';

type Items = readonly SqlValue[];

/** Elements of what stands for an array. */
export function itemsOf(value: SqlValue): Items {
  if (isArray(value)) return value;
  const items = value instanceof Json ? jsonArrayItems(value) : undefined;
  if (items === undefined) throw sqlError('42804', 'an array is expected');
  return items;
}

/** Lengths of each dimension; an empty array has none. */
function dimensions(value: SqlValue): number[] {
  const lengths: number[] = [];
  for (let at: SqlValue = value; isArrayLike(at); ) {
    const items = itemsOf(at);
    if (items.length === 0) break;
    lengths.push(items.length);
    at = items[0];
  }
  return lengths;
}

const isArrayLike = (value: SqlValue): boolean =>
  isArray(value) || (value instanceof Json && value.text.startsWith('['));

/** All elements of all dimensions. */
export const flatten = (value: SqlValue): Items =>
  itemsOf(value).flatMap((item) => (isArray(item) ? flatten(item) : [item]));

const same = (a: SqlValue, b: SqlValue): boolean => compareForOrder(a, b) === 0;

const contains = (whole: SqlValue, part: SqlValue): boolean => {
  const keys = new Set(
    flatten(whole)
      .filter((item) => item !== null)
      .map(hashValue),
  );
  return flatten(part).every((item) => item !== null && keys.has(hashValue(item)));
};

const overlaps = (a: SqlValue, b: SqlValue): boolean => {
  const keys = new Set(
    flatten(a)
      .filter((item) => item !== null)
      .map(hashValue),
  );
  return flatten(b).some((item) => item !== null && keys.has(hashValue(item)));
};

function positionOf(array: SqlValue, value: SqlValue, start: number): number | null {
  const items = itemsOf(array);
  for (let index = Math.max(0, start - 1); index < items.length; index++) {
    if (same(items[index], value)) return index + 1;
  }
  return null;
}

function arrayToString(array: SqlValue, delimiter: string, nullText: string | null): string {
  const texts = flatten(array)
    .map((item) => (item === null ? nullText : toText(item)))
    .filter((text) => text !== null);
  checkTextLength(texts.reduce((sum, text) => sum + text.length + delimiter.length, 0));
  return texts.join(delimiter);
}

/** No delimiter: character by character. An empty one: the whole text. */
export function splitText(text: string, delimiter: string | null, nullText: string | null): Items {
  if (text === '') return [];
  const parts = delimiter === null ? [...text] : delimiter === '' ? [text] : text.split(delimiter);
  return nullText === null ? parts : parts.map((part) => (part === nullText ? null : part));
}

function concatenateArrays(a: SqlValue, b: SqlValue): SqlValue {
  if (a === null) return b;
  if (b === null) return a;
  const left = itemsOf(a);
  const right = itemsOf(b);
  const leftDepth = dimensions(a).length;
  const rightDepth = dimensions(b).length;
  if (leftDepth > 0 && rightDepth === leftDepth + 1) return [left, ...right];
  if (rightDepth > 0 && leftDepth === rightDepth + 1) return [...left, right];
  return [...left, ...right];
}

const ARRAY_LENGTH_MAX = 1 << 24;

function fill(value: SqlValue, lengths: Items): SqlValue {
  const [length, ...inner] = lengths.map(Number);
  if (length === undefined || length < 0 || length > ARRAY_LENGTH_MAX) {
    throw sqlError('54000', `an array may have at most ${ARRAY_LENGTH_MAX} elements`);
  }
  return new Array<SqlValue>(length).fill(inner.length > 0 ? fill(value, inner) : value);
}

function dimensionOf(array: SqlValue, dimension: number): number | null {
  return dimension >= 1 ? (dimensions(array)[dimension - 1] ?? null) : null;
}

const appended = (types: readonly SqlType[]): SqlType => arrayTypeOf(types[0]);
const prepended = (types: readonly SqlType[]): SqlType => arrayTypeOf(types[1]);
const LIKE_FIRST = { strict: false, returnsFor: appended } as const;
const LIKE_SECOND = { strict: false, returnsFor: prepended } as const;

const append = (array: SqlValue, value: SqlValue): SqlValue => [
  ...(array === null ? [] : itemsOf(array)),
  value,
];
const prepend = (value: SqlValue, array: SqlValue): SqlValue => [
  value,
  ...(array === null ? [] : itemsOf(array)),
];

export const ARRAYS: readonly FunctionDefinition[] = [
  two<SqlValue, number>('array_length', ['any[]', 'int8'], 'int8', dimensionOf),
  two<SqlValue, number>('array_upper', ['any[]', 'int8'], 'int8', dimensionOf),
  two<SqlValue, number>('array_lower', ['any[]', 'int8'], 'int8', (array, dimension) =>
    dimensionOf(array, dimension) === null ? null : 1,
  ),
  one('array_ndims', 'any[]', 'int8', (array) => dimensions(array).length || null),
  one('cardinality', 'any[]', 'int8', (array) => flatten(array).length),
  two('array_append', ['any[]', 'any'], 'any[]', append, LIKE_FIRST),
  two('array_prepend', ['any', 'any[]'], 'any[]', prepend, LIKE_SECOND),
  two('array_cat', ['any[]', 'any[]'], 'any[]', concatenateArrays, LIKE_FIRST),
  two('||', ['any[]', 'any[]'], 'any[]', concatenateArrays, LIKE_FIRST),
  two('||', ['any[]', 'any'], 'any[]', append, LIKE_FIRST),
  two('||', ['any', 'any[]'], 'any[]', prepend, LIKE_SECOND),
  two('array_position', ['any[]', 'any'], 'int8', (array, value) => positionOf(array, value, 1), {
    strict: false,
  }),
  three<SqlValue, SqlValue, number>('array_position', ['any[]', 'any', 'int8'], 'int8', positionOf, {
    strict: false,
  }),
  two(
    'array_positions',
    ['any[]', 'any'],
    'int8[]',
    (array, value) => itemsOf(array).flatMap((item, index) => (same(item, value) ? [index + 1] : [])),
    { strict: false },
  ),
  two(
    'array_remove',
    ['any[]', 'any'],
    'any[]',
    (array, value) => (array === null ? null : itemsOf(array).filter((item) => !same(item, value))),
    LIKE_FIRST,
  ),
  three<SqlValue>(
    'array_replace',
    ['any[]', 'any', 'any'],
    'any[]',
    (array, from, to) =>
      array === null ? null : itemsOf(array).map((item) => (same(item, from) ? to : item)),
    LIKE_FIRST,
  ),
  two<SqlValue, Items>('array_fill', ['any', 'int8[]'], 'any[]', fill, {
    strict: false,
    returnsFor: (types) => arrayTypeOf(types[0]),
  }),
  two<SqlValue, number>('trim_array', ['any[]', 'int8'], 'any[]', trimArray, LIKE_FIRST),
  two('@>', ['any[]', 'any[]'], 'bool', contains),
  two('<@', ['any[]', 'any[]'], 'bool', (a, b) => contains(b, a)),
  two('&&', ['any[]', 'any[]'], 'bool', overlaps),
  two<SqlValue, string>('array_to_string', ['any[]', 'text'], 'text', (array, delimiter) =>
    arrayToString(array, delimiter, null),
  ),
  three<SqlValue, string, string | null>(
    'array_to_string',
    ['any[]', 'text', 'text'],
    'text',
    (array, delimiter, nullText) =>
      array === null || delimiter === null ? null : arrayToString(array, delimiter, nullText),
    { strict: false },
  ),
  many(
    'string_to_array',
    ['text', 'text'],
    'text[]',
    ([text, delimiter]) =>
      text === null ? null : splitText(text as string, delimiter as string | null, null),
    { strict: false },
  ),
  many(
    'string_to_array',
    ['text', 'text', 'text'],
    'text[]',
    ([text, delimiter, nullText]) =>
      text === null ? null : splitText(text as string, delimiter as string | null, nullText as string | null),
    { strict: false },
  ),
  one('array_dims', 'any[]', 'text', (array) => {
    const text = dimensions(array).map((length) => `[1:${length}]`);
    return text.length === 0 ? null : text.join('');
  }),
];

function trimArray(array: SqlValue, count: number): SqlValue {
  if (array === null || count === null) return null;
  const items = itemsOf(array);
  if (count < 0 || count > items.length) {
    throw sqlError('2202E', `number of elements to trim must be between 0 and ${items.length}`);
  }
  return items.slice(0, items.length - count);
}

/** `tags[2]` of any kind of array, 1-based; missing: NULL. For the executor. */
export function elementOfArray(array: SqlValue, index: SqlValue): SqlValue {
  if (array === null || index === null || !isArrayLike(array)) return null;
  return itemsOf(array)[Number(castValue(index, 'int8')) - 1] ?? null;
}
