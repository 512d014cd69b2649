/** An index as SQL text, for people and system tables. Pure. */
import type { IndexColumn, IndexDefinition } from './definition.js';

const PLAIN_NAME = /^[a-z_][a-z0-9_]*$/;

function nameText(name: string): string {
  return PLAIN_NAME.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

function pathText(path: readonly string[]): string {
  return path.map(nameText).join('.');
}

/** Without what is PostgreSQL's default: NULLS LAST, and NULLS FIRST for DESC. */
export function columnText({ path, expression, descending, nullsFirst }: IndexColumn): string {
  const what = expression === undefined ? pathText(path) : `(${expression})`;
  const direction = descending ? ' DESC' : '';
  const nulls = descending === nullsFirst ? '' : nullsFirst ? ' NULLS FIRST' : ' NULLS LAST';
  return `${what}${direction}${nulls}`;
}

export function definitionText(definition: IndexDefinition): string {
  const { name, collection, columns, include, where, unique } = definition;
  const kind = unique ? 'UNIQUE INDEX' : 'INDEX';
  const included = include.length === 0 ? '' : ` INCLUDE (${include.map(pathText).join(', ')})`;
  const condition = where === undefined ? '' : ` WHERE ${where}`;
  return `CREATE ${kind} ${nameText(name)} ON ${nameText(collection)} (${columns.map(columnText).join(', ')})${included}${condition}`;
}
