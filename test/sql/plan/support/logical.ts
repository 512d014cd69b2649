/** Logical plans in short: what a binder would leave, written by hand. */
import type {
  BoundExpression,
  ColumnId,
  ComparisonOperator,
} from '../../../../src/sql/algebra/expression.js';
import type { JoinKind, LogicalPlan, ScanField } from '../../../../src/sql/algebra/logical.js';
import type { BoundQuery } from '../../../../src/sql/algebra/statement.js';
import type { SqlType } from '../../../../src/sql/types/sql-type.js';
import type { SqlValue } from '../../../../src/sql/types/values.js';

export type E = BoundExpression;

let nextId = 1;
export const newId = (): ColumnId => nextId++;

export interface Table {
  readonly plan: LogicalPlan;
  /** Column of a member. */
  col(name: string): E & { kind: 'column' };
}

/** `names`: members; `*` for the document. A name may have a type: `created_at timestamptz`. */
export function table(collection: string, names: readonly string[], alias = collection): Table {
  const fields = names.map((words): ScanField => {
    const [name, type = 'any'] = words.split(' ');
    if (name === '*') return { id: newId(), source: { kind: 'document' }, type: 'jsonb', name: alias };
    if (name === '#') return { id: newId(), source: { kind: 'seqno' }, type: 'int8', name: 'seqno' };
    return { id: newId(), source: { kind: 'member', path: name.split('.') }, type: type as SqlType, name };
  });
  const columns = fields.map(({ id }) => id);
  return {
    plan: { kind: 'scan', collection, alias, fields, columns },
    col: (name) => {
      const place = names.findIndex((words) => words.split(' ')[0] === name);
      const { id, type, name: own } = fields[place];
      return { kind: 'column', type, id, name: own };
    },
  };
}

export function value(of: SqlValue): E {
  const type = typeof of === 'string' ? 'text' : typeof of === 'number' ? 'int8' : 'bool';
  return { kind: 'const', type: of === null ? 'unknown' : type, value: of };
}

export const param = (index: number, type: SqlType = 'any'): E => ({ kind: 'param', type, index });

export const compare = (left: E, operator: ComparisonOperator, right: E | SqlValue): E => ({
  kind: 'compare',
  type: 'bool',
  operator,
  left,
  right: isExpression(right) ? right : value(right),
});

const isExpression = (of: E | SqlValue): of is E =>
  typeof of === 'object' && of !== null && 'kind' in of && 'type' in of;

export const and = (...args: E[]): E => ({ kind: 'and', type: 'bool', args });
export const or = (...args: E[]): E => ({ kind: 'or', type: 'bool', args });
export const not = (arg: E): E => ({ kind: 'not', type: 'bool', arg });
export const isNull = (arg: E, negated = false): E => ({ kind: 'isNull', type: 'bool', negated, arg });
export const inList = (arg: E, ...values: SqlValue[]): E => ({
  kind: 'in',
  type: 'bool',
  negated: false,
  arg,
  items: values.map(value),
});
export const call = (id: string, type: SqlType, ...args: E[]): E => ({
  kind: 'call',
  type,
  function: id,
  args,
});
export const like = (arg: E, pattern: string): E => call('~~(text,text)', 'bool', arg, value(pattern));

export const filter = (input: LogicalPlan, condition: E): LogicalPlan => ({
  kind: 'filter',
  input,
  condition,
  columns: input.columns,
});

export function join(
  kind: JoinKind,
  left: LogicalPlan,
  right: LogicalPlan,
  condition?: E,
  lateral = false,
): LogicalPlan {
  const isHalf = kind === 'semi' || kind === 'anti';
  const columns = isHalf ? left.columns : [...left.columns, ...right.columns];
  return { kind: 'join', join: kind, left, right, condition, lateral, columns };
}

export interface Named {
  readonly plan: LogicalPlan;
  col(name: string): E & { kind: 'column' };
}

export function project(input: LogicalPlan, expressions: Readonly<Record<string, E>>): Named {
  const computed = Object.entries(expressions).map(([name, expression]) => ({
    id: newId(),
    name,
    expression,
  }));
  return {
    plan: { kind: 'project', input, expressions: computed, columns: computed.map(({ id }) => id) },
    col: (name) => {
      const found = computed.find((column) => column.name === name);
      if (found === undefined) throw new Error(name);
      return { kind: 'column', type: found.expression.type, id: found.id, name };
    },
  };
}

/** `calls`: name → [id of the aggregate, arguments…]. */
export function aggregate(
  input: LogicalPlan,
  keys: Readonly<Record<string, E>>,
  calls: Readonly<Record<string, readonly [string, ...E[]]>>,
): Named {
  const groupBy = Object.entries(keys).map(([name, expression]) => ({ id: newId(), name, expression }));
  const aggregates = Object.entries(calls).map(([name, [id, ...args]]) => ({
    name,
    id: newId(),
    call: { function: id, type: 'any' as const, args, distinct: false, orderBy: [] },
  }));
  const all = [...groupBy, ...aggregates];
  return {
    plan: {
      kind: 'aggregate',
      input,
      groupBy,
      aggregates: aggregates.map(({ id, call }) => ({ id, call })),
      columns: all.map(({ id }) => id),
    },
    col: (name) => {
      const found = all.find((column) => column.name === name);
      if (found === undefined) throw new Error(name);
      return { kind: 'column', type: 'any', id: found.id, name };
    },
  };
}

/** A key is an expression, or one with `desc`. */
export function sort(input: LogicalPlan, ...keys: (E | readonly [E, 'desc'])[]): LogicalPlan {
  return {
    kind: 'sort',
    input,
    keys: keys.map((key) =>
      'kind' in key
        ? { expression: key, descending: false, nullsFirst: false }
        : { expression: key[0], descending: true, nullsFirst: true },
    ),
    columns: input.columns,
  };
}

export function limit(input: LogicalPlan, count: number | E | undefined, offset?: number): LogicalPlan {
  return {
    kind: 'limit',
    input,
    limit: typeof count === 'number' ? value(count) : count,
    offset: offset === undefined ? undefined : value(offset),
    withTies: false,
    columns: input.columns,
  };
}

export function subquery(mode: 'scalar' | 'exists' | 'any' | 'all', plan: LogicalPlan, ...tests: E[]): E {
  const operator = mode === 'any' ? '=' : mode === 'all' ? '<>' : undefined;
  const type = mode === 'scalar' ? 'any' : 'bool';
  return { kind: 'subquery', type, mode, operator, tests, plan, args: [] };
}

/** A query whose result are these columns, or all of the plan's. */
export function query(plan: LogicalPlan, ...columns: (E & { kind: 'column' })[]): BoundQuery {
  const ids = columns.length > 0 ? columns.map(({ id }) => id) : plan.columns;
  return {
    kind: 'query',
    plan,
    output: ids.map((id, place) => ({ id, name: `c${place + 1}`, type: 'any', spread: false })),
    parameterTypes: [],
    reads: [],
    writes: [],
    command: 'SELECT',
  };
}
