/**
 * Everything about SQL on the main thread: the pool of query threads, logs and history of what has run, system tables, the
 * planner's statistics, and statements that define things. Server.ts makes one and offers it to the fronts.
 */
import type { MessagePort, Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import { QueryHistory } from '../../admin/query-history.js';
import type { QueryRecord } from '../../admin/query-record.js';
import { systemClock } from '../../base/clock.js';
import type { DatabaseTimeBase } from '../../base/database-clock.js';
import { releaseLocksOf } from '../../cache/shared-block-cache.js';
import type { Catalog } from '../../catalog/catalog.js';
import { logDirectory } from '../../config/load.js';
import { queryThreads } from '../../config/query-threads.js';
import type { Config } from '../../config/schema.js';
import type { QueryCall } from '../../front/admin-call.js';
import { json } from '../../front/control-answer.js';
import type { ControlAnswer } from '../../front/control-plane.js';
import type { PoolQuery } from '../../front/query/messages.js';
import { releasePin } from '../../memtable/chain-reader.js';
import { SeqnoBoard } from '../../shm/seqno-board.js';
import type { DefinitionStatement } from '../../sql/algebra/statement.js';
import { RealVfs } from '../../vfs/real.js';
import type { CollectionControl } from '../collection-control.js';
import type { IndexControl } from '../index-control.js';
import type { MemoryPlan } from '../memory-plan.js';
import { systemTimer } from '../repeating-timer.js';
import type { Supervisor } from '../supervisor.js';
import { DefinitionControl } from './definition-control.js';
import { QueryLog } from './query-log.js';
import { QueryPool, type QueryThreadFacts, type RunningQuery } from './query-pool.js';
import { type CollectionFigures, StatisticsKeeper } from './statistics-keeper.js';
import { StorageHistory, type StorageReading } from './storage-history.js';
import { SystemTables } from './system-tables.js';
import type { ShardAttachment } from './thread-readers.js';

export interface QueryControlOptions {
  readonly config: Config;
  readonly supervisor: Pick<Supervisor, 'shards' | 'seqnos' | 'blockCache' | 'setStatistics'>;
  readonly catalog: Catalog;
  readonly collections: CollectionControl;
  readonly indexes: IndexControl;
  readonly indexUsage: SharedArrayBuffer;
  readonly memory: Pick<MemoryPlan, 'blockCacheBytes'>;
  readonly timeBase: DatabaseTimeBase;
  readonly dataDirectory: string;
  readonly recoveryMode: boolean;
  readonly readStorage: () => Omit<StorageReading, 'documents' | 'data_size_bytes'>;
  readonly isWritable: () => boolean;
  readonly logger: Logger;
}

/** One of many: a log that cannot be written fails for every line. */
const LOG_ERROR_EVERY = 1000;
/** The whole text is in query.log. */
const LOGGED_SQL_MAX = 200;

export class QueryControl {
  private readonly pool: QueryPool;
  private readonly history: QueryHistory;
  private readonly log: QueryLog;
  private readonly definitions: DefinitionControl;
  private readonly statistics: StatisticsKeeper;
  private readonly storage: StorageHistory;
  /** Numbers of the shards' incarnations as query threads see them. */
  private readonly incarnations = new WeakMap<object, number>();
  private nextIncarnation = 0;
  private logErrors = 0;

  constructor(private readonly options: QueryControlOptions) {
    const { config, catalog, collections, indexes, logger } = options;
    const warn = (message: string): void => logger.warn(message);
    this.history = new QueryHistory(config.query.history_max, () => config.query.slow_ms);
    this.log = new QueryLog(logDirectory(config), (error) => this.onLogError(error));
    this.pool = this.createPool();
    this.definitions = new DefinitionControl({
      collections,
      indexes,
      hasCollection: (name) => catalog.find(name) !== undefined,
      hasIndex: (name) => catalog.indexes().some((index) => index.name === name),
    });
    this.statistics = new StatisticsKeeper({
      pool: this.pool,
      figures: () => this.figures(),
      collectionIds: () => new Set(catalog.list().map(({ id }): number => id)),
      publish: (statistics) => options.supervisor.setStatistics(statistics),
      timer: systemTimer,
      warn,
    });
    this.storage = new StorageHistory({
      vfs: new RealVfs(),
      dataDirectory: options.dataDirectory,
      clock: systemClock,
      timer: systemTimer,
      read: () => this.readStorage(),
      isWritable: options.isWritable,
      warn,
    });
  }

  /** Once the shards serve. */
  start(): void {
    this.statistics.start();
    this.storage.start();
  }

  /** What is still running is cancelled. */
  async close(): Promise<void> {
    this.statistics.close();
    this.storage.close();
    await this.pool.close();
    this.log.flush();
  }

  reopenLogs(): readonly Error[] {
    return this.log.reopen();
  }

  /** Those that live. */
  get threads(): readonly Worker[] {
    return this.pool.threads;
  }

  watchedThreads(): QueryThreadFacts[] {
    return this.pool.watchedThreads();
  }

  /** Whether a statement that waits or runs reads a collection or an index of this number. */
  isRead(id: number): boolean {
    return this.pool.isRead(id);
  }

  async run(query: PoolQuery, port: MessagePort): Promise<'over' | 'stale'> {
    if (!this.isCurrent(query)) {
      port.close();
      return 'stale';
    }
    await this.pool.run(query, port);
    return 'over';
  }

  define(statement: DefinitionStatement): Promise<{ readonly command: string }> {
    return this.definitions.define(statement);
  }

  record(records: readonly QueryRecord[]): void {
    for (const record of records) {
      this.history.add(record);
      this.log.write(record, this.history.isSlow(record));
    }
  }

  /** /admin/queries. Throws the DbError that is the answer. */
  answer(call: QueryCall): ControlAnswer {
    if (call.kind === 'cancel-query') {
      this.pool.cancel(call.id);
      this.options.logger.info({ query: call.id }, 'query cancelled by an operator');
      return json(200, { id: call.id, cancelled: true });
    }
    const queries = this.pool.list().map(queryReport);
    return json(200, { queries, total: queries.length });
  }

  private createPool(): QueryPool {
    const { config, supervisor, memory, recoveryMode, timeBase, indexUsage, logger } = this.options;
    const { query, server } = config;
    const system = new SystemTables({
      ...this.options,
      history: this.history,
      pool: () => this.pool,
      storage: { rows: () => this.storage.rows() },
      wallMs: systemClock.wallMs,
    });
    return new QueryPool({
      threads: queryThreads(query.threads, server.front_threads),
      queueMax: query.queue_max,
      memoryLimitBytes: query.memory_limit,
      firstReader: server.front_threads,
      data: {
        tableDirectories: supervisor.shards.map(({ directories }) => directories.tables),
        blockCache: supervisor.blockCache,
        blockCacheBytes: memory.blockCacheBytes,
        seqnos: supervisor.seqnos,
        timeBase,
        indexUsage,
        memoryLimitBytes: query.memory_limit,
        resultBytesMax: query.result_limit,
        recoveryMode,
      },
      shards: () => this.attachments(),
      systemRows: (tables) => system.rows(tables),
      statistics: () => this.statistics.shared,
      releaseReader: (reader, threadId) => this.releaseReader(reader, threadId),
      clock: systemClock,
      timer: systemTimer,
      onStuck: ({ id, sql }) =>
        logger.warn(
          { request_id: id, sql: sql.slice(0, LOGGED_SQL_MAX) },
          'a statement does not stop by itself: its thread is ended',
        ),
      onThreadDied: (error) => logger.error({ error: error.stack }, 'a query thread died'),
    });
  }

  private attachments(): Array<ShardAttachment | undefined> {
    return this.options.supervisor.shards.map(({ incarnation, state }) => {
      if (incarnation === undefined || state !== 'ready') return undefined;
      const { buffers } = incarnation;
      const number = this.incarnations.get(buffers) ?? this.nextIncarnation++;
      this.incarnations.set(buffers, number);
      return { incarnation: number, buffers };
    });
  }

  private releaseReader(reader: number, threadId: number): void {
    const { supervisor } = this.options;
    for (const { incarnation } of supervisor.shards)
      if (incarnation !== undefined) releasePin(incarnation.buffers.memtables, reader);
    new SeqnoBoard(supervisor.seqnos).releaseAllOf(reader);
    releaseLocksOf(supervisor.blockCache, threadId + 1);
  }

  private async figures(): Promise<CollectionFigures[]> {
    const figures = await this.options.indexes.figures();
    return [...figures].map(([id, { entries, bytes }]) => ({ id, documents: entries, bytes }));
  }

  private async readStorage(): Promise<StorageReading> {
    const { catalog, readStorage } = this.options;
    const collections = new Set(catalog.list().map(({ id }): number => id));
    const figures = (await this.figures()).filter(({ id }) => collections.has(id));
    const sum = (of: (each: CollectionFigures) => number): number =>
      figures.reduce((total, each) => total + of(each), 0);
    return {
      ...readStorage(),
      documents: sum(({ documents }) => documents),
      data_size_bytes: sum(({ bytes }) => bytes),
    };
  }

  /**
   * A front may have sent a statement before it knew that what it reads has been dropped. From here on the statement is in the
   * pool's list, which who drops looks at: runtime/dropped-ids.ts.
   */
  private isCurrent({ tables }: PoolQuery): boolean {
    const { catalog } = this.options;
    return tables.every(
      ({ name, id, indexes }) =>
        catalog.find(name)?.id === id && indexes.every((index) => catalog.indexById(index.id) !== undefined),
    );
  }

  private onLogError(error: Error): void {
    if (this.logErrors++ % LOG_ERROR_EVERY !== 0) return;
    this.options.logger.error(`query.log cannot be written: ${error.message}`);
  }
}

function queryReport({ id, query, state, startedAtMs, timeoutMs }: RunningQuery) {
  return {
    id,
    query,
    state,
    started_at: new Date(startedAtMs).toISOString(),
    duration_ms: systemClock.wallMs() - startedAtMs,
    timeout_ms: timeoutMs,
  };
}
