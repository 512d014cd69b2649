/** What the parts of the planner hand to each other: the surroundings, goals and plans that are built. */
import type { BoundExpression, ColumnId, SortKeyOf } from '../algebra/expression.js';
import type { LogicalPlan } from '../algebra/logical.js';
import type { PhysicalPlan } from '../algebra/physical.js';
import type { CatalogView, StatisticsView } from '../catalog-view.js';
import type { Facts } from './facts.js';
import type { Frame } from './frame.js';
import type { JsonColumns } from './json-columns.js';
import type { PlannerOptions } from './options.js';
import type { PlannerSupport } from './support.js';

export type BoundSortKey = SortKeyOf<BoundExpression>;

/** What the consumer of a plan would like. */
export interface Goal {
  readonly order?: readonly BoundSortKey[];
  /** It will take about so many rows and then stop. */
  readonly rows?: number;
}

/** Where a column is in the rows of a plan. Several may share a place. */
export type Slots = ReadonlyMap<ColumnId, number>;

export interface Built {
  readonly plan: PhysicalPlan;
  readonly slots: Slots;
  /** Rows come in the order that the goal asked for. */
  readonly ordered: boolean;
  /** The same rows when a gather runs it on parts of its scan. Its estimate is that of one part. */
  readonly partial?: PhysicalPlan;
}

export interface CteSize {
  readonly rows: number;
  readonly bytes: number;
}

export interface Subplan {
  readonly plan: PhysicalPlan;
  /** What it takes from the query around it, by the places of its frame. */
  readonly columns: readonly (BoundExpression & { kind: 'column' })[];
}

/** One statement being planned. */
export interface Planner {
  readonly catalog: CatalogView;
  readonly statistics: StatisticsView;
  readonly options: PlannerOptions;
  readonly support: PlannerSupport;
  readonly facts: Facts;
  readonly jsonColumns: JsonColumns;
  readonly cteSizes: Map<number, CteSize>;
  /** Subqueries that are planned already: a condition is lowered once for each way to read its scan. */
  readonly subplans: Map<LogicalPlan, Subplan>;
  build(plan: LogicalPlan, frame: Frame, goal?: Goal): Built;
}
