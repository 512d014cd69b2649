/** What is kept of a statement that has run: for logs, system tables and advice. Plain data. */

/** A statement that could use an index which is not there. */
export interface IndexCandidate {
  readonly collection: string;
  /** Columns compared with =, then at most one that is compared otherwise. */
  readonly columns: readonly string[];
  readonly rowsScanned: number;
  readonly rowsKept: number;
}

export interface QueryOutcome {
  readonly rowsScanned: number;
  readonly rowsReturned: number;
  readonly rowsAffected: number;
  /** How each collection was read, such as `Seq Scan on orders`. */
  readonly plan: string;
  readonly candidates: readonly IndexCandidate[];
}

/** One execution, as logs and system tables show it. */
export interface QueryRecord {
  readonly id: string;
  readonly query: string;
  /** The text with its constants taken out. */
  readonly pattern: string;
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly outcome: QueryOutcome;
  readonly error?: string;
}
