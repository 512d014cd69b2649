/**
 * `schema` and `indexes` of POST /api/v1/collections, as the SQL that means the same: types, defaults and conditions in them are
 * SQL anyway, and so are their errors.
 *
 *   "schema":{"columns":[{"name":"price","type":"numeric(10,2)","not_null":true,"default":"0","check":"price >= 0"}],
 *             "checks":[{"name":"sane","expression":"price < 100 OR is_large"}]}
 *   "indexes":[{"name":"by_city","columns":["city","address.zip",{"expression":"lower(name)","descending":true}],
 *               "where":"price > 0","include":["name"],"unique":false}]
 *
 * A column of an index is a member, by its path with dots, or {"expression": SQL}.
 */
import { DbError } from '../base/errors.js';
import type { CollectionSchema } from '../catalog/collection-schema.js';
import { elementType, isArrayType } from '../sql/types/sql-type.js';
import { asObject, refuseUnknown } from './control-body.js';

/** As GET shows it: what POST takes. */
export interface SchemaDescription {
  readonly columns: readonly {
    readonly name: string;
    readonly type: string;
    readonly not_null: boolean;
    readonly default?: string;
  }[];
  readonly checks: readonly { readonly name: string; readonly expression: string }[];
}

/** Whether a text is one expression of SQL, or one name of a type: no more than that comes into a statement. */
export interface SqlPieces {
  isExpression(text: string): boolean;
  isType(text: string): boolean;
}

const ELEMENTS_MAX = 1000;

export function describeSchema({ columns, checks }: CollectionSchema): SchemaDescription {
  return {
    columns: columns.map(({ name, type, modifiers, notNull, default: value }) => {
      const scalar = isArrayType(type) ? elementType(type) : type;
      const written = modifiers
        ? `${scalar === 'text' ? 'varchar' : scalar}(${modifiers.join(',')})`
        : scalar;
      return {
        name,
        type: isArrayType(type) ? `${written}[]` : written,
        not_null: notNull,
        ...(value !== undefined && { default: value }),
      };
    }),
    checks,
  };
}

export function createTableText(name: string, schema: unknown, pieces: SqlPieces): string {
  const { columns = [], checks = [] } = objectAt(schema, 'schema', ['columns', 'checks']);
  const elements = [
    ...listAt(columns, 'schema.columns').map((column, i) =>
      columnText(column, `schema.columns[${i}]`, pieces),
    ),
    ...listAt(checks, 'schema.checks').map((check, i) => checkText(check, `schema.checks[${i}]`, pieces)),
  ];
  return `CREATE TABLE ${quoted(name)} (${elements.join(', ')})`;
}

function columnText(value: unknown, at: string, pieces: SqlPieces): string {
  const column = objectAt(value, at, ['name', 'type', 'not_null', 'default', 'check']);
  const parts = [quoted(textAt(column.name, `${at}.name`))];
  const type = textAt(column.type, `${at}.type`);
  if (!pieces.isType(type)) throw invalid(`${at}.type`, `${JSON.stringify(type)} is not the name of a type`);
  parts.push(type);
  if (flagAt(column.not_null, `${at}.not_null`)) parts.push('NOT NULL');
  const { default: initial, check } = column;
  if (typeof initial === 'number' || typeof initial === 'boolean') parts.push(`DEFAULT (${initial})`);
  else if (initial !== undefined) parts.push(`DEFAULT (${expressionAt(initial, `${at}.default`, pieces)})`);
  if (check !== undefined) parts.push(`CHECK (${expressionAt(check, `${at}.check`, pieces)})`);
  return parts.join(' ');
}

function checkText(value: unknown, at: string, pieces: SqlPieces): string {
  const check = objectAt(value, at, ['name', 'expression']);
  const name = check.name === undefined ? '' : `CONSTRAINT ${quoted(textAt(check.name, `${at}.name`))} `;
  return `${name}CHECK (${expressionAt(check.expression, `${at}.expression`, pieces)})`;
}

export function createIndexTexts(collection: string, indexes: unknown, pieces: SqlPieces): string[] {
  return listAt(indexes, 'indexes').map((value, i) => {
    const at = `indexes[${i}]`;
    const index = objectAt(value, at, ['name', 'columns', 'where', 'include', 'unique']);
    const unique = flagAt(index.unique, `${at}.unique`) ? 'UNIQUE ' : '';
    const name = index.name === undefined ? '' : `${quoted(textAt(index.name, `${at}.name`))} `;
    const columns = listAt(index.columns, `${at}.columns`).map((column, j) =>
      indexColumnText(column, `${at}.columns[${j}]`, pieces),
    );
    const included = index.include === undefined ? [] : listAt(index.include, `${at}.include`);
    const include = included.map((path, j) => pathText(textAt(path, `${at}.include[${j}]`)));
    const tail =
      (include.length === 0 ? '' : ` INCLUDE (${include.join(', ')})`) +
      (index.where === undefined ? '' : ` WHERE (${expressionAt(index.where, `${at}.where`, pieces)})`);
    return `CREATE ${unique}INDEX ${name}ON ${quoted(collection)} (${columns.join(', ')})${tail}`;
  });
}

function indexColumnText(value: unknown, at: string, pieces: SqlPieces): string {
  if (typeof value === 'string') return pathText(value);
  const column = objectAt(value, at, ['path', 'expression', 'descending']);
  const order = flagAt(column.descending, `${at}.descending`) ? ' DESC' : '';
  if (column.path !== undefined) return pathText(textAt(column.path, `${at}.path`)) + order;
  return `(${expressionAt(column.expression, `${at}.expression`, pieces)})${order}`;
}

/** In parentheses where it is more than a name. */
function pathText(path: string): string {
  const names = path.split('.').map(quoted);
  return names.length === 1 ? names[0] : `(${names.join('.')})`;
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** On lines of its own: it may end with a comment. */
function expressionAt(value: unknown, at: string, pieces: SqlPieces): string {
  const text = textAt(value, at);
  if (!pieces.isExpression(text)) throw invalid(at, `${JSON.stringify(text)} is not one SQL expression`);
  return `${text}\n`;
}

const invalid = (field: string, message: string): DbError =>
  new DbError('VALIDATION', `${field}: ${message}`, { field });

function objectAt(value: unknown, at: string, known: readonly string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(at, 'must be an object');
  const object = asObject(value);
  refuseUnknown(object, known);
  return object;
}

function listAt(value: unknown, at: string): readonly unknown[] {
  if (!Array.isArray(value)) throw invalid(at, 'must be an array');
  if (value.length > ELEMENTS_MAX) throw invalid(at, `has more than ${ELEMENTS_MAX} elements`);
  return value;
}

function textAt(value: unknown, at: string): string {
  if (typeof value !== 'string' || value === '' || value.includes('\0'))
    throw invalid(at, 'must be a text that is not empty');
  return value;
}

function flagAt(value: unknown, at: string): boolean {
  if (value === undefined) return false;
  if (typeof value !== 'boolean') throw invalid(at, 'must be true or false');
  return value;
}
