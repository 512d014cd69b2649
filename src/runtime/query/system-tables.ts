/** Rows of the system tables, put together when a statement asks for them. Main thread only. */
import type { QueryHistory, SystemRow } from '../../admin/query-history.js';
import { DbError } from '../../base/errors.js';
import { TTL_UNSET } from '../../base/expiry.js';
import type { Catalog } from '../../catalog/catalog.js';
import { Timestamp } from '../../sql/types/values.js';
import type { CollectionControl } from '../collection-control.js';
import type { IndexControl, IndexReport } from '../index-control.js';
import type { QueryPool, SystemTableRows } from './query-pool.js';
import type { StorageHistory } from './storage-history.js';

export interface SystemTablesOptions {
  readonly history: QueryHistory;
  readonly pool: () => Pick<QueryPool, 'list'>;
  readonly collections: Pick<CollectionControl, 'list'>;
  readonly indexes: Pick<IndexControl, 'list' | 'figures'>;
  readonly catalog: Pick<Catalog, 'list' | 'indexes'>;
  readonly storage: Pick<StorageHistory, 'rows'>;
  /** Wall clock in milliseconds. */
  readonly wallMs: () => number;
}

const MICROS_PER_MS = 1000;

export class SystemTables {
  constructor(private readonly options: SystemTablesOptions) {}

  async rows(tables: readonly string[]): Promise<SystemTableRows> {
    const rows: Record<string, readonly SystemRow[]> = {};
    for (const table of tables) rows[table] = await this.rowsOf(table);
    return rows;
  }

  private async rowsOf(table: string): Promise<readonly SystemRow[]> {
    const { history, storage, indexes } = this.options;
    switch (table) {
      case 'queries':
        return this.queries();
      case 'query_stats':
        return history.queryStats();
      case 'slow_queries':
        return history.slowQueries();
      case 'indexes':
        return (await indexes.list()).map(indexRow);
      case 'missing_index_suggestions':
        return history.missingIndexes((collection, columns) => this.hasIndex(collection, columns));
      case 'collection_stats':
        return this.collectionStats();
      case 'storage_stats':
        return storage.rows();
      default:
        throw new DbError('INTERNAL', `system table ${table} has no rows`);
    }
  }

  private queries(): SystemRow[] {
    const now = this.options.wallMs();
    return this.options
      .pool()
      .list()
      .map(({ id, query, state, startedAtMs, timeoutMs }) => ({
        id,
        query,
        state,
        started_at: new Timestamp(startedAtMs * MICROS_PER_MS, true),
        duration_ms: now - startedAtMs,
        timeout_ms: timeoutMs,
      }));
  }

  private async collectionStats(): Promise<SystemRow[]> {
    const { collections, indexes, catalog } = this.options;
    const figures = await indexes.figures();
    const descriptions = new Map((await collections.list()).map((each) => [each.name, each]));
    return catalog.list().map(({ name, createdAt, ttlSeconds }) => {
      const own = catalog.indexes().filter(({ collection }) => collection === name);
      const indexBytes = own.reduce((sum, { id }) => sum + (figures.get(id)?.bytes ?? 0), 0);
      const dataBytes = descriptions.get(name)?.size_bytes ?? 0;
      return {
        collection_name: name,
        document_count: descriptions.get(name)?.document_count ?? 0,
        data_size_bytes: dataBytes,
        index_size_bytes: indexBytes,
        total_size_bytes: dataBytes + indexBytes,
        index_count: own.length,
        ttl_seconds: ttlSeconds === TTL_UNSET ? null : ttlSeconds,
        created_at: timestampOf(createdAt),
      };
    });
  }

  /** Whether an index begins with these columns, the first of them in any order. */
  private hasIndex(collection: string, columns: readonly string[]): boolean {
    return this.options.catalog
      .indexes()
      .filter((index) => index.collection === collection && index.state === 'valid')
      .some((index) => {
        const leading = index.columns.slice(0, columns.length).map(({ path }) => path.join('.'));
        return columns.every((column) => leading.includes(column));
      });
  }
}

function indexRow(index: IndexReport): SystemRow {
  return {
    ...index,
    last_used: index.last_used === null ? null : timestampOf(index.last_used),
    created_at: timestampOf(index.created_at),
  };
}

function timestampOf(iso: string): Timestamp {
  return new Timestamp(Date.parse(iso) * MICROS_PER_MS, true);
}
