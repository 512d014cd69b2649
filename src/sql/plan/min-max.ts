/**
 * min(x) and max(x) of a whole collection: the first row of an ordered scan each, if an index or `_id` has that order. As
 * in PostgreSQL the aggregate becomes subqueries with ORDER BY and LIMIT 1, which need not be run twice.
 */
import type { BoundExpression, ColumnId } from '../algebra/expression.js';
import type { LogicalPlan, ScanField } from '../algebra/logical.js';
import { columnsOf } from './columns.js';
import { conjunctionOf, conjunctsOf, hasSubquery } from './expression-walk.js';
import { samePath } from './facts.js';
import type { Planner } from './planner.js';
import { isStorable } from './sargs.js';

type Aggregate = LogicalPlan & { kind: 'aggregate' };
type Scan = LogicalPlan & { kind: 'scan' };

export function minMaxPlan(plan: Aggregate, planner: Planner): LogicalPlan | undefined {
  if (plan.groupBy.length > 0 || plan.groupingSets !== undefined || plan.aggregates.length === 0)
    return undefined;
  const { scan, conjuncts } = filteredScan(plan.input);
  if (scan === undefined || conjuncts.some(hasSubquery)) return undefined;
  const expressions = plan.aggregates.map(({ id, call }) => {
    const name = call.function.slice(0, call.function.indexOf('('));
    const [arg] = call.args;
    const isPlain = (name === 'min' || name === 'max') && call.filter === undefined && call.args.length === 1;
    if (!isPlain || arg.kind !== 'column' || !isStorable(arg)) return undefined;
    const field = scan.fields.find((candidate) => candidate.id === arg.id);
    if (field === undefined || !isOrdered(scan, field, planner)) return undefined;
    const subplan = firstOf(scan, conjuncts, arg, name === 'max');
    const expression: BoundExpression = {
      kind: 'subquery',
      type: call.type,
      mode: 'scalar',
      tests: [],
      plan: subplan,
      args: [],
    };
    return { id, name, expression };
  });
  if (!expressions.every((expression) => expression !== undefined)) return undefined;
  const one: LogicalPlan = { kind: 'values', rows: [[]], columns: [] };
  return { kind: 'project', input: one, expressions, columns: expressions.map(({ id }) => id) };
}

function filteredScan(plan: LogicalPlan): {
  readonly scan: Scan | undefined;
  readonly conjuncts: readonly BoundExpression[];
} {
  if (plan.kind === 'scan') return { scan: plan, conjuncts: [] };
  if (plan.kind !== 'filter' || plan.input.kind !== 'scan') return { scan: undefined, conjuncts: [] };
  return { scan: plan.input, conjuncts: conjunctsOf(plan.condition) };
}

/** Whether it is worth trying: some index begins with the member. */
function isOrdered(scan: Scan, { source }: ScanField, planner: Planner): boolean {
  if (source.kind !== 'member') return false;
  if (samePath(source.path, ['_id'])) return true;
  const indexes = planner.catalog.table(scan.collection)?.indexes ?? [];
  return indexes.some(({ columns, state }) => {
    const isValid = state === 'valid';
    return (
      isValid &&
      columns.some((column) => column.expression === undefined && samePath(column.path, source.path))
    );
  });
}

function firstOf(
  scan: Scan,
  conjuncts: readonly BoundExpression[],
  arg: BoundExpression & { kind: 'column' },
  descending: boolean,
): LogicalPlan {
  const used = new Set<ColumnId>([arg.id]);
  for (const conjunct of conjuncts) columnsOf(conjunct, used);
  const fields = scan.fields.filter(({ id }) => used.has(id));
  const columns = fields.map(({ id }) => id);
  const present: BoundExpression = { kind: 'isNull', type: 'bool', negated: true, arg };
  const condition = conjunctionOf([...conjuncts, present]) as BoundExpression;
  const filter: LogicalPlan = { kind: 'filter', input: { ...scan, fields, columns }, condition, columns };
  const sort: LogicalPlan = {
    kind: 'sort',
    input: filter,
    keys: [{ expression: arg, descending, nullsFirst: descending }],
    columns,
  };
  const limit: BoundExpression = { kind: 'const', type: 'int8', value: 1 };
  const first: LogicalPlan = { kind: 'limit', input: sort, limit, withTies: false, columns };
  return {
    kind: 'project',
    input: first,
    expressions: [{ id: arg.id, name: arg.name, expression: arg }],
    columns: [arg.id],
  };
}
