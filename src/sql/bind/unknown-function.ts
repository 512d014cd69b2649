/** The error for a call that no function answers. */
import { sqlError, UNDEFINED_FUNCTION } from '../errors.js';
import { functionNames } from '../functions/registry.js';
import type { SqlType } from '../types/sql-type.js';
import { didYouMean } from './nearest.js';

export function unknownFunction(name: string, types: readonly SqlType[], location?: number): Error {
  const known = functionNames();
  const hint = known.includes(name) ? '' : didYouMean(name, known);
  return sqlError(
    UNDEFINED_FUNCTION,
    `function ${name}(${types.join(', ')}) does not exist${hint}`,
    location,
  );
}
