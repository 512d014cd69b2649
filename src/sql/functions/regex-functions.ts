/** Operators and functions that take regular expressions, and SIMILAR TO. */
import { INVALID_PARAMETER_VALUE, sqlError } from '../errors.js';
import type { SqlValue } from '../types/values.js';
import { many, one, two } from './define.js';
import type { FunctionDefinition } from './definition.js';
import { regexFor, regexMatches, regexTest } from './regex.js';
import { characterCount } from './text-basic.js';
import { checkTextLength } from './text-limit.js';

const MATCHES_MAX = 1 << 24;

interface SplitFlags {
  readonly isGlobal: boolean;
  readonly flags: string;
}

const splitFlags = (flags: string): SplitFlags => ({
  isGlobal: flags.includes('g'),
  flags: flags.replaceAll('g', ''),
});

/** The groups, or the whole match where there are none. */
const groupsOf = (match: RegExpExecArray): SqlValue[] =>
  match.length === 1 ? [match[0]] : match.slice(1).map((group) => group ?? null);

export function* regexGroups(text: string, pattern: string, flags: string): Generator<SqlValue[]> {
  const { isGlobal, flags: rest } = splitFlags(flags);
  for (const match of regexMatches(text, regexFor(text, pattern, rest))) {
    yield groupsOf(match);
    if (!isGlobal) return;
  }
}

function regexMatch(text: string, pattern: string, flags = ''): SqlValue {
  if (flags.includes('g')) {
    throw sqlError(INVALID_PARAMETER_VALUE, 'regexp_match() does not support the "global" option');
  }
  const match = regexFor(text, pattern, flags).exec(text);
  return match === null ? null : groupsOf(match);
}

/** \1 to \9 and \& in the replacement. */
function expand(replacement: string, match: RegExpExecArray): string {
  return replacement.replace(/\\(.)?/gs, (whole, code: string | undefined) => {
    if (code === '&') return match[0];
    if (code !== undefined && code >= '1' && code <= '9') return match[Number(code)] ?? '';
    return code === '\\' ? '\\' : whole;
  });
}

/** `occurrence` 0: all of them; `start` counts from 1. */
function regexReplace(
  text: string,
  pattern: string,
  replacement: string,
  start: number,
  occurrence: number,
  flags: string,
): string {
  const regex = regexFor(text, pattern, flags);
  regex.lastIndex = offsetOf(text, start);
  let result = '';
  let copied = 0;
  let count = 0;
  for (const match of regexMatches(text, regex)) {
    count++;
    if (occurrence !== 0 && count < occurrence) continue;
    result += text.slice(copied, match.index) + expand(replacement, match);
    checkTextLength(result.length);
    copied = match.index + match[0].length;
    if (occurrence !== 0) break;
  }
  return result + text.slice(copied);
}

/** UTF-16 offset of the n-th character. */
function offsetOf(text: string, start: number): number {
  if (start < 1) throw sqlError(INVALID_PARAMETER_VALUE, `invalid value for parameter "start": ${start}`);
  let at = 0;
  for (let taken = 1; taken < start && at < text.length; taken++) {
    at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
  }
  return at;
}

export function regexSplit(text: string, pattern: string, flags = ''): string[] {
  const regex = regexFor(text, pattern, flags.replaceAll('g', ''));
  const parts: string[] = [];
  let copied = 0;
  for (const match of regexMatches(text, regex)) {
    const end = match.index + match[0].length;
    // An empty match at the end, or right after the last one, cuts nothing off.
    if (match[0] === '' && (match.index >= text.length || match.index === copied)) continue;
    parts.push(text.slice(copied, match.index));
    if (parts.length > MATCHES_MAX) throw sqlError('54000', `more than ${MATCHES_MAX} parts`);
    copied = end;
  }
  parts.push(text.slice(copied));
  return parts;
}

function regexCount(text: string, pattern: string, start = 1, flags = ''): number {
  const regex = regexFor(text, pattern, flags);
  regex.lastIndex = offsetOf(text, start);
  let count = 0;
  for (const _ of regexMatches(text, regex)) count++;
  return count;
}

function nthMatch(
  text: string,
  pattern: string,
  start: number,
  n: number,
  flags: string,
): RegExpExecArray | null {
  const regex = regexFor(text, pattern, flags);
  regex.lastIndex = offsetOf(text, start);
  let count = 0;
  for (const match of regexMatches(text, regex)) if (++count === n) return match;
  return null;
}

function regexSubstring(text: string, pattern: string): string | null {
  const match = regexFor(text, pattern).exec(text);
  if (match === null) return null;
  return match.length > 1 ? (match[1] ?? null) : match[0];
}

/** SIMILAR TO: % and _ as in LIKE, | * + ? {} () [] as in regular expressions, over the whole text. */
export function similarToEscape(pattern: string, mark = '\\'): string {
  if ([...mark].length > 1) throw sqlError('22025', 'invalid escape string');
  let result = '^(?:';
  let isInBrackets = false;
  for (let index = 0; index < pattern.length; index++) {
    const character = pattern[index];
    if (character === mark && mark !== '') {
      const next = pattern[++index] ?? '';
      result += /[a-zA-Z0-9_]/.test(next) ? next : `\\${next}`;
    } else if (isInBrackets) {
      if (character === ']') isInBrackets = false;
      result += character === '\\' ? '\\\\' : character;
    } else if (character === '[') {
      isInBrackets = true;
      result += character;
    } else if (character === '%') result += '.*';
    else if (character === '_') result += '.';
    else if (character === '(') result += '(?:';
    else if (/[\\.^$]/.test(character)) result += `\\${character}`;
    else result += character;
  }
  return `${result})$`;
}

const matching = (name: string, isNegated: boolean, flags: string): FunctionDefinition =>
  two<string>(
    name,
    ['text', 'text'],
    'bool',
    (text, pattern) => regexTest(text, pattern, flags) !== isNegated,
  );

type Texts = readonly string[];

const MATCHING_FUNCTIONS: readonly FunctionDefinition[] = [
  matching('~', false, ''),
  matching('!~', true, ''),
  matching('~*', false, 'i'),
  matching('!~*', true, 'i'),
  two<string>('regexp_like', ['text', 'text'], 'bool', (text, pattern) => regexTest(text, pattern)),
  many('regexp_like', ['text', 'text', 'text'], 'bool', (args) => {
    const [text, pattern, flags] = args as Texts;
    return regexTest(text, pattern, flags);
  }),
  two<string>('substring', ['text', 'text'], 'text', regexSubstring),
  many('substring', ['text', 'text', 'text'], 'text', (args) => {
    const [text, pattern, mark] = args as Texts;
    return similarSubstring(text, pattern, mark);
  }),
  two<string>('regexp_match', ['text', 'text'], 'text[]', (text, pattern) => regexMatch(text, pattern)),
  many('regexp_match', ['text', 'text', 'text'], 'text[]', (args) => {
    const [text, pattern, flags] = args as Texts;
    return regexMatch(text, pattern, flags);
  }),
  many('regexp_replace', ['text', 'text', 'text'], 'text', (args) => {
    const [text, pattern, replacement] = args as Texts;
    return regexReplace(text, pattern, replacement, 1, 1, '');
  }),
  many('regexp_replace', ['text', 'text', 'text', 'text'], 'text', (args) => {
    const [text, pattern, replacement, flags] = args as Texts;
    const { isGlobal, flags: rest } = splitFlags(flags);
    return regexReplace(text, pattern, replacement, 1, isGlobal ? 0 : 1, rest);
  }),
  many('regexp_replace', ['text', 'text', 'text', 'int8'], 'text', ([text, pattern, replacement, start]) =>
    regexReplace(text as string, pattern as string, replacement as string, start as number, 1, ''),
  ),
  many(
    'regexp_replace',
    ['text', 'text', 'text', 'int8', 'int8'],
    'text',
    ([text, pattern, replacement, start, n]) =>
      regexReplace(
        text as string,
        pattern as string,
        replacement as string,
        start as number,
        n as number,
        '',
      ),
  ),
  many(
    'regexp_replace',
    ['text', 'text', 'text', 'int8', 'int8', 'text'],
    'text',
    ([text, pattern, replacement, start, n, flags]) =>
      regexReplace(
        text as string,
        pattern as string,
        replacement as string,
        start as number,
        n as number,
        flags as string,
      ),
  ),
  two<string>('regexp_split_to_array', ['text', 'text'], 'text[]', (text, pattern) =>
    regexSplit(text, pattern),
  ),
  many('regexp_split_to_array', ['text', 'text', 'text'], 'text[]', (args) => {
    const [text, pattern, flags] = args as Texts;
    return regexSplit(text, pattern, flags);
  }),
  two<string>('regexp_count', ['text', 'text'], 'int8', (text, pattern) => regexCount(text, pattern)),
  many('regexp_count', ['text', 'text', 'int8'], 'int8', ([text, pattern, start]) =>
    regexCount(text as string, pattern as string, start as number),
  ),
  many('regexp_count', ['text', 'text', 'int8', 'text'], 'int8', ([text, pattern, start, flags]) =>
    regexCount(text as string, pattern as string, start as number, flags as string),
  ),
  two<string>(
    'regexp_substr',
    ['text', 'text'],
    'text',
    (text, pattern) => nthMatch(text, pattern, 1, 1, '')?.[0] ?? null,
  ),
  two<string>('regexp_instr', ['text', 'text'], 'int8', (text, pattern) => {
    const match = nthMatch(text, pattern, 1, 1, '');
    return match === null ? 0 : characterCount(text.slice(0, match.index)) + 1;
  }),
];

export const REGEX_FUNCTIONS: readonly FunctionDefinition[] = [
  ...MATCHING_FUNCTIONS.map((definition) => ({ ...definition, mayRunLong: true as const })),
  one<string>('similar_to_escape', 'text', 'text', (pattern) => similarToEscape(pattern)),
  two<string>('similar_to_escape', ['text', 'text'], 'text', similarToEscape),
];

/** substring(text similar 'a#"b#"c' escape '#'): what is between the two marks. */
function similarSubstring(text: string, pattern: string, mark: string): string | null {
  const parts = pattern.split(`${mark}"`);
  if (parts.length === 1) return regexTest(text, similarToEscape(pattern, mark)) ? text : null;
  if (parts.length !== 3) {
    throw sqlError(
      '2200C',
      'SQL regular expression may not contain more than two escape-double-quote separators',
    );
  }
  const bodies = parts.map((part) => similarToEscape(part, mark).slice(1, -1));
  const match = regexFor(text, `^${bodies[0].replaceAll('.*', '.*?')}(${bodies[1]})${bodies[2]}$`).exec(text);
  return match === null ? null : (match[1] ?? null);
}
