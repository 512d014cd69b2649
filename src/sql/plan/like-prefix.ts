/** LIKE 'abc%' and starts_with: the text that what matches begins with. Pure. */
import type { BoundExpression } from '../algebra/expression.js';

export interface PrefixMatch {
  readonly target: BoundExpression;
  readonly prefix: string;
  /** Everything that begins so matches. */
  readonly isExact: boolean;
}

/** Operators by their id's name: LIKE is `~~`, starts_with also `^@`. */
const LIKE_NAMES = new Set(['~~', 'like']);
const PREFIX_NAMES = new Set(['^@', 'starts_with']);

export function prefixOfPattern(condition: BoundExpression): PrefixMatch | undefined {
  if (condition.kind !== 'call' || condition.args.length !== 2) return undefined;
  const name = condition.function.slice(0, condition.function.indexOf('('));
  const [subject, pattern] = condition.args;
  if (pattern.kind !== 'const' || typeof pattern.value !== 'string') return undefined;
  const target = withoutTextCast(subject);
  if (PREFIX_NAMES.has(name)) return { target, prefix: pattern.value, isExact: true };
  if (!LIKE_NAMES.has(name)) return undefined;
  const { prefix, rest } = literalStart(pattern.value);
  return prefix === '' ? undefined : { target, prefix, isExact: rest === '%' };
}

/** A member is cast to the text that LIKE takes. */
function withoutTextCast(expression: BoundExpression): BoundExpression {
  const isPlain =
    expression.kind === 'cast' && expression.type === 'text' && expression.modifiers === undefined;
  return isPlain ? expression.arg : expression;
}

function literalStart(pattern: string): { readonly prefix: string; readonly rest: string } {
  let prefix = '';
  let i = 0;
  for (; i < pattern.length; i++) {
    if (pattern[i] === '%' || pattern[i] === '_') break;
    if (pattern[i] === '\\') i++;
    prefix += pattern[i] ?? '';
  }
  return { prefix, rest: pattern.slice(i) };
}

/** Whether the text of a number, a boolean or of JSON may begin so: an index has those among their kind, not as texts. */
export function mayBeginOtherKinds(prefix: string): boolean {
  if (/^[{[]/.test(prefix)) return true;
  if (/^-?\d*\.?\d*(e[+-]?\d*)?$/.test(prefix)) return true;
  return ['true', 'false', 'NaN', 'Infinity', '-Infinity'].some((text) => text.startsWith(prefix));
}
