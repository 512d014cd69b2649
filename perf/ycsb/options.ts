/** The command line of the YCSB harness, and the memory that it gives the server. */
import { defaultShardCount } from '../../src/config/shard-count.js';
import {
  FlagReader,
  OUTPUT_FLAGS,
  OUTPUT_USAGE,
  type OutputOptions,
  outputOptions,
  parseFlags,
  SEED_BOUNDS,
} from '../flags.js';
import { COUNT_MAX } from './fnv.js';
import { TRANSPORTS, type Transport } from './load.js';
import { STORED_BYTES } from './records.js';
import { CORE_WORKLOADS, type CoreWorkload } from './workloads.js';

/** Of the server, in bytes; sizes of memtables are per shard. */
export interface ServerMemory {
  readonly memtableBytes: number;
  readonly memtables: number;
  readonly blockCacheBytes: number;
  readonly rowCacheBytes: number;
}

export interface YcsbOptions extends OutputOptions {
  readonly records: number;
  /** Of each workload on each transport, after the warm-up. */
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly workloads: readonly CoreWorkload[];
  readonly transports: readonly Transport[];
  readonly connections: number;
  readonly wsConnections: number;
  readonly frameOperations: number;
  readonly window: number;
  /** The write-pause probe; 0 seconds leaves it out. */
  readonly pauseSeconds: number;
  readonly pauseRate: number;
  readonly memory: ServerMemory;
  readonly seed: number;
}

/** Data are at least this many times as large as memtables and caches together. */
export const DATA_SHARE_MIN = 4;

export const YCSB_USAGE = `Usage: npm run perf:ycsb -- [options]

Runs the YCSB core workloads against a server whose memory is a quarter of its data, then a write-pause probe.

  --records N         records of 10 fields of 100 bytes (1000000)
  --seconds N         length of each workload on each transport (10)
  --warm-up N         seconds of load before that do not count (2)
  --workloads LIST    of A,B,C,D,E,F
  --transport LIST    of ${TRANSPORTS.join(',')}
  --connections N     HTTP connections, one operation under way on each (64)
  --ws-connections N  WebSocket connections (8)
  --window N          lanes per WebSocket connection, one group of operations under way on each (4)
  --frame-operations N  operations in a group (16)
  --pause-seconds N   length of the write-pause probe, 0 for none (20)
  --pause-rate N      its durable PUTs per second (1000)
  --block-cache-mib N, --row-cache-mib N, --memtable-mib N, --memtables N
                      memory of the server (together a quarter of the data)
  --seed N            of data and choices (1)
${OUTPUT_USAGE}`;

const FLAGS = {
  records: { type: 'string' },
  seconds: { type: 'string' },
  'warm-up': { type: 'string' },
  workloads: { type: 'string' },
  transport: { type: 'string' },
  connections: { type: 'string' },
  'ws-connections': { type: 'string' },
  window: { type: 'string' },
  'frame-operations': { type: 'string' },
  'pause-seconds': { type: 'string' },
  'pause-rate': { type: 'string' },
  'block-cache-mib': { type: 'string' },
  'row-cache-mib': { type: 'string' },
  'memtable-mib': { type: 'string' },
  memtables: { type: 'string' },
  seed: { type: 'string' },
  ...OUTPUT_FLAGS,
} as const;

const MIB = 2 ** 20;
/** How a quarter of the data is divided. */
const BLOCK_CACHE_SHARE = 0.5;
const ROW_CACHE_SHARE = 0.125;
const MEMTABLES_SHARE = 0.375;
const MEMTABLES = 4;
const MIB_MAX = 1024 * 1024;

/** Undefined when the caller asked for help. */
export function parseYcsbOptions(args: readonly string[]): YcsbOptions | undefined {
  const values = parseFlags(args, FLAGS);
  if (values.help) return undefined;
  const flags = new FlagReader(values);
  const records = flags.whole('records', { normal: 1_000_000, smoke: 500, min: 1, max: COUNT_MAX / 2 });
  return {
    records,
    seconds: flags.number('seconds', { normal: 10, smoke: 0.4, min: 0.1, max: 3600 }),
    warmUpSeconds: flags.number('warm-up', { normal: 2, smoke: 0, min: 0, max: 600 }),
    workloads: flags.list('workloads', CORE_WORKLOADS),
    transports: flags.list('transport', TRANSPORTS),
    connections: flags.whole('connections', { normal: 64, smoke: 8, min: 1, max: 10_000 }),
    wsConnections: flags.whole('ws-connections', { normal: 8, smoke: 2, min: 1, max: 10_000 }),
    frameOperations: flags.whole('frame-operations', { normal: 16, min: 1, max: 10_000 }),
    window: flags.whole('window', { normal: 4, smoke: 2, min: 1, max: 1000 }),
    pauseSeconds: flags.number('pause-seconds', { normal: 20, smoke: 0.5, min: 0, max: 3600 }),
    pauseRate: flags.number('pause-rate', { normal: 1000, smoke: 200, min: 1, max: 1_000_000 }),
    memory: memoryOf(flags, records),
    seed: flags.whole('seed', SEED_BOUNDS),
    ...outputOptions(values),
  };
}

function memoryOf(flags: FlagReader, records: number): ServerMemory {
  const budget = dataBytesOf(records) / DATA_SHARE_MIN;
  const inMib = (flag: string, bytes: number, smoke: number): number => {
    const normal = Math.max(1, Math.floor(bytes / MIB));
    return flags.whole(flag, { normal, smoke, min: 1, max: MIB_MAX }) * MIB;
  };
  const memtables = flags.whole('memtables', { normal: MEMTABLES, smoke: 32, min: 2, max: 1024 });
  // A smoke run's data would fit into the smallest memtable; it must not fill the chain of a server without SSTables.
  return {
    memtables,
    memtableBytes: inMib('memtable-mib', (budget * MEMTABLES_SHARE) / (memtables * defaultShardCount()), 16),
    blockCacheBytes: inMib('block-cache-mib', budget * BLOCK_CACHE_SHARE, 1),
    rowCacheBytes: inMib('row-cache-mib', budget * ROW_CACHE_SHARE, 1),
  };
}

/** What the records are in a store, uncompressed. */
export function dataBytesOf(records: number): number {
  return records * STORED_BYTES;
}

/** Memtables of all shards and caches, in bytes. */
export function memoryBytesOf({
  memtableBytes,
  memtables,
  blockCacheBytes,
  rowCacheBytes,
}: ServerMemory): number {
  return memtableBytes * memtables * defaultShardCount() + blockCacheBytes + rowCacheBytes;
}

/** The configuration file of the server that is measured. */
export function configOf(memory: ServerMemory): string {
  return [
    '[memory]',
    `memtable_size = ${memory.memtableBytes}`,
    `memtables_max = ${memory.memtables}`,
    `block_cache_size = ${memory.blockCacheBytes}`,
    `row_cache_size = ${memory.rowCacheBytes}`,
    '',
  ].join('\n');
}
