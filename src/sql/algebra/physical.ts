/**
 * Physical plans: how a statement runs. Plain data; `id` numbers the nodes of a plan so that EXPLAIN ANALYZE can find their
 * counters. Rows are arrays: a node's `width` is their length. Of joins the row is the left one followed by the right one.
 *
 * Values from an enclosing query (correlated subqueries, the inner side of an index nested loop) come in the plan's outer
 * frame: expressions of kind `outer`.
 */

import type { IndexDefinition } from '../../indexes/definition.js';
import type { SqlType } from '../types/sql-type.js';
import type { AggregateCallOf, Expression, SortKeyOf, WindowCallOf } from './expression.js';
import type { FieldSource, JoinKind } from './logical.js';

export type SortKey = SortKeyOf<Expression>;

export interface IndexOrder {
  /** Over the rows of the scan. */
  readonly keys: readonly SortKey[];
  /** Columns of the index, by place, whose order it is. */
  readonly columns: readonly number[];
}
export type AggregateCall = AggregateCallOf<Expression>;
export type WindowCall = WindowCallOf<Expression>;

/** The planner's guess. */
export interface Estimate {
  /** Cost until the first row and until the last, in units of one page read in sequence (PostgreSQL's scale). */
  readonly startupCost: number;
  readonly totalCost: number;
  readonly rows: number;
  /** Mean bytes of a row. */
  readonly width: number;
}

interface PlanNode {
  readonly id: number;
  readonly estimate: Estimate;
  /** Values in a row. */
  readonly width: number;
}

/** What a scan puts into slot i of its rows. */
export interface FieldAccess {
  readonly source: FieldSource;
  readonly type: SqlType;
  readonly name: string;
}

export interface BoundOf {
  readonly value: Expression;
  readonly inclusive: boolean;
}

/**
 * Values of the leading index columns, then a range of the next one. No value may depend on the scanned row. A range has
 * values of one kind: one with a single bound ends where the kind of that bound ends. A bound or a value that turns out to
 * be NULL leaves nothing.
 */
export interface IndexRange {
  readonly equals: readonly Expression[];
  readonly lower?: BoundOf;
  readonly upper?: BoundOf;
  /** Rows whose next column is NULL too: IS NULL. */
  readonly isNull?: boolean;
  /** Rows whose next column is not NULL, of all kinds. */
  readonly isNotNull?: boolean;
}

/** Of a node that reads documents of a collection. */
export interface DocumentScan {
  readonly table: TableReference;
  readonly fields: readonly FieldAccess[];
  readonly filter?: Expression;
  /**
   * What every document that is found this way meets, so that the filter need not say it: the rest of the scan's conditions.
   * Only where writes take their documents from the scan, for a version that comes another way (execute/recheck.ts).
   */
  readonly answered?: Expression;
}

export interface TableReference {
  readonly collection: string;
  readonly collectionId: number;
  readonly alias: string;
}

export type PhysicalPlan = PlanNode &
  (
    | (DocumentScan & {
        readonly kind: 'seqScan';
        /** Range of `_id`, as text values. */
        readonly lower?: BoundOf;
        readonly upper?: BoundOf;
        /** Rows come in the order of `_id`. */
        readonly ordered: boolean;
        readonly backward: boolean;
      })
    /**
     * `_id = key` or `_id IN (keys)`: one lookup each, in one shard each. A key that is no text finds nothing; one that
     * comes twice is looked up once.
     */
    | (DocumentScan & {
        readonly kind: 'keyLookup';
        readonly keys: readonly Expression[];
      })
    | (DocumentScan & {
        readonly kind: 'indexScan';
        readonly index: string;
        readonly indexId: number;
        /** Orders of the columns and what is included; absent: the execution environment knows it by the number. */
        readonly definition?: IndexDefinition;
        /** Several for IN; disjoint, in the order of the index. */
        readonly ranges: readonly IndexRange[];
        readonly backward: boolean;
        /** The order that the plan relies on: entries whose keys are cut at the same bytes are not in it by themselves. */
        readonly order?: IndexOrder;
        /** All fields can be had from the index's own columns, included ones and `_id`: documents are not read. */
        readonly indexOnly: boolean;
        /** The part of the condition that the ranges stand for, for EXPLAIN and for checking entries that were cut short. */
        readonly condition?: Expression;
      })
    | {
        readonly kind: 'systemScan';
        readonly table: string;
        readonly alias: string;
        readonly fields: readonly string[];
        readonly filter?: Expression;
      }
    | { readonly kind: 'values'; readonly rows: readonly (readonly Expression[])[] }
    | {
        readonly kind: 'functionScan';
        readonly function: string;
        readonly args: readonly Expression[];
        readonly alias: string;
        readonly ordinality: boolean;
        readonly filter?: Expression;
      }
    | { readonly kind: 'filter'; readonly input: PhysicalPlan; readonly condition: Expression }
    | { readonly kind: 'project'; readonly input: PhysicalPlan; readonly expressions: readonly Expression[] }
    /** Builds a hash table of the right side. Keys compare like `=`: rows with a NULL key match nothing. */
    | {
        readonly kind: 'hashJoin';
        readonly join: JoinKind;
        readonly left: PhysicalPlan;
        readonly right: PhysicalPlan;
        readonly leftKeys: readonly Expression[];
        readonly rightKeys: readonly Expression[];
        /** Over the joined row. */
        readonly residual?: Expression;
      }
    /**
     * For each left row the right plan runs with `args` (over the left row) as its outer frame; without args it runs in
     * the frame that the loop itself is in, and may be kept in memory and read again.
     */
    | {
        readonly kind: 'nestedLoop';
        readonly join: JoinKind;
        readonly left: PhysicalPlan;
        readonly right: PhysicalPlan;
        readonly args: readonly Expression[];
        readonly condition?: Expression;
      }
    /**
     * Output: group keys, then aggregates. `partial` gives states instead of results and `final` takes them (in the place
     * of each call's first argument); between the two there is a gather. With groupingSets keys that a set lacks are NULL.
     */
    | {
        readonly kind: 'aggregate';
        readonly input: PhysicalPlan;
        readonly groupBy: readonly Expression[];
        readonly groupingSets?: readonly (readonly number[])[];
        readonly aggregates: readonly AggregateCall[];
        readonly mode: 'single' | 'partial' | 'final';
        /** The input is sorted by the keys, so groups end as keys change. */
        readonly sorted: boolean;
      }
    | { readonly kind: 'window'; readonly input: PhysicalPlan; readonly calls: readonly WindowCall[] }
    | { readonly kind: 'sort'; readonly input: PhysicalPlan; readonly keys: readonly SortKey[] }
    /** The first `limit` (after `offset`) rows in the order of the keys; a bounded heap. */
    | {
        readonly kind: 'topN';
        readonly input: PhysicalPlan;
        readonly keys: readonly SortKey[];
        readonly limit: Expression;
        readonly offset?: Expression;
      }
    | {
        readonly kind: 'limit';
        readonly input: PhysicalPlan;
        readonly limit?: Expression;
        readonly offset?: Expression;
        /** WITH TIES: rows equal by these keys to the last one come as well. */
        readonly ties?: readonly SortKey[];
      }
    | { readonly kind: 'distinct'; readonly input: PhysicalPlan; readonly on: readonly Expression[] }
    | {
        readonly kind: 'setOperation';
        readonly operation: 'union' | 'intersect' | 'except';
        readonly all: boolean;
        readonly left: PhysicalPlan;
        readonly right: PhysicalPlan;
      }
    /** Runs `definitions` when they are first read, keeps their rows, then `input`. */
    | {
        readonly kind: 'with';
        readonly definitions: readonly PhysicalCte[];
        readonly input: PhysicalPlan;
      }
    | {
        readonly kind: 'cteScan';
        readonly cte: number;
        readonly name: string;
        readonly alias: string;
        readonly filter?: Expression;
      }
    /**
     * Runs the input once for each part of the scan that is deepest on its left, on several query threads, and takes the
     * rows as they come; with `merge` in the order of these keys, by which each part is sorted.
     */
    | {
        readonly kind: 'gather';
        readonly input: PhysicalPlan;
        readonly merge?: readonly SortKey[];
        readonly workers: number;
      }
    | {
        readonly kind: 'modify';
        readonly input: PhysicalPlan;
        readonly modification: PhysicalModification;
        /** Over the row [fields of `target`…]. */
        readonly returning: readonly Expression[];
        readonly target: readonly FieldAccess[];
      }
  );

export interface PhysicalCte {
  readonly cte: number;
  readonly name: string;
  readonly plan: PhysicalPlan;
  readonly recursive?: { readonly plan: PhysicalPlan; readonly all: boolean };
}

export type PhysicalModification =
  | {
      readonly kind: 'insert';
      readonly table: TableReference;
      readonly members: readonly (readonly string[])[] | 'document';
      readonly onConflict?:
        | { readonly kind: 'nothing' }
        | {
            readonly kind: 'update';
            /**
             * Expressions see [fields of `target`…, fields of `excluded`…], those of `target` from the document that is
             * there; RETURNING sees the same fields of the document afterwards.
             */
            readonly excluded: readonly FieldAccess[];
            readonly assignments: readonly PhysicalAssignment[];
            readonly where?: Expression;
          };
    }
  /** Slots of the input row that hold the document's key, its version and its text. Assignments see the input row. */
  | {
      readonly kind: 'update';
      readonly table: TableReference;
      readonly key: number;
      readonly seqno: number;
      readonly document: number;
      readonly assignments: readonly PhysicalAssignment[];
    }
  | { readonly kind: 'delete'; readonly table: TableReference; readonly key: number; readonly seqno: number };

export interface PhysicalAssignment {
  readonly path: readonly string[];
  readonly expression: Expression | 'default';
}

/** A query that is ready to run. */
export interface PreparedQuery {
  readonly root: PhysicalPlan;
  readonly columns: readonly ResultColumn[];
  readonly parameterTypes: readonly SqlType[];
  /** Nodes are numbered from 0; this is one more than the last. */
  readonly nodeCount: number;
  /** Hidden columns behind the visible ones, such as sort keys, are dropped from the result. */
  readonly collections: readonly string[];
}

export interface ResultColumn {
  readonly name: string;
  readonly type: SqlType;
  /** The value is a document whose members become columns. */
  readonly spread: boolean;
}
