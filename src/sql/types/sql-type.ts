/**
 * Static types of SQL expressions. Integers of every width are `int8`, decimals are `numeric` (see docs/sql.md on what that
 * means for exactness). Pure.
 */

export type ScalarType =
  /** A quoted literal or NULL that has not met anything that says what it is. */
  | 'unknown'
  /** A member of a document: its type is known only when it is read. */
  | 'any'
  | 'bool'
  | 'int8'
  | 'float8'
  | 'numeric'
  | 'text'
  | 'timestamptz'
  | 'timestamp'
  | 'date'
  | 'time'
  | 'interval'
  | 'jsonb'
  | 'record';

export type SqlType = ScalarType | `${ScalarType}[]`;

export const isArrayType = (type: SqlType): boolean => type.endsWith('[]');
/** Of `int8[]`, `int8`. */
export const elementType = (type: SqlType): ScalarType => type.slice(0, -2) as ScalarType;
export const arrayOf = (type: ScalarType): SqlType => `${type}[]`;
