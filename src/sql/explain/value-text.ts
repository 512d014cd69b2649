/** Constants as EXPLAIN prints them: PostgreSQL's literals, with a type only where the text alone does not say it. Pure. */
import type { SqlType } from '../types/sql-type.js';
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
  if (Array.isArray(value)) return `${quoted(arrayText(value))}::${typeName(arrayType(value, type))}`;
  return `${quoted(plainText(value))}::${typeName(typeOf(value, type))}`;
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

export function arrayText(values: readonly SqlValue[]): string {
  return `{${values.map((value) => (value === null ? 'NULL' : elementText(plainText(value)))).join(',')}}`;
}

function elementText(text: string): string {
  const isPlain = text !== '' && !/[\s{},"\\]/.test(text) && text.toUpperCase() !== 'NULL';
  return isPlain ? text : `"${text.replace(/["\\]/g, '\\$&')}"`;
}

function plainText(value: SqlValue): string {
  if (value === null) return '';
  if (typeof value !== 'object') return String(value);
  if (!('kind' in value)) return arrayText(value);
  switch (value.kind) {
    case 'timestamp':
      return momentText(value.micros, value.hasZone);
    case 'date':
      return momentText(value.days * 86_400_000_000, false).slice(0, 10);
    case 'time':
      return clockText(value.micros);
    case 'interval':
      return intervalText(value.months, value.days, value.micros);
    case 'json':
      return value.text;
    default:
      return `(${value.values.map(plainText).join(',')})`;
  }
}

function momentText(micros: number, hasZone: boolean): string {
  if (!Number.isFinite(micros)) return micros > 0 ? 'infinity' : '-infinity';
  const millis = Math.floor(micros / 1000);
  const date = new Date(millis);
  if (Number.isNaN(date.getTime())) return String(micros);
  const day = date.toISOString().slice(0, 10);
  return `${day} ${clockText(micros - Math.floor(micros / 86_400_000_000) * 86_400_000_000)}${hasZone ? '+00' : ''}`;
}

function clockText(micros: number): string {
  const seconds = Math.floor(micros / 1_000_000);
  const two = (part: number): string => String(part).padStart(2, '0');
  const whole = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  const rest = micros - seconds * 1_000_000;
  return rest === 0 ? whole : `${whole}.${String(rest).padStart(6, '0').replace(/0+$/, '')}`;
}

function intervalText(months: number, days: number, micros: number): string {
  const parts: string[] = [];
  const add = (count: number, unit: string): void => {
    if (count !== 0) parts.push(`${count} ${unit}${count === 1 ? '' : 's'}`);
  };
  add(Math.trunc(months / 12), 'year');
  add(months % 12, 'mon');
  add(days, 'day');
  if (micros !== 0 || parts.length === 0)
    parts.push(`${micros < 0 ? '-' : ''}${clockText(Math.abs(micros))}`);
  return parts.join(' ');
}
