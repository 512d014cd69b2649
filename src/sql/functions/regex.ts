/**
 * PostgreSQL's advanced regular expressions as JavaScript's. Differences that remain: alternatives match in order and not
 * the longest one, and collating elements are not known. Compiled patterns are kept. Per thread.
 */
import { setFlagsFromString } from 'node:v8';
import { sqlError } from '../errors.js';
import { invalidRegex, translateRegex } from './regex-translate.js';

const PATTERN_LENGTH_MAX = 4096;
const COMPILED_MAX = 256;
/** Steps back after which V8 starts over with an engine whose time is linear. */
const BACKTRACKS_MAX = 50_000;

export interface CompiledRegex {
  /** Global. For texts without characters beyond U+FFFF; `unicode` for the others. */
  readonly plain: RegExp;
  readonly unicode: RegExp;
}

const compiled = new Map<string, CompiledRegex>();
let isGuarded = false;

/**
 * Keeps patterns such as (a+)+$ from taking for ever: after many steps back V8 goes on with its linear engine. It knows no
 * back references, no look-around and no unicode mode, which is why patterns are compiled without that where it will do.
 */
function guardOnce(): void {
  if (isGuarded) return;
  isGuarded = true;
  setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');
  setFlagsFromString(`--regexp-backtracks-before-fallback=${BACKTRACKS_MAX}`);
}

/** `flags` are PostgreSQL's: i, c, n, m, p, w, s, x, e, q; g is the caller's business. Throws 2201B, 22023. */
export function compileRegex(pattern: string, flags = ''): CompiledRegex {
  const key = `${flags}/${pattern}`;
  let regex = compiled.get(key);
  if (regex !== undefined) return regex;
  if (pattern.length > PATTERN_LENGTH_MAX) {
    throw sqlError('54000', `a regular expression is longer than ${PATTERN_LENGTH_MAX} characters`);
  }
  guardOnce();
  const { source, jsFlags } = translateRegex(pattern, flags);
  try {
    regex = { plain: new RegExp(source, `g${jsFlags}`), unicode: new RegExp(source, `gu${jsFlags}`) };
  } catch {
    throw invalidRegex('the pattern is malformed');
  }
  if (compiled.size >= COMPILED_MAX) compiled.clear();
  compiled.set(key, regex);
  return regex;
}

const SURROGATE = /[\ud800-\udfff]/;

/** The form for this text, set to its start. */
export function regexFor(text: string, pattern: string, flags = ''): RegExp {
  const { plain, unicode } = compileRegex(pattern, flags);
  const regex = SURROGATE.test(text) || SURROGATE.test(pattern) ? unicode : plain;
  regex.lastIndex = 0;
  return regex;
}

export const regexTest = (text: string, pattern: string, flags = ''): boolean =>
  regexFor(text, pattern, flags).test(text);

/** All matches, or the first. An empty match is followed by one step. */
export function* regexMatches(text: string, regex: RegExp): Generator<RegExpExecArray> {
  for (let match = regex.exec(text); match !== null; match = regex.exec(text)) {
    const resumeAt = regex.lastIndex;
    yield match;
    // By a whole character: inside of a surrogate pair the unicode mode would go back, and for ever.
    const step = regex.unicode && (text.codePointAt(resumeAt) ?? 0) > 0xffff ? 2 : 1;
    regex.lastIndex = match[0] === '' ? resumeAt + step : resumeAt;
    if (regex.lastIndex > text.length) return;
  }
}
