/**
 * Runs short plans on the front itself: a few documents by key or index, out of memory where they are hot. Front thread only; the
 * runtime gives it the documents.
 */

import type { QueryOutcome } from '../../admin/query-record.js';
import { DbError } from '../../base/errors.js';
import type { PreparedQuery } from '../../sql/algebra/physical.js';
import { executeQuery } from '../../sql/execute/execute.js';
import { MemoryBudget } from '../../sql/execute/memory-budget.js';
import type { DocumentSource } from '../../sql/execute/source.js';
import type { EvaluationContext } from '../../sql/functions/definition.js';
import { SHORT_ROWS_MAX } from '../../sql/plan/short-plan.js';
import { needsDetachedScans } from '../../sql/session/needs-detached.js';
import { bindParameters } from '../../sql/session/parameters.js';
import { indexesRead, planWords } from '../../sql/session/plan-summary.js';
import { ResultBody } from '../../sql/session/result-body.js';
import type { FrontContext } from '../front-context.js';
import { BoundedSource, ReadsTooMuch } from './bounded-source.js';
import type { QueryRequest } from './request.js';

/**
 * Documents and entries that a front reads before it gives a statement over to a query thread: about a millisecond of work, and
 * ten times what a plan may promise to be called short.
 */
const READS_MAX = 20 * SHORT_ROWS_MAX;
/** A short statement holds next to nothing. */
const MEMORY_BYTES_MAX = 64 * 1024 * 1024;

export interface ShortQueriesOptions {
  readonly context: FrontContext;
  /** Documents as they were at `seqno`; `detached` as in runtime/query/snapshot-source.ts. */
  readonly open: (seqno: number, detached: boolean) => DocumentSource;
  readonly evaluation: (startedAtMs: number) => EvaluationContext;
  readonly noteIndexUse: (indexId: number) => void;
  readonly resultBytesMax: number;
}

/** What does not change from one execution of a plan to the next. */
interface PlanFacts {
  readonly words: string;
  readonly indexes: readonly number[];
  readonly detached: boolean;
}

/** Instead of an answer: it reads too much for a front, or the catalog has changed since it was compiled. */
export type NotRun = 'long' | 'stale';

export interface ShortAnswer {
  readonly bytes: Uint8Array;
  readonly outcome: QueryOutcome;
}

export class ShortQueries {
  private readonly facts = new WeakMap<PreparedQuery, PlanFacts>();

  constructor(private readonly options: ShortQueriesOptions) {}

  /** `catalogVersion`: of the catalog that the plan was made for. */
  async run(
    prepared: PreparedQuery,
    request: QueryRequest,
    catalogVersion: number,
    startMs: number,
    startedAtMs: number,
  ): Promise<ShortAnswer | NotRun> {
    const { context, evaluation, resultBytesMax } = this.options;
    const params = bindParameters(request.params, prepared.parameterTypes);
    const { words, indexes, detached } = this.factsOf(prepared);
    const snapshot = await context.scanner.snapshot();
    try {
      if (context.collections.version !== catalogVersion) return 'stale';
      const chunks: Uint8Array[] = [];
      const body = new ResultBody(prepared.columns, {
        format: request.format,
        bytesMax: resultBytesMax,
        stream: (chunk) => chunks.push(chunk),
      });
      const { rowsScanned, rowsReturned } = executeQuery(
        prepared,
        {
          source: new BoundedSource(this.options.open(snapshot.seqno, detached), READS_MAX),
          systemRows: { rows: noSystemRows },
          evaluation: evaluation(startedAtMs),
          params,
          budget: new MemoryBudget(MEMORY_BYTES_MAX),
          cancel: { isCancelled: () => 'no' },
        },
        (row) => {
          body.add(row);
          return true;
        },
      );
      for (const index of indexes) this.options.noteIndexUse(index);
      const executionTimeMs = context.meter.now() - startMs;
      const rest = body.end({ command: 'SELECT', rowCount: rowsReturned, executionTimeMs });
      const bytes = chunks.length === 0 ? rest : Buffer.concat([...chunks, rest]);
      return {
        bytes,
        outcome: { rowsScanned, rowsReturned, rowsAffected: 0, plan: words, candidates: [] },
      };
    } catch (error) {
      if (error instanceof ReadsTooMuch) return 'long';
      throw error;
    } finally {
      snapshot.release();
    }
  }

  private factsOf(prepared: PreparedQuery): PlanFacts {
    let facts = this.facts.get(prepared);
    if (facts === undefined) {
      const { root } = prepared;
      facts = {
        words: planWords(root),
        indexes: indexesRead(root),
        detached: needsDetachedScans(root),
      };
      this.facts.set(prepared, facts);
    }
    return facts;
  }
}

function noSystemRows(table: string): never {
  throw new DbError('INTERNAL', `a short plan reads system.${table}`);
}
