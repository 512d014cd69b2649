/**
 * The configuration: one zod schema from which defaults, descriptions, limits, environment names, validation and
 * the reference documents all come. Only the process's main thread reads it; every module below is handed its own
 * narrow options. Keys are written as in config.toml, in snake_case.
 */
import { z } from 'zod';
import { backup, backupS3, backupSchedule, walStream } from './backup-sections.js';
import { choice, flag, GIB, integer, type KeyMeta, KIB, live, MIB, meta, networks, text } from './keys.js';
import { SHARDS_MAX } from './shard-count.js';

const TIB = 1024 * GIB;

/** Why mmap is not offered: the one thing that a description of a key has no room for. */
const MMAP_REFUSED =
  'SSTables are read with pread through the page cache of the system and a block cache of its own, because a disk ' +
  'error under a mapped page would end the process, where pread fails one request and names the file';

const server = z
  .strictObject({
    host: text(
      '127.0.0.1',
      { empty: false },
      'Address to listen on. Beyond loopback every caller must log in, so there must be a user first (`lumadb user create`).',
    ),
    port: integer(
      { default: 8080, min: 0, max: 65535 },
      'Port for HTTP, WebSocket, admin and /metrics; 0 picks a free one and announces it in the data directory.',
    ),
    front_threads: integer(
      { default: 1, min: 1, max: 64 },
      'Threads that own client sockets. Each takes up to one core, and two rings of memory per shard.',
    ),
    max_connections: live(
      integer(
        { default: 20_000, min: 1, max: 1_000_000 },
        'Open client connections; more are refused. Each costs a file descriptor (see `ulimit -n`) and some KiB.',
      ),
    ),
    auto_create_collections: live(
      flag(
        true,
        'Whether a write to an unknown collection creates it. Off, a misspelt name is an error, not a new collection.',
      ),
    ),
    max_in_flight_body_bytes: integer(
      { default: 256 * MIB, min: 32 * MIB, max: 16 * GIB, unit: 'bytes' },
      'Request bodies held in memory while they arrive; above it new ones get 503. Worst case costs that much memory.',
    ),
    max_pending_writes: integer(
      { default: 65_536, min: 1, max: 16_777_216 },
      'Writes of one front thread that wait for their shard; above it new ones get 503. Each keeps its document in memory.',
    ),
    drain_timeout_ms: live(
      integer(
        { default: 60_000, min: 0, max: 3_600_000, unit: 'ms' },
        'How long SIGTERM lets running requests finish before they are cut off. Longer makes restarts slower.',
      ),
    ),
    trusted_proxies: networks(
      'Proxies whose X-Forwarded-For names the client, for lockouts, limits, blocked addresses and logs. With any, "auto" demands logins. Costs some µs a request.',
    ),
    insecure: flag(
      false,
      'Allows listening beyond loopback without users. Costs all protection: anyone who reaches the port owns the data.',
    ),
  })
  .prefault({})
  .describe('The network front.');

const storage = z
  .strictObject({
    data_dir: text(
      './data',
      { empty: false },
      'Directory that holds all data; relative to where the process starts. The disk under it sets the speed of writes.',
    ),
    block_size: integer(
      { default: 4 * KIB, min: KIB, max: 64 * KIB, unit: 'bytes' },
      'Size of an SSTable block before compression. Larger compresses better and scans faster, costs point reads.',
    ),
    compression: choice(
      ['lz4', 'none'],
      'lz4',
      'Compression of all levels but the last. "none" saves a little CPU a block, costs about twice the disk.',
    ),
    compression_last_level: choice(
      ['zstd', 'lz4', 'none'],
      'zstd',
      'Compression of the last level, where most data is. "zstd" takes the least disk, costs CPU in compactions and cold reads.',
    ),
    reserve_size: integer(
      { default: 64 * MIB, min: 0, max: TIB, unit: 'bytes' },
      'Disk space held back in a file and released when the disk is full, so that deletes and compaction go on; 0 = none.',
    ),
    read_only_free_bytes: live(
      integer(
        { default: 256 * MIB, min: 0, max: TIB, unit: 'bytes' },
        'Free disk space below which writes other than deletes are refused, until a quarter more is free. Costs that space.',
      ),
    ),
    disk_check_interval_ms: integer(
      { default: 1000, min: 10, max: 3_600_000, unit: 'ms' },
      'How often the free space is looked at: one system call. Longer leaves a fast writer more time to fill the disk.',
    ),
  })
  .prefault({})
  .describe('Where data lives.');

const memory = z
  .strictObject({
    memtable_size: integer(
      { default: 64 * MIB, min: MIB, max: GIB, unit: 'bytes' },
      'Size of one memtable (write buffer) of one shard, a SharedArrayBuffer. Memory is taken as it fills.',
    ),
    memtables_max: integer(
      { default: 4, min: 2, max: 1024 },
      'Memtables of one shard: one takes writes, the others wait for their flush. More ride out a slow disk, cost memory.',
    ),
    ring_bytes: integer(
      { default: 64 * MIB, min: 64 * MIB, max: GIB, unit: 'bytes', powerOfTwo: true },
      'Ring that carries writes from one front to one shard. Address space; pages cost memory once large batches touch them.',
    ),
    block_cache_size: integer(
      { default: 512 * MIB, min: 0, max: 1024 * GIB, unit: 'bytes' },
      'Cache of SSTable blocks, shared by all threads. Costs this much memory; too small costs disk reads.',
    ),
    row_cache_size: integer(
      { default: 128 * MIB, min: 0, max: 1024 * GIB, unit: 'bytes' },
      'Cache of documents that live in SSTables, read without a hop. Costs this much memory in all, split among the fronts.',
    ),
    bloom_bits_per_key: integer(
      { default: 10, min: 0, max: 64 },
      'Bloom filter bits per key: 10 gives about 1 % false positives and costs 1.25 bytes of memory a key.',
    ),
    use_mmap: flag(
      false,
      'Would leave caching of SSTables to the page cache of the system. Saves the block cache, costs page faults on reads.',
      MMAP_REFUSED,
    ),
  })
  .prefault({})
  .describe('Memory: memtables, rings and caches.');

const wal = z
  .strictObject({
    durability: choice(
      ['always', 'group', 'os'],
      'always',
      'When a write is acknowledged: after its fdatasync, after a shared one every few ms, or (may lose it) after write().',
    ),
    group_commit_interval_ms: integer(
      { default: 5, min: 1, max: 1000, unit: 'ms' },
      'With durability "group": longest wait for the shared fdatasync. More saves disk flushes, costs latency.',
    ),
    segment_size: integer(
      { default: 64 * MIB, min: MIB, max: GIB, unit: 'bytes' },
      'Size of a preallocated log file. Larger means fewer rotations, more disk kept and a longer recovery.',
    ),
    on_damage: choice(
      ['stop', 'salvage'],
      'stop',
      'Damage in the middle of the log at start: refuse to start, or set the bad part aside, report it and go on without it.',
    ),
    keep_released: integer(
      { default: 0, min: 0, max: 1024 * GIB, unit: 'bytes' },
      'Log files per shard to keep, for lumadb wal archive, after all they hold is in tables. More costs as much disk.',
    ),
  })
  .prefault({})
  .describe('The write-ahead log of each shard.');

const compaction = z
  .strictObject({
    l0_compact: integer(
      { default: 4, min: 1, max: 1000 },
      'Runs in level 0 that start a compaction. Fewer make reads cheaper, cost more rewriting.',
    ),
    l0_slowdown: integer(
      { default: 8, min: 2, max: 1000 },
      'Runs in level 0 from which writes are delayed. More absorb longer bursts, cost reads, which look into each run.',
    ),
    l0_stop: integer(
      { default: 12, min: 3, max: 1000 },
      'Runs in level 0 at which writes get 503 until compaction has caught up. More cost reads, and memory for open tables.',
    ),
    level_base_size: integer(
      { default: 128 * MIB, min: 256 * KIB, max: TIB, unit: 'bytes' },
      'Size of level 1 of one shard. Larger means fewer levels to read, costs more rewriting out of level 0.',
    ),
    level_multiplier: integer(
      { default: 10, min: 2, max: 100 },
      'How many times larger each level is than the one above. Larger means fewer levels to read, costs more rewriting.',
    ),
    table_size: integer(
      { default: 4 * MIB, min: 64 * KIB, max: GIB, unit: 'bytes' },
      'Size at which an SSTable is cut. Smaller makes finer compactions, costs open files and memory for their indexes.',
    ),
    rate_limit: live(
      integer(
        { default: 0, min: 0, max: TIB, unit: 'bytes/s' },
        'Most bytes a second that compactions of one shard write; 0 = no limit. Spares a slow disk, costs stalls if set too low.',
      ),
    ),
    max_job_size: integer(
      { default: 256 * MIB, min: MIB, max: TIB, unit: 'bytes' },
      'Most input of one compaction. Larger rewrites less in all, costs temporary disk space and longer jobs.',
    ),
    expiry_sweep_interval_ms: integer(
      { default: 10_000, min: 10, max: 3_600_000, unit: 'ms' },
      'How often documents that have expired are deleted; readers miss them at once. Shorter costs CPU and log, longer disk.',
    ),
  })
  .prefault({})
  .describe('Merging of SSTables, and removal of expired documents.');

const sharding = z
  .strictObject({
    shards: integer(
      { default: 0, min: 0, max: SHARDS_MAX },
      'Shard threads; 0 means cores − 1, at least 1. Fixed when a data directory is created. Each takes up to one core.',
    ),
    spin_us: integer(
      { default: -1, min: -1, max: 10_000, unit: 'µs' },
      'How long a shard spins for work before it sleeps; -1 means 20 with 4 cores or more, else 0. Saves wake-ups, costs CPU.',
    ),
  })
  .prefault({})
  .describe('How keys are spread over threads.');

export const RBAC_FILE_DEFAULT = '/etc/lumadb/rbac.yaml';

const security = z
  .strictObject({
    require_auth: z
      .union([z.literal('auto'), z.boolean()])
      .default('auto')
      .meta(
        meta({
          kind: 'boolean-or-choice',
          description:
            'Who must log in: "auto" trusts everybody while the server listens on loopback only; true always, false never.',
          allowed: '"auto", true or false',
          choices: ['auto'],
        }),
      ),
    rbac_file: text(
      RBAC_FILE_DEFAULT,
      { empty: false },
      'Roles and their permissions; read again at SIGHUP and when it changes. Without the file the built-in roles hold.',
    ),
    token_ttl_minutes: live(
      integer(
        { default: 720, min: 1, max: 525_600, unit: 'min' },
        'How long a login lasts. Longer is more convenient, and leaves a stolen token good for longer.',
      ),
    ),
    lockout_failures: live(
      integer(
        { default: 5, min: 1, max: 1000 },
        'Failed logins of a user from one address (four times as many of an address) after which both must wait.',
      ),
    ),
    lockout_minutes: live(
      integer(
        { default: 15, min: 1, max: 10_080, unit: 'min' },
        'How long a lockout lasts, and how long failures are remembered. Longer costs people who mistype their patience.',
      ),
    ),
    rate_limit: live(
      integer(
        { default: 0, min: 0, max: 10_000_000, unit: 'requests/s' },
        'Most requests a second of one user (of one address without login); more get 429. 0 = no limit. Split among the fronts.',
      ),
    ),
    tls_cert: text(
      '',
      { empty: true },
      'PEM file of the certificate and its chain. With tls_key the server speaks HTTPS and WSS only; costs CPU per byte.',
    ),
    tls_key: text(
      '',
      { empty: true },
      'PEM file of the private key of tls_cert. Both are read again at SIGHUP.',
    ),
  })
  .prefault({})
  .describe('Who may do what.');

const logging = z
  .strictObject({
    level: live(
      choice(
        ['trace', 'debug', 'info', 'warn', 'error'],
        'info',
        'Least important line that is written. "debug" and "trace" cost throughput and disk.',
      ),
    ),
    format: choice(
      ['text', 'json'],
      'text',
      'Lines for people or one JSON object a line for machines. JSON lines are longer.',
    ),
    directory: text(
      '',
      { empty: true },
      'Directory of the log files; empty means <data_dir>/logs. Costs disk until logs are rotated.',
    ),
    access: live(
      choice(
        ['all', 'errors', 'off'],
        'all',
        'Which HTTP requests get a line in access.log. "all" costs a few percent of the throughput of small requests, and disk.',
      ),
    ),
    stall_ms: live(
      integer(
        { default: 1000, min: 0, max: 3_600_000, unit: 'ms' },
        'How long the event loop of a front, a shard or the main thread may stand still before the log says so; 0 = for ever. Costs four timer ticks a second and thread.',
      ),
    ),
    background_stall_ms: live(
      integer(
        { default: 10_000, min: 0, max: 3_600_000, unit: 'ms' },
        'The same of query and compactor threads, whose statements and flushes run in one piece; 0 = for ever. Short limits cost a warning for each long statement.',
      ),
    ),
    stdout: flag(true, 'Whether the server log also goes to standard output. Costs one more write a line.'),
  })
  .prefault({})
  .describe('Logs.');

const query = z
  .strictObject({
    threads: integer(
      { default: 0, min: 0, max: 32 },
      'Threads that run SQL; 0 is the number of cores less one. Each takes up to one core while a query runs.',
    ),
    queue_max: integer(
      { default: 128, min: 0, max: 100_000 },
      'Queries that wait for a thread; above it new ones get 503. Each waiting one keeps its text and parameters.',
    ),
    timeout_ms: live(
      integer(
        { default: 30_000, min: 1, max: 86_400_000, unit: 'ms' },
        'How long a query may take, waiting included, when the request names no `timeout_ms` of its own.',
      ),
    ),
    memory_limit: integer(
      { default: 256 * MIB, min: MIB, max: 64 * GIB, unit: 'bytes' },
      'Memory one query may hold for sorting, grouping and joining; beyond it the query fails. Times `threads` in the worst case.',
    ),
    result_limit: integer(
      { default: 64 * MIB, min: 64 * KIB, max: GIB, unit: 'bytes' },
      'Largest JSON answer of a query. Larger results need `Accept: application/x-ndjson`, which streams.',
    ),
    slow_ms: live(
      integer(
        { default: 100, min: 0, max: 3_600_000, unit: 'ms' },
        'Queries that take longer are written to slow-query.log and system.slow_queries.',
      ),
    ),
    history_max: integer(
      { default: 10_000, min: 0, max: 1_000_000 },
      'Executions that system.query_stats remembers. Each costs its text twice, up to 20 KB, and 500 bytes.',
    ),
  })
  .prefault({})
  .describe('SQL.');

const cluster = z
  .strictObject({
    node_id: text(
      'node-1',
      { empty: false },
      'Name of this node in /cluster/* and for `lumadb fsck --node`. Costs nothing; several nodes do not exist yet.',
    ),
  })
  .prefault({})
  .describe('Several machines: one node so far.');

/** Key order here is the order of every generated document. A dot stands for a table within a table of the file. */
export const configSchema = z.strictObject({
  server,
  storage,
  memory,
  wal,
  compaction,
  sharding,
  security,
  logging,
  query,
  cluster,
  backup,
  'backup.s3': backupS3,
  'backup.wal_stream': walStream,
  'backup.schedule': backupSchedule,
});

export type Config = z.output<typeof configSchema>;
export type SectionName = keyof Config;
/** Some keys of some sections: what one source (a file, the environment, the command line) says. */
export type ConfigOverrides = { readonly [S in SectionName]?: Partial<Config[S]> };

/** What the value of a key can be. */
export type ConfigValue = string | number | boolean | readonly string[];

export interface KeyInfo extends KeyMeta {
  readonly section: SectionName;
  readonly name: string;
  /** `section.name`. */
  readonly path: string;
  /** `LUMADB_SECTION__NAME`; a dot in the section is an underscore. */
  readonly environment: string;
  readonly default: ConfigValue;
  readonly accepts: (value: unknown) => boolean;
}

export interface SectionInfo {
  readonly name: SectionName;
  readonly description: string;
  readonly keys: readonly KeyInfo[];
}

function describeKey(section: SectionName, name: string, schema: z.ZodType): KeyInfo {
  return {
    // meta() above put exactly a KeyMeta there.
    ...(schema.meta() as unknown as KeyMeta),
    section,
    name,
    path: `${section}.${name}`,
    environment: `LUMADB_${section.toUpperCase().replace('.', '_')}__${name.toUpperCase()}`,
    default: schema.parse(undefined) as ConfigValue,
    accepts: (value) => value !== undefined && schema.safeParse(value).success,
  };
}

/** The schema as plain tables, in the order of the documents. */
export function describeConfig(): readonly SectionInfo[] {
  return Object.entries(configSchema.shape).map(([section, schema]) => {
    const name = section as SectionName;
    const shape = schema.unwrap().shape as Readonly<Record<string, z.ZodType>>;
    const keys = Object.entries(shape).map(([key, keySchema]) => describeKey(name, key, keySchema));
    return { name, description: schema.description ?? '', keys };
  });
}

export const defaultConfig = (): Config =>
  configSchema.parse(Object.fromEntries(Object.keys(configSchema.shape).map((section) => [section, {}])));
