/** Names of types as written in statements: integers of every width are int8, character types text, json and jsonb the same. */
import type { TypeName } from '@pgsql/types';
import { FEATURE_NOT_SUPPORTED, sqlError, UNDEFINED_OBJECT } from '../errors.js';
import { bodyOf, stringsOf } from '../parse/nodes.js';
import { arrayOf, type ScalarType, type SqlType } from '../types/sql-type.js';
import { notSupported, syntaxError } from './errors.js';
import { didYouMean } from './nearest.js';

const TYPES: Readonly<Record<string, ScalarType>> = {
  bool: 'bool',
  boolean: 'bool',
  int2: 'int8',
  int4: 'int8',
  int8: 'int8',
  int: 'int8',
  integer: 'int8',
  bigint: 'int8',
  smallint: 'int8',
  float4: 'float8',
  float8: 'float8',
  numeric: 'numeric',
  decimal: 'numeric',
  text: 'text',
  varchar: 'text',
  bpchar: 'text',
  char: 'text',
  name: 'text',
  uuid: 'text',
  timestamptz: 'timestamptz',
  timestamp: 'timestamp',
  date: 'date',
  time: 'time',
  interval: 'interval',
  json: 'jsonb',
  jsonb: 'jsonb',
  record: 'record',
};

const SERIALS = ['serial', 'bigserial', 'smallserial', 'serial2', 'serial4', 'serial8'];

/** Types whose modifiers change a value: the others' are dropped. */
const LENGTHS = new Set([
  'varchar',
  'bpchar',
  'char',
  'numeric',
  'decimal',
  'interval',
  'timestamp',
  'timestamptz',
  'time',
]);

export interface WrittenType {
  readonly type: SqlType;
  readonly modifiers?: readonly number[];
  /** As PostgreSQL names it; output columns of casts are called so. */
  readonly name: string;
}

export function typeOfName(written: TypeName): WrittenType {
  const { location } = written;
  const names = stringsOf(written.names);
  const name = names[names.length - 1] ?? '';
  if (SERIALS.includes(name))
    throw sqlError(
      FEATURE_NOT_SUPPORTED,
      `type ${name} is not supported: there are no sequences; "_id" is generated where it is left out`,
      location,
    );
  if (written.setof) throw notSupported('SETOF', location);
  const base = Object.hasOwn(TYPES, name) ? TYPES[name] : undefined;
  if (base === undefined || (names.length > 1 && names[0] !== 'pg_catalog'))
    throw sqlError(
      UNDEFINED_OBJECT,
      `type "${names.join('.')}" does not exist${didYouMean(name, Object.keys(TYPES))}`,
      location,
    );
  const modifiers = modifiersOf(written, name);
  const dimensions = written.arrayBounds?.length ?? 0;
  if (dimensions > 1) throw notSupported('an array type of several dimensions', location);
  const type = dimensions === 1 ? arrayOf(base) : base;
  return modifiers === undefined ? { type, name } : { type, name, modifiers };
}

function modifiersOf({ typmods, location }: TypeName, name: string): readonly number[] | undefined {
  if (!LENGTHS.has(name) || typmods === undefined || typmods.length === 0) return undefined;
  const modifiers = typmods.map((node) => {
    const constant = bodyOf(node, 'A_Const');
    if (constant?.ival === undefined) throw syntaxError('type modifiers must be constant integers', location);
    return constant.ival.ival ?? 0;
  });
  const [first, second = 0] = modifiers;
  if (/char/.test(name) && first < 1)
    throw sqlError('22023', `length for type ${name} must be at least 1`, location);
  if (/numeric|decimal/.test(name) && (first < 1 || first > 1000 || Math.abs(second) > 1000))
    throw sqlError('22023', 'NUMERIC precision must be between 1 and 1000', location);
  return modifiers;
}
