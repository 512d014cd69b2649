/**
 * SQL values at run time. A value says itself what it is, whatever the static type of the expression was:
 *
 *   null        NULL, and also a member that a document lacks
 *   boolean     bool
 *   number      int8, float8, numeric
 *   bigint      integers that a double cannot hold exactly, and only those
 *   string      text
 *   array       SQL arrays (elements are values)
 *   classes     below; each has a `kind`, so that a value that has been cloned between threads can be revived
 *
 * Scalars of JSON are the SQL scalars of their kind: only objects and arrays of JSON are Json. Pure.
 */

export type SqlValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Timestamp
  | SqlDate
  | SqlTime
  | Interval
  | Json
  | SqlRecord
  | readonly SqlValue[];

/** A row between operators. Operators may reuse one array for all rows: who keeps a row copies it. */
export type Row = SqlValue[];

/** A point in time. Microseconds are whole; `hasZone` tells timestamptz from timestamp. Infinity is allowed. */
export class Timestamp {
  readonly kind = 'timestamp';
  constructor(
    /** Since 1970-01-01 00:00:00, in UTC for timestamptz. */
    readonly micros: number,
    readonly hasZone: boolean,
  ) {}
}

export class SqlDate {
  readonly kind = 'date';
  /** Days since 1970-01-01. */
  constructor(readonly days: number) {}
}

export class SqlTime {
  readonly kind = 'time';
  /** Microseconds since midnight. */
  constructor(readonly micros: number) {}
}

export class Interval {
  readonly kind = 'interval';
  constructor(
    readonly months: number,
    readonly days: number,
    readonly micros: number,
  ) {}
}

/** An object or array of JSON, as its text. Scalars never come as Json. */
export class Json {
  readonly kind = 'json';
  constructor(readonly text: string) {}
}

/** ROW(…), and a whole row of a table that is no document. */
export class SqlRecord {
  readonly kind = 'record';
  constructor(
    readonly names: readonly string[],
    readonly values: readonly SqlValue[],
  ) {}
}

/** Gives a value back its class after it has been cloned by postMessage. */
export function reviveValue(value: unknown): SqlValue {
  if (typeof value !== 'object' || value === null) return value as SqlValue;
  if (Array.isArray(value)) return value.map(reviveValue);
  const plain = value as { kind: string } & Record<string, never>;
  switch (plain.kind) {
    case 'timestamp':
      return new Timestamp(plain.micros, plain.hasZone);
    case 'date':
      return new SqlDate(plain.days);
    case 'time':
      return new SqlTime(plain.micros);
    case 'interval':
      return new Interval(plain.months, plain.days, plain.micros);
    case 'json':
      return new Json(plain.text);
    case 'record':
      return new SqlRecord(plain.names, (plain.values as unknown[]).map(reviveValue));
    default:
      throw new Error(`not an SQL value: ${plain.kind}`);
  }
}
