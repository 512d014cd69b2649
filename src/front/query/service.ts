/**
 * Runs statements on a front, for HTTP and WebSocket alike. Short ones (a few documents by key or index) run here, on the thread
 * that holds the socket; others go to a query thread; definitions go to the main thread. Front thread only.
 */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { QueryOutcome } from '../../admin/query-record.js';
import { DbError, toWireError, type WireError } from '../../base/errors.js';
import type { PreparedQuery } from '../../sql/algebra/physical.js';
import type { BoundStatement, DefinitionStatement } from '../../sql/algebra/statement.js';
import { QUERY_CANCELED, sqlError } from '../../sql/errors.js';
import { unwrap } from '../control-exchange.js';
import type { DocumentBody } from '../document-body.js';
import type { FrontContext } from '../front-context.js';
import type { FrontCatalog } from './catalog.js';
import {
  CANCEL_GONE,
  CANCEL_NONE,
  CANCEL_REASON,
  CANCEL_TIMEOUT,
  CANCEL_WORDS,
  type PoolQuery,
  type QueryMessage,
  type QueryReply,
  SIGNAL_CREDITS,
  SIGNAL_REPLIES,
  SIGNAL_STATE,
  SIGNAL_WORDS,
  STATE_ABANDONED,
  STATE_QUEUED,
} from './messages.js';
import type { QueryRecorder } from './recorder.js';
import type { QueryRequest } from './request.js';
import type { QueryRun, QueryRunner, QuerySink } from './runner.js';
import type { ShortQueries } from './short-queries.js';
import { type CompiledStatement, queryOf, type StatementCache } from './statement-cache.js';
import { QueryWrites } from './writes.js';

/** A query thread looks at its own clock; this ends a statement that waits for a thread, or for its client. */
const TIMEOUT_GRACE_MS = 100;

export interface QueryServiceOptions {
  readonly context: FrontContext;
  readonly documentBody: DocumentBody;
  readonly catalog: FrontCatalog;
  readonly statements: StatementCache;
  readonly short: ShortQueries;
  readonly recorder: QueryRecorder;
  /** Wall clock in milliseconds. */
  wallMs(): number;
}

const NOTHING_DONE: QueryOutcome = {
  rowsScanned: 0,
  rowsReturned: 0,
  rowsAffected: 0,
  plan: '',
  candidates: [],
};
const utf8 = new TextEncoder();

export class QueryService implements QueryRunner {
  constructor(private readonly options: QueryServiceOptions) {}

  run(request: QueryRequest, sink: QuerySink): QueryRun {
    const { context, wallMs } = this.options;
    const statement = new RunningStatement(this.options, request, sink, context.meter.now(), wallMs());
    statement.start();
    return statement;
  }
}

/** One statement from its text to its record in the log. */
class RunningStatement implements QueryRun {
  private compiled: CompiledStatement | undefined;
  private readonly cancel = new Int32Array(new SharedArrayBuffer(CANCEL_WORDS * 4));
  private readonly signal = new Int32Array(new SharedArrayBuffer(SIGNAL_WORDS * 4));
  private port: MessagePort | undefined;
  private timer: NodeJS.Timeout | undefined;
  private isOver = false;

  constructor(
    private readonly options: QueryServiceOptions,
    private readonly request: QueryRequest,
    private readonly sink: QuerySink,
    private readonly startMs: number,
    private readonly startedAtMs: number,
  ) {}

  start(): void {
    const { context, statements } = this.options;
    try {
      if (context.draining !== undefined) {
        const { code, message, details } = context.draining;
        throw new DbError(code, message, details);
      }
      this.compiled = statements.compile(this.request.sql);
      const { short, bound } = this.compiled;
      const started =
        short !== undefined
          ? this.runShort(short, this.compiled)
          : bound.kind === 'query' || bound.kind === 'explain'
            ? this.runInPool(bound)
            : this.define(bound);
      started.catch((error: unknown) => this.fail(toWireError(error)));
    } catch (error) {
      this.fail(toWireError(error));
    }
  }

  clientGone(): void {
    this.raise(CANCEL_GONE);
  }

  private async runShort(prepared: PreparedQuery, compiled: CompiledStatement): Promise<void> {
    const { request, startMs, startedAtMs } = this;
    const { catalogVersion, bound } = compiled;
    const answer = await this.options.short.run(prepared, request, catalogVersion, startMs, startedAtMs);
    if (answer === 'stale') this.start();
    else if (answer === 'long') await this.runInPool(bound);
    else this.finish(answer.bytes, answer.outcome);
  }

  private async define(statement: DefinitionStatement): Promise<void> {
    const { command } = unwrap(await this.options.context.control.define(statement, this.request.sql));
    const body = {
      columns: [],
      rows: [],
      row_count: 0,
      command,
      execution_time_ms: this.elapsedMs(),
    };
    this.finish(utf8.encode(this.request.format === 'json' ? JSON.stringify(body) : ''), NOTHING_DONE);
  }

  private async runInPool(bound: BoundStatement): Promise<void> {
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    port1.on('message', (message: QueryMessage) => this.onMessage(message));
    const query = this.poolQuery(bound);
    this.timer = setTimeout(() => this.raise(CANCEL_TIMEOUT), query.timeoutMs + TIMEOUT_GRACE_MS);
    const result = await this.options.context.control.runQuery(query, port2);
    // Answers that the thread has sent come through the port, and may still be on their way. An error here means that none comes.
    if (result.error !== undefined) this.fail(result.error);
  }

  private poolQuery(bound: BoundStatement): PoolQuery {
    const { catalog, context } = this.options;
    const { request, compiled } = this;
    const query = queryOf(bound);
    const names = query === undefined ? [] : [...new Set([...query.reads, ...query.writes])];
    const tables = names.flatMap((name) => catalog.table(name) ?? []);
    return {
      id: request.id,
      sql: request.sql,
      params: request.params,
      startedAtMs: this.startedAtMs,
      timeoutMs: request.timeoutMs ?? context.settings.queryTimeoutMs,
      format: request.format,
      tables,
      autoCreateCollections: catalog.autoCreateCollections,
      systemTables: compiled?.systemTables ?? [],
      cancel: this.cancel.buffer as SharedArrayBuffer, // made as one
      signal: this.signal.buffer as SharedArrayBuffer,
      nowSeconds: context.clock.nowSeconds(),
    };
  }

  private onMessage(message: QueryMessage): void {
    switch (message.kind) {
      case 'chunk':
        this.sink.chunk(message.bytes, () => this.bump(SIGNAL_CREDITS));
        return;
      case 'write': {
        const { context, documentBody } = this.options;
        const writes = new QueryWrites(context, documentBody, message.collection, message.writes);
        writes.run().then(
          (reply) => this.reply(reply),
          (error: unknown) => this.reply({ kind: 'refused', error: toWireError(error) }),
        );
        return;
      }
      case 'done':
        this.finish(message.bytes, message.outcome);
        return;
      case 'failed':
        this.fail(message.error, message.outcome);
    }
  }

  private reply(reply: QueryReply): void {
    this.port?.postMessage(reply);
    this.bump(SIGNAL_REPLIES);
  }

  private bump(word: number): void {
    Atomics.add(this.signal, word, 1);
    Atomics.notify(this.signal, word);
  }

  /** Ends the statement at its next look, whether it runs or waits. */
  private raise(reason: number): void {
    Atomics.compareExchange(this.cancel, CANCEL_REASON, CANCEL_NONE, reason);
    Atomics.notify(this.signal, SIGNAL_REPLIES);
    Atomics.notify(this.signal, SIGNAL_CREDITS);
    if (this.port === undefined) return;
    // No thread has taken it, and all may be busy for long: it is answered here.
    if (Atomics.compareExchange(this.signal, SIGNAL_STATE, STATE_QUEUED, STATE_ABANDONED) !== STATE_QUEUED)
      return;
    this.fail(
      toWireError(
        reason === CANCEL_TIMEOUT
          ? new DbError('TIMEOUT', 'canceling statement due to statement timeout', {
              sqlstate: QUERY_CANCELED,
            })
          : sqlError(QUERY_CANCELED, 'canceling statement due to user request'),
      ),
    );
  }

  private finish(bytes: Uint8Array, outcome: QueryOutcome): void {
    if (!this.end()) return;
    this.record(outcome, undefined);
    this.sink.done(bytes);
  }

  private fail(error: WireError, outcome = NOTHING_DONE): void {
    if (!this.end()) return;
    this.record(outcome, error.message);
    this.sink.failed(error);
  }

  /** False when it was over already. */
  private end(): boolean {
    if (this.isOver) return false;
    this.isOver = true;
    clearTimeout(this.timer);
    this.port?.close();
    return true;
  }

  private record(outcome: QueryOutcome, error: string | undefined): void {
    const { id, sql } = this.request;
    this.options.recorder.add({
      id,
      query: sql,
      // What does not parse has no pattern.
      pattern: this.compiled?.pattern ?? sql,
      startedAtMs: this.startedAtMs,
      durationMs: this.elapsedMs(),
      outcome,
      ...(error === undefined ? {} : { error }),
    });
  }

  /** Milliseconds with three digits. */
  private elapsedMs(): number {
    return Math.round((this.options.context.meter.now() - this.startMs) * 1000) / 1000;
  }
}
