/** UNION, INTERSECT and EXCEPT: columns correspond by position and come to common types. */
import type { SelectStmt } from '@pgsql/types';
import type { BoundExpression } from '../algebra/expression.js';
import type { LogicalPlan, OutputColumn } from '../algebra/logical.js';
import { unify } from './coerce.js';
import { coerceRows, columnOf } from './coerce-rows.js';
import type { BoundRows, StatementContext } from './context.js';
import { notSupported, syntaxError, typeError } from './errors.js';
import type { Scope } from './scope.js';

const OPERATIONS = { SETOP_UNION: 'union', SETOP_INTERSECT: 'intersect', SETOP_EXCEPT: 'except' } as const;

export function bindSetOperation(context: StatementContext, statement: SelectStmt, scope: Scope): BoundRows {
  const { op, larg, rarg } = statement;
  if (op === undefined || op === 'SETOP_NONE' || larg === undefined || rarg === undefined)
    throw syntaxError('a set operation needs two queries');
  const left = context.branch(larg, scope.aside());
  const right = context.branch(rarg, scope.aside());
  return combine(context, OPERATIONS[op], statement.all ?? false, left, right);
}

export function combine(
  context: StatementContext,
  operation: 'union' | 'intersect' | 'except',
  all: boolean,
  left: BoundRows,
  right: BoundRows,
): BoundRows {
  const sides = alignColumns(context, operation, left, right);
  const output = sides.left.output.map((column, place): OutputColumn => {
    const other = sides.right.output[place].type;
    const type = column.type === other ? column.type : sides.types[place];
    return { id: context.columnId(), name: column.name, type, spread: column.spread };
  });
  const plan: LogicalPlan = {
    kind: 'setOperation',
    operation,
    all,
    left: sides.left.plan,
    right: sides.right.plan,
    columns: output.map(({ id }) => id),
  };
  return { plan, output };
}

interface Aligned {
  readonly left: BoundRows;
  readonly right: BoundRows;
  readonly types: readonly OutputColumn['type'][];
}

export function alignColumns(
  context: StatementContext,
  operation: string,
  left: BoundRows,
  right: BoundRows,
): Aligned {
  const word = operation.toUpperCase();
  if (left.output.length !== right.output.length)
    throw syntaxError(`each ${word} query must have the same number of columns`);
  const lefts: BoundExpression[] = [];
  const rights: BoundExpression[] = [];
  const types = left.output.map((column, place) => {
    const other = right.output[place];
    if (column.spread !== other.spread)
      throw notSupported(
        `${word} of the documents of a * with a named column ("${column.spread ? other.name : column.name}")`,
      );
    const common = unify(context, [columnOf(column), columnOf(other)]);
    if (common === undefined)
      throw typeError(`${word} types ${column.type} and ${other.type} cannot be matched`);
    lefts.push(common.items[0]);
    rights.push(common.items[1]);
    return common.type;
  });
  return { left: coerceRows(context, left, lefts), right: coerceRows(context, right, rights), types };
}
