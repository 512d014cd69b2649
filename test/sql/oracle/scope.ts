/** What a generated expression may refer to. */
import type { Collection, Member } from './documents.js';
import { type Fragment, sql, variant } from './fragment.js';

/**
 * int: the static type is an integer in both databases. num: a member's number, calculated exactly. whole: the same with whole
 * values only. inexact: rounded differently, so that it may only be in a result that nothing else depends on.
 */
export type ValueType = 'int' | 'whole' | 'num' | 'inexact' | 'text' | 'bool' | 'ts' | 'json';

export interface Column {
  readonly reference: Fragment;
  readonly type: ValueType;
}

export interface Source {
  readonly alias: string;
  readonly columns: readonly Column[];
  /** Tells the rows apart; empty when nothing does. */
  readonly key: readonly Column[];
}

export interface Scope {
  readonly sources: readonly Source[];
  /** Of the query around, for correlated subqueries. */
  readonly outer?: Scope;
}

export interface CommonTable {
  readonly name: string;
  readonly columns: readonly OutputColumn[];
}

export interface OutputColumn {
  readonly name: string;
  readonly type: ValueType;
}

export function collectionSource(collection: Collection, alias: string): Source {
  const columns = collection.members.map((member) => memberColumn(member, alias));
  return { alias, columns, key: [columns[0]] };
}

export const derivedSource = (alias: string, outputs: readonly OutputColumn[]): Source => ({
  alias,
  columns: outputs.map(({ name, type }) => ({ reference: sql`${alias}.${name}`, type })),
  key: [],
});

function memberColumn({ path, type, isWhole = false }: Member, alias: string): Column {
  const dotted = sql`${alias}.${path.join('.')}`;
  const parents = path.slice(0, -1).map((name) => `->'${name}'`);
  const json = `${alias}.data${parents.join('')}`;
  const last = path[path.length - 1];
  const text = `(${json}->>'${last}')`;
  switch (type) {
    case 'number':
      return { reference: variant(dotted, `${text}::numeric`), type: isWhole ? 'whole' : 'num' };
    case 'text':
      return { reference: variant(dotted, text), type: 'text' };
    case 'boolean':
      return { reference: variant(dotted, `${text}::boolean`), type: 'bool' };
    case 'timestamp':
      return { reference: variant(sql`${dotted}::timestamptz`, `${text}::timestamptz`), type: 'ts' };
    case 'json':
      return { reference: variant(dotted, `(${json}->'${last}')`), type: 'json' };
  }
}

export const allColumns = ({ sources }: Scope): readonly Column[] =>
  sources.flatMap(({ columns }) => columns);
