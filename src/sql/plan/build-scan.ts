/** Sources of rows: collections, system tables, VALUES, functions, CTEs; each with the conditions right above it. */
import type { BoundExpression, Expression } from '../algebra/expression.js';
import type { LogicalPlan } from '../algebra/logical.js';
import type { Estimate, FieldAccess, PhysicalPlan } from '../algebra/physical.js';
import { sqlError, UNDEFINED_TABLE } from '../errors.js';
import { CPU_OPERATOR_COST, CPU_TUPLE_COST, estimate } from './cost.js';
import { conjunctionOf } from './expression-walk.js';
import { tableSize, valueBytes } from './facts.js';
import type { Frame } from './frame.js';
import { costOf, lower, slotsOf } from './lower.js';
import type { Built, Goal, Planner, Slots } from './planner.js';
import type { Scan } from './sargs.js';
import { cheapest, parallelScan, type ScanRequest, scanPaths } from './scan-paths.js';
import { selectivityOf } from './selectivity.js';

type Conjuncts = readonly BoundExpression[];
type Of<K extends LogicalPlan['kind']> = LogicalPlan & { kind: K };

const SYSTEM_ROWS = 100;
const FUNCTION_ROWS = 100;
const FIELD_BYTES = 16;

export function buildScan(
  scan: Scan,
  conjuncts: Conjuncts,
  frame: Frame,
  goal: Goal,
  planner: Planner,
): Built {
  const table = planner.catalog.table(scan.collection);
  if (table === undefined) throw sqlError(UNDEFINED_TABLE, `relation "${scan.collection}" does not exist`);
  const slots = slotsOf(scan.columns);
  const fields = scan.fields.map(({ source, type, name }): FieldAccess => ({ source, type, name }));
  const { documentBytes } = tableSize(planner.statistics, table.id);
  const rowBytes = scan.fields.reduce(
    (sum, { id, source, type }) =>
      sum + (source.kind === 'document' ? documentBytes : valueBytes(type, planner.facts.get(id))),
    0,
  );
  const request: ScanRequest = {
    scan,
    table,
    alias: scan.alias,
    fields,
    slots,
    conjuncts,
    goal,
    frame,
    planner,
    rowBytes,
  };
  const paths = scanPaths(request);
  const { plan, ordered } = cheapest(paths, goal);
  return { plan, slots, ordered: ordered && goal.order !== undefined, partial: parallelScan(request, paths) };
}

/** A leaf that is no collection. */
export function buildRows(
  plan: Of<'systemScan' | 'values' | 'functionScan' | 'cteScan'>,
  conjuncts: Conjuncts,
  frame: Frame,
  planner: Planner,
): Built {
  const slots = slotsOf(plan.columns);
  const filter = conjunctionOf(conjuncts.map((conjunct) => lower(conjunct, slots, frame, planner)));
  const part = selectivityOf(conjuncts, planner.facts);
  switch (plan.kind) {
    case 'systemScan': {
      const fields = plan.fields.map(({ name }) => name);
      const guess = leafEstimate(SYSTEM_ROWS, part, fields.length * FIELD_BYTES, filter);
      const { table, alias } = plan;
      return leaf(
        { kind: 'systemScan', id: -1, width: fields.length, estimate: guess, table, alias, fields, filter },
        slots,
      );
    }
    case 'functionScan': {
      const width = plan.columns.length;
      const args = plan.args.map((arg) => lower(arg, new Map(), frame, planner));
      const guess = leafEstimate(functionRows(plan), part, width * FIELD_BYTES, filter);
      const { function: id, alias, ordinality } = plan;
      return leaf(
        {
          kind: 'functionScan',
          id: -1,
          width,
          estimate: guess,
          function: id,
          args,
          alias,
          ordinality,
          filter,
        },
        slots,
      );
    }
    case 'cteScan': {
      const size = planner.cteSizes.get(plan.cte) ?? { rows: 100, bytes: FIELD_BYTES };
      const guess = leafEstimate(size.rows, part, size.bytes, filter);
      const { cte, name, alias } = plan;
      return leaf(
        { kind: 'cteScan', id: -1, width: plan.columns.length, estimate: guess, cte, name, alias, filter },
        slots,
      );
    }
    default:
      return buildValues(plan, conjuncts, slots, frame, planner);
  }
}

function leaf(plan: PhysicalPlan, slots: Slots): Built {
  return { plan, slots, ordered: false };
}

function leafEstimate(rows: number, part: number, bytes: number, filter: Expression | undefined): Estimate {
  const { startup, perRow } = costOf(filter === undefined ? [] : [filter]);
  return estimate(startup, startup + rows * (CPU_TUPLE_COST + perRow), rows * part, bytes);
}

/** generate_series over constants says how many rows it has. */
function functionRows(plan: Of<'functionScan'>): number {
  if (!plan.function.startsWith('generate_series(')) return FUNCTION_ROWS;
  const [first, last, step] = plan.args.map((arg) => (arg.kind === 'const' ? Number(arg.value) : Number.NaN));
  const count = Math.floor((last - first) / (step ?? 1)) + 1;
  return Number.isFinite(count) ? Math.max(1, count) : FUNCTION_ROWS;
}

function buildValues(
  plan: Of<'values'>,
  conjuncts: Conjuncts,
  slots: Slots,
  frame: Frame,
  planner: Planner,
): Built {
  const width = plan.columns.length;
  const rows = plan.rows.map((row) => row.map((value) => lower(value, new Map(), frame, planner)));
  const { startup, perRow } = costOf(rows.flat());
  const guess = {
    ...estimate(startup, startup + perRow + rows.length * CPU_TUPLE_COST, rows.length, width * FIELD_BYTES),
    rows: rows.length,
  };
  const values: PhysicalPlan = { kind: 'values', id: -1, width, estimate: guess, rows };
  return withFilter({ plan: values, slots, ordered: false }, conjuncts, frame, planner);
}

/** Conditions over any plan, as a node of their own. */
export function withFilter(input: Built, conjuncts: Conjuncts, frame: Frame, planner: Planner): Built {
  if (conjuncts.length === 0) return input;
  const lowered = conjuncts.map((conjunct) => lower(conjunct, input.slots, frame, planner));
  const condition = conjunctionOf(lowered) as Expression;
  const part = selectivityOf(conjuncts, planner.facts);
  const filter = (below: PhysicalPlan): PhysicalPlan => {
    const { startupCost, totalCost, rows, width } = below.estimate;
    const { startup, perRow } = costOf([condition]);
    const total = totalCost + startup + rows * Math.max(perRow, CPU_OPERATOR_COST);
    return {
      kind: 'filter',
      id: -1,
      width: below.width,
      estimate: estimate(startupCost + startup, total, rows * part, width),
      input: below,
      condition,
    };
  };
  return { ...input, plan: filter(input.plan), partial: undefined };
}
