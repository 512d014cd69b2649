/** Broken and strange statements out of good ones. */
import type { Choices } from '../oracle/choices.js';
import { NASTY_TOKENS, VALID_STATEMENTS } from './corpus.js';

const TOKEN =
  /'(?:[^']|'')*'|"[^"]*"|[A-Za-z_][A-Za-z_0-9]*|\d+(?:\.\d+)?|\s+|<=|>=|<>|::|->>?|#>>?|\|\||@>|./gsu;
const MUTATIONS_MAX = 4;
const RANDOM_LENGTH_MAX = 200;

export class StatementMutator {
  private readonly tokens: readonly string[];

  constructor(
    private readonly choices: Choices,
    /** Makes another valid statement. */
    private readonly generate: () => string,
  ) {
    const words = VALID_STATEMENTS.flatMap(tokensOf).filter((token) => token.trim() !== '');
    this.tokens = [...new Set(words)];
  }

  next(): string {
    const { choices } = this;
    if (choices.chance(0.05)) return this.randomText();
    if (choices.chance(0.05)) return choices.many(choices.between(1, 30), () => this.token()).join(' ');
    let tokens = tokensOf(this.valid());
    const isWhole = choices.chance(0.05);
    for (
      let count = isWhole ? 0 : choices.chance(0.6) ? 1 : choices.between(1, MUTATIONS_MAX);
      count > 0;
      count--
    )
      tokens = this.mutated(tokens);
    const text = tokens.join('');
    return choices.chance(0.1) ? this.withBrokenCharacters(text) : text;
  }

  private valid(): string {
    return this.choices.chance(0.6) ? this.choices.pick(VALID_STATEMENTS) : this.generate();
  }

  private token(): string {
    return this.choices.pick(this.choices.chance(0.5) ? NASTY_TOKENS : this.tokens);
  }

  private mutated(tokens: readonly string[]): string[] {
    const { choices } = this;
    const at = choices.below(Math.max(1, tokens.length));
    const end = Math.min(tokens.length, at + choices.between(1, 6));
    const [before, middle, after] = [tokens.slice(0, at), tokens.slice(at, end), tokens.slice(end)];
    return choices.oneOf<string[]>([
      () => [...before, ...after],
      () => [...before, ...middle, ' ', ...middle, ...after],
      () => [...before, this.token(), ...tokens.slice(at + 1)],
      () => [...before, this.token(), ...tokens.slice(at + 1)],
      () => [...before, ' ', this.token(), ' ', ...tokens.slice(at)],
      () => [...before, '(', ...middle, ')', ...after],
      () => [...before, ...middle.reverse(), ...after],
      () => [...before, ...tokensOf(this.valid()).slice(choices.below(20))],
      () => [...before, '(', this.valid().replace(/;$/, ''), ')', ...after],
      () => [...before],
      () => [...before, ...this.anotherNumber(middle), ...after],
      () => [
        ...before,
        ...Array.from({ length: choices.between(2, 40) }, () => `${middle.join('')} `),
        ...after,
      ],
    ]);
  }

  private anotherNumber(tokens: readonly string[]): string[] {
    const numbers = NASTY_TOKENS.filter((token) => /^-?[\d.]/.test(token));
    return tokens.map((token) => (/^\d/.test(token) ? this.choices.pick(numbers) : token));
  }

  private withBrokenCharacters(text: string): string {
    const { choices } = this;
    const at = choices.below(text.length + 1);
    const inserted = String.fromCodePoint(
      choices.pick([0, 9, 39, 34, 36, 92, 0xa0, 0xd800, 0xdfff, 0xfeff, 0x1f600, 0x10ffff]),
    );
    return text.slice(0, at) + inserted + text.slice(at + choices.below(2));
  }

  private randomText(): string {
    const { choices } = this;
    const limit = choices.pick([0x80, 0x100, 0x10000]);
    return choices
      .many(choices.below(RANDOM_LENGTH_MAX), () => String.fromCharCode(choices.below(limit)))
      .join('');
  }
}

const tokensOf = (text: string): string[] => text.match(TOKEN) ?? [];
