/** The values of $1, $2, … as a client sends them, cast to what the statement takes them for. Pure. */
import { sqlError } from '../errors.js';
import { castValue } from '../types/cast.js';
import type { SqlType } from '../types/sql-type.js';
import type { SqlValue } from '../types/values.js';

const UNDEFINED_PARAMETER = '42P02';
const PROTOCOL_VIOLATION = '08P01';

/** Throws DbError QUERY: too few, too many, or one that cannot be cast. */
export function bindParameters(params: readonly SqlValue[], types: readonly SqlType[]): SqlValue[] {
  if (params.length < types.length)
    throw sqlError(UNDEFINED_PARAMETER, `there is no parameter $${params.length + 1}`);
  if (params.length > types.length) {
    const message = `${params.length} parameters were sent, but the statement takes ${types.length}`;
    throw sqlError(PROTOCOL_VIOLATION, message);
  }
  return params.map((value, index) => {
    const type = types[index];
    return value === null || type === 'any' || type === 'unknown' ? value : castValue(value, type);
  });
}
