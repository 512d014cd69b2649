/** `--filter`: the filter of lists, run over what the server sends. */
import { DbError } from '../base/errors.js';
import { compileFilter, type DocumentPredicate, parseFilterText } from '../json/filter.js';

/** Throws DbError('VALIDATION'). */
export function compileFilterText(text: string): DocumentPredicate {
  const bytes = new TextEncoder().encode(text);
  try {
    return compileFilter(parseFilterText(bytes, 0, bytes.length));
  } catch (error) {
    if (!(error instanceof DbError)) throw error;
    throw new DbError('VALIDATION', `--filter: ${error.message}`, error.details);
  }
}
