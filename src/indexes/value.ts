/**
 * Values as an index takes them: what SQL calls a value (sql/types/values.ts fits), described by its shape because the
 * storage column knows no SQL. Pure.
 */
export type IndexValue =
  | null
  | boolean
  | number
  /** Integers that a double cannot hold. */
  | bigint
  | string
  | readonly IndexValue[]
  | { readonly kind: 'timestamp'; readonly micros: number }
  | { readonly kind: 'date'; readonly days: number }
  | { readonly kind: 'time'; readonly micros: number }
  | { readonly kind: 'interval'; readonly months: number; readonly days: number; readonly micros: number }
  /** An object or array of JSON. */
  | { readonly kind: 'json'; readonly text: string }
  | { readonly kind: 'record'; readonly values: readonly IndexValue[] };

/** How a column is stored: the part of IndexColumn that keys depend on. */
export interface ColumnOrder {
  readonly descending: boolean;
  readonly nullsFirst: boolean;
}
