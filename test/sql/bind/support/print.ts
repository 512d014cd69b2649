/** Logical plans as indented text, for tests to compare and for people to read. */
import type { BoundExpression } from '../../../../src/sql/algebra/expression.js';
import type { LogicalPlan } from '../../../../src/sql/algebra/logical.js';
import { inputsOf } from '../../../../src/sql/bind/walk.js';

const list = (expressions: readonly BoundExpression[]): string => expressions.map(printExpression).join(', ');

export function printExpression(expression: BoundExpression): string {
  switch (expression.kind) {
    case 'const':
      return JSON.stringify(expression.value, (_, value) =>
        typeof value === 'bigint' ? `${value}n` : value,
      );
    case 'param':
      return `$${expression.index + 1}:${expression.type}`;
    case 'column':
      return `${expression.name}#${expression.id}`;
    case 'slot':
    case 'outer':
      return `${expression.kind}[${expression.index}]`;
    case 'call':
      return `${expression.function}[${list(expression.args)}]`;
    case 'compare':
      return `(${printExpression(expression.left)} ${expression.operator} ${printExpression(expression.right)})`;
    case 'distinct':
      return `distinct(${expression.negated}, ${list([expression.left, expression.right])})`;
    case 'and':
    case 'or':
    case 'coalesce':
      return `${expression.kind}(${list(expression.args)})`;
    case 'not':
      return `not(${printExpression(expression.arg)})`;
    case 'isNull':
      return `${printExpression(expression.arg)} is ${expression.negated ? 'not ' : ''}null`;
    case 'isTruth':
      return `${printExpression(expression.arg)} is ${expression.negated ? 'not ' : ''}${expression.value}`;
    case 'case': {
      const whens = expression.branches.map(
        ({ when, then }) => `${printExpression(when)}: ${printExpression(then)}`,
      );
      return `case(${whens.join(', ')}, else ${printExpression(expression.otherwise)})`;
    }
    case 'in':
      return `${printExpression(expression.arg)} ${expression.negated ? 'not ' : ''}in (${list(expression.items)})`;
    case 'quantified':
      return `${printExpression(expression.arg)} ${expression.operator} ${expression.all ? 'all' : 'any'} ${printExpression(expression.array)}`;
    case 'cast':
      return `${printExpression(expression.arg)}::${expression.type}${expression.modifiers ? `(${expression.modifiers})` : ''}`;
    case 'array':
    case 'row':
      return `${expression.kind}[${list(expression.items)}]`;
    case 'path':
      return `${printExpression(expression.arg)}.${expression.path.join('.')}`;
    case 'subquery':
      return `${expression.mode}(${list(expression.tests)} ${expression.operator ?? ''} {${printPlan(expression.plan).trim()}})`;
    default:
      return '?';
  }
}

function head(plan: LogicalPlan): string {
  switch (plan.kind) {
    case 'scan':
      return `scan ${plan.collection} [${plan.fields.map(({ id, name }) => `${name}#${id}`).join(', ')}]`;
    case 'systemScan':
      return `system ${plan.table} [${plan.fields.map(({ id, name }) => `${name}#${id}`).join(', ')}]`;
    case 'values':
      return `values ${plan.rows.map((row) => `(${list(row)})`).join(', ')}`;
    case 'functionScan':
      return `function ${plan.function} (${list(plan.args)})`;
    case 'filter':
      return `filter ${printExpression(plan.condition)}`;
    case 'project':
      return `project ${plan.expressions.map(({ id, name, expression }) => `${name}#${id} = ${printExpression(expression)}`).join(', ')}`;
    case 'join':
      return `${plan.join} join${plan.lateral ? ' lateral' : ''}${plan.condition ? ` ${printExpression(plan.condition)}` : ''}`;
    case 'aggregate': {
      const keys = plan.groupBy.map(({ id, expression }) => `#${id} = ${printExpression(expression)}`);
      const calls = plan.aggregates.map(({ id, call }) => `#${id} = ${call.function}(${list(call.args)})`);
      return `aggregate [${keys.join(', ')}] [${calls.join(', ')}]${plan.groupingSets ? ` sets ${JSON.stringify(plan.groupingSets)}` : ''}`;
    }
    case 'window':
      return `window ${plan.calls.map(({ id, call }) => `#${id} = ${call.function}(${list(call.args)})`).join(', ')}`;
    case 'sort':
      return `sort ${plan.keys.map((key) => `${printExpression(key.expression)}${key.descending ? ' desc' : ''}${key.nullsFirst ? ' nulls first' : ''}`).join(', ')}`;
    case 'limit':
      return `limit ${plan.limit ? printExpression(plan.limit) : 'all'}${plan.offset ? ` offset ${printExpression(plan.offset)}` : ''}${plan.withTies ? ' with ties' : ''}`;
    case 'distinct':
      return `distinct ${list(plan.on)}`;
    case 'setOperation':
      return `${plan.operation}${plan.all ? ' all' : ''}`;
    case 'with':
      return `with ${plan.definitions.map(({ name, recursive }) => (recursive ? `${name} recursive` : name)).join(', ')}`;
    case 'cteScan':
      return `cte ${plan.name}`;
    case 'modify':
      return `${plan.modification.kind} ${plan.modification.collection}`;
    default:
      return '?';
  }
}

export function printPlan(plan: LogicalPlan, indent = ''): string {
  const inputs = inputsOf(plan).map((input) => printPlan(input, `${indent}  `));
  return [`${indent}${head(plan)}`, ...inputs].join('\n');
}
