/** PostgreSQL's text form of arrays and rows: `{1,NULL,"a b"}`, `(1,"a b",)`. Pure. */
import { INVALID_TEXT_REPRESENTATION, sqlError } from '../errors.js';

export type ArrayTextNode = string | null | readonly ArrayTextNode[];

const DEPTH_MAX = 6;
const NEEDS_QUOTES = /[{}",\\\s]/;

/** `texts` are the elements' own texts; a string is quoted where it must be. */
export function writeArrayText(nodes: readonly ArrayTextNode[]): string {
  const parts = nodes.map((node) => {
    if (node === null) return 'NULL';
    if (typeof node !== 'string') return writeArrayText(node);
    if (node === '' || NEEDS_QUOTES.test(node) || node.toUpperCase() === 'NULL') {
      return `"${node.replace(/["\\]/g, '\\$&')}"`;
    }
    return node;
  });
  return `{${parts.join(',')}}`;
}

export function writeRowText(texts: readonly (string | null)[]): string {
  const parts = texts.map((text) => {
    if (text === null) return '';
    if (text === '' || /[(),"\\\s]/.test(text)) return `"${text.replace(/["\\]/g, '$&$&')}"`;
    return text;
  });
  return `(${parts.join(',')})`;
}

/** Throws 22P02. */
export function parseArrayText(text: string): readonly ArrayTextNode[] {
  const reader = new ArrayReader(text);
  return reader.read();
}

class ArrayReader {
  private at = 0;
  constructor(private readonly text: string) {}

  read(): ArrayTextNode[] {
    this.skipSpace();
    // `[1:2]={…}`: bounds are accepted and not kept.
    const bounds = /^(?:\[[+-]?\d+:[+-]?\d+\])+\s*=\s*/.exec(this.text.slice(this.at));
    if (bounds !== null) this.at += bounds[0].length;
    const nodes = this.array(1);
    this.skipSpace();
    if (this.at !== this.text.length) throw this.malformed();
    return nodes;
  }

  private malformed(): Error {
    return sqlError(INVALID_TEXT_REPRESENTATION, `malformed array literal: "${this.text}"`);
  }

  private skipSpace(): void {
    while (/\s/.test(this.text[this.at] ?? '')) this.at++;
  }

  private array(depth: number): ArrayTextNode[] {
    if (this.text[this.at] !== '{' || depth > DEPTH_MAX) throw this.malformed();
    this.at++;
    const nodes: ArrayTextNode[] = [];
    this.skipSpace();
    if (this.text[this.at] === '}') {
      this.at++;
      return nodes;
    }
    for (;;) {
      this.skipSpace();
      nodes.push(this.text[this.at] === '{' ? this.array(depth + 1) : this.element());
      this.skipSpace();
      const next = this.text[this.at++];
      if (next === '}') return nodes;
      if (next !== ',') throw this.malformed();
    }
  }

  private element(): string | null {
    if (this.text[this.at] === '"') return this.quoted();
    let element = '';
    for (;;) {
      const character = this.text[this.at];
      if (character === undefined || character === '{' || character === '"') throw this.malformed();
      if (character === ',' || character === '}') break;
      if (character === '\\') this.at++;
      element += this.text[this.at++] ?? '';
    }
    const trimmed = element.trimEnd();
    if (trimmed === '') throw this.malformed();
    return trimmed.toUpperCase() === 'NULL' ? null : trimmed;
  }

  private quoted(): string {
    let element = '';
    for (this.at++; ; this.at++) {
      const character = this.text[this.at];
      if (character === undefined) throw this.malformed();
      if (character === '"') break;
      if (character === '\\') this.at++;
      element += this.text[this.at] ?? '';
    }
    this.at++;
    return element;
  }
}
