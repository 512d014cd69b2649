/** Errors that the binder raises in several places. */
import type { DbError } from '../../base/errors.js';
import { DATATYPE_MISMATCH, FEATURE_NOT_SUPPORTED, SYNTAX_ERROR, sqlError } from '../errors.js';

/** `construct` in the user's words: "FOR UPDATE is not supported". */
export const notSupported = (construct: string, location?: number): DbError =>
  sqlError(FEATURE_NOT_SUPPORTED, `${construct} is not supported`, location);

export const syntaxError = (message: string, location?: number): DbError =>
  sqlError(SYNTAX_ERROR, message, location);

export const typeError = (message: string, location?: number): DbError =>
  sqlError(DATATYPE_MISMATCH, message, location);
