/**
 * What has run: the last executions, the slow ones among them, and which indexes they would have used had they been there. Rows
 * of system.query_stats, slow_queries and missing_index_suggestions. In memory, bounded. Main thread only.
 */

import { elementText, nameText } from '../indexes/definition-text.js';
import { type SqlValue, Timestamp } from '../sql/types/values.js';
import type { IndexCandidate, QueryRecord } from './query-record.js';

const SLOW_MAX = 1000;
const SUGGESTIONS_MAX = 500;
/** A statement that looks at fewer documents than this needs no index. */
const SUGGESTED_ROWS_MIN = 1000;
/** Documents looked at for each one that is kept, below which an index would not help. */
const SUGGESTED_RATIO_MIN = 10;

export type SystemRow = Readonly<Record<string, SqlValue>>;

interface Suggestion {
  readonly collection: string;
  readonly columns: readonly string[];
  queries: number;
  rowsScanned: number;
  rowsKept: number;
  durationMs: number;
  lastSeenMs: number;
}

/** The last `capacity` of what is put in. */
class Ring<T> {
  private readonly items: T[] = [];
  private next = 0;

  constructor(private readonly capacity: number) {}

  push(item: T): void {
    if (this.capacity === 0) return;
    this.items[this.next] = item;
    this.next = (this.next + 1) % this.capacity;
  }

  /** Oldest first. */
  list(): T[] {
    return [...this.items.slice(this.next), ...this.items.slice(0, this.next)];
  }
}

export class QueryHistory {
  private readonly executions: Ring<QueryRecord>;
  private readonly slow = new Ring<QueryRecord>(SLOW_MAX);
  private readonly suggestions = new Map<string, Suggestion>();

  constructor(
    capacity: number,
    /** As configured now. */
    private readonly slowMs: () => number,
  ) {
    this.executions = new Ring(capacity);
  }

  isSlow({ durationMs }: QueryRecord): boolean {
    return durationMs > this.slowMs();
  }

  add(record: QueryRecord): void {
    this.executions.push(record);
    if (this.isSlow(record)) this.slow.push(record);
    for (const candidate of record.outcome.candidates) this.suggest(candidate, record);
  }

  queryStats(): SystemRow[] {
    return this.executions.list().map((record) => ({
      id: record.id,
      query_pattern: record.pattern,
      ...figures(record),
      rows_affected: record.outcome.rowsAffected,
    }));
  }

  slowQueries(): SystemRow[] {
    return this.slow.list().map((record) => ({
      id: record.id,
      query: record.query,
      query_pattern: record.pattern,
      ...figures(record),
    }));
  }

  /** `hasIndex`: whether an index that begins with these columns exists by now. */
  missingIndexes(hasIndex: (collection: string, columns: readonly string[]) => boolean): SystemRow[] {
    return [...this.suggestions.values()]
      .filter(({ collection, columns }) => !hasIndex(collection, columns))
      .map((suggestion) => ({
        table_name: suggestion.collection,
        columns: suggestion.columns.join(', '),
        query_count: suggestion.queries,
        rows_scanned: suggestion.rowsScanned,
        rows_returned: suggestion.rowsKept,
        total_duration_ms: suggestion.durationMs,
        estimated_improvement: improvement(suggestion),
        suggestion: statementFor(suggestion),
        last_seen: new Timestamp(suggestion.lastSeenMs * 1000, true),
      }));
  }

  private suggest({ collection, columns, rowsScanned, rowsKept }: IndexCandidate, record: QueryRecord): void {
    if (rowsScanned < SUGGESTED_ROWS_MIN || rowsScanned < SUGGESTED_RATIO_MIN * rowsKept) return;
    const key = JSON.stringify([collection, columns]);
    let known = this.suggestions.get(key);
    if (known === undefined) {
      known = { collection, columns, queries: 0, rowsScanned: 0, rowsKept: 0, durationMs: 0, lastSeenMs: 0 };
    }
    known.queries++;
    known.rowsScanned += rowsScanned;
    known.rowsKept += rowsKept;
    known.durationMs += record.durationMs;
    known.lastSeenMs = Math.max(known.lastSeenMs, record.startedAtMs);
    // The one that was not asked for the longest time goes first.
    this.suggestions.delete(key);
    this.suggestions.set(key, known);
    if (this.suggestions.size <= SUGGESTIONS_MAX) return;
    const [oldest] = this.suggestions.keys();
    this.suggestions.delete(oldest);
  }
}

function figures({ durationMs, outcome, startedAtMs, error }: QueryRecord): SystemRow {
  return {
    duration_ms: durationMs,
    rows_scanned: outcome.rowsScanned,
    rows_returned: outcome.rowsReturned,
    plan: outcome.plan,
    error: error ?? null,
    timestamp: new Timestamp(startedAtMs * 1000, true),
  };
}

/** How many times fewer documents would be looked at: an index leads to those that are kept alone. */
function improvement({ rowsScanned, rowsKept, queries }: Suggestion): number {
  const scannedWith = Math.max(rowsKept, queries);
  return Math.round((rowsScanned / scannedWith) * 100) / 100;
}

function statementFor({ collection, columns }: Suggestion): string {
  const name = `idx_${collection}_${columns.join('_')}`.replaceAll(/[^A-Za-z0-9_]/g, '_');
  const paths = columns.map((path) => elementText(path.split('.')));
  return `CREATE INDEX CONCURRENTLY ${name} ON ${nameText(collection)} (${paths.join(', ')})`;
}
