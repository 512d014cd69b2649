/** A common table expression as queries see it. */
import type { SqlType } from '../types/sql-type.js';

export interface CteBinding {
  readonly name: string;
  readonly cte: number;
  readonly columns: readonly { readonly name: string; readonly type: SqlType; readonly spread: boolean }[];
}
