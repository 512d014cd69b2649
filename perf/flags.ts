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

/** Of every harness, to be spread into its own flags. */
export const OUTPUT_FLAGS = {
  json: { type: 'boolean', default: false },
  'no-history': { type: 'boolean', default: false },
  smoke: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

export const OUTPUT_USAGE = `  --json              print the record as JSON
  --no-history        do not append the record to perf/history.ndjson
  --smoke             tiny, to see that everything works; its figures mean nothing
  --help`;

export interface OutputOptions {
  readonly smoke: boolean;
  readonly json: boolean;
  /** Whether the record is kept. That of a smoke run never is. */
  readonly history: boolean;
}

export function outputOptions(values: FlagValues<typeof OUTPUT_FLAGS>): OutputOptions {
  const { smoke, json } = values;
  return { smoke, json, history: !smoke && !values['no-history'] };
}

export const SEED_BOUNDS: Bounds = { normal: 1, min: 0, max: 2 ** 31 - 1 };

export class FlagReader {
  constructor(
    private readonly values: Readonly<Record<string, unknown>> &
      Pick<FlagValues<typeof OUTPUT_FLAGS>, 'smoke'>,
  ) {}

  number(flag: string, { normal, smoke = normal, min, max }: Bounds): number {
    const text = this.values[flag];
    if (text === undefined) return this.values.smoke ? smoke : normal;
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
