/** What the binder and the planner know of the database. An implementation is a consistent picture of one moment. */
import type { IndexDefinition } from '../indexes/definition.js';
import type { CheckConstraint, ColumnDeclaration } from './algebra/statement.js';
import type { SqlType } from './types/sql-type.js';

export interface TableView {
  readonly name: string;
  readonly id: number;
  /** Empty for a collection without a schema. */
  readonly columns: readonly ColumnDeclaration[];
  readonly checks: readonly CheckConstraint[];
  /** Of every state; only valid ones may be read. */
  readonly indexes: readonly IndexDefinition[];
}

export interface SystemTableView {
  /** Without the schema. */
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly type: SqlType }[];
}

export interface CatalogView {
  table(name: string): TableView | undefined;
  systemTable(name: string): SystemTableView | undefined;
  /** For "did you mean". */
  tableNames(): readonly string[];
  /** Whether INSERT may create a collection. */
  readonly autoCreateCollections: boolean;
}

export interface TableStatistics {
  readonly documents: number;
  /** Of all documents, in bytes. */
  readonly bytes: number;
}

/** From a sample of the documents; see sql/plan/statistics.ts. */
export interface FieldStatistics {
  /** Part of the documents that lack the member or have null there, 0 to 1. */
  readonly nullFraction: number;
  /** Estimated number of distinct values. */
  readonly distinct: number;
  /** Values that are frequent, with the part of the documents that have them. */
  readonly common: readonly { readonly value: string | number | boolean; readonly fraction: number }[];
  /** Bounds of equally filled buckets of the numbers and of the texts, smallest first. */
  readonly numberBounds: readonly number[];
  readonly textBounds: readonly string[];
}

export interface StatisticsView {
  /** Undefined when nothing is known: the planner then assumes a default. */
  table(collectionId: number): TableStatistics | undefined;
  field(collectionId: number, path: readonly string[]): FieldStatistics | undefined;
  index(indexId: number): { readonly entries: number; readonly bytes: number } | undefined;
}
