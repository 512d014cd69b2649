/** Flags of the harnesses: numbers within bounds, and choices. What is wrong is said by the flag's name. */
import { parseArgs } from 'node:util';

/** Something the caller can put right; shown without a stack. */
export class UsageError extends Error {}

export interface Bounds {
  readonly normal: number;
  /** The default of smoke runs; `normal` when there is none. */
  readonly smoke?: number;
  readonly min: number;
  readonly max: number;
}

export type FlagTable = Readonly<
  Record<string, { readonly type: 'string' } | { readonly type: 'boolean'; readonly default: boolean }>
>;
export type FlagValues<T extends FlagTable> = {
  readonly [Flag in keyof T]: T[Flag]['type'] extends 'boolean' ? boolean : string | undefined;
};

/** node:util's parseArgs without positionals, with its complaints as UsageErrors. */
export function parseFlags<T extends FlagTable>(args: readonly string[], options: T): FlagValues<T> {
  try {
    // As a FlagTable, or the type of the result is one that TypeScript cannot compare. Every boolean flag has a default,
    // so that only texts can be missing.
    const config: { args: string[]; options: FlagTable } = { args: [...args], options };
    const values: unknown = parseArgs({ ...config, allowPositionals: false }).values;
    return values as FlagValues<T>;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

export class FlagReader {
  constructor(
    private readonly values: Readonly<Record<string, unknown>>,
    private readonly smoke: boolean,
  ) {}

  number(flag: string, { normal, smoke = normal, min, max }: Bounds): number {
    const text = this.values[flag];
    if (text === undefined) return this.smoke ? smoke : normal;
    const value = Number(text);
    if (!(value >= min && value <= max))
      throw new UsageError(`--${flag} must be from ${min} to ${max}, not "${text}"`);
    return value;
  }

  whole(flag: string, bounds: Bounds): number {
    const value = this.number(flag, bounds);
    if (!Number.isInteger(value)) throw new UsageError(`--${flag} must be a whole number`);
    return value;
  }

  choice<T extends string>(flag: string, choices: readonly T[]): T | undefined {
    const text = this.values[flag];
    return text === undefined ? undefined : oneOf(flag, String(text), choices);
  }

  /** Some of `choices`, separated by commas; all of them by default. In the order of `choices`, each once. */
  list<T extends string>(flag: string, choices: readonly T[]): readonly T[] {
    const text = this.values[flag];
    if (text === undefined) return choices;
    const chosen = new Set(
      String(text)
        .split(',')
        .map((name) => oneOf(flag, name, choices)),
    );
    return choices.filter((name) => chosen.has(name));
  }
}

function oneOf<T extends string>(flag: string, text: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === text);
  if (found === undefined) throw new UsageError(`--${flag} can be ${choices.join(', ')}, not "${text}"`);
  return found;
}
