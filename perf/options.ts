/** The command line of the harness. */
import { parseArgs } from 'node:util';
import { DOCUMENT_BYTES_MIN, KEYS_MAX } from './documents.js';
import { MEASUREMENTS, type Measurement } from './figures.js';

export const PROFILES = ['get', 'put', 'wsget', 'wsput'] as const;
export type Profile = (typeof PROFILES)[number];

export interface Options {
  readonly rounds: number;
  /** Of each measurement. wrk knows whole seconds only: what it measures is rounded up. */
  readonly seconds: number;
  /** Load before each measurement that is not counted: caches fill, the compiler does its work. */
  readonly warmUpSeconds: number;
  readonly idleSeconds: number;
  /** No round begins that would end later than this after the start, judged by the longest one before it. */
  readonly limitSeconds: number;
  readonly connections: number;
  readonly wrkThreads: number;
  readonly keys: number;
  readonly documentBytes: number;
  /** WebSocket: operations in a frame, and frames under way per connection. */
  readonly frameOperations: number;
  readonly window: number;
  readonly only: readonly Measurement[];
  readonly json: boolean;
  readonly smoke: boolean;
  readonly history: boolean;
  readonly profile: Profile | undefined;
}

/** Something the caller can put right; shown without a stack. */
export class UsageError extends Error {}

export const USAGE = `Usage: npm run perf -- [options]

Measures LumaDB against a bare uWebSockets.js handler and against Redis, in alternating rounds.

  --rounds N          rounds of all measurements (3)
  --seconds N         length of each measurement (3)
  --warm-up N         seconds of load before each measurement that do not count (1)
  --limit-seconds N   no further round begins that would make the run longer than this (175)
  --connections N     client connections (64)
  --wrk-threads N     threads of wrk (1)
  --keys N            documents (100000)
  --document-bytes N  size of a document as it is sent (150)
  --frame-operations N  WebSocket: operations in a frame (64)
  --window N          WebSocket: frames under way per connection (2)
  --only LIST         of ${MEASUREMENTS.join(',')}
  --json              print the record as JSON
  --no-history        do not append the record to perf/history.ndjson
  --smoke             one tiny round, to see that everything works; its figures mean nothing
  --profile WHAT      run one of ${PROFILES.join(', ')} under the CPU profiler instead
  --help`;

const FLAGS = {
  rounds: { type: 'string' },
  seconds: { type: 'string' },
  'warm-up': { type: 'string' },
  'limit-seconds': { type: 'string' },
  connections: { type: 'string' },
  'wrk-threads': { type: 'string' },
  keys: { type: 'string' },
  'document-bytes': { type: 'string' },
  'frame-operations': { type: 'string' },
  window: { type: 'string' },
  only: { type: 'string' },
  profile: { type: 'string' },
  json: { type: 'boolean', default: false },
  'no-history': { type: 'boolean', default: false },
  smoke: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

function valuesOf(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: FLAGS, allowPositionals: false }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function oneOf<T extends string>(flag: string, text: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === text);
  if (found === undefined) throw new UsageError(`--${flag} can be ${choices.join(', ')}, not "${text}"`);
  return found;
}

/** Undefined when the caller asked for help. */
export function parseOptions(args: readonly string[]): Options | undefined {
  const values = valuesOf(args);
  if (values.help) return undefined;
  const { smoke } = values;
  const number = (
    flag: keyof typeof FLAGS,
    normal: number,
    small: number,
    min: number,
    max: number,
  ): number => {
    const text = values[flag];
    if (text === undefined) return smoke ? small : normal;
    const value = Number(text);
    if (!(value >= min && value <= max))
      throw new UsageError(`--${flag} must be from ${min} to ${max}, not "${text}"`);
    return value;
  };
  const whole = (...given: Parameters<typeof number>): number => {
    const value = number(...given);
    if (!Number.isInteger(value)) throw new UsageError(`--${given[0]} must be a whole number`);
    return value;
  };
  const only = values.only?.split(',').map((name) => oneOf('only', name, MEASUREMENTS));
  const profile = values.profile === undefined ? undefined : oneOf('profile', values.profile, PROFILES);
  const connections = whole('connections', 64, 8, 1, 10_000);
  const wrkThreads = whole('wrk-threads', 1, 1, 1, 64);
  if (wrkThreads > connections) throw new UsageError('--wrk-threads cannot be more than --connections');
  return {
    rounds: whole('rounds', 3, 1, 1, 100),
    seconds: number('seconds', profile === undefined ? 3 : 10, 0.3, 0.1, 600),
    warmUpSeconds: number('warm-up', 1, 0, 0, 60),
    idleSeconds: smoke ? 0.5 : 5,
    limitSeconds: number('limit-seconds', 175, 175, 1, 86_400),
    connections,
    wrkThreads,
    keys: whole('keys', 100_000, 1000, 1, KEYS_MAX),
    documentBytes: whole('document-bytes', 150, 150, DOCUMENT_BYTES_MIN, 100_000),
    frameOperations: whole('frame-operations', 64, 16, 1, 10_000),
    window: whole('window', 2, 2, 1, 64),
    only: only ?? MEASUREMENTS,
    json: values.json,
    smoke,
    history: !smoke && !values['no-history'],
    profile,
  };
}
