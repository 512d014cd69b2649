/**
 * What a secondary index is. An index is stored as one more collection of its shards, under a number of its own from the
 * catalog: its keys are encoded column values followed by the document's `_id` (key-encoding.ts), its values the included
 * members. Plain data, shared by the storage and the service column; persisted in the catalog.
 */

export interface IndexColumn {
  /** Path of a member from the top of the document; empty when `expression` says what is indexed. */
  readonly path: readonly string[];
  /** SQL text of an expression over the document's members. */
  readonly expression?: string;
  readonly descending: boolean;
  /** Stored first among the values of the column, in the order of the index. PostgreSQL's default: last, first for DESC. */
  readonly nullsFirst: boolean;
}

/**
 * building: entries are maintained but not complete. valid: usable. invalid: a build ended before it was complete (crash,
 * error): maintained no more, to be dropped or rebuilt.
 */
export type IndexState = 'building' | 'valid' | 'invalid';

export interface IndexDefinition {
  /** Number under which the entries are stored; of the same kind as a collection's, never reused. */
  readonly id: number;
  readonly name: string;
  readonly collection: string;
  readonly collectionId: number;
  readonly columns: readonly IndexColumn[];
  /** Members that entries carry beside the columns: paths from the top. */
  readonly include: readonly (readonly string[])[];
  /** SQL text of the condition under which a document has an entry. */
  readonly where?: string;
  readonly unique: boolean;
  readonly state: IndexState;
  readonly createdAt: string;
  /** Of one under construction: a build that is cut short leaves an invalid index, as CREATE INDEX CONCURRENTLY does. */
  readonly concurrently?: boolean;
  /** Number of the index of the same name whose place it takes when it is complete: a rebuild. */
  readonly replaces?: number;
}

/** What its creator says of it. */
export type NewIndex = Omit<IndexDefinition, 'id' | 'collectionId' | 'state' | 'createdAt' | 'replaces'>;
