/** Constants as EXPLAIN prints them: PostgreSQL's literals, with a type only where the text alone does not say it. Pure. */
import type { SqlType } from '../types/sql-type.js';
import { toText } from '../types/text.js';
import type { SqlValue } from '../types/values.js';

const TYPE_NAMES: Readonly<Record<string, string>> = {
  int8: 'bigint',
  float8: 'double precision',
  timestamptz: 'timestamp with time zone',
  timestamp: 'timestamp without time zone',
  time: 'time without time zone',
  bool: 'boolean',
};

export function typeName(type: SqlType): string {
  if (type.endsWith('[]')) return `${typeName(type.slice(0, -2) as SqlType)}[]`;
  return TYPE_NAMES[type] ?? type;
}

export function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

export function literal(value: SqlValue, type: SqlType): string {
  if (value === null) return type === 'unknown' || type === 'any' ? 'NULL' : `NULL::${typeName(type)}`;
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number' || typeof value === 'bigint') {
    return value < 0 ? quotedNumber(String(value), type) : String(value);
  }
  if (Array.isArray(value)) return `${quoted(toText(value))}::${typeName(arrayType(value, type))}`;
  return `${quoted(toText(value))}::${typeName(typeOf(value, type))}`;
}

/** PostgreSQL quotes negative numbers, so that a minus is never taken for an operator. */
function quotedNumber(text: string, type: SqlType): string {
  return `'${text}'::${typeName(type === 'any' || type === 'unknown' ? 'numeric' : type)}`;
}

function typeOf(value: SqlValue, type: SqlType): SqlType {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return type;
  if (value.kind === 'timestamp') return value.hasZone ? 'timestamptz' : 'timestamp';
  return value.kind === 'json' ? 'jsonb' : value.kind;
}

function arrayType(values: readonly SqlValue[], type: SqlType): SqlType {
  if (type.endsWith('[]') && type !== 'any[]' && type !== 'unknown[]') return type;
  const [first] = values;
  if (typeof first === 'number' || typeof first === 'bigint') return 'numeric[]';
  return typeof first === 'boolean' ? 'bool[]' : 'text[]';
}
