/** Operators and functions on jsonb. json_* names do the same as jsonb_*. */
import { INVALID_PARAMETER_VALUE, sqlError } from '../errors.js';
import { toJsonValue } from '../types/cast.js';
import {
  isJsonArray,
  isJsonObject,
  type JsonTree,
  sortedEntries,
  treeToValue,
  writeTree,
} from '../types/json-tree.js';
import { castToText, toJsonText } from '../types/text.js';
import { Json, type SqlRecord, type SqlValue } from '../types/values.js';
import { aliases, many, one, three, two } from './define.js';
import type { FunctionDefinition } from './definition.js';
import {
  concatenateJson,
  containsTree,
  deleteIndex,
  deleteKeys,
  editPath,
  elementAt,
  followPath,
  hasKey,
  memberOf,
  stripNulls,
  toValue,
  treeOf,
} from './json-tools.js';

const asText = (value: SqlValue): SqlValue => (value === null ? null : castToText(value));

const member = (json: SqlValue, key: string): SqlValue => toValue(memberOf(treeOf(json), key));
const element = (json: SqlValue, index: number): SqlValue => toValue(elementAt(treeOf(json), index));
const atPath = (json: SqlValue, path: readonly SqlValue[]): SqlValue =>
  toValue(followPath(treeOf(json), path));

export function jsonTypeOf(value: SqlValue): string {
  if (value === null) return 'null';
  if (value instanceof Json) return value.text.startsWith('[') ? 'array' : 'object';
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'boolean':
      return 'boolean';
    case 'object':
      return jsonTypeOf(toJsonValue(value));
    default:
      return 'number';
  }
}

function arrayLength(json: SqlValue): number {
  const tree = treeOf(json);
  if (isJsonArray(tree)) return tree.length;
  const kind = isJsonObject(tree) ? 'a non-array' : 'a scalar';
  throw sqlError(INVALID_PARAMETER_VALUE, `cannot get array length of ${kind}`);
}

function buildObject(args: readonly SqlValue[]): SqlValue {
  if (args.length % 2 !== 0) {
    throw sqlError(INVALID_PARAMETER_VALUE, 'argument list must have even number of elements');
  }
  const entries: [string, JsonTree][] = [];
  for (let index = 0; index < args.length; index += 2) {
    const key = args[index];
    if (key === null) {
      throw sqlError(INVALID_PARAMETER_VALUE, `argument ${index + 1}: key must not be null`);
    }
    entries.push([castToText(key), treeOf(args[index + 1])]);
  }
  return treeToValue(Object.fromEntries(entries));
}

const buildArray = (args: readonly SqlValue[]): SqlValue => new Json(`[${args.map(toJsonText).join(',')}]`);

/** Four spaces a level, members in jsonb's order. */
export function prettyTree(tree: JsonTree, indent = ''): string {
  const inner = `${indent}    `;
  if (isJsonArray(tree)) {
    if (tree.length === 0) return '[\n'.concat(indent, ']');
    return `[\n${tree.map((item) => inner + prettyTree(item, inner)).join(',\n')}\n${indent}]`;
  }
  if (!isJsonObject(tree)) return writeTree(tree);
  const members = sortedEntries(tree).map(
    ([key, value]) => `${inner}${JSON.stringify(key)}: ${prettyTree(value, inner)}`,
  );
  return members.length === 0 ? `{\n${indent}}` : `{\n${members.join(',\n')}\n${indent}}`;
}

type Path = readonly SqlValue[];

const setPath = (json: SqlValue, path: Path, value: SqlValue, createMissing: boolean): SqlValue =>
  treeToValue(editPath(treeOf(json), path, { kind: 'set', value: treeOf(value), createMissing }));

const insertPath = (json: SqlValue, path: Path, value: SqlValue, isAfter: boolean): SqlValue =>
  treeToValue(
    editPath(treeOf(json), path, {
      kind: isAfter ? 'insertAfter' : 'insertBefore',
      value: treeOf(value),
      createMissing: true,
    }),
  );

const deletePath = (json: SqlValue, path: Path): SqlValue =>
  treeToValue(editPath(treeOf(json), path, { kind: 'delete', value: null, createMissing: false }));

/** jsonb_object('{a,1,b,2}'), and of keys and values. */
function objectFromTexts(keys: Path, values: Path): SqlValue {
  if (keys.length !== values.length) throw sqlError('2202E', 'mismatched array dimensions');
  return buildObject(
    keys.flatMap((key, index) => [key, values[index] === null ? null : castToText(values[index])]),
  );
}

function objectFromPairs(items: Path): SqlValue {
  const flat = items.flat() as SqlValue[];
  if (flat.length % 2 !== 0) throw sqlError('2202E', 'array must have even number of elements');
  return objectFromTexts(
    flat.filter((_, index) => index % 2 === 0),
    flat.filter((_, index) => index % 2 === 1),
  );
}

const keySet = (keys: Path): Set<string> => new Set(keys.filter((key) => key !== null).map(String));
const strings = (keys: Path): string[] => keys.filter((key): key is string => typeof key === 'string');

/** Under both prefixes. */
const both = (definition: FunctionDefinition): FunctionDefinition[] =>
  aliases(definition, definition.name.replace('jsonb', 'json'));

const OPEN = { strict: false, variadic: true } as const;

export const JSON_FUNCTIONS: readonly FunctionDefinition[] = [
  two<SqlValue, string>('->', ['jsonb', 'text'], 'jsonb', member),
  two<SqlValue, number>('->', ['jsonb', 'int8'], 'jsonb', element),
  two<SqlValue, string>('->>', ['jsonb', 'text'], 'text', (json, key) => asText(member(json, key))),
  two<SqlValue, number>('->>', ['jsonb', 'int8'], 'text', (json, index) => asText(element(json, index))),
  two<SqlValue, Path>('#>', ['jsonb', 'text[]'], 'jsonb', atPath),
  two<SqlValue, Path>('#>>', ['jsonb', 'text[]'], 'text', (json, path) => asText(atPath(json, path))),
  two('@>', ['jsonb', 'jsonb'], 'bool', (a, b) => containsTree(treeOf(a), treeOf(b))),
  two('<@', ['jsonb', 'jsonb'], 'bool', (a, b) => containsTree(treeOf(b), treeOf(a))),
  two<SqlValue, string>('?', ['jsonb', 'text'], 'bool', (json, key) => hasKey(treeOf(json), key)),
  two<SqlValue, Path>('?|', ['jsonb', 'text[]'], 'bool', (json, keys) => {
    const tree = treeOf(json);
    return strings(keys).some((key) => hasKey(tree, key));
  }),
  two<SqlValue, Path>('?&', ['jsonb', 'text[]'], 'bool', (json, keys) => {
    const tree = treeOf(json);
    return strings(keys).every((key) => hasKey(tree, key));
  }),
  two('||', ['jsonb', 'jsonb'], 'jsonb', concatenateJson),
  two<SqlValue, string>('-', ['jsonb', 'text'], 'jsonb', (json, key) =>
    treeToValue(deleteKeys(treeOf(json), new Set([key]))),
  ),
  two<SqlValue, number>('-', ['jsonb', 'int8'], 'jsonb', (json, index) =>
    treeToValue(deleteIndex(treeOf(json), index)),
  ),
  two<SqlValue, Path>('-', ['jsonb', 'text[]'], 'jsonb', (json, keys) =>
    treeToValue(deleteKeys(treeOf(json), keySet(keys))),
  ),
  two<SqlValue, Path>('#-', ['jsonb', 'text[]'], 'jsonb', deletePath),
  ...both(one('jsonb_typeof', 'jsonb', 'text', jsonTypeOf)),
  ...both(one('jsonb_array_length', 'jsonb', 'int8', arrayLength)),
  ...both(
    many('jsonb_extract_path', ['jsonb', 'text'], 'jsonb', ([json, ...path]) => atPath(json, path), {
      variadic: true,
    }),
  ),
  ...both(
    many(
      'jsonb_extract_path_text',
      ['jsonb', 'text'],
      'text',
      ([json, ...path]) => asText(atPath(json, path)),
      {
        variadic: true,
      },
    ),
  ),
  ...both(many('jsonb_build_object', ['any'], 'jsonb', buildObject, OPEN)),
  ...both(many('jsonb_build_array', ['any'], 'jsonb', buildArray, OPEN)),
  ...both(one('jsonb_object', 'text[]', 'jsonb', objectFromPairs as (items: SqlValue) => SqlValue)),
  ...both(two<Path>('jsonb_object', ['text[]', 'text[]'], 'jsonb', objectFromTexts)),
  one('to_jsonb', 'any', 'jsonb', toJsonValue),
  one('to_json', 'any', 'jsonb', toJsonValue),
  one('row_to_json', 'record', 'jsonb', (row) => toJsonValue(row as SqlRecord)),
  one('row_to_json', 'any', 'jsonb', toJsonValue),
  one('array_to_json', 'any', 'jsonb', toJsonValue),
  ...both(one('jsonb_strip_nulls', 'jsonb', 'jsonb', (json) => treeToValue(stripNulls(treeOf(json))))),
  one('jsonb_pretty', 'jsonb', 'text', (json) => prettyTree(treeOf(json))),
  three<SqlValue, Path, SqlValue>('jsonb_set', ['jsonb', 'text[]', 'jsonb'], 'jsonb', (json, path, value) =>
    setPath(json, path, value, true),
  ),
  many('jsonb_set', ['jsonb', 'text[]', 'jsonb', 'bool'], 'jsonb', ([json, path, value, creates]) =>
    setPath(json, path as Path, value, creates as boolean),
  ),
  three<SqlValue, Path, SqlValue>(
    'jsonb_insert',
    ['jsonb', 'text[]', 'jsonb'],
    'jsonb',
    (json, path, value) => insertPath(json, path, value, false),
  ),
  many('jsonb_insert', ['jsonb', 'text[]', 'jsonb', 'bool'], 'jsonb', ([json, path, value, isAfter]) =>
    insertPath(json, path as Path, value, isAfter as boolean),
  ),
];
