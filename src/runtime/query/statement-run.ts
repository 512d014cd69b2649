/** One statement on a query thread: from its text to the bytes of its result. */

import type { QueryOutcome } from '../../admin/query-record.js';
import type { Clock } from '../../base/clock.js';
import type { DatabaseClock } from '../../base/database-clock.js';
import type { ShardReader } from '../../engine/shard-reader.js';
import { CANCEL_NONE, CANCEL_REASON, CANCEL_TIMEOUT, type PoolQuery } from '../../front/query/messages.js';
import type { IndexUsage } from '../../shm/index-usage.js';
import type { SeqnoBoard } from '../../shm/seqno-board.js';
import type { PreparedQuery } from '../../sql/algebra/physical.js';
import type { BoundQuery, ExplainOptions } from '../../sql/algebra/statement.js';
import { bindStatement } from '../../sql/bind/bind.js';
import { FEATURE_NOT_SUPPORTED, sqlError } from '../../sql/errors.js';
import type { CancelReason, ExecutionEnvironment } from '../../sql/execute/environment.js';
import { executeQuery } from '../../sql/execute/execute.js';
import { MemoryBudget } from '../../sql/execute/memory-budget.js';
import type { QueryCounters } from '../../sql/explain/counters.js';
import { explainJson, explainText } from '../../sql/explain/explain.js';
import type { EvaluationContext } from '../../sql/functions/definition.js';
import { parseStatement } from '../../sql/parse/parse.js';
import { DEFAULT_PLANNER_OPTIONS } from '../../sql/plan/options.js';
import { planQuery } from '../../sql/plan/plan.js';
import type { SnapshotStatistics } from '../../sql/plan/statistics-snapshot.js';
import { needsDetachedScans } from '../../sql/session/needs-detached.js';
import { bindParameters } from '../../sql/session/parameters.js';
import { indexesRead, missingIndex, planWords } from '../../sql/session/plan-summary.js';
import { EXPLAIN_COLUMNS, ResultBody } from '../../sql/session/result-body.js';
import { reviveValue } from '../../sql/types/values.js';
import type { CountingBlockCache } from './counting-block-cache.js';
import { DocumentWrites } from './document-writes.js';
import type { FrontExchange } from './front-exchange.js';
import { holdSnapshot } from './hold-snapshot.js';
import type { SystemTableRows } from './query-pool.js';
import { SnapshotSource } from './snapshot-source.js';
import { TaskCatalog } from './task-catalog.js';

const MICROS_PER_MS = 1000;

export interface StatementRunOptions {
  /** By shard; undefined while it is down. */
  readonly readers: ReadonlyArray<ShardReader | undefined>;
  readonly board: SeqnoBoard;
  readonly readerIndex: number;
  readonly blocks: CountingBlockCache;
  readonly clock: Clock;
  readonly databaseClock: DatabaseClock;
  readonly indexUsage: IndexUsage;
  readonly memoryLimitBytes: number;
  readonly resultBytesMax: number;
  /** Bytes of a collection up to which the blocks that a scan reads are kept in the cache. */
  readonly cachedScanBytesMax: number;
  evaluation(nowMicros: number): EvaluationContext;
}

export class StatementRun {
  /** What has been done so far, also after an error. */
  outcome: QueryOutcome = { rowsScanned: 0, rowsReturned: 0, rowsAffected: 0, plan: '', candidates: [] };
  private readonly cancel: Int32Array;
  private readonly startedMs: number;

  constructor(
    private readonly options: StatementRunOptions,
    private readonly query: PoolQuery,
    private readonly exchange: FrontExchange,
    private readonly systemRows: SystemTableRows,
    private readonly statistics: SnapshotStatistics,
  ) {
    this.cancel = new Int32Array(query.cancel);
    this.startedMs = options.clock.monotonicMs();
  }

  /** The rest of the result that has not been sent yet. Throws DbError. */
  run(): Uint8Array {
    const catalog = new TaskCatalog(this.query);
    const bound = bindStatement(parseStatement(this.query.sql), catalog, {});
    if (bound.kind === 'query') return this.select(bound, this.plan(bound, catalog));
    if (bound.kind === 'explain')
      return this.explain(bound.query, this.plan(bound.query, catalog), bound.options);
    throw sqlError(FEATURE_NOT_SUPPORTED, `${bound.kind} does not run on a query thread`);
  }

  private plan(query: BoundQuery, catalog: TaskCatalog): PreparedQuery {
    const prepared = planQuery(query, catalog, this.statistics, DEFAULT_PLANNER_OPTIONS);
    this.outcome = { ...this.outcome, plan: planWords(prepared.root) };
    return prepared;
  }

  private select(bound: BoundQuery, prepared: PreparedQuery): Uint8Array {
    const body = this.newBody(prepared.columns);
    this.execute(bound, prepared, undefined, (row) => {
      body.add(row);
      return true;
    });
    const hasRows = prepared.columns.length > 0;
    const { rowsReturned, rowsAffected } = this.outcome;
    return body.end({
      command: bound.command,
      rowCount: hasRows ? rowsReturned : rowsAffected,
      executionTimeMs: this.elapsedMs(),
    });
  }

  private explain(bound: BoundQuery, prepared: PreparedQuery, options: ExplainOptions): Uint8Array {
    const { clock } = this.options;
    const counters: QueryCounters = {
      nodes: new Array(prepared.nodeCount).fill(undefined),
      planningMicros: this.elapsedMs() * MICROS_PER_MS,
      executionMicros: 0,
    };
    if (options.analyze) {
      const startMs = clock.monotonicMs();
      this.execute(bound, prepared, counters, () => true);
      counters.executionMicros = (clock.monotonicMs() - startMs) * MICROS_PER_MS;
    }
    const measured = options.analyze ? counters : undefined;
    const body = this.newBody(EXPLAIN_COLUMNS);
    const lines =
      options.format === 'json'
        ? [JSON.stringify(explainJson(prepared, measured, options), null, 2)]
        : explainText(prepared, measured, options);
    for (const line of lines) body.add([line]);
    return body.end({ command: 'EXPLAIN', rowCount: lines.length, executionTimeMs: this.elapsedMs() });
  }

  private execute(
    bound: BoundQuery,
    prepared: PreparedQuery,
    counters: QueryCounters | undefined,
    emit: (row: Parameters<ResultBody['add']>[0]) => boolean,
  ): void {
    const { options, query } = this;
    // Values lose their classes between threads.
    const params = bindParameters(query.params.map(reviveValue), prepared.parameterTypes);
    const held = holdSnapshot(options.board, options.readerIndex);
    try {
      const environment: ExecutionEnvironment = {
        source: new SnapshotSource({
          readers: options.readers,
          seqno: held.seqno,
          nowSeconds: query.nowSeconds,
          fillCache: this.fitsCache(),
          // A client that is slow to take a stream must not hold a pin: shards would wait for it to recycle memtables.
          detached: bound.writes.length > 0 || query.format === 'ndjson' || needsDetachedScans(prepared.root),
          blocks: options.blocks,
        }),
        systemRows: { rows: (table) => (this.systemRows[table] ?? []).map(revivedRow) },
        evaluation: options.evaluation(query.startedAtMs * MICROS_PER_MS),
        params,
        budget: new MemoryBudget(options.memoryLimitBytes),
        cancel: { isCancelled: () => this.cancelReason() },
        ...(bound.writes.length > 0 && { writer: new DocumentWrites(options, this.exchange) }),
        ...(counters && {
          counters: { query: counters, micros: () => options.clock.monotonicMs() * MICROS_PER_MS },
        }),
      };
      const { rowsScanned, rowsReturned, rowsAffected } = executeQuery(prepared, environment, emit);
      this.outcome = { ...this.outcome, rowsScanned, rowsReturned, rowsAffected };
    } finally {
      options.board.release(held);
    }
    this.noteIndexes(prepared);
  }

  private noteIndexes({ root }: PreparedQuery): void {
    const { indexUsage, clock } = this.options;
    for (const index of indexesRead(root)) indexUsage.note(index, clock.wallMs());
    const missing = missingIndex(root);
    if (missing === undefined) return;
    const { rowsScanned, rowsReturned, rowsAffected } = this.outcome;
    const candidate = { ...missing, rowsScanned, rowsKept: Math.max(rowsReturned, rowsAffected) };
    this.outcome = { ...this.outcome, candidates: [candidate] };
  }

  private newBody(columns: PreparedQuery['columns']): ResultBody {
    return new ResultBody(columns, {
      format: this.query.format,
      bytesMax: this.options.resultBytesMax,
      stream: (chunk) => this.exchange.sendChunk(chunk),
    });
  }

  private fitsCache(): boolean {
    const { tables } = this.query;
    const bytes = tables.reduce((sum, { id }) => sum + (this.statistics.table(id)?.bytes ?? 0), 0);
    return bytes <= this.options.cachedScanBytesMax;
  }

  private cancelReason(): CancelReason {
    const reason = Atomics.load(this.cancel, CANCEL_REASON);
    if (reason === CANCEL_TIMEOUT) return 'timeout';
    if (reason !== CANCEL_NONE) return 'cancelled';
    const { startedAtMs, timeoutMs } = this.query;
    return this.options.clock.wallMs() - startedAtMs > timeoutMs ? 'timeout' : 'no';
  }

  private elapsedMs(): number {
    return this.options.clock.monotonicMs() - this.startedMs;
  }
}

function revivedRow(row: SystemTableRows[string][number]): SystemTableRows[string][number] {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, reviveValue(value)]));
}
