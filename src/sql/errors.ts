/** Errors of SQL: one constructor, so that each carries PostgreSQL's SQLSTATE and, where known, its place in the text. */
import { DbError } from '../base/errors.js';

/** SQLSTATE of the errors that are raised in many places; others are written out where they are raised. */
export const SYNTAX_ERROR = '42601';
export const FEATURE_NOT_SUPPORTED = '0A000';
export const UNDEFINED_TABLE = '42P01';
export const UNDEFINED_COLUMN = '42703';
export const UNDEFINED_FUNCTION = '42883';
export const DATATYPE_MISMATCH = '42804';
export const GROUPING_ERROR = '42803';
export const AMBIGUOUS_COLUMN = '42702';
export const INVALID_TEXT_REPRESENTATION = '22P02';
export const NUMERIC_VALUE_OUT_OF_RANGE = '22003';
export const DIVISION_BY_ZERO = '22012';
export const INVALID_PARAMETER_VALUE = '22023';
export const CARDINALITY_VIOLATION = '21000';
export const UNDEFINED_OBJECT = '42704';
export const INVALID_OBJECT_DEFINITION = '42P17';
export const UNIQUE_VIOLATION = '23505';
export const NOT_NULL_VIOLATION = '23502';
export const CHECK_VIOLATION = '23514';
export const QUERY_CANCELED = '57014';
export const OUT_OF_MEMORY = '53200';
export const PROGRAM_LIMIT_EXCEEDED = '54000';

/** A statement ends before its time, or because that is over. `detail`: a clause behind PostgreSQL's words. */
export function canceledError(reason: 'cancelled' | 'timeout', detail = ''): DbError {
  if (reason === 'cancelled')
    return sqlError(QUERY_CANCELED, `canceling statement due to user request${detail}`);
  const message = `canceling statement due to statement timeout${detail}`;
  return new DbError('TIMEOUT', message, { sqlstate: QUERY_CANCELED });
}

/** `location` is a byte offset into the statement's UTF-8 text, as the parser gives it; absent or negative: unknown. */
export function sqlError(sqlstate: string, message: string, location?: number): DbError {
  const details: Record<string, string | number> = { sqlstate };
  if (location !== undefined && location >= 0) details['position'] = location + 1;
  return new DbError('QUERY', message, details);
}
