/**
 * Where each key of a TOML document stands. A small scanner over text that a real parser has already accepted: it
 * knows just enough of the grammar (headers, dotted and quoted keys, strings, arrays, inline tables, comments) to
 * find keys, and trusts the parser for the rest.
 */

/** 1-based; the column counts UTF-16 units, as editors and smol-toml do. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface KeyPositions {
  /** Where the last part of `path` is first named, or null if the document does not name it. */
  of(path: readonly string[]): Position | null;
}

const PART_SEPARATOR = '\u0000';
const BARE_KEY = /[A-Za-z0-9_-]/;

class Scanner {
  readonly offsets = new Map<string, number>();
  private at = 0;
  private header: readonly string[] = [];

  constructor(private readonly text: string) {}

  scan(): void {
    for (this.skipBlank(); this.at < this.text.length; this.skipBlank()) {
      const before = this.at;
      if (this.text[this.at] === '[') this.scanHeader();
      else this.scanPair(this.header);
      // A document that the parser accepted always moves on; anything else must not hang us.
      if (this.at === before) return;
    }
  }

  /** `[a.b]` or `[[a.b]]`. */
  private scanHeader(): void {
    while (this.text[this.at] === '[') this.at++;
    this.header = this.scanKey([]);
    this.skipSpace();
    while (this.text[this.at] === ']') this.at++;
  }

  /** `a.b = value`. */
  private scanPair(prefix: readonly string[]): void {
    const path = this.scanKey(prefix);
    this.skipSpace();
    if (this.text[this.at] === '=') this.at++;
    this.skipSpace();
    this.skipValue(path);
  }

  /** Reads a dotted key and notes where each of its parts stands. */
  private scanKey(prefix: readonly string[]): readonly string[] {
    const path = [...prefix];
    for (;;) {
      this.skipSpace();
      const start = this.at;
      path.push(this.scanKeyPart());
      const name = path.join(PART_SEPARATOR);
      if (!this.offsets.has(name)) this.offsets.set(name, start);
      this.skipSpace();
      if (this.text[this.at] !== '.') return path;
      this.at++;
    }
  }

  private scanKeyPart(): string {
    const start = this.at;
    const quote = this.text[start];
    if (quote === '"' || quote === "'") {
      this.skipString(quote);
      const raw = this.text.slice(start + 1, this.at - 1);
      return quote === '"' ? unescapeBasic(raw) : raw;
    }
    while (BARE_KEY.test(this.text[this.at] ?? '')) this.at++;
    return this.text.slice(start, this.at);
  }

  private skipValue(path: readonly string[]): void {
    const first = this.text[this.at];
    if (first === '"' || first === "'") this.skipString(first);
    else if (first === '[') this.skipList(path, ']');
    else if (first === '{') this.skipList(path, '}');
    else while (this.at < this.text.length && !/[,\]}#\n]/.test(this.text[this.at] ?? '')) this.at++;
  }

  /** An array (`]`) or an inline table (`}`), with the tables inside it. */
  private skipList(path: readonly string[], close: ']' | '}'): void {
    this.at++;
    for (;;) {
      this.skipBlank();
      const before = this.at;
      const next = this.text[this.at];
      if (next === undefined) return;
      if (next === close) {
        this.at++;
        return;
      }
      if (next === ',') this.at++;
      else if (close === '}') this.scanPair(path);
      else this.skipValue(path);
      if (this.at === before) return;
    }
  }

  private skipString(quote: string): void {
    const long = quote.repeat(3);
    const end = this.text.startsWith(long, this.at) ? long : quote;
    this.at += end.length;
    while (this.at < this.text.length && !this.text.startsWith(end, this.at)) {
      this.at += quote === '"' && this.text[this.at] === '\\' ? 2 : 1;
    }
    this.at += end.length;
    // A long string may end in one or two quotes of its own: `"""a""""`.
    if (end === long) while (this.text[this.at] === quote) this.at++;
  }

  private skipSpace(): void {
    while (this.text[this.at] === ' ' || this.text[this.at] === '\t') this.at++;
  }

  /** Spaces, line ends and comments. */
  private skipBlank(): void {
    for (;;) {
      while (/\s/.test(this.text[this.at] ?? '')) this.at++;
      if (this.text[this.at] !== '#') return;
      while (this.at < this.text.length && this.text[this.at] !== '\n') this.at++;
    }
  }
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  b: '\b',
  t: '\t',
  n: '\n',
  f: '\f',
  r: '\r',
  e: '\x1b',
};

function unescapeBasic(raw: string): string {
  return raw.replace(/\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|x[0-9a-fA-F]{2}|.)/g, (_, code: string) =>
    code.length > 1
      ? String.fromCodePoint(Number.parseInt(code.slice(1), 16))
      : (SHORT_ESCAPES[code] ?? code),
  );
}

function positionAt(text: string, offset: number): Position {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: offset - lineStart + 1 };
}

export function locateKeys(toml: string): KeyPositions {
  const scanner = new Scanner(toml);
  scanner.scan();
  return {
    of(path) {
      const offset = scanner.offsets.get(path.join(PART_SEPARATOR));
      return offset === undefined ? null : positionAt(toml, offset);
    },
  };
}
