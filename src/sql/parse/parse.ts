/**
 * SQL text to the parser's tree. The parser is PostgreSQL's own, compiled to WebAssembly: it is loaded once per thread with
 * `loadParser`, before anything else here is called.
 */
import type { Node } from '@pgsql/types';
import { fingerprintSync, hasSqlDetails, loadModule, normalizeSync, parseSync } from 'libpg-query';
import type { DbError } from '../../base/errors.js';
import { PROGRAM_LIMIT_EXCEEDED, SYNTAX_ERROR, sqlError } from '../errors.js';
import { STATEMENT_BYTES_MAX } from './limits.js';

export interface ParsedStatement {
  readonly sql: string;
  readonly statement: Node;
}

export interface ParseOptions {
  /** Longest text, in bytes; STATEMENT_BYTES_MAX without. */
  readonly statementBytesMax?: number;
}

export const loadParser = (): Promise<void> => loadModule();

/** Parses a text that has exactly one statement. */
export function parseStatement(sql: string, options: ParseOptions = {}): ParsedStatement {
  checkSize(sql, options.statementBytesMax ?? STATEMENT_BYTES_MAX);
  const statements = parsed(sql, () => parseSync(sql)).stmts ?? [];
  const [first, second] = statements;
  if (first?.stmt === undefined) throw sqlError(SYNTAX_ERROR, 'the statement is empty');
  if (second !== undefined) {
    const location = firstOfStatement(sql, second.stmt_location ?? 0);
    throw sqlError(
      SYNTAX_ERROR,
      'several statements in one text are not supported: send them one by one',
      location,
    );
  }
  return { sql, statement: first.stmt };
}

/** The text with its constants replaced by $n: equal for executions that differ in constants only. */
export function queryPattern(sql: string): string {
  checkSize(sql, STATEMENT_BYTES_MAX);
  return parsed(sql, () => normalizeSync(sql));
}

/** A short hash of the statement's structure: equal for texts that differ in constants, white space or case only. */
export function fingerprint(sql: string): string {
  checkSize(sql, STATEMENT_BYTES_MAX);
  return parsed(sql, () => fingerprintSync(sql));
}

function checkSize(sql: string, bytesMax: number): void {
  const bytes = sql.length > bytesMax ? sql.length : Buffer.byteLength(sql);
  if (bytes > bytesMax)
    throw sqlError(
      PROGRAM_LIMIT_EXCEEDED,
      `the statement has more than ${bytesMax} bytes, which is the limit`,
    );
  if (sql.trim() === '') throw sqlError(SYNTAX_ERROR, 'the statement is empty');
  const zero = sql.indexOf('\0');
  if (zero >= 0) throw sqlError(SYNTAX_ERROR, 'the statement contains a zero byte', byteOffset(sql, zero));
}

function parsed<T>(sql: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw translated(sql, error);
  }
}

function translated(sql: string, error: unknown): DbError {
  const message = error instanceof Error ? error.message : String(error);
  if (hasSqlDetails(error)) {
    // The parser's errors count characters, its nodes bytes.
    const cursor = error.sqlDetails?.cursorPosition ?? -1;
    const location = cursor >= 0 ? byteOffsetOfCharacter(sql, cursor) : undefined;
    if (/stack depth|memory exhausted/.test(message)) return tooDeep();
    return sqlError(SYNTAX_ERROR, message, location);
  }
  // What the parser's own stack cannot hold ends in a trap of WebAssembly or in JavaScript's stack.
  if (error instanceof RangeError || /stack|unreachable|memory access|recursion|depth/i.test(message))
    return tooDeep();
  return sqlError(SYNTAX_ERROR, message);
}

const tooDeep = (): DbError =>
  sqlError(PROGRAM_LIMIT_EXCEEDED, 'the statement is nested too deeply: the parser ran out of stack');

const byteOffset = (sql: string, units: number): number => Buffer.byteLength(sql.slice(0, units));

function byteOffsetOfCharacter(sql: string, characters: number): number {
  let units = 0;
  for (let left = characters; left > 0 && units < sql.length; left--) {
    units += (sql.codePointAt(units) ?? 0) > 0xffff ? 2 : 1;
  }
  return byteOffset(sql, units);
}

/** A statement's location is behind the semicolon before it: white space is skipped. */
function firstOfStatement(sql: string, location: number): number {
  const bytes = Buffer.from(sql);
  let at = location;
  while (at < bytes.length && bytes[at] <= 0x20) at++;
  return at;
}
