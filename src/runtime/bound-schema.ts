/** A collection's schema as shards get it: plain data, with its CHECKs bound. */
import type { ColumnDeclaration } from '../sql/algebra/statement.js';
import type { StandaloneExpression } from '../sql/plan/support.js';

export interface BoundSchema {
  readonly collectionId: number;
  readonly collection: string;
  readonly columns: readonly ColumnDeclaration[];
  readonly checks: readonly { readonly name: string; readonly condition: StandaloneExpression }[];
  /** By an ALTER TABLE that may still fail: beside the schema that holds until then. */
  readonly isTried?: true;
  /** Why it cannot be checked, if so: no document is taken then. */
  readonly broken?: string;
}
