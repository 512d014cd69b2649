/**
 * Subqueries in expressions. One without arguments is run once and its result kept; one with arguments runs for every row,
 * with their values as its outer frame. One thread.
 */
import type { Expression } from '../algebra/expression.js';
import type { PhysicalPlan } from '../algebra/physical.js';
import { CARDINALITY_VIOLATION, sqlError } from '../errors.js';
import { valueBytes } from '../types/value-bytes.js';
import type { Row, SqlValue } from '../types/values.js';
import { maskOf } from './comparison-mask.js';
import { compareValues } from './compile-compare.js';
import { quantify } from './compile-in.js';
import type { ExpressionCompiler } from './expressions.js';
import type { Compilation, Evaluator, Operator, OuterFrame } from './operator.js';
import { ValueList } from './value-list.js';

type Subquery = Expression & { kind: 'subquery' };

interface Subplan {
  readonly operator: Operator;
  readonly frame: OuterFrame;
  readonly args: readonly Evaluator[];
  readonly compilation: Compilation;
}

export function compileSubquery(expression: Subquery, compiler: ExpressionCompiler): Evaluator {
  const subplan = compileSubplan(
    expression.plan,
    expression.args.map(compiler.compile),
    compiler.compilation,
  );
  switch (expression.mode) {
    case 'scalar':
      return keptWithoutArgs(subplan, (row) => scalarOf(subplan, row));
    case 'exists':
      return keptWithoutArgs(subplan, (row) => existsIn(subplan, row));
    case 'array':
      return keptWithoutArgs(subplan, (row) => columnOf(subplan, row));
    default:
      return compileTests(expression, subplan, compiler);
  }
}

/** The plan is compiled when a row first needs it: a CASE may never get there. */
function compileSubplan(plan: PhysicalPlan, args: readonly Evaluator[], outside: Compilation): Subplan {
  const frame: OuterFrame = { values: [] };
  const compilation: Compilation = { ...outside, frame };
  let compiled: Operator | undefined;
  const operator: Operator = {
    run(emit) {
      compiled ??= outside.build(plan, undefined, compilation);
      return compiled.run(emit);
    },
  };
  return { operator, frame, args, compilation };
}

function runSubplan({ operator, frame, args }: Subplan, row: Row, emit: (row: Row) => boolean): void {
  frame.values = args.map((arg) => arg(row));
  operator.run(emit);
}

function keptWithoutArgs(subplan: Subplan, evaluate: Evaluator): Evaluator {
  if (subplan.args.length > 0) return evaluate;
  let kept: SqlValue | undefined;
  return (row) => {
    kept ??= evaluate(row);
    return kept;
  };
}

function scalarOf(subplan: Subplan, row: Row): SqlValue {
  let value: SqlValue = null;
  let rows = 0;
  runSubplan(subplan, row, (found) => {
    if (++rows > 1) {
      throw sqlError(CARDINALITY_VIOLATION, 'more than one row returned by a subquery used as an expression');
    }
    value = found[0];
    return true;
  });
  return value;
}

function existsIn(subplan: Subplan, row: Row): boolean {
  let exists = false;
  runSubplan(subplan, row, () => {
    exists = true;
    return false;
  });
  return exists;
}

function columnOf(subplan: Subplan, row: Row): SqlValue[] {
  const { budget } = subplan.compilation.environment;
  const values: SqlValue[] = [];
  let bytes = 0;
  runSubplan(subplan, row, (found) => {
    const size = 8 + valueBytes(found[0]);
    budget.charge(size);
    bytes += size;
    values.push(found[0]);
    return true;
  });
  // Only what is kept to the end of the query stays charged.
  if (subplan.args.length > 0) budget.release(bytes);
  return values;
}

function compileTests(expression: Subquery, subplan: Subplan, compiler: ExpressionCompiler): Evaluator {
  const { mode, tests } = expression;
  const operator = expression.operator ?? '=';
  const all = mode === 'all';
  const evaluators = tests.map(compiler.compile);
  const [first] = evaluators;
  if (evaluators.length === 1 && subplan.args.length === 0) {
    if (operator === '=' && !all) {
      let list: ValueList | undefined;
      return (row) => {
        list ??= listOf(subplan, row);
        return list.contains(first(row));
      };
    }
    let column: readonly SqlValue[] | undefined;
    return (row) => {
      column ??= columnOf(subplan, row);
      return quantify(first(row), column, operator, all);
    };
  }
  const mask = maskOf(operator);
  return (row) => {
    const values = evaluators.map((evaluate) => evaluate(row));
    let result: boolean | null = all;
    runSubplan(subplan, row, (found) => {
      const holds = compareRows(values, found, operator, mask);
      if (holds === null) result = null;
      if (holds !== !all) return true;
      result = holds;
      return false;
    });
    return result;
  };
}

function listOf(subplan: Subplan, row: Row): ValueList {
  const list = new ValueList();
  runSubplan(subplan, row, (found) => {
    if (list.add(found[0])) subplan.compilation.environment.budget.charge(48 + valueBytes(found[0]));
    return true;
  });
  return list;
}

/** Row by row: equality asks for all of them, an order is decided by the first that differ. */
function compareRows(
  values: readonly SqlValue[],
  row: Row,
  operator: '=' | '<>' | '<' | '<=' | '>' | '>=',
  mask: number,
): boolean | null {
  if (values.length === 1) return compareValues(values[0], row[0], mask);
  if (operator === '=' || operator === '<>') {
    const isSame = allEqual(values, row);
    return isSame === null ? null : isSame === (operator === '=');
  }
  const equal = maskOf('=');
  for (let i = 0; i < values.length; i++) {
    const isEqual = compareValues(values[i], row[i], equal);
    if (isEqual === null) return null;
    if (!isEqual || i === values.length - 1) return compareValues(values[i], row[i], mask);
  }
  return null;
}

function allEqual(values: readonly SqlValue[], row: Row): boolean | null {
  const equal = maskOf('=');
  let result: boolean | null = true;
  for (let i = 0; i < values.length; i++) {
    const isEqual = compareValues(values[i], row[i], equal);
    if (isEqual === false) return false;
    if (isEqual === null) result = null;
  }
  return result;
}
