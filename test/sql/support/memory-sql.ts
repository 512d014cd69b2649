/** Runs SQL text over a MemoryDatabase: parse, bind, plan, execute. Call loadParser() first. */

import type { PreparedQuery } from '../../../src/sql/algebra/physical.js';
import type { BoundQuery } from '../../../src/sql/algebra/statement.js';
import { bindStatement } from '../../../src/sql/bind/bind.js';
import type { ExecutionEnvironment, ExecutionResult } from '../../../src/sql/execute/environment.js';
import { executeFragment, executeQuery } from '../../../src/sql/execute/execute.js';
import { LineResult, TableResult } from '../../../src/sql/execute/result-json.js';
import { RowDecoder, RowEncoder } from '../../../src/sql/execute/row-codec.js';
import type { FragmentRunner } from '../../../src/sql/execute/source.js';
import { explainText } from '../../../src/sql/explain/explain.js';
import { parseStatement } from '../../../src/sql/parse/parse.js';
import { DEFAULT_PLANNER_OPTIONS, type PlannerOptions } from '../../../src/sql/plan/options.js';
import { planQuery } from '../../../src/sql/plan/plan.js';
import { castValue } from '../../../src/sql/types/cast.js';
import type { Row, SqlValue } from '../../../src/sql/types/values.js';
import type { MemoryDatabase } from './memory-database.js';
import { environmentOf } from './plan-builder.js';

export interface SqlOptions {
  readonly params?: readonly SqlValue[];
  readonly planner?: Partial<PlannerOptions>;
  /** Run gathers part by part, with rows encoded as between threads. */
  readonly fragments?: boolean;
  readonly environment?: Partial<ExecutionEnvironment>;
}

export interface SqlResult extends ExecutionResult {
  /** Names of the columns before documents are spread. */
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
  /** As a client gets it: documents spread, values as JSON. */
  readonly json: { readonly columns: readonly string[]; readonly rows: readonly (readonly unknown[])[] };
  readonly lines: readonly unknown[];
  readonly prepared: PreparedQuery;
}

const WAITING_BYTES_MAX = 64 * 1024 * 1024;

export function prepareSql(
  database: MemoryDatabase,
  sql: string,
  planner: Partial<PlannerOptions> = {},
): PreparedQuery {
  return planQuery(boundQuery(database, sql), database, database, { ...DEFAULT_PLANNER_OPTIONS, ...planner });
}

function boundQuery(database: MemoryDatabase, sql: string): BoundQuery {
  const bound = bindStatement(parseStatement(sql), database);
  if (bound.kind === 'explain') return bound.query;
  if (bound.kind !== 'query') throw new Error(`${bound.kind} is not run here`);
  if (bound.createsCollection !== undefined && database.table(bound.createsCollection) === undefined) {
    database.createCollection(bound.createsCollection);
  }
  return bound;
}

export function explainSql(
  database: MemoryDatabase,
  sql: string,
  planner: Partial<PlannerOptions> = {},
): string {
  const options = {
    analyze: false,
    verbose: false,
    costs: false,
    timing: false,
    buffers: false,
    summary: false,
    format: 'text' as const,
  };
  return explainText(prepareSql(database, sql, planner), undefined, options).join('\n');
}

export function runSql(database: MemoryDatabase, sql: string, options: SqlOptions = {}): SqlResult {
  const prepared = prepareSql(database, sql, options.planner);
  const params = prepared.parameterTypes.map((type, i) => castValue(options.params?.[i] ?? null, type));
  const environment = environmentOf(database, { params, ...options.environment });
  const whole =
    options.fragments === true
      ? { ...environment, fragments: localFragments(prepared, environment) }
      : environment;
  const rows: Row[] = [];
  let text = '';
  let lines = '';
  const table = new TableResult(prepared.columns, (chunk) => (text += Buffer.from(chunk).toString()), {
    waitingBytesMax: WAITING_BYTES_MAX,
  });
  const ndjson = new LineResult(prepared.columns, (chunk) => (lines += Buffer.from(chunk).toString()));
  const result = executeQuery(prepared, whole, (row) => {
    rows.push(row.slice(0, prepared.columns.length));
    table.add(row);
    ndjson.add(row);
    return true;
  });
  table.end();
  ndjson.end();
  return {
    ...result,
    columns: prepared.columns.map(({ name }) => name),
    rows,
    json: JSON.parse(`{${text}}`),
    lines: lines
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as unknown),
    prepared,
  };
}

/** Parts one after the other in this thread; everything that would travel between threads is encoded and decoded. */
export function localFragments(prepared: PreparedQuery, environment: ExecutionEnvironment): FragmentRunner {
  return {
    run(gatherId, partitions, emit) {
      let rowsScanned = 0;
      let goesOn = true;
      for (const [part, partition] of partitions.entries()) {
        if (!goesOn) break;
        const encoder = new RowEncoder();
        const result = executeFragment(prepared, gatherId, partition, environment, (row) => {
          encoder.addRow(row);
          return true;
        });
        rowsScanned += result.rowsScanned;
        const decoder = new RowDecoder(encoder.finish());
        for (let row = decoder.next(); row !== undefined && goesOn; row = decoder.next())
          goesOn = emit(row, part);
      }
      return { rowsScanned, workers: 1 };
    },
  };
}
