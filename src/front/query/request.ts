/** Reads what a client asks: {"query": "…", "params": […], "timeout_ms": n}. Integers of any size stay exact. */
import type { Session } from '../../auth/session.js';
import { DbError } from '../../base/errors.js';
import { describeFault } from '../../json/fault.js';
import { parseExact } from '../../json/parse-exact.js';
import { DocumentScan, scanDocument } from '../../json/scan.js';
import { Json, type SqlValue } from '../../sql/types/values.js';
import { asObject, refuseUnknown } from '../control-body.js';
import type { ResultFormat } from './messages.js';

export const PARAMETERS_MAX = 65_535;
export const TIMEOUT_MS_MAX = 86_400_000;

/** Who asks, and from where. */
export interface QueryCaller {
  readonly session: Session;
  readonly address: string;
}

export interface QueryRequest {
  readonly id: string;
  readonly caller: QueryCaller;
  readonly sql: string;
  readonly params: readonly SqlValue[];
  /** Undefined: the configured one. */
  readonly timeoutMs: number | undefined;
  readonly format: ResultFormat;
}

/** Throws DbError VALIDATION or MALFORMED_JSON. */
export function readQueryRequest(
  body: Uint8Array,
  format: ResultFormat,
  id: string,
  caller: QueryCaller,
): QueryRequest {
  const scan = new DocumentScan(false);
  const fault = scanDocument(body, 0, body.length, scan);
  if (fault !== 0) {
    const offset = scan.faultOffset;
    throw new DbError('MALFORMED_JSON', `${describeFault(fault)} at byte ${offset}`, { offset });
  }
  return queryRequestOf(parseExact(body, scan.objectStart, scan.objectEnd), format, id, caller);
}

/** The same from an object that has been parsed; `ignored`: fields of the message around it. */
export function queryRequestOf(
  value: unknown,
  format: ResultFormat,
  id: string,
  caller: QueryCaller,
  ignored: readonly string[] = [],
): QueryRequest {
  const object = asObject(value);
  refuseUnknown(object, ['query', 'params', 'timeout_ms', ...ignored]);
  const { query, params = [], timeout_ms: timeoutMs } = object;
  if (typeof query !== 'string')
    throw new DbError('VALIDATION', 'query must be a string', { field: 'query' });
  if (!Array.isArray(params) || params.length > PARAMETERS_MAX) {
    const message = `params must be an array of at most ${PARAMETERS_MAX} values`;
    throw new DbError('VALIDATION', message, { field: 'params', limit: PARAMETERS_MAX });
  }
  const isTimeout =
    timeoutMs === undefined ||
    (typeof timeoutMs === 'number' &&
      Number.isInteger(timeoutMs) &&
      timeoutMs >= 1 &&
      timeoutMs <= TIMEOUT_MS_MAX);
  if (!isTimeout) {
    const message = `timeout_ms must be a whole number from 1 to ${TIMEOUT_MS_MAX}`;
    throw new DbError('VALIDATION', message, { field: 'timeout_ms', limit: TIMEOUT_MS_MAX });
  }
  return {
    id,
    caller,
    sql: query,
    params: params.map(parameterOf),
    timeoutMs: timeoutMs as number | undefined,
    format,
  };
}

/** Scalars are the SQL scalars of their kind; what is nested stays JSON. */
function parameterOf(value: unknown): SqlValue {
  if (typeof value !== 'object' || value === null) return value as SqlValue;
  return new Json(jsonText(value));
}

/** JSON.stringify does not know bigint. */
function jsonText(value: unknown): string {
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(jsonText).join(',')}]`;
  const members = Object.entries(value).map(([key, member]) => `${JSON.stringify(key)}:${jsonText(member)}`);
  return `{${members.join(',')}}`;
}
