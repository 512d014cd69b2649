/** The command line of the SQL comparison. */
import {
  FlagReader,
  OUTPUT_FLAGS,
  OUTPUT_USAGE,
  type OutputOptions,
  outputOptions,
  parseFlags,
  SEED_BOUNDS,
  UsageError,
} from '../flags.js';
import { COMPARISON_NAMES, type ComparisonName } from './comparisons.js';
import { DOCUMENTS_MAX, DOCUMENTS_MIN } from './data.js';
import { PEER_NAMES, type PeerName } from './peer.js';
import { missingPostgres } from './postgres-server.js';

export interface SqlOptions extends OutputOptions {
  readonly documents: number;
  readonly rounds: number;
  readonly only: readonly ComparisonName[];
  readonly peers: readonly PeerName[];
  /** Concurrent clients of a point query. */
  readonly clients: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** Executions of an analytic query in a round. */
  readonly repeats: number;
  /** shared_buffers of PostgreSQL; block cache and row cache of LumaDB together. */
  readonly cacheMib: number;
  readonly queryThreads: number;
  /** Of each part of the measure of writers beside a query; 0 leaves it out. */
  readonly putSeconds: number;
  readonly putRate: number;
  readonly seed: number;
  readonly profile: boolean;
}

export const SQL_USAGE = `Usage: npm run perf:sql -- [options]

Compares SQL over documents with PostgreSQL 15 and jsonb: the same data, indexes and statements in one run, in turns.

  --documents N       orders; accounts are a hundredth of them (1000000)
  --rounds N          (3)
  --only LIST         of ${COMPARISON_NAMES.join(',')}
  --peers LIST        of ${PEER_NAMES.join(',')}
  --clients N         concurrent clients of key, equality and range (16)
  --seconds N         length of each of those, on each peer, in each round (3)
  --warm-up N         seconds of load before that do not count (1)
  --repeats N         executions of each other query, on each peer, in each round (3)
  --cache-mib N       shared_buffers; block cache and row cache together (512)
  --query-threads N   LumaDB's [query] threads; 0 is its default (0)
  --put-seconds N     length of each part of the measure of writers beside a query, 0 for none (8)
  --put-rate N        durable PUTs per second of its steady stream (500)
  --seed N            of choices (1)
  --profile           LumaDB only, with V8's CPU profiler in every thread of the server: where the time goes
${OUTPUT_USAGE}`;

const FLAGS = {
  documents: { type: 'string' },
  rounds: { type: 'string' },
  only: { type: 'string' },
  peers: { type: 'string' },
  clients: { type: 'string' },
  seconds: { type: 'string' },
  'warm-up': { type: 'string' },
  repeats: { type: 'string' },
  'cache-mib': { type: 'string' },
  'query-threads': { type: 'string' },
  'put-seconds': { type: 'string' },
  'put-rate': { type: 'string' },
  seed: { type: 'string' },
  profile: { type: 'boolean', default: false },
  ...OUTPUT_FLAGS,
} as const;

/** Undefined when the caller asked for help. */
export function parseSqlOptions(args: readonly string[]): SqlOptions | undefined {
  const values = parseFlags(args, FLAGS);
  if (values.help) return undefined;
  const flags = new FlagReader(values);
  const { profile } = values;
  const output = outputOptions(values);
  return {
    documents: flags.whole('documents', {
      normal: 1_000_000,
      smoke: 3000,
      min: DOCUMENTS_MIN,
      max: DOCUMENTS_MAX,
    }),
    rounds: flags.whole('rounds', { normal: 3, smoke: 1, min: 1, max: 100 }),
    only: flags.list('only', COMPARISON_NAMES),
    peers: profile ? ['lumadb'] : peersOf(flags, values.smoke),
    clients: flags.whole('clients', { normal: 16, smoke: 4, min: 1, max: 90 }),
    seconds: flags.number('seconds', { normal: 3, smoke: 1, min: 0.1, max: 3600 }),
    warmUpSeconds: flags.number('warm-up', { normal: 1, smoke: 0.5, min: 0, max: 600 }),
    repeats: flags.whole('repeats', { normal: 3, smoke: 1, min: 1, max: 1000 }),
    cacheMib: flags.whole('cache-mib', { normal: 512, smoke: 32, min: 4, max: 1024 * 1024 }),
    queryThreads: flags.whole('query-threads', { normal: 0, min: 0, max: 32 }),
    putSeconds: flags.number('put-seconds', { normal: 8, smoke: 0.5, min: 0, max: 3600 }),
    putRate: flags.number('put-rate', { normal: 500, smoke: 100, min: 1, max: 1_000_000 }),
    seed: flags.whole('seed', SEED_BOUNDS),
    profile,
    ...output,
    history: output.history && !profile,
  };
}

/** A smoke run does without PostgreSQL when it is not installed; another run says what is missing. */
function peersOf(flags: FlagReader, isSmoke: boolean): readonly PeerName[] {
  const peers = flags.list('peers', PEER_NAMES);
  const missing = peers.includes('postgres') ? missingPostgres() : undefined;
  if (missing === undefined) return peers;
  if (isSmoke) return ['lumadb'];
  throw new UsageError(`${missing} not found. Without it: --peers lumadb`);
}
