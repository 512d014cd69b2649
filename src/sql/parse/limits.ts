/** Limits of the text of a statement. Hitting one is an error that names it. */

/** Longest statement, in bytes of UTF-8, unless the caller sets another. */
export const STATEMENT_BYTES_MAX = 1024 * 1024;
/** Tokens to the left of an expression in which its opening parentheses are looked for. */
export const OPENING_TOKENS_MAX = 64;
