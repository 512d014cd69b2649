/**
 * The upper end of a SELECT: DISTINCT, ORDER BY, LIMIT and the projection. Rows are sorted before they are projected, so that
 * keys may be any expressions and only rows that are wanted are computed; where a key would be computed twice with different
 * results, or at great cost, it becomes a hidden column instead.
 */
import type { BoundExpression, SortKeyOf } from '../algebra/expression.js';
import type { ComputedColumn, LogicalPlan, OutputColumn } from '../algebra/logical.js';
import { structureText } from '../algebra/structure-text.js';
import { sqlError } from '../errors.js';
import { scalarById } from '../functions/registry.js';
import { columnOf, project } from './coerce-rows.js';
import type { BoundRows, StatementContext } from './context.js';
import { type Limits, limited, sorted } from './order.js';
import type { SelectParts } from './select.js';
import type { Target } from './targets.js';
import { visitExpression } from './walk.js';

export function arrange(
  context: StatementContext,
  input: LogicalPlan,
  parts: SelectParts,
  limits: Limits | undefined,
): BoundRows {
  const { targets, order, distinct } = parts;
  const computed = targets.map(({ name, expression }) => ({ id: context.columnId(), name, expression }));
  const output = outputOf(computed, targets);
  if (distinct === 'all') return distinctRows(context, input, parts, computed, output, limits);
  const on = distinct === 'none' ? [] : distinct;
  checkDistinctOn(context, on, parts);
  const keys = order.map(({ key }) => key);
  if ([...keys.map(({ expression }) => expression), ...on].every(isRepeatable)) {
    let plan = sorted(input, keys);
    if (on.length > 0) plan = { kind: 'distinct', input: plan, on, columns: [] };
    return { plan: project(limited(plan, limits), computed), output };
  }
  return withHiddenColumns(context, input, parts, computed, output, limits);
}

function outputOf(computed: readonly ComputedColumn[], targets: readonly Target[]): OutputColumn[] {
  return computed.map(({ id, name, expression }, place) => ({
    id,
    name,
    type: expression.type,
    spread: targets[place].spread,
  }));
}

/** Whether computing it again gives the same and is cheap. */
function isRepeatable(expression: BoundExpression): boolean {
  let repeatable = true;
  visitExpression(expression, (each) => {
    if (each.kind === 'subquery') repeatable = false;
    if (each.kind === 'call' && scalarById(each.function)?.volatility === 'volatile') repeatable = false;
  });
  return repeatable;
}

/** Plain DISTINCT: over the output, which is then all that ORDER BY may name. */
function distinctRows(
  context: StatementContext,
  input: LogicalPlan,
  { targets, order }: SelectParts,
  computed: readonly ComputedColumn[],
  output: readonly OutputColumn[],
  limits: Limits | undefined,
): BoundRows {
  const shapes = targets.map(({ expression }) => structureText(expression));
  const keys = order.map(({ target, key }): SortKeyOf<BoundExpression> => {
    const place = target ?? shapes.indexOf(structureText(key.expression));
    if (place < 0)
      throw sqlError(
        '42P10',
        'for SELECT DISTINCT, ORDER BY expressions must appear in select list',
        context.placeOf(key.expression),
      );
    return { ...key, expression: columnOf(output[place]) };
  });
  const on = output.map(columnOf);
  const unique: LogicalPlan = { kind: 'distinct', input: project(input, computed), on, columns: [] };
  return { plan: limited(sorted(unique, keys), limits), output };
}

function checkDistinctOn(
  context: StatementContext,
  on: readonly BoundExpression[],
  { order }: SelectParts,
): void {
  const wanted = new Set(on.map(structureText));
  const open = new Set(wanted);
  for (const { key } of order) {
    if (open.size === 0) return;
    const shape = structureText(key.expression);
    if (!wanted.has(shape))
      throw sqlError(
        '42P10',
        'SELECT DISTINCT ON expressions must match initial ORDER BY expressions',
        context.placeOf(key.expression),
      );
    open.delete(shape);
  }
}

function withHiddenColumns(
  context: StatementContext,
  input: LogicalPlan,
  { order, distinct }: SelectParts,
  computed: readonly ComputedColumn[],
  output: readonly OutputColumn[],
  limits: Limits | undefined,
): BoundRows {
  const all = [...computed];
  const byShape = new Map(computed.map((column) => [structureText(column.expression), column]));
  const column = (expression: BoundExpression, target?: number): BoundExpression => {
    const shape = structureText(expression);
    let found = target === undefined ? byShape.get(shape) : computed[target];
    if (found === undefined) {
      found = { id: context.columnId(), name: 'sort', expression };
      byShape.set(shape, found);
      all.push(found);
    }
    return { kind: 'column', type: expression.type, id: found.id, name: found.name };
  };
  const keys = order.map(({ target, key }) => ({ ...key, expression: column(key.expression, target) }));
  const on = typeof distinct === 'string' ? [] : distinct.map((expression) => column(expression));
  let plan = sorted(project(input, all), keys);
  if (on.length > 0) plan = { kind: 'distinct', input: plan, on, columns: [] };
  plan = limited(plan, limits);
  if (all.length === computed.length) return { plan, output };
  const last = output.map((each) => ({
    id: context.columnId(),
    name: each.name,
    expression: columnOf(each),
  }));
  const visible = output.map((each, place) => ({ ...each, id: last[place].id }));
  return { plan: project(plan, last), output: visible };
}
