/**
 * The kinds of configuration keys: functions that make the zod schema of one key and attach what documents and
 * messages say about it. schema.ts puts them together.
 */
import { z } from 'zod';
import { parseNetwork } from '../base/ip-address.js';

/** How a key's value is read from an environment variable and named in messages. */
export type KeyKind = 'integer' | 'boolean' | 'string' | 'choice' | 'boolean-or-choice' | 'list';

export interface KeyMeta {
  readonly kind: KeyKind;
  /** One line: what it does and what it costs. */
  readonly description: string;
  /** The accepted values in words; completes the sentence "must be …". */
  readonly allowed: string;
  /** The words among the accepted values, for suggestions. */
  readonly choices: readonly string[];
  /** Whether PATCH /admin/config takes effect at once; otherwise at the next start. */
  readonly isLive: boolean;
  /** Whether its value is shown to nobody: see shown-config.ts. */
  readonly isSecret: boolean;
  /** Set when the key is accepted but changing it has no effect in this release: why. */
  readonly inactiveBecause?: string;
}

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const GIB = 1024 * MIB;

/** `67108864` → `64 MiB`; null when the value is no whole number of KiB. */
export function binarySize(bytes: number): string | null {
  if (bytes < KIB || bytes % KIB !== 0) return null;
  if (bytes % GIB === 0) return `${bytes / GIB} GiB`;
  return bytes % MIB === 0 ? `${bytes / MIB} MiB` : `${bytes / KIB} KiB`;
}

/** What every key's schema carries; the extra index signature is zod's. */
export function meta(
  key: Omit<KeyMeta, 'choices' | 'isLive' | 'isSecret'> & { choices?: readonly string[] },
): KeyMeta & { [name: string]: unknown } {
  return { choices: [], isLive: false, isSecret: false, ...key };
}

/** A key that can be changed while the server runs: see runtime/config-control.ts. */
export function live<Schema extends z.ZodType>(schema: Schema): Schema {
  return schema.meta({ ...schema.meta(), isLive: true }) as Schema;
}

/** A key whose value opens something, and not the name of a file or a variable that has it. */
export function secret<Schema extends z.ZodType>(schema: Schema): Schema {
  return schema.meta({ ...schema.meta(), isSecret: true }) as Schema;
}

interface IntegerOptions {
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly unit?: 'bytes' | 'bytes/s' | 'requests/s' | 'ms' | 'µs' | 'min';
  readonly powerOfTwo?: true;
  readonly inactiveBecause?: string;
}

function integerAllowed({ min, max, unit, powerOfTwo }: IntegerOptions): string {
  const sized = (value: number): string => {
    const size = unit?.startsWith('bytes') ? binarySize(value) : null;
    return size === null ? String(value) : `${value} (${size})`;
  };
  const suffix = unit === undefined ? '' : ` ${unit}`;
  return `${powerOfTwo ? 'a power of two' : 'a whole number'} from ${sized(min)} to ${sized(max)}${suffix}`;
}

export function integer(options: IntegerOptions, description: string) {
  const { inactiveBecause, powerOfTwo } = options;
  return z
    .int()
    .min(options.min)
    .max(options.max)
    .refine((value) => !powerOfTwo || Number.isInteger(Math.log2(value)))
    .default(options.default)
    .meta(meta({ kind: 'integer', description, allowed: integerAllowed(options), inactiveBecause }));
}

export function flag(value: boolean, description: string, inactiveBecause?: string) {
  return z
    .boolean()
    .default(value)
    .meta(meta({ kind: 'boolean', description, allowed: 'true or false', inactiveBecause }));
}

const quotedList = (words: readonly string[]): string => words.map((word) => JSON.stringify(word)).join(', ');

export function choice<const Words extends readonly [string, ...string[]]>(
  choices: Words,
  value: NoInfer<Words[number]>,
  description: string,
) {
  const words = z.enum(choices as readonly [Words[number], ...Words[number][]]);
  return words
    .default(value as z.util.NoUndefined<z.output<typeof words>>)
    .meta(meta({ kind: 'choice', description, allowed: `one of ${quotedList(choices)}`, choices }));
}

export function text(value: string, options: { empty: boolean }, description: string) {
  return z
    .string()
    .min(options.empty ? 0 : 1)
    .max(4096)
    .refine((given) => !given.includes('\0'))
    .default(value)
    .meta(
      meta({ kind: 'string', description, allowed: options.empty ? 'a text' : 'a text that is not empty' }),
    );
}

const NETWORKS_MAX = 1000;

/** Addresses and networks; none that is everybody. */
export function networks(description: string) {
  const isFine = (given: string): boolean => {
    const network = parseNetwork(given);
    return network !== undefined && network.bits !== 0;
  };
  const allowed = `a list of at most ${NETWORKS_MAX} addresses and networks, as in ["192.0.2.7", "2001:db8::/32"]; /0 is refused`;
  return z
    .array(z.string().refine(isFine))
    .max(NETWORKS_MAX)
    .default([])
    .meta(meta({ kind: 'list', description, allowed }));
}
