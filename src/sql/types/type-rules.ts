/** Which types turn into which, and the type that several have in common. Pure. */
import { arrayOf, elementType, isArrayType, type ScalarType, type SqlType } from './sql-type.js';

export type CastContext = 'implicit' | 'assignment' | 'explicit';

const IMPLICIT: Partial<Record<ScalarType, readonly ScalarType[]>> = {
  int8: ['numeric', 'float8'],
  numeric: ['float8'],
  date: ['timestamp', 'timestamptz'],
  timestamp: ['timestamptz'],
  time: ['interval'],
};

const ASSIGNMENT: Partial<Record<ScalarType, readonly ScalarType[]>> = {
  numeric: ['int8'],
  float8: ['int8', 'numeric'],
  timestamptz: ['timestamp', 'date', 'time'],
  timestamp: ['date', 'time'],
  interval: ['time'],
};

const EXPLICIT: Partial<Record<ScalarType, readonly ScalarType[]>> = {
  bool: ['int8'],
  int8: ['bool'],
  jsonb: ['bool', 'int8', 'numeric', 'float8'],
};

const isOpen = (type: SqlType): boolean => type === 'unknown' || type === 'any';

export function canCast(from: SqlType, to: SqlType, context: CastContext): boolean {
  if (from === to || isOpen(from) || isOpen(to)) return true;
  if (isArrayType(from) && isArrayType(to)) return canCast(elementType(from), elementType(to), context);
  if (context !== 'implicit' && to === 'text') return true;
  if (context === 'explicit' && (from === 'text' || to === 'jsonb')) return true;
  if (isArrayType(to)) return context === 'explicit' && from === 'jsonb';
  if (isArrayType(from)) return false;
  const source = from as ScalarType;
  const target = to as ScalarType;
  if (IMPLICIT[source]?.includes(target)) return true;
  if (context === 'implicit') return false;
  if (ASSIGNMENT[source]?.includes(target)) return true;
  return context === 'explicit' && EXPLICIT[source]?.includes(target) === true;
}

/**
 * The type of UNION, CASE, COALESCE, VALUES and ARRAY: the first type that all others turn into without being asked.
 * Literals adapt; any wins over everything.
 */
export function commonType(types: readonly SqlType[]): SqlType | undefined {
  if (types.includes('any')) return 'any';
  const known = types.filter((type) => type !== 'unknown');
  if (known.length === 0) return 'text';
  if (known.includes('any[]') && known.every(isArrayType)) return 'any[]';
  let common = known[0];
  for (const type of known) {
    if (type !== common && canCast(common, type, 'implicit') && !canCast(type, common, 'implicit'))
      common = type;
  }
  if (known.every((type) => canCast(type, common, 'implicit'))) return common;
  // Arrays of literals and of documents' members go with every array.
  if (known.every(isArrayType)) {
    const element = commonType(known.map(elementType));
    return element === undefined ? undefined : arrayOf(element as ScalarType);
  }
  return undefined;
}

const TYPE_NAMES: Partial<Record<ScalarType, string>> = {
  bool: 'boolean',
  int8: 'bigint',
  float8: 'double precision',
  timestamptz: 'timestamp with time zone',
  timestamp: 'timestamp without time zone',
  time: 'time without time zone',
};

/** The name that messages and pg_typeof use. */
export function typeName(type: SqlType): string {
  if (isArrayType(type)) return `${typeName(elementType(type))}[]`;
  return TYPE_NAMES[type as ScalarType] ?? type;
}
