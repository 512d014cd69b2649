/**
 * Bound expressions: names are resolved, types are known, coercions are explicit. Plain data, so that plans can be cached,
 * printed and cloned between threads; functions are named by their id and looked up when an expression is compiled.
 *
 * There are two dialects. The binder's refer to columns by id (`column`), which is unique in a statement, so that moving an
 * expression up or down a plan changes nothing in it. The planner's lowering replaces those by `slot` (a place in the
 * operator's input row) and `outer` (a place in the frame of values that the enclosing query hands to a subplan).
 */
import type { SqlType } from '../types/sql-type.js';
import type { SqlValue } from '../types/values.js';
import type { LogicalPlan } from './logical.js';
import type { PhysicalPlan } from './physical.js';

/** Unique in one statement. */
export type ColumnId = number;

export type ComparisonOperator = '=' | '<>' | '<' | '<=' | '>' | '>=';

/** S: the type of subplans in it. */
export type ExpressionOf<S> =
  | { readonly kind: 'const'; readonly type: SqlType; readonly value: SqlValue }
  /** $n, 0-based here. Its value is coerced to `type` when the statement starts. */
  | { readonly kind: 'param'; readonly type: SqlType; readonly index: number }
  | { readonly kind: 'column'; readonly type: SqlType; readonly id: ColumnId; readonly name: string }
  | { readonly kind: 'slot'; readonly type: SqlType; readonly index: number; readonly name: string }
  | { readonly kind: 'outer'; readonly type: SqlType; readonly index: number; readonly name: string }
  /** A function or an operator that is none of those below; `function` is a FunctionDefinition's id. */
  | {
      readonly kind: 'call';
      readonly type: SqlType;
      readonly function: string;
      readonly args: readonly ExpressionOf<S>[];
    }
  /** NULL when either side is, or when JSON values of different kinds meet (docs/sql.md). */
  | {
      readonly kind: 'compare';
      readonly type: 'bool';
      readonly operator: ComparisonOperator;
      readonly left: ExpressionOf<S>;
      readonly right: ExpressionOf<S>;
    }
  | {
      readonly kind: 'distinct';
      readonly type: 'bool';
      /** True: IS NOT DISTINCT FROM. */
      readonly negated: boolean;
      readonly left: ExpressionOf<S>;
      readonly right: ExpressionOf<S>;
    }
  | { readonly kind: 'and' | 'or'; readonly type: 'bool'; readonly args: readonly ExpressionOf<S>[] }
  | { readonly kind: 'not'; readonly type: 'bool'; readonly arg: ExpressionOf<S> }
  | {
      readonly kind: 'isNull';
      readonly type: 'bool';
      readonly negated: boolean;
      readonly arg: ExpressionOf<S>;
    }
  /** IS [NOT] TRUE / FALSE / UNKNOWN (`value` null). */
  | {
      readonly kind: 'isTruth';
      readonly type: 'bool';
      readonly value: boolean | null;
      readonly negated: boolean;
      readonly arg: ExpressionOf<S>;
    }
  /** CASE WHEN; the simple form has been rewritten to comparisons. */
  | {
      readonly kind: 'case';
      readonly type: SqlType;
      readonly branches: readonly { readonly when: ExpressionOf<S>; readonly then: ExpressionOf<S> }[];
      readonly otherwise: ExpressionOf<S>;
    }
  | { readonly kind: 'coalesce'; readonly type: SqlType; readonly args: readonly ExpressionOf<S>[] }
  /** `arg [NOT] IN (items)`; items are not all constants in general. */
  | {
      readonly kind: 'in';
      readonly type: 'bool';
      readonly negated: boolean;
      readonly arg: ExpressionOf<S>;
      readonly items: readonly ExpressionOf<S>[];
    }
  /** `arg operator ANY|ALL (array)`. */
  | {
      readonly kind: 'quantified';
      readonly type: 'bool';
      readonly operator: ComparisonOperator;
      readonly all: boolean;
      readonly arg: ExpressionOf<S>;
      readonly array: ExpressionOf<S>;
    }
  /** A cast that is written or implied. `type` is the target. */
  | {
      readonly kind: 'cast';
      readonly type: SqlType;
      readonly arg: ExpressionOf<S>;
      /** numeric(p,s), varchar(n) and their like; undefined without. */
      readonly modifiers?: readonly number[];
    }
  | { readonly kind: 'array'; readonly type: SqlType; readonly items: readonly ExpressionOf<S>[] }
  | {
      readonly kind: 'row';
      readonly type: 'record';
      readonly items: readonly ExpressionOf<S>[];
      readonly names: readonly string[];
    }
  /** Member or element of a document value: `a.b`, `tags[1]`. Of a missing one: NULL. Keys are member names or 0-based places. */
  | {
      readonly kind: 'path';
      readonly type: SqlType;
      readonly arg: ExpressionOf<S>;
      readonly path: readonly (string | number)[];
    }
  | {
      readonly kind: 'subquery';
      readonly type: SqlType;
      /**
       * scalar: the value of its one column, NULL without a row, an error with several. exists: bool. array: ARRAY(SELECT …).
       * any, all: `test operator ANY|ALL (SELECT …)`; IN is `= ANY`. Several tests compare row by row.
       */
      readonly mode: 'scalar' | 'exists' | 'array' | 'any' | 'all';
      readonly operator?: ComparisonOperator;
      readonly tests: readonly ExpressionOf<S>[];
      readonly plan: S;
      /** Values for the subplan's `outer` frame, over this expression's row. Empty before lowering. */
      readonly args: readonly ExpressionOf<S>[];
    };

/** As the binder makes them: columns by id; subqueries are logical plans, whose free column ids are correlations. */
export type BoundExpression = ExpressionOf<LogicalPlan>;
/** As operators evaluate them: slots and outer values; subqueries are physical plans. */
export type Expression = ExpressionOf<PhysicalPlan>;

export interface SortKeyOf<E> {
  readonly expression: E;
  readonly descending: boolean;
  readonly nullsFirst: boolean;
}

export interface AggregateCallOf<E> {
  /** An AggregateDefinition's id. */
  readonly function: string;
  readonly type: SqlType;
  /** Empty for count(*). */
  readonly args: readonly E[];
  readonly distinct: boolean;
  readonly filter?: E;
  /** ORDER BY inside of the call. */
  readonly orderBy: readonly SortKeyOf<E>[];
}

export type FrameBound =
  | { readonly kind: 'unboundedPreceding' | 'currentRow' | 'unboundedFollowing' }
  | { readonly kind: 'preceding' | 'following'; readonly offset: number };

export interface WindowFrame {
  readonly mode: 'rows' | 'range' | 'groups';
  readonly start: FrameBound;
  readonly end: FrameBound;
  readonly exclude: 'none' | 'current' | 'group' | 'ties';
}

export interface WindowCallOf<E> {
  /** A WindowDefinition's or AggregateDefinition's id. */
  readonly function: string;
  readonly isAggregate: boolean;
  readonly type: SqlType;
  readonly args: readonly E[];
  readonly filter?: E;
  readonly partitionBy: readonly E[];
  readonly orderBy: readonly SortKeyOf<E>[];
  readonly frame: WindowFrame;
}
