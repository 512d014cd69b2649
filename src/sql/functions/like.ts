/** LIKE and ILIKE: `%` any characters, `_` one, a backslash takes what follows as it is. Linear in most cases, never exponential. */
import { sqlError } from '../errors.js';
import { one, two } from './define.js';
import type { FunctionDefinition } from './definition.js';
import { lower } from './text-basic.js';

const ANY = 0;
const ONE = 1;
type Token = string | typeof ANY | typeof ONE;

type Matcher = (text: string) => boolean;

const MATCHERS_MAX = 256;
/** Patterns repeat for each row. Per thread. */
const matchers = new Map<string, Matcher>();

function tokenize(pattern: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < pattern.length; ) {
    let character = String.fromCodePoint(pattern.codePointAt(at) ?? 0);
    at += character.length;
    if (character === '%') {
      if (tokens.at(-1) !== ANY) tokens.push(ANY);
    } else if (character === '_') tokens.push(ONE);
    else {
      if (character === '\\') {
        if (at >= pattern.length) throw sqlError('22025', 'LIKE pattern must not end with escape character');
        character = String.fromCodePoint(pattern.codePointAt(at) ?? 0);
        at += character.length;
      }
      tokens.push(character);
    }
  }
  return tokens;
}

function compile(pattern: string): Matcher {
  const tokens = tokenize(pattern);
  const literal = (part: readonly Token[]): string | undefined =>
    part.every((token) => typeof token === 'string') ? part.join('') : undefined;
  const exact = literal(tokens);
  if (exact !== undefined) return (text) => text === exact;
  const startsOpen = tokens[0] === ANY;
  const endsOpen = tokens.at(-1) === ANY;
  const middle = literal(tokens.slice(startsOpen ? 1 : 0, endsOpen ? -1 : undefined));
  if (middle === undefined) return (text) => matchTokens(tokens, [...text]);
  if (startsOpen && endsOpen) return (text) => text.includes(middle);
  return startsOpen ? (text) => text.endsWith(middle) : (text) => text.startsWith(middle);
}

/** Goes back to the last % only: each earlier one has matched as little as it could. */
function matchTokens(tokens: readonly Token[], text: readonly string[]): boolean {
  let at = 0;
  let token = 0;
  let lastAny = -1;
  let resumeAt = 0;
  while (at < text.length) {
    const wanted = tokens[token];
    if (wanted === ANY) {
      lastAny = token++;
      resumeAt = at;
    } else if (wanted !== undefined && (wanted === ONE || wanted === text[at])) {
      token++;
      at++;
    } else if (lastAny >= 0) {
      token = lastAny + 1;
      at = ++resumeAt;
    } else return false;
  }
  while (tokens[token] === ANY) token++;
  return token === tokens.length;
}

export function like(text: string, pattern: string): boolean {
  let matcher = matchers.get(pattern);
  if (matcher === undefined) {
    if (matchers.size >= MATCHERS_MAX) matchers.clear();
    matcher = compile(pattern);
    matchers.set(pattern, matcher);
  }
  return matcher(text);
}

export const ilike = (text: string, pattern: string): boolean => like(lower(text), lower(pattern));

/** Turns a pattern with another escape character into one with a backslash; an empty one means none. */
export function likeEscape(pattern: string, escapeText: string): string {
  const characters = [...escapeText];
  if (characters.length > 1) throw sqlError('22025', 'invalid escape string');
  if (escapeText === '\\') return pattern;
  let result = '';
  const all = [...pattern];
  for (let index = 0; index < all.length; index++) {
    if (all[index] === escapeText) result += `\\${all[++index] ?? ''}`;
    else result += all[index] === '\\' ? '\\\\' : all[index];
  }
  return result;
}

export const LIKE: readonly FunctionDefinition[] = [
  two<string>('~~', ['text', 'text'], 'bool', like),
  two<string>('!~~', ['text', 'text'], 'bool', (text, pattern) => !like(text, pattern)),
  two<string>('~~*', ['text', 'text'], 'bool', ilike),
  two<string>('!~~*', ['text', 'text'], 'bool', (text, pattern) => !ilike(text, pattern)),
  two<string>('like', ['text', 'text'], 'bool', like),
  two<string>('notlike', ['text', 'text'], 'bool', (text, pattern) => !like(text, pattern)),
  two<string>('like_escape', ['text', 'text'], 'text', likeEscape),
  one<string>('like_escape', 'text', 'text', (pattern) => pattern),
];
