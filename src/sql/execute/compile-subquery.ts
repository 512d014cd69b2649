/**
 * Subqueries in expressions. One without arguments is run once and its result kept, or once for each time that a WITH
 * around it whose rows it reads has run; one with arguments runs for every row, with their values as its outer frame. One
 * thread.
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
import { freeCtes } from './free-ctes.js';
import { HASH_ENTRY_BYTES, MemoryAccount } from './memory-budget.js';
import type { Compilation, Evaluator, Operator, OuterFrame } from './operator.js';
import { ValueList } from './value-list.js';

type Subquery = Expression & { kind: 'subquery' };

interface Subplan {
  readonly plan: PhysicalPlan;
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
      return keptWithoutArgs<readonly SqlValue[]>(subplan, (row, account) => columnOf(subplan, row, account));
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
  return { plan, operator, frame, args, compilation };
}

function runSubplan({ operator, frame, args }: Subplan, row: Row, emit: (row: Row) => boolean): void {
  frame.values = args.map((arg) => arg(row));
  operator.run(emit);
}

/** `compute` charges what is kept of its result to the account. */
function keptWithoutArgs<T extends SqlValue>(
  subplan: Subplan,
  compute: (row: Row, account: MemoryAccount) => T,
): (row: Row) => T {
  if (subplan.args.length === 0) return kept(subplan, compute);
  const account = new MemoryAccount(subplan.compilation.environment.budget);
  return (row) => {
    try {
      return compute(row, account);
    } finally {
      account.close();
    }
  };
}

/** The result may be NULL, so that it is there has to be remembered beside it. */
function kept<T>(subplan: Subplan, compute: (row: Row, account: MemoryAccount) => T): (row: Row) => T {
  const account = new MemoryAccount(subplan.compilation.environment.budget);
  const currentGeneration = generationOf(subplan);
  let result: { readonly value: T } | undefined;
  let generation = 0;
  return (row) => {
    const now = currentGeneration();
    if (result !== undefined && generation === now) return result.value;
    result = undefined;
    account.close();
    result = { value: compute(row, account) };
    generation = now;
    return result.value;
  };
}

/** Of the CTEs around it that it reads, taken together: each only grows, so the sum is the same only while all of them are. */
function generationOf({ plan, compilation }: Subplan): () => number {
  const tables = [...freeCtes(plan)].flatMap((cte) => compilation.ctes.get(cte) ?? []);
  return () => tables.reduce((sum, table) => sum + table.generation, 0);
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

function columnOf(subplan: Subplan, row: Row, account: MemoryAccount): SqlValue[] {
  const values: SqlValue[] = [];
  runSubplan(subplan, row, (found) => {
    account.charge(8 + valueBytes(found[0]));
    values.push(found[0]);
    return true;
  });
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
      const list = kept(subplan, (row, account) => listOf(subplan, row, account));
      return (row) => list(row).contains(first(row));
    }
    const column = kept(subplan, (row, account) => columnOf(subplan, row, account));
    return (row) => {
      const values = column(row);
      return quantify(first(row), values, operator, all);
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

function listOf(subplan: Subplan, row: Row, account: MemoryAccount): ValueList {
  const list = new ValueList();
  runSubplan(subplan, row, (found) => {
    if (list.add(found[0])) account.charge(HASH_ENTRY_BYTES + valueBytes(found[0]));
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
