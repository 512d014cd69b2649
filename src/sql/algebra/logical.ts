/**
 * Logical plans: what a statement means, as the binder leaves it. Every node lists the ids of the columns that it produces.
 * Plain data.
 */
import type { SqlType } from '../types/sql-type.js';
import type { AggregateCallOf, BoundExpression, ColumnId, SortKeyOf, WindowCallOf } from './expression.js';

/** What a scan reads of a document. */
export type FieldSource =
  /** A member, by its path from the top: ['address', 'city']. */
  | { readonly kind: 'member'; readonly path: readonly string[] }
  /** The whole document. Where it reaches the result of `SELECT *`, it is spread into its members. */
  | { readonly kind: 'document' }
  /** Version of the document: a number. */
  | { readonly kind: 'seqno' };

export interface ScanField {
  readonly id: ColumnId;
  readonly source: FieldSource;
  /** `any`, or what the table's schema declares. A value of another kind is cast to it, or NULL where that is impossible. */
  readonly type: SqlType;
  readonly name: string;
}

export interface OutputColumn {
  readonly id: ColumnId;
  readonly name: string;
  readonly type: SqlType;
  /** A document of `*`: its members become columns when the result is known. */
  readonly spread: boolean;
}

export interface WindowColumn {
  readonly id: ColumnId;
  readonly call: WindowCallOf<BoundExpression>;
}

export interface AggregateColumn {
  readonly id: ColumnId;
  readonly call: AggregateCallOf<BoundExpression>;
}

export interface ComputedColumn {
  readonly id: ColumnId;
  readonly name: string;
  readonly expression: BoundExpression;
}

export type JoinKind = 'inner' | 'left' | 'right' | 'full' | 'cross' | 'semi' | 'anti';

export type LogicalPlan =
  /** Documents of a collection. */
  | {
      readonly kind: 'scan';
      readonly collection: string;
      readonly alias: string;
      readonly fields: readonly ScanField[];
      readonly columns: readonly ColumnId[];
    }
  /** A system table: rows from memory, columns fixed. `fields` are the columns that are used. */
  | {
      readonly kind: 'systemScan';
      /** Without the schema: `slow_queries`. */
      readonly table: string;
      readonly alias: string;
      readonly fields: readonly { readonly id: ColumnId; readonly name: string; readonly type: SqlType }[];
      readonly columns: readonly ColumnId[];
    }
  /** Rows of expressions: VALUES, and SELECT without FROM (one row of nothing). */
  | {
      readonly kind: 'values';
      readonly rows: readonly (readonly BoundExpression[])[];
      readonly columns: readonly ColumnId[];
    }
  /** A set-returning function in FROM. `args` may refer to columns on the left of a lateral join. */
  | {
      readonly kind: 'functionScan';
      readonly function: string;
      readonly args: readonly BoundExpression[];
      readonly alias: string;
      readonly ordinality: boolean;
      readonly columns: readonly ColumnId[];
    }
  | {
      readonly kind: 'filter';
      readonly input: LogicalPlan;
      readonly condition: BoundExpression;
      readonly columns: readonly ColumnId[];
    }
  /** Only the computed columns remain. */
  | {
      readonly kind: 'project';
      readonly input: LogicalPlan;
      readonly expressions: readonly ComputedColumn[];
      readonly columns: readonly ColumnId[];
    }
  /** `lateral`: the right side refers to columns of the left. */
  | {
      readonly kind: 'join';
      readonly join: JoinKind;
      readonly left: LogicalPlan;
      readonly right: LogicalPlan;
      readonly condition?: BoundExpression;
      readonly lateral: boolean;
      readonly columns: readonly ColumnId[];
    }
  /** Output: the group keys, then the aggregates. Without keys: one row, whatever the input. */
  | {
      readonly kind: 'aggregate';
      readonly input: LogicalPlan;
      readonly groupBy: readonly ComputedColumn[];
      /** ROLLUP, CUBE, GROUPING SETS: which of the keys each set has; undefined: all of them, once. */
      readonly groupingSets?: readonly (readonly number[])[];
      readonly aggregates: readonly AggregateColumn[];
      readonly columns: readonly ColumnId[];
    }
  /** Input columns and one more for each call. */
  | {
      readonly kind: 'window';
      readonly input: LogicalPlan;
      readonly calls: readonly WindowColumn[];
      readonly columns: readonly ColumnId[];
    }
  | {
      readonly kind: 'sort';
      readonly input: LogicalPlan;
      readonly keys: readonly SortKeyOf<BoundExpression>[];
      readonly columns: readonly ColumnId[];
    }
  | {
      readonly kind: 'limit';
      readonly input: LogicalPlan;
      readonly limit?: BoundExpression;
      readonly offset?: BoundExpression;
      readonly withTies: boolean;
      readonly columns: readonly ColumnId[];
    }
  /** DISTINCT over `on`, of each group the first row of the input; `on` are all columns for a plain DISTINCT. */
  | {
      readonly kind: 'distinct';
      readonly input: LogicalPlan;
      readonly on: readonly BoundExpression[];
      readonly columns: readonly ColumnId[];
    }
  /** Columns correspond by position. */
  | {
      readonly kind: 'setOperation';
      readonly operation: 'union' | 'intersect' | 'except';
      readonly all: boolean;
      readonly left: LogicalPlan;
      readonly right: LogicalPlan;
      readonly columns: readonly ColumnId[];
    }
  /** Defines CTEs for `input` (and, in order, for each other). A CTE that is used once and has no effect is inlined by the planner. */
  | {
      readonly kind: 'with';
      readonly definitions: readonly CteDefinition[];
      readonly input: LogicalPlan;
      readonly columns: readonly ColumnId[];
    }
  /** Columns correspond to the definition's by position. */
  | {
      readonly kind: 'cteScan';
      readonly cte: number;
      readonly name: string;
      readonly alias: string;
      readonly columns: readonly ColumnId[];
    }
  | {
      readonly kind: 'modify';
      readonly modification: Modification;
      /** Empty without RETURNING. */
      readonly returning: readonly ComputedColumn[];
      readonly columns: readonly ColumnId[];
    };

export interface CteDefinition {
  /** Unique in a statement. */
  readonly cte: number;
  readonly name: string;
  readonly materialized: 'always' | 'never' | 'default';
  /** Of a recursive one: the part that does not refer to itself. */
  readonly plan: LogicalPlan;
  /** The recursive part: its cteScan of the same number reads the rows of the last round. */
  readonly recursive?: { readonly plan: LogicalPlan; readonly all: boolean };
}

/**
 * Writes. RETURNING reads a scan of the collection as it is afterwards (INSERT, UPDATE) or was (DELETE): `target` lists the
 * fields that it uses, as columns.
 */
export type Modification =
  | {
      readonly kind: 'insert';
      readonly collection: string;
      readonly target: readonly ScanField[];
      /** One column per member of `members`, or one that is a whole document. */
      readonly source: LogicalPlan;
      readonly members: readonly (readonly string[])[] | 'document';
      readonly onConflict?:
        | { readonly kind: 'nothing' }
        | {
            readonly kind: 'update';
            /** Columns of the row that could not be inserted (EXCLUDED.x). */
            readonly excluded: readonly ScanField[];
            /**
             * What `assignments` and `where` read of the document that is there: `target` is the document afterwards, which
             * only RETURNING reads. Always set by the binder.
             */
            readonly existing?: readonly ScanField[];
            readonly assignments: readonly Assignment[];
            readonly where?: BoundExpression;
          };
    }
  | {
      readonly kind: 'update';
      readonly collection: string;
      readonly target: readonly ScanField[];
      /** Rows to change; its columns include `key`, the document's `_id`, and `seqno`, its version. */
      readonly source: LogicalPlan;
      readonly key: ColumnId;
      readonly seqno: ColumnId;
      readonly document: ColumnId;
      readonly assignments: readonly Assignment[];
    }
  | {
      readonly kind: 'delete';
      readonly collection: string;
      readonly target: readonly ScanField[];
      readonly source: LogicalPlan;
      readonly key: ColumnId;
      readonly seqno: ColumnId;
    };

/** SET a.b = expression. DEFAULT takes the member away. */
export interface Assignment {
  readonly path: readonly string[];
  readonly expression: BoundExpression | 'default';
}
