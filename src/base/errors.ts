/**
 * Expected failures. Every one is a DbError with a code from the closed list below; `classify` is the one place
 * that says what a code means to a client. Impossible states use assert() instead.
 */
import { unreachable } from './assert.js';

export type DbErrorCode =
  | 'VALIDATION'
  | 'MALFORMED_JSON'
  | 'MALFORMED_FRAME'
  | 'QUERY'
  | 'UNAUTHORIZED'
  | 'FORBIDDEN'
  | 'NOT_FOUND'
  | 'METHOD_NOT_ALLOWED'
  | 'TIMEOUT'
  | 'CONFLICT'
  | 'PRECONDITION_FAILED'
  | 'PAYLOAD_TOO_LARGE'
  | 'RATE_LIMITED'
  | 'INTERNAL'
  | 'SHARD_UNAVAILABLE'
  | 'DRAINING'
  | 'OVERLOADED'
  | 'MEMTABLES_FULL'
  | 'DISK_FULL'
  | 'WAL_POISONED'
  | 'MANIFEST_POISONED'
  | 'IO'
  | 'READ_ONLY'
  | 'L0_STOP'
  | 'CORRUPT_WAL'
  | 'CORRUPT_TABLE'
  | 'CORRUPT_MANIFEST'
  | 'CORRUPT_CATALOG'
  | 'CORRUPT_BACKUP'
  | 'BACKUP_KEY'
  | 'CONFIG'
  | 'DATA_DIRECTORY_LOCKED'
  | 'SHARD_COUNT_MISMATCH'
  | 'CONNECTION'
  | 'BACKUP_STORE'
  | 'BACKUP_STORE_DENIED';

/** The codes that clients see, fixed by the API contract. */
export type ApiErrorCode =
  | 'VALIDATION_ERROR'
  | 'QUERY_ERROR'
  | 'UNAUTHORIZED'
  | 'FORBIDDEN'
  | 'NOT_FOUND'
  | 'TIMEOUT'
  | 'CONFLICT'
  | 'PRECONDITION_FAILED'
  | 'PAYLOAD_TOO_LARGE'
  | 'RATE_LIMITED'
  | 'INTERNAL_ERROR'
  | 'UNAVAILABLE';

export interface ErrorClass {
  readonly httpStatus: number;
  readonly apiCode: ApiErrorCode;
  /** True when the same request may succeed later without being changed. */
  readonly retryable: boolean;
}

export type ErrorDetails = Readonly<Record<string, string | number | boolean | null>>;

/** An expected failure: `message` is for people, `details` carries the field, offset, limit or file it is about. */
export class DbError extends Error {
  override readonly name = 'DbError';
  constructor(
    readonly code: DbErrorCode,
    message: string,
    readonly details?: ErrorDetails,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

const errorClass = (httpStatus: number, apiCode: ApiErrorCode, retryable = false): ErrorClass => ({
  httpStatus,
  apiCode,
  retryable,
});

const BAD_REQUEST = errorClass(400, 'VALIDATION_ERROR');
const UNAVAILABLE = errorClass(503, 'UNAVAILABLE', true);
const INTERNAL = errorClass(500, 'INTERNAL_ERROR');
const CLASS_QUERY = errorClass(400, 'QUERY_ERROR');
const CLASS_UNAUTHORIZED = errorClass(401, 'UNAUTHORIZED');
const CLASS_FORBIDDEN = errorClass(403, 'FORBIDDEN');
const CLASS_NOT_FOUND = errorClass(404, 'NOT_FOUND');
const CLASS_METHOD = errorClass(405, 'VALIDATION_ERROR');
const CLASS_TIMEOUT = errorClass(408, 'TIMEOUT', true);
const CLASS_CONFLICT = errorClass(409, 'CONFLICT');
const CLASS_PRECONDITION = errorClass(412, 'PRECONDITION_FAILED');
const CLASS_TOO_LARGE = errorClass(413, 'PAYLOAD_TOO_LARGE');
const CLASS_RATE = errorClass(429, 'RATE_LIMITED', true);

export function classify(code: DbErrorCode): ErrorClass {
  switch (code) {
    case 'VALIDATION':
    case 'MALFORMED_JSON':
    case 'MALFORMED_FRAME':
    case 'CONFIG':
    case 'BACKUP_KEY':
    // Whoever named the place for backups has to name another, or to be let in there: asking again changes nothing.
    case 'BACKUP_STORE_DENIED':
      return BAD_REQUEST;
    case 'QUERY':
      return CLASS_QUERY;
    case 'UNAUTHORIZED':
      return CLASS_UNAUTHORIZED;
    case 'FORBIDDEN':
      return CLASS_FORBIDDEN;
    case 'NOT_FOUND':
      return CLASS_NOT_FOUND;
    case 'METHOD_NOT_ALLOWED':
      return CLASS_METHOD;
    case 'TIMEOUT':
      return CLASS_TIMEOUT;
    case 'CONFLICT':
      return CLASS_CONFLICT;
    case 'PRECONDITION_FAILED':
      return CLASS_PRECONDITION;
    case 'PAYLOAD_TOO_LARGE':
      return CLASS_TOO_LARGE;
    case 'RATE_LIMITED':
      return CLASS_RATE;
    case 'SHARD_UNAVAILABLE':
    case 'DRAINING':
    case 'OVERLOADED':
    case 'MEMTABLES_FULL':
    case 'DISK_FULL':
    case 'WAL_POISONED':
    case 'MANIFEST_POISONED':
    case 'READ_ONLY':
    case 'L0_STOP':
    case 'CONNECTION':
    case 'BACKUP_STORE':
      return UNAVAILABLE;
    case 'INTERNAL':
    case 'IO':
    case 'CORRUPT_WAL':
    case 'CORRUPT_BACKUP':
    case 'CORRUPT_TABLE':
    case 'CORRUPT_MANIFEST':
    case 'CORRUPT_CATALOG':
    case 'DATA_DIRECTORY_LOCKED':
    case 'SHARD_COUNT_MISMATCH':
      return INTERNAL;
    default:
      return unreachable(code);
  }
}

/** What an error looks like when it crosses a thread boundary (structured clone loses classes). */
export interface WireError {
  readonly code: DbErrorCode;
  readonly message: string;
  readonly details?: ErrorDetails;
}

export function toWireError(error: unknown): WireError {
  if (error instanceof DbError) {
    return error.details === undefined
      ? { code: error.code, message: error.message }
      : { code: error.code, message: error.message, details: error.details };
  }
  return { code: 'INTERNAL', message: error instanceof Error ? error.message : String(error) };
}

export function fromWireError(wire: WireError): DbError {
  return new DbError(wire.code, wire.message, wire.details);
}
