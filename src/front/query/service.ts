/**
 * Runs statements on a front, for HTTP and WebSocket alike. Short ones (a few documents by key or index) run here, on the thread
 * that holds the socket; others go to a query thread; definitions go to the main thread. Front thread only.
 */
import type { QueryOutcome } from '../../admin/query-record.js';
import { DbError, fromWireError, toWireError, type WireError } from '../../base/errors.js';
import type { PreparedQuery } from '../../sql/algebra/physical.js';
import type { BoundStatement, DefinitionStatement } from '../../sql/algebra/statement.js';
import { QUERY_CANCELED } from '../../sql/errors.js';
import { callerAt, isRefused } from '../access.js';
import { unwrap } from '../control-exchange.js';
import type { DocumentBody } from '../document-body.js';
import type { FrontContext } from '../front-context.js';
import type { FrontCatalog } from './catalog.js';
import { CANCEL_GONE, type PoolQuery } from './messages.js';
import { requireStatement } from './permissions.js';
import type { QueryRecorder } from './recorder.js';
import { RemoteRun } from './remote-run.js';
import type { QueryRequest } from './request.js';
import type { QueryRun, QueryRunner, QuerySink } from './runner.js';
import type { ShortQueries } from './short-queries.js';
import { type CompiledStatement, queryOf, type StatementCache } from './statement-cache.js';

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

const MESSAGE_LENGTH_MAX = 2000;
/** Each costs a round trip to the main thread or a snapshot. */
const STARTS_MAX = 100;

const NOTHING_DONE: QueryOutcome = {
  rowsScanned: 0,
  rowsReturned: 0,
  rowsAffected: 0,
  plan: '',
  candidates: [],
};
const utf8 = new TextEncoder();

export class QueryService implements QueryRunner {
  /** On query threads. */
  private readonly running = new Set<RunningStatement>();

  constructor(private readonly options: QueryServiceOptions) {}

  run(request: QueryRequest, sink: QuerySink): QueryRun {
    const { context, wallMs } = this.options;
    const statement = new RunningStatement(
      { ...this.options, running: this.running },
      request,
      sink,
      context.meter.now(),
      wallMs(),
    );
    statement.start();
    return statement;
  }

  /** Users, keys or roles have changed: statements end whose callers could not ask them any more. */
  reviewSessions(): void {
    for (const statement of [...this.running]) statement.review();
  }
}

/** One statement from its text to its record in the log. */
class RunningStatement implements QueryRun {
  private compiled: CompiledStatement | undefined;
  /** What it shares with a query thread; undefined while it runs here. */
  private remote: RemoteRun | undefined;
  private isGone = false;
  private starts = 1;
  private isOver = false;

  constructor(
    private readonly options: QueryServiceOptions & { readonly running: Set<RunningStatement> },
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
      this.compiled = statements.compile(this.request.sql, this.request.caller.session);
      this.requireAllowed(this.compiled);
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
    this.isGone = true;
    this.remote?.raise(CANCEL_GONE);
  }

  /** Ends it when its caller may not ask it any more; a result that is on its way is cut off. */
  review(): void {
    try {
      if (this.compiled !== undefined) this.requireAllowed(this.compiled);
    } catch (error) {
      const { remote } = this;
      this.fail(toWireError(error));
      remote?.raise(CANCEL_GONE);
    }
  }

  /** Throws DbError UNAUTHORIZED or FORBIDDEN, by users, keys and roles as they are now. */
  private requireAllowed(compiled: CompiledStatement): void {
    const { access, collections } = this.options.context;
    const session = access.stillAdmits(this.request.caller.session, ['execute', 'queries']);
    if (isRefused(session)) throw fromWireError(session);
    requireStatement(session, compiled, collections);
  }

  /** The catalog has changed since the statement was bound, or is about to: this front hears of it within a message or two. */
  private startAgain(): void {
    this.starts++;
    if (this.starts <= STARTS_MAX) this.start();
    else this.fail({ code: 'CONFLICT', message: 'what the statement reads is dropped again and again' });
  }

  private async runShort(prepared: PreparedQuery, compiled: CompiledStatement): Promise<void> {
    const { request, startMs, startedAtMs } = this;
    const { catalogVersion, bound } = compiled;
    const answer = await this.options.short.run(prepared, request, catalogVersion, startMs, startedAtMs);
    if (answer === 'stale') this.startAgain();
    else if (answer === 'long') await this.runInPool(bound);
    else this.finish(answer.bytes, answer.outcome);
  }

  private async define(statement: DefinitionStatement): Promise<void> {
    const { caller, sql, id } = this.request;
    const actor = { ...callerAt(caller.address, caller.session), requestId: id };
    const { command } = unwrap(await this.options.context.control.define(statement, sql, actor));
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
    if (this.isGone) {
      this.fail({ code: 'QUERY', message: 'the client has gone', details: { sqlstate: QUERY_CANCELED } });
      return;
    }
    this.options.running.add(this);
    this.remote = new RemoteRun({
      context: this.options.context,
      documentBody: this.options.documentBody,
      chunk: (bytes, taken) => this.sink.chunk(bytes, taken),
      finish: (bytes, outcome) => this.finish(bytes, outcome),
      fail: (error, outcome) => this.fail(error, outcome),
    });
    if ((await this.remote.run(this.poolQuery(bound))) === 'over' || this.isOver) return;
    this.remote.close();
    this.startAgain();
  }

  private poolQuery(bound: BoundStatement): Omit<PoolQuery, 'cancel' | 'signal'> {
    const { catalog, context } = this.options;
    const { request, compiled } = this;
    const query = queryOf(bound);
    const names = query === undefined ? [] : [...new Set([...query.reads, ...query.writes])];
    return {
      id: request.id,
      sql: request.sql,
      params: request.params,
      startedAtMs: this.startedAtMs,
      timeoutMs: request.timeoutMs ?? context.settings.queryTimeoutMs,
      format: request.format,
      tables: names.flatMap((name) => catalog.table(name) ?? []),
      autoCreateCollections: catalog.autoCreateCollections,
      systemTables: compiled?.systemTables ?? [],
    };
  }

  private finish(bytes: Uint8Array, outcome: QueryOutcome): void {
    if (!this.end()) return;
    this.record(outcome, undefined);
    this.sink.done(bytes);
  }

  private fail(failure: WireError, outcome = NOTHING_DONE): void {
    if (!this.end()) return;
    const error = shortened(failure);
    this.record(outcome, error.message);
    this.sink.failed(error);
  }

  /** False when it was over already. */
  private end(): boolean {
    if (this.isOver) return false;
    this.isOver = true;
    this.options.running.delete(this);
    this.remote?.close();
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

/** A message may quote a parameter of megabytes. */
function shortened(error: WireError): WireError {
  if (error.message.length <= MESSAGE_LENGTH_MAX) return error;
  return { ...error, message: `${error.message.slice(0, MESSAGE_LENGTH_MAX)}…` };
}
