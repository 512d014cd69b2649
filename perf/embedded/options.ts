/** The command line of the embedded comparison. */
import {
  FlagReader,
  OUTPUT_FLAGS,
  OUTPUT_USAGE,
  type OutputOptions,
  outputOptions,
  parseFlags,
  SEED_BOUNDS,
} from '../flags.js';
import { VALUE_BYTES_MIN } from './data.js';
import type { StoreSettings } from './embedded-store.js';
import { DEFAULT_ENGINES, ENGINE_NAMES } from './engines.js';

/** What one engine is to do. */
export interface WorkOptions extends StoreSettings {
  readonly documents: number;
  readonly updates: number;
  /** Timed reads of hot keys, and as many of all keys. */
  readonly reads: number;
  readonly coldReads: number;
  /** Keys that count as hot. */
  readonly hotDocuments: number;
  readonly valueBytes: number;
  readonly batchEntries: number;
  readonly seed: number;
}

export interface EmbeddedOptions extends WorkOptions, OutputOptions {
  readonly engines: readonly string[];
  readonly rounds: number;
}

export const EMBEDDED_USAGE = `Usage: npm run perf:embedded -- [options]

Measures storage engines as libraries, in alternating rounds, each in a process of its own.

  --engines LIST      of ${ENGINE_NAMES.join(',')} (${DEFAULT_ENGINES.join(',')})
  --rounds N          rounds of all engines (1)
  --documents N       documents (1000000)
  --large             5000000 documents
  --updates N         random overwrites (5000000)
  --reads N           reads of hot keys, and of all keys (500000)
  --cold-reads N      reads after the page cache was dropped (20000)
  --value-bytes N     size of a document (150)
  --batch N           puts in a batch (500)
  --cache-mib N       block cache of every engine that has one (64)
  --write-buffer-mib N  memtable of engines with "-tuned" (64)
  --seed N            of data, order and choice of keys (1)
${OUTPUT_USAGE}`;

const FLAGS = {
  engines: { type: 'string' },
  rounds: { type: 'string' },
  documents: { type: 'string' },
  large: { type: 'boolean', default: false },
  updates: { type: 'string' },
  reads: { type: 'string' },
  'cold-reads': { type: 'string' },
  'value-bytes': { type: 'string' },
  batch: { type: 'string' },
  'cache-mib': { type: 'string' },
  'write-buffer-mib': { type: 'string' },
  seed: { type: 'string' },
  ...OUTPUT_FLAGS,
} as const;

const MIB = 2 ** 20;
const HOT_DOCUMENTS = 20_000;
const COUNT_MAX = 1_000_000_000;

/** Undefined when the caller asked for help. */
export function parseEmbeddedOptions(args: readonly string[]): EmbeddedOptions | undefined {
  const values = parseFlags(args, FLAGS);
  if (values.help) return undefined;
  const flags = new FlagReader(values);
  const count = (flag: string, normal: number, small: number): number =>
    flags.whole(flag, { normal, smoke: small, min: 1, max: COUNT_MAX });
  const documents = count('documents', values.large ? 5_000_000 : 1_000_000, 5000);
  return {
    engines: values.engines === undefined ? DEFAULT_ENGINES : flags.list('engines', ENGINE_NAMES),
    rounds: flags.whole('rounds', { normal: 1, min: 1, max: 100 }),
    documents,
    updates: count('updates', 5_000_000, 10_000),
    reads: count('reads', 500_000, 5000),
    coldReads: count('cold-reads', 20_000, 500),
    hotDocuments: Math.min(documents, HOT_DOCUMENTS),
    valueBytes: flags.whole('value-bytes', { normal: 150, min: VALUE_BYTES_MIN, max: 100_000 }),
    batchEntries: flags.whole('batch', { normal: 500, min: 1, max: 10_000 }),
    cacheBytes: flags.whole('cache-mib', { normal: 64, smoke: 8, min: 1, max: 65_536 }) * MIB,
    writeBufferBytes: flags.whole('write-buffer-mib', { normal: 64, smoke: 4, min: 1, max: 1024 }) * MIB,
    seed: flags.whole('seed', SEED_BOUNDS),
    ...outputOptions(values),
  };
}
