/** Ways to read a collection: by keys, by the order of `_id`, by each index. Each with what it costs; the cheapest is taken. */
import type { BoundExpression, Expression } from '../algebra/expression.js';
import type {
  BoundOf,
  FieldAccess,
  IndexOrder,
  IndexRange,
  PhysicalPlan,
  TableReference,
} from '../algebra/physical.js';
import type { TableView } from '../catalog-view.js';
import {
  CPU_INDEX_TUPLE_COST,
  CPU_TUPLE_COST,
  costOfRows,
  estimate,
  LOOKUP_COST,
  MERGE_ROW_COST,
  PAGE_BYTES,
  SEEK_COST,
  SEQ_PAGE_COST,
} from './cost.js';
import { conjunctionOf } from './expression-walk.js';
import { type TableSize, tableSize } from './facts.js';
import type { Frame } from './frame.js';
import { fixedKeys, type IndexMatch, type MatchedOrder, matchIndex } from './index-match.js';
import { lastRange, type MatchedBound } from './index-ranges.js';
import { type IndexShape, indexShapes, predicatePart } from './index-shape.js';
import { holdsJson } from './json-columns.js';
import { costOf, isShippable, lower, lowerSortKeys } from './lower.js';
import { implies } from './partial-index.js';
import type { BoundSortKey, Goal, Planner, Slots } from './planner.js';
import { keyOf, memberKey, type Sarg, type Scan, sargsOf } from './sargs.js';
import { selectivityOf } from './selectivity.js';

export interface ScanRequest {
  readonly scan: Scan;
  readonly table: TableView;
  readonly alias: string;
  readonly fields: readonly FieldAccess[];
  readonly slots: Slots;
  readonly conjuncts: readonly BoundExpression[];
  readonly goal: Goal;
  readonly frame: Frame;
  readonly planner: Planner;
  readonly rowBytes: number;
}

export interface ScanPath {
  readonly plan: PhysicalPlan;
  readonly ordered: boolean;
}

interface Known extends ScanRequest {
  readonly sargs: readonly Sarg[];
  readonly size: TableSize;
  readonly reference: TableReference;
  /** Rows that satisfy all conditions. */
  readonly rows: number;
}

const ID_KEY = memberKey(['_id']);

export function scanPaths(request: ScanRequest): ScanPath[] {
  const { scan, table, alias, conjuncts, planner } = request;
  const size = tableSize(planner.statistics, table.id);
  const known: Known = {
    ...request,
    sargs: sargsOf(conjuncts, scan, planner.support, (value) => holdsJson(value, planner.jsonColumns)),
    size,
    reference: { collection: table.name, collectionId: table.id, alias },
    rows: size.documents * selectivityOf(conjuncts, planner.facts),
  };
  const lookup = keyLookup(known);
  const paths = [sequential(known), ...(lookup === undefined ? [] : [lookup])];
  // Nothing is better than one lookup.
  if (lookup?.plan.kind === 'keyLookup' && lookup.plan.keys.length === 1) return paths;
  if (!planner.options.enableIndexScan) return paths;
  for (const shape of indexShapes(table, planner.support)) {
    const path = indexPath(known, shape);
    if (path !== undefined) paths.push(path);
  }
  return paths;
}

/** Cheapest for the goal. With an order asked for, paths that have it come first, whatever they cost. */
export function cheapest(paths: readonly ScanPath[], goal: Goal): ScanPath {
  const ordered = goal.order === undefined ? [] : paths.filter((path) => path.ordered);
  const candidates = ordered.length > 0 ? ordered : paths;
  const cost = ({ plan }: ScanPath): number => costOfRows(plan.estimate, goal.rows);
  return candidates.reduce((best, path) => (cost(path) < cost(best) ? path : best));
}

/** The same scan in parts; undefined where it is too small or cannot leave the thread. */
export function parallelScan(request: ScanRequest, paths: readonly ScanPath[]): PhysicalPlan | undefined {
  const { planner } = request;
  const { parallelWorkers, parallelRowsMin } = planner.options;
  const plan = paths[0].plan;
  if (parallelWorkers < 2 || plan.kind !== 'seqScan') return undefined;
  if (plan.lower !== undefined || plan.upper !== undefined) return undefined;
  if (tableSize(planner.statistics, request.table.id).documents < parallelRowsMin) return undefined;
  if (plan.filter !== undefined && !isShippable(plan.filter, planner)) return undefined;
  const { startupCost, totalCost, rows, width } = plan.estimate;
  return {
    ...plan,
    ordered: false,
    backward: false,
    estimate: estimate(startupCost, totalCost / parallelWorkers, rows / parallelWorkers, width),
  };
}

function lowered(known: Known, expression: BoundExpression): Expression {
  return lower(expression, known.slots, known.frame, known.planner);
}

/** What is not in the filter because the way to the documents answers it; undefined where nobody will ask. */
function answeredOf(known: Known, conjuncts: readonly BoundExpression[]): Expression | undefined {
  const isForWrites = known.fields.some(({ source }) => source.kind === 'seqno');
  return isForWrites ? filterOf(known, conjuncts) : undefined;
}

function filterOf(known: Known, conjuncts: readonly BoundExpression[]): Expression | undefined {
  return conjunctionOf(conjuncts.map((conjunct) => lowered(known, conjunct)));
}

function filterCost(filter: Expression | undefined): { readonly startup: number; readonly perRow: number } {
  return filter === undefined ? { startup: 0, perRow: 0 } : costOf([filter]);
}

function sequential(known: Known): ScanPath {
  const { sargs, goal, size, planner, scan } = known;
  const { range, sargs: used } = lastRange(sargs.filter(isBoundOfId));
  const done = used.filter(({ isExact }) => isExact).map(({ conjunct }) => conjunct);
  const filter = filterOf(
    known,
    known.conjuncts.filter((conjunct) => !done.includes(conjunct)),
  );
  const direction = idDirection(goal.order, sargs, scan);
  const part = selectivityOf([...new Set(used.map(({ conjunct }) => conjunct))], planner.facts);
  const pages = (size.bytes / PAGE_BYTES) * SEQ_PAGE_COST;
  const { startup, perRow } = filterCost(filter);
  const rowCost = CPU_TUPLE_COST + perRow + (direction === undefined ? 0 : MERGE_ROW_COST);
  const total = startup + part * (pages + size.documents * rowCost) + (used.length > 0 ? SEEK_COST : 0);
  return {
    ordered: direction !== undefined,
    plan: {
      kind: 'seqScan',
      id: -1,
      width: known.fields.length,
      estimate: estimate(startup, total, known.rows, known.rowBytes),
      table: known.reference,
      fields: known.fields,
      filter,
      answered: answeredOf(known, done),
      lower: loweredBound(known, range.lower),
      upper: loweredBound(known, range.upper),
      ordered: direction !== undefined,
      backward: direction === 'backward',
    },
  };
}

/** `_id` is never NULL, and its values one by one are for lookups. */
function isBoundOfId({ key, test }: Sarg): boolean {
  return key === ID_KEY && (test.kind === 'lower' || test.kind === 'upper' || test.kind === 'prefix');
}

function idDirection(
  order: readonly BoundSortKey[] | undefined,
  sargs: readonly Sarg[],
  scan: Scan,
): 'forward' | 'backward' | undefined {
  if (order === undefined) return undefined;
  const fixed = fixedKeys(sargs);
  for (const { expression, descending } of order) {
    const key = keyOf(expression, scan);
    if (fixed.has(key)) continue;
    // `_id` is unique: keys behind it decide nothing.
    if (key === ID_KEY) return descending ? 'backward' : 'forward';
    return undefined;
  }
  return 'forward';
}

function keyLookup(known: Known): ScanPath | undefined {
  const { sargs, planner, goal } = known;
  const sarg = sargs.find(
    ({ key, test }) => key === ID_KEY && (test.kind === 'equals' || test.kind === 'in'),
  );
  if (sarg === undefined) return undefined;
  const { test } = sarg;
  const values = test.kind === 'equals' ? [test.value] : test.kind === 'in' ? test.values : [];
  const filter = filterOf(
    known,
    known.conjuncts.filter((conjunct) => conjunct !== sarg.conjunct),
  );
  const { startup, perRow } = filterCost(filter);
  const rows = Math.min(values.length, known.size.documents);
  const rest = known.conjuncts.filter((conjunct) => conjunct !== sarg.conjunct);
  return {
    ordered: goal.order !== undefined && values.length === 1,
    plan: {
      kind: 'keyLookup',
      id: -1,
      width: known.fields.length,
      estimate: estimate(
        startup,
        startup + values.length * (LOOKUP_COST + CPU_TUPLE_COST + perRow),
        rows * selectivityOf(rest, planner.facts),
        known.rowBytes,
      ),
      table: known.reference,
      fields: known.fields,
      keys: values.map((value) => lowered(known, value)),
      filter,
      answered: answeredOf(known, [sarg.conjunct]),
    },
  };
}

function indexPath(known: Known, shape: IndexShape): ScanPath | undefined {
  const { conjuncts, scan, planner, goal, sargs, fields } = known;
  const { support, options } = planner;
  const have = conjuncts.map((conjunct) => predicatePart(conjunct, scan, support));
  if (!implies(have, shape.predicate, support)) return undefined;
  const match = matchIndex(shape, sargs, goal.order, scan, support);
  const indexOnly =
    options.enableIndexOnlyScan &&
    fields.every(({ source }) => source.kind === 'member' && shape.holds(source.path));
  const isPartial = shape.predicate.length > 0;
  if (match.used.length === 0 && match.order === undefined && !indexOnly && !isPartial) return undefined;
  const implied = conjuncts.filter((_, i) => shape.predicate.some(({ key }) => key === have[i].key));
  const done = [...implied, ...match.used.filter((conjunct) => !match.inexact.includes(conjunct))];
  const filter = filterOf(
    known,
    conjuncts.filter((conjunct) => !done.includes(conjunct)),
  );
  return {
    ordered: match.order !== undefined,
    plan: {
      kind: 'indexScan',
      id: -1,
      width: fields.length,
      estimate: indexEstimate(known, match, [...implied, ...match.used], indexOnly, filter),
      table: known.reference,
      index: shape.definition.name,
      indexId: shape.definition.id,
      definition: shape.definition,
      fields,
      ranges: match.ranges.map(
        (range): IndexRange => ({
          equals: range.equals.map((value) => lowered(known, value)),
          lower: loweredBound(known, range.lower),
          upper: loweredBound(known, range.upper),
          isNull: range.isNull,
          isNotNull: range.isNotNull,
        }),
      ),
      backward: match.order?.direction === 'backward',
      order: loweredOrder(known, match.order),
      indexOnly,
      condition: filterOf(known, match.used),
      filter,
      answered: answeredOf(known, done),
    },
  };
}

function loweredOrder(known: Known, order: MatchedOrder | undefined): IndexOrder | undefined {
  if (order === undefined || order.columns.length === 0) return undefined;
  return { keys: lowerSortKeys(order.keys, known.slots, known.frame, known.planner), columns: order.columns };
}

function loweredBound(known: Known, bound: MatchedBound | undefined): BoundOf | undefined {
  return bound === undefined ? undefined : { ...bound, value: lowered(known, bound.value) };
}

/** `selecting`: the conditions that decide which entries are read. */
function indexEstimate(
  known: Known,
  match: IndexMatch,
  selecting: readonly BoundExpression[],
  indexOnly: boolean,
  filter: Expression | undefined,
): PhysicalPlan['estimate'] {
  const { size, planner } = known;
  const { definition } = match.shape;
  const stored = planner.statistics.index(definition.id);
  const selected = size.documents * selectivityOf([...new Set(selecting)], planner.facts);
  const isUniqueMatch =
    definition.unique && match.equalColumns === definition.columns.length && match.ranges.length === 1;
  const entries = Math.max(1, isUniqueMatch ? 1 : Math.min(selected, stored?.entries ?? size.documents));
  const entryBytes = stored !== undefined && stored.entries > 0 ? stored.bytes / stored.entries : 48;
  const { startup, perRow } = filterCost(filter);
  const perEntry =
    CPU_INDEX_TUPLE_COST + (entryBytes / PAGE_BYTES) * SEQ_PAGE_COST + (indexOnly ? 0 : LOOKUP_COST);
  const perResult = CPU_TUPLE_COST + perRow + MERGE_ROW_COST;
  const seeks = match.ranges.length * SEEK_COST;
  const rows = Math.min(known.rows, entries);
  const total = startup + seeks + entries * (perEntry + perResult);
  return estimate(startup + Math.min(seeks, SEEK_COST), total, rows, known.rowBytes);
}
