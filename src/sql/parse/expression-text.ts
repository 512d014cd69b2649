/**
 * The SQL text of one expression of a statement, for definitions that are stored. The tree does not say where an expression
 * ends, so that candidates, from token to token, are parsed again until one gives the same tree.
 */
import type { Node } from '@pgsql/types';
import { parseSync, scanSync } from 'libpg-query';
import { FEATURE_NOT_SUPPORTED, sqlError } from '../errors.js';
import { OPENING_TOKENS_MAX } from './limits.js';
import { bodyOf, locationsIn } from './nodes.js';

export function expressionText(sql: string, expression: Node): string {
  const bytes = Buffer.from(sql);
  const wanted = shapeOf(expression);
  const { first = 0, last = 0 } = locationsIn(expression);
  const tokens = scanSync(sql).tokens.filter(({ tokenName }) => !/COMMENT/.test(tokenName));
  const firstToken = tokens.findIndex(({ end }) => end > first);
  const lastToken = tokens.findIndex(({ end }) => end > last);
  const leftmost = Math.max(0, firstToken - OPENING_TOKENS_MAX);
  for (let from = firstToken; from >= leftmost; from--) {
    const start = tokens[from]?.start ?? 0;
    // Before the first token of a node there can only be parentheses around it.
    if (from < firstToken && bytes.toString('utf8', start, tokens[from].end) !== '(') break;
    for (let to = lastToken; to < tokens.length; to++) {
      const text = bytes.toString('utf8', start, tokens[to].end);
      if (shapeOf(parsedExpression(text)) === wanted) return text;
    }
  }
  throw sqlError(FEATURE_NOT_SUPPORTED, 'this expression cannot be stored in a definition', first);
}

/** The tree of an expression's text, or undefined when it is none. */
export function parsedExpression(text: string): Node | undefined {
  try {
    // A line of its own: a comment at the end of the text must not swallow the parenthesis.
    const { stmts } = parseSync(`SELECT (${text}\n)`);
    const select = bodyOf(stmts?.[0]?.stmt, 'SelectStmt');
    const [target, another] = select?.targetList ?? [];
    if (stmts?.length !== 1 || another !== undefined || Object.keys(select ?? {}).length > 3)
      return undefined;
    const result = bodyOf(target, 'ResTarget');
    return result?.name === undefined ? result?.val : undefined;
  } catch {
    return undefined;
  }
}

/** Locations differ between the statement and the text by itself. */
const LOCATION_KEYS = new Set(['location', 'list_start', 'list_end', 'rexpr_list_start', 'rexpr_list_end']);

const shapeOf = (node: Node | undefined): string | undefined =>
  node && JSON.stringify(node, (key, value) => (LOCATION_KEYS.has(key) ? undefined : value));
