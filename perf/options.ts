/** The command line of the harness. */
import { DOCUMENT_BYTES_MIN, KEYS_MAX } from './documents.js';
import { MEASUREMENTS, type Measurement } from './figures.js';
import {
  FlagReader,
  OUTPUT_FLAGS,
  type OutputOptions,
  outputOptions,
  parseFlags,
  UsageError,
} from './flags.js';

export const PROFILES = ['get', 'put', 'wsget', 'wsput'] as const;
export type Profile = (typeof PROFILES)[number];

export interface Options extends OutputOptions {
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
  readonly profile: Profile | undefined;
}

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
  ...OUTPUT_FLAGS,
} as const;

/** Undefined when the caller asked for help. */
export function parseOptions(args: readonly string[]): Options | undefined {
  const values = parseFlags(args, FLAGS);
  if (values.help) return undefined;
  const { smoke } = values;
  const flags = new FlagReader(values);
  const profile = flags.choice('profile', PROFILES);
  const connections = flags.whole('connections', { normal: 64, smoke: 8, min: 1, max: 10_000 });
  const wrkThreads = flags.whole('wrk-threads', { normal: 1, min: 1, max: 64 });
  if (wrkThreads > connections) throw new UsageError('--wrk-threads cannot be more than --connections');
  return {
    rounds: flags.whole('rounds', { normal: 3, smoke: 1, min: 1, max: 100 }),
    seconds: flags.number('seconds', {
      normal: profile === undefined ? 3 : 10,
      smoke: 1,
      min: 0.1,
      max: 600,
    }),
    warmUpSeconds: flags.number('warm-up', { normal: 1, smoke: 0, min: 0, max: 60 }),
    idleSeconds: smoke ? 0.5 : 5,
    limitSeconds: flags.number('limit-seconds', { normal: 175, min: 1, max: 86_400 }),
    connections,
    wrkThreads,
    keys: flags.whole('keys', { normal: 100_000, smoke: 1000, min: 1, max: KEYS_MAX }),
    documentBytes: flags.whole('document-bytes', { normal: 150, min: DOCUMENT_BYTES_MIN, max: 100_000 }),
    frameOperations: flags.whole('frame-operations', { normal: 64, smoke: 16, min: 1, max: 10_000 }),
    window: flags.whole('window', { normal: 2, min: 1, max: 64 }),
    only: flags.list('only', MEASUREMENTS),
    ...outputOptions(values),
    profile,
  };
}
