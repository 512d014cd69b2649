/** Expressions of a plan as PostgreSQL's EXPLAIN prints them: operators in parentheses, columns by name. Pure. */
import { unreachable } from '../../base/assert.js';
import type { Expression, SortKeyOf } from '../algebra/expression.js';
import type { AggregateCall, WindowCall } from '../algebra/physical.js';
import { toText } from '../types/text.js';
import { literal, quoted, typeName } from './value-text.js';

/** What the places that an expression refers to are called. */
export interface Names {
  readonly slots: readonly string[];
  readonly outer: readonly string[];
  /** Says what a subquery is called where it is used; it is printed elsewhere. */
  subplan(expression: Expression & { kind: 'subquery' }, names: Names): string;
}

export function expressionText(expression: Expression, names: Names): string {
  const text = (operand: Expression): string => expressionText(operand, names);
  switch (expression.kind) {
    case 'const':
      return literal(expression.value, expression.type);
    case 'param':
      return `$${expression.index + 1}`;
    case 'column':
      return expression.name;
    case 'slot':
      return names.slots[expression.index] ?? expression.name;
    case 'outer':
      return names.outer[expression.index] ?? expression.name;
    case 'call':
      return callText(expression.function, expression.args.map(text));
    case 'compare':
      return `(${text(expression.left)} ${expression.operator} ${text(expression.right)})`;
    case 'distinct':
      return `(${text(expression.left)} IS ${expression.negated ? 'NOT ' : ''}DISTINCT FROM ${text(expression.right)})`;
    case 'and':
    case 'or':
      return `(${expression.args.map(text).join(expression.kind === 'and' ? ' AND ' : ' OR ')})`;
    case 'not':
      return `(NOT ${text(expression.arg)})`;
    case 'isNull':
      return `(${text(expression.arg)} IS ${expression.negated ? 'NOT ' : ''}NULL)`;
    case 'isTruth': {
      const value = expression.value === null ? 'UNKNOWN' : expression.value ? 'TRUE' : 'FALSE';
      return `(${text(expression.arg)} IS ${expression.negated ? 'NOT ' : ''}${value})`;
    }
    case 'case':
      return caseText(expression, text);
    case 'coalesce':
      return `COALESCE(${expression.args.map(text).join(', ')})`;
    case 'in': {
      const operator = expression.negated ? '<> ALL' : '= ANY';
      return `(${text(expression.arg)} ${operator} (${listText(expression.items, text)}))`;
    }
    case 'quantified': {
      const quantifier = expression.all ? 'ALL' : 'ANY';
      return `(${text(expression.arg)} ${expression.operator} ${quantifier} (${text(expression.array)}))`;
    }
    case 'cast':
      return castText(expression, text);
    case 'array':
      return `ARRAY[${expression.items.map(text).join(', ')}]`;
    case 'row':
      return `ROW(${expression.items.map(text).join(', ')})`;
    case 'path':
      return pathText(text(expression.arg), expression.path);
    case 'subquery':
      return names.subplan(expression, names);
    default:
      return unreachable(expression);
  }
}

function castText(expression: Expression & { kind: 'cast' }, text: (e: Expression) => string): string {
  const { arg, type, modifiers } = expression;
  const size = modifiers === undefined || modifiers.length === 0 ? '' : `(${modifiers.join(',')})`;
  const inner = text(arg);
  const operand =
    arg.kind === 'const' || arg.kind === 'param' || inner.startsWith('(') ? inner : `(${inner})`;
  return `${operand}::${typeName(type)}${size}`;
}

function caseText(expression: Expression & { kind: 'case' }, text: (e: Expression) => string): string {
  const branches = expression.branches.map(
    (branch) => `WHEN ${text(branch.when)} THEN ${text(branch.then)} `,
  );
  return `CASE ${branches.join('')}ELSE ${text(expression.otherwise)} END`;
}

/** Constants as one array literal, as PostgreSQL has them. */
function listText(items: readonly Expression[], text: (e: Expression) => string): string {
  if (!items.every((item) => item.kind === 'const')) return `ARRAY[${items.map(text).join(', ')}]`;
  const values = items.map((item) => item.value);
  const isText = values.some((value) => typeof value === 'string');
  const isNumber = values.some((value) => typeof value === 'number' || typeof value === 'bigint');
  const type = isText ? 'text' : isNumber ? 'numeric' : typeName(items[0]?.type ?? 'text');
  const isWhole = values.every(
    (value) => value === null || Number.isInteger(value) || typeof value === 'bigint',
  );
  return `${quoted(toText(values))}::${isNumber && isWhole ? 'bigint' : type}[]`;
}

/** `lower(text)` is a function, `+(int8,int8)` an operator. */
function callText(id: string, args: readonly string[]): string {
  const parenthesis = id.indexOf('(', 1);
  const name = parenthesis < 0 ? id : id.slice(0, parenthesis);
  if (/^[a-z_]/i.test(name)) return `${name}(${args.join(', ')})`;
  return args.length === 2 ? `(${args[0]} ${name} ${args[1]})` : `(${name} ${args.join(', ')})`;
}

function pathText(base: string, path: readonly (string | number)[]): string {
  const steps = path.map((key) => (typeof key === 'number' ? `[${key + 1}]` : `.${key}`)).join('');
  return `${/^[\w.$"]+$/.test(base) ? base : `(${base})`}${steps}`;
}

export function sortKeyText(key: SortKeyOf<Expression>, names: Names): string {
  const direction = key.descending ? ' DESC' : '';
  const isDefault = key.nullsFirst === key.descending;
  const nulls = isDefault ? '' : key.nullsFirst ? ' NULLS FIRST' : ' NULLS LAST';
  return `${referenceText(expressionText(key.expression, names))}${direction}${nulls}`;
}

/** What is computed below is put in parentheses where it is referred to. */
export function referenceText(text: string): string {
  return /^[\w.$*"[\]]+$/.test(text) || (text.startsWith('(') && text.endsWith(')')) ? text : `(${text})`;
}

export function aggregateText(call: AggregateCall, names: Names): string {
  const name = call.function.slice(0, call.function.indexOf('('));
  const args = call.args.map((arg) => expressionText(arg, names)).join(', ');
  const order = call.orderBy.map((key) => sortKeyText(key, names)).join(', ');
  const inside = `${call.distinct ? 'DISTINCT ' : ''}${args === '' ? '*' : args}${order === '' ? '' : ` ORDER BY ${order}`}`;
  const filter = call.filter === undefined ? '' : ` FILTER (WHERE ${expressionText(call.filter, names)})`;
  return `${name}(${inside})${filter}`;
}

export function windowText(call: WindowCall, names: Names): string {
  const name = call.function.slice(0, call.function.indexOf('('));
  const args = call.args.map((arg) => expressionText(arg, names)).join(', ');
  return `${name}(${call.isAggregate && args === '' ? '*' : args}) OVER (?)`;
}
