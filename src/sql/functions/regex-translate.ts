/** The text of one ARE as the text of a JavaScript RegExp that also compiles in unicode mode. Pure. */
import type { DbError } from '../../base/errors.js';
import { INVALID_PARAMETER_VALUE, sqlError } from '../errors.js';

export const invalidRegex = (reason: string): DbError =>
  sqlError('2201B', `invalid regular expression: ${reason}`);

export interface TranslatedRegex {
  readonly source: string;
  readonly jsFlags: string;
}

const CLASSES: Readonly<Record<string, string>> = {
  alpha:
    'a-zA-Z\\u00aa\\u00b5\\u00ba\\u00c0-\\u00d6\\u00d8-\\u00f6\\u00f8-\\u02c1\\u0370-\\u03ff\\u0400-\\u052f',
  digit: '0-9',
  alnum:
    'a-zA-Z0-9\\u00aa\\u00b5\\u00ba\\u00c0-\\u00d6\\u00d8-\\u00f6\\u00f8-\\u02c1\\u0370-\\u03ff\\u0400-\\u052f',
  upper: 'A-Z\\u00c0-\\u00d6\\u00d8-\\u00de',
  lower: 'a-z\\u00df-\\u00f6\\u00f8-\\u00ff',
  space: '\\s',
  blank: ' \\t',
  punct: '!-\\/:-@\\[-`\\{-~',
  cntrl: '\\u0000-\\u001f\\u007f',
  print: ' -~\\u00a0-\\uffff',
  graph: '!-~\\u00a1-\\uffff',
  xdigit: '0-9A-Fa-f',
  word: 'a-zA-Z0-9_\\u00aa\\u00b5\\u00ba\\u00c0-\\u00d6\\u00d8-\\u00f6\\u00f8-\\u02c1\\u0370-\\u03ff\\u0400-\\u052f',
};

const SYNTAX = /[\\^$.*+?()[\]{}|/]/;
const quote = (character: string): string => (SYNTAX.test(character) ? `\\${character}` : character);
/** In a class other characters are special. */
const quoteInClass = (character: string): string =>
  /[\\\]^[-]/.test(character) ? `\\${character}` : character;

interface Mode {
  ignoreCase: boolean;
  /** `.` and negated classes stop at line ends. */
  partial: boolean;
  /** ^ and $ match at line ends. */
  weird: boolean;
  expanded: boolean;
  literal: boolean;
}

function applyFlags(mode: Mode, flags: string): void {
  for (const flag of flags) {
    if (flag === 'i') mode.ignoreCase = true;
    else if (flag === 'c') mode.ignoreCase = false;
    else if (flag === 'x') mode.expanded = true;
    else if (flag === 't') mode.expanded = false;
    else if (flag === 'q') mode.literal = true;
    else if (flag === 'n' || flag === 'm') mode.partial = mode.weird = true;
    else if (flag === 'p') mode.partial = true;
    else if (flag === 'w') mode.weird = true;
    else if (flag === 's') mode.partial = mode.weird = false;
    else if (flag !== 'e' && flag !== 'b') {
      throw sqlError(INVALID_PARAMETER_VALUE, `invalid regular expression option: "${flag}"`);
    }
  }
}

export function translateRegex(pattern: string, flags: string): TranslatedRegex {
  const mode: Mode = { ignoreCase: false, partial: false, weird: false, expanded: false, literal: false };
  applyFlags(mode, flags);
  let text = pattern;
  if (text.startsWith('***=')) {
    mode.literal = true;
    text = text.slice(4);
  } else if (text.startsWith('***:')) text = text.slice(4);
  const embedded = mode.literal ? null : /^\(\?([a-z]+)\)/.exec(text);
  if (embedded !== null) {
    applyFlags(mode, embedded[1]);
    text = text.slice(embedded[0].length);
  }
  const source = mode.literal ? [...text].map(quote).join('') : new Translator(text, mode).run();
  const jsFlags = `${mode.ignoreCase ? 'i' : ''}${mode.partial ? '' : 's'}${mode.weird ? 'm' : ''}`;
  return { source, jsFlags };
}

class Translator {
  private at = 0;
  private depth = 0;
  private out = '';
  /** Whether a quantifier may follow. */
  private hasAtom = false;

  constructor(
    private readonly text: string,
    private readonly mode: Mode,
  ) {}

  run(): string {
    while (this.at < this.text.length) this.step();
    if (this.depth > 0) throw invalidRegex('parentheses () not balanced');
    return this.out;
  }

  private atom(source: string): void {
    this.out += source;
    this.hasAtom = true;
  }

  private step(): void {
    const character = String.fromCodePoint(this.text.codePointAt(this.at) ?? 0);
    this.at += character.length;
    switch (character) {
      case '\\':
        this.escape();
        return;
      case '[':
        this.bracket();
        return;
      case '(':
        this.open();
        return;
      case ')':
        this.close();
        return;
      case '*':
      case '+':
      case '?':
        this.quantifier(character);
        return;
      case '{':
        this.bounds();
        return;
      case '|':
      case '^':
        this.out += character;
        this.hasAtom = false;
        return;
      case '$':
        this.out += '$';
        this.hasAtom = false;
        return;
      case '.':
        this.atom('.');
        return;
      default:
        if (this.mode.expanded && /\s/.test(character)) return;
        if (this.mode.expanded && character === '#') {
          this.comment();
          return;
        }
        this.atom(quote(character));
    }
  }

  private comment(): void {
    while (this.at < this.text.length && this.text[this.at] !== '\n') this.at++;
  }

  private open(): void {
    const rest = this.text.slice(this.at);
    const special = /^\?(?::|=|!|<=|<!)/.exec(rest)?.[0] ?? '';
    if (rest.startsWith('?#')) {
      this.at = this.text.indexOf(')', this.at) + 1 || this.text.length;
      return;
    }
    this.at += special.length;
    this.depth++;
    this.out += `(${special}`;
    this.hasAtom = false;
  }

  private close(): void {
    if (this.depth === 0) throw invalidRegex('parentheses () not balanced');
    this.depth--;
    this.atom(')');
  }

  private quantifier(character: string): void {
    if (!this.hasAtom) {
      // A star at the start of a branch is no literal in AREs.
      throw invalidRegex('quantifier operand invalid');
    }
    this.out += character + this.lazy();
    this.hasAtom = false;
  }

  private lazy(): string {
    if (this.text[this.at] !== '?') return '';
    this.at++;
    return '?';
  }

  private bounds(): void {
    const match = /^(\d+)(?:(,)(\d*))?\}/.exec(this.text.slice(this.at));
    if (match === null) {
      if (/^\d/.test(this.text.slice(this.at))) throw invalidRegex('invalid repetition count(s)');
      this.atom('\\{');
      return;
    }
    const low = Number(match[1]);
    const high = match[2] === undefined ? low : match[3] === '' ? low : Number(match[3]);
    if (low > 255 || high > 255 || high < low) throw invalidRegex('invalid repetition count(s)');
    if (!this.hasAtom) throw invalidRegex('quantifier operand invalid');
    this.at += match[0].length;
    this.out += `{${match[0]}${this.lazy()}`;
    this.hasAtom = false;
  }

  private escape(): void {
    const character = this.text[this.at];
    if (character === undefined) throw invalidRegex('invalid escape \\ sequence');
    const code = /^(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|x([0-9A-Fa-f]{1,4}))/.exec(
      this.text.slice(this.at),
    );
    if (code !== null) {
      this.at += code[0].length;
      this.atom(quote(String.fromCodePoint(Number.parseInt(code[1] ?? code[2] ?? code[3], 16))));
      return;
    }
    const reference = /^[1-9]\d?/.exec(this.text.slice(this.at));
    if (reference !== null) {
      this.at += reference[0].length;
      this.atom(`\\${reference[0]}(?:)`);
      return;
    }
    this.at++;
    const constraint = CONSTRAINTS[character];
    if (constraint !== undefined) {
      this.out += constraint;
      this.hasAtom = false;
      return;
    }
    const inside = CLASS_ESCAPES[character];
    if (inside !== undefined) {
      this.atom(`[${/[DSW]/.test(character) ? '^' : ''}${inside}]`);
      return;
    }
    const control = CONTROLS[character];
    if (control !== undefined) {
      this.atom(control);
      return;
    }
    if (/[a-zA-Z0-9]/.test(character)) throw invalidRegex('invalid escape \\ sequence');
    this.atom(quote(character));
  }

  /** From after `[`. A `]` in the first place is a character. */
  private bracket(): void {
    const isNegated = this.text[this.at] === '^';
    if (isNegated) this.at++;
    if (/^\[:[<>]:\]\]/.test(this.text.slice(this.at))) {
      this.out += this.text[this.at + 2] === '<' ? CONSTRAINTS['m'] : CONSTRAINTS['M'];
      this.at += 6;
      this.hasAtom = false;
      return;
    }
    let inside = '';
    for (let isFirst = true; ; isFirst = false) {
      const character = this.text[this.at];
      if (character === undefined) throw invalidRegex('brackets [] not balanced');
      if (character === ']' && !isFirst) break;
      inside += this.bracketItem(isFirst);
    }
    this.at++;
    if (isNegated && this.mode.partial) inside += '\\n';
    this.atom(`[${isNegated ? '^' : ''}${inside}]`);
  }

  private bracketItem(isFirst: boolean): string {
    const rest = this.text.slice(this.at);
    const named = /^\[:([a-z]+):\]/.exec(rest);
    if (named !== null) {
      const source = CLASSES[named[1]];
      if (source === undefined) throw invalidRegex('invalid character class');
      this.at += named[0].length;
      return source;
    }
    const single = /^\[([.=])(.)\1\]/u.exec(rest);
    if (single !== null) {
      this.at += single[0].length;
      return quoteInClass(single[2]);
    }
    if (rest.startsWith('[.') || rest.startsWith('[=')) throw invalidRegex('invalid collating element');
    if (rest[0] === '\\') return this.bracketEscape(rest);
    const character = String.fromCodePoint(this.text.codePointAt(this.at) ?? 0);
    this.at += character.length;
    // A range: the hyphen stays as it is between two characters.
    const next = this.text[this.at];
    if (character === '-' && !isFirst && next !== ']' && next !== undefined) return '-';
    return quoteInClass(character);
  }

  private bracketEscape(rest: string): string {
    const character = rest[1];
    if (character === undefined) throw invalidRegex('brackets [] not balanced');
    const code = /^\\(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{1,4}))/.exec(rest);
    if (code !== null) {
      this.at += code[0].length;
      return quoteInClass(String.fromCodePoint(Number.parseInt(code[1] ?? code[2], 16)));
    }
    this.at += 2;
    const inside = /[dsw]/.test(character) ? CLASS_ESCAPES[character] : undefined;
    if (inside !== undefined) return inside;
    const control = CONTROLS[character];
    if (control !== undefined) return control;
    if (/[a-zA-Z0-9]/.test(character)) throw invalidRegex('invalid escape \\ sequence');
    return quoteInClass(character);
  }
}

const CONSTRAINTS: Readonly<Record<string, string>> = {
  y: '\\b',
  Y: '\\B',
  m: '(?:\\b(?=\\w))',
  M: '(?:\\b(?<=\\w))',
  A: '(?<![\\s\\S])',
  Z: '(?![\\s\\S])',
};

const CLASS_ESCAPES: Readonly<Record<string, string>> = {
  d: '0-9',
  D: '0-9',
  s: '\\s',
  S: '\\s',
  w: CLASSES['word'],
  W: CLASSES['word'],
};

const CONTROLS: Readonly<Record<string, string>> = {
  a: '\\u0007',
  b: '\\u0008',
  e: '\\u001b',
  f: '\\f',
  n: '\\n',
  r: '\\r',
  t: '\\t',
  v: '\\v',
  B: '\\\\',
  '0': '\\u0000',
};
