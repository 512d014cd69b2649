/** One statement on a query thread: from its text to the bytes of its result. */

import type { QueryOutcome } from '../../admin/query-record.js';
import type { Clock } from '../../base/clock.js';
import type { DatabaseClock } from '../../base/database-clock.js';
import type { ShardReader } from '../../engine/shard-reader.js';
import type { PoolQuery } from '../../front/query/messages.js';
import type { IndexUsage } from '../../shm/index-usage.js';
import type { SeqnoBoard } from '../../shm/seqno-board.js';
import type { PreparedQuery } from '../../sql/algebra/physical.js';
import type { BoundQuery, ExplainOptions } from '../../sql/algebra/statement.js';
import type { ExecutionEnvironment } from '../../sql/execute/environment.js';
import { executeFragment, executeQuery } from '../../sql/execute/execute.js';
import { MemoryAllowance } from '../../sql/execute/memory-allowance.js';
import { MemoryBudget } from '../../sql/execute/memory-budget.js';
import type { QueryCounters } from '../../sql/explain/counters.js';
import { explainJson, explainText } from '../../sql/explain/explain.js';
import type { EvaluationContext } from '../../sql/functions/definition.js';
import type { SnapshotStatistics } from '../../sql/plan/statistics-snapshot.js';
import { needsDetachedScans } from '../../sql/session/needs-detached.js';
import { bindParameters } from '../../sql/session/parameters.js';
import { indexesRead, missingIndex, planWords } from '../../sql/session/plan-summary.js';
import { EXPLAIN_COLUMNS, ResultBody } from '../../sql/session/result-body.js';
import { reviveValue } from '../../sql/types/values.js';
import type { CountingBlockCache } from './counting-block-cache.js';
import { DocumentWrites } from './document-writes.js';
import { FragmentLeader, type FragmentLeaderOptions } from './fragment-leader.js';
import type { HelpRequest } from './fragment-messages.js';
import type { FrontExchange } from './front-exchange.js';
import { holdSnapshot } from './hold-snapshot.js';
import { planTask } from './plan-task.js';
import { QueryEnding } from './query-ending.js';
import type { SystemTableRows } from './query-pool.js';
import { SnapshotSource } from './snapshot-source.js';

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
  /** Query threads there are: a gather uses that many at most. */
  readonly threads: number;
  evaluation(nowMicros: number): EvaluationContext;
  askForHelp(request: HelpRequest): void;
}

export class StatementRun {
  /** What has been done so far, also after an error. */
  outcome: QueryOutcome = { rowsScanned: 0, rowsReturned: 0, rowsAffected: 0, plan: '', candidates: [] };
  private readonly startedMs: number;

  constructor(
    private readonly options: StatementRunOptions,
    private readonly query: PoolQuery,
    private readonly exchange: FrontExchange,
    private readonly systemRows: SystemTableRows,
    private readonly statistics: SnapshotStatistics,
  ) {
    this.startedMs = options.clock.monotonicMs();
  }

  /** The rest of the result that has not been sent yet. Throws DbError. */
  run(): Uint8Array {
    const { bound, prepared, explain } = planTask(this.query, this.statistics, this.options.threads);
    this.outcome = { ...this.outcome, plan: planWords(prepared.root) };
    return explain === undefined ? this.select(bound, prepared) : this.explain(bound, prepared, explain);
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
    const allowance = MemoryAllowance.create(options.memoryLimitBytes);
    const order = {
      seqno: held.seqno,
      // After the snapshot: a document that it has in place of one that had expired was written by then, so no two of its
      // versions are there, not even through an index whose old entry waits for the sweeper.
      nowSeconds: options.databaseClock.nowSeconds(),
      fillCache: this.fitsCache(),
      // A client that is slow to take a stream must not hold a pin: shards would wait for it to recycle memtables.
      detached: bound.writes.length > 0 || query.format === 'ndjson' || needsDetachedScans(prepared.root),
      isCounted: counters !== undefined,
      memory: allowance.buffer,
    };
    try {
      const environment: ExecutionEnvironment = {
        source: new SnapshotSource({
          ...order,
          readers: options.readers,
          blocks: options.blocks,
        }),
        systemRows: { rows: (table) => (this.systemRows[table] ?? []).map(revivedRow) },
        evaluation: options.evaluation(query.startedAtMs * MICROS_PER_MS),
        params,
        budget: new MemoryBudget(options.memoryLimitBytes, allowance),
        cancel: new QueryEnding(query, options.clock),
        ...(bound.writes.length > 0 && { writer: new DocumentWrites(options, this.exchange) }),
        ...(counters && {
          counters: { query: counters, micros: () => options.clock.monotonicMs() * MICROS_PER_MS },
        }),
      };
      const fragments = this.fragments(prepared, environment, order);
      const { rowsScanned, rowsReturned, rowsAffected } = executeQuery(
        prepared,
        { ...environment, fragments },
        emit,
      );
      this.outcome = { ...this.outcome, rowsScanned, rowsReturned, rowsAffected };
    } finally {
      options.board.release(held);
    }
    this.noteIndexes(prepared);
  }

  private fragments(
    prepared: PreparedQuery,
    environment: ExecutionEnvironment,
    order: FragmentLeaderOptions['order'],
  ): FragmentLeader {
    const { options, query } = this;
    return new FragmentLeader({
      helpers: options.threads - 1,
      order,
      cancel: environment.cancel,
      counters: environment.counters?.query,
      askForHelp: (whole, ports) =>
        options.askForHelp({ kind: 'help', queryId: query.id, order: whole, ports }),
      runPart: (gatherId, partition, cancel, emit) =>
        executeFragment(prepared, gatherId, partition, { ...environment, cancel }, emit),
    });
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

  private elapsedMs(): number {
    return this.options.clock.monotonicMs() - this.startedMs;
  }
}

function revivedRow(row: SystemTableRows[string][number]): SystemTableRows[string][number] {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, reviveValue(value)]));
}
