/** The limit on texts that functions make, so that one call cannot take all the memory. */
import type { DbError } from '../../base/errors.js';
import { PROGRAM_LIMIT_EXCEEDED, sqlError } from '../errors.js';

/** In UTF-16 units, which is what memory holds. */
export const TEXT_RESULT_MAX = 64 * 1024 * 1024;

export const textTooLong = (): DbError =>
  sqlError(PROGRAM_LIMIT_EXCEEDED, `a text would be longer than ${TEXT_RESULT_MAX} characters`);

/** Call it before the text is made. */
export function checkTextLength(length: number): void {
  if (length > TEXT_RESULT_MAX) throw textTooLong();
}
