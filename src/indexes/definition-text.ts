/** An index as SQL text, for people and system tables. Pure. */
import type { IndexColumn, IndexDefinition } from './definition.js';

const PLAIN_NAME = /^[a-z_][a-z0-9_]*$/;

/** As it is written in SQL. */
export function nameText(name: string): string {
  return PLAIN_NAME.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

function pathText(path: readonly string[]): string {
  return path.map(nameText).join('.');
}

/** Without what is PostgreSQL's default: NULLS LAST, and NULLS FIRST for DESC. */
export function columnText({ path, expression, ...order }: IndexColumn): string {
  return `${expression === undefined ? pathText(path) : `(${expression})`}${orderText(order)}`;
}

function orderText({ descending, nullsFirst }: Pick<IndexColumn, 'descending' | 'nullsFirst'>): string {
  const direction = descending ? ' DESC' : '';
  const nulls = descending === nullsFirst ? '' : nullsFirst ? ' NULLS FIRST' : ' NULLS LAST';
  return `${direction}${nulls}`;
}

/** In CREATE INDEX a member of a member is an expression, which needs parentheses of its own. */
export const elementText = (path: readonly string[]): string =>
  path.length > 1 ? `(${pathText(path)})` : pathText(path);

function definedColumnText(column: IndexColumn): string {
  const { path, expression } = column;
  return expression === undefined ? `${elementText(path)}${orderText(column)}` : columnText(column);
}

/** A statement that makes the same index. */
export function definitionText(definition: IndexDefinition): string {
  const { name, collection, columns, include, where, unique } = definition;
  const kind = unique ? 'UNIQUE INDEX' : 'INDEX';
  const included = include.length === 0 ? '' : ` INCLUDE (${include.map(elementText).join(', ')})`;
  const condition = where === undefined ? '' : ` WHERE ${where}`;
  return `CREATE ${kind} ${nameText(name)} ON ${nameText(collection)} (${columns.map(definedColumnText).join(', ')})${included}${condition}`;
}
