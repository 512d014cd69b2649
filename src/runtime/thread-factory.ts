/**
 * Starts the threads of fronts and shards: what each is given, and what it may call on the main thread. Knows nothing of
 * when a thread is started or what follows from its end. Main thread only.
 */
import { availableParallelism } from 'node:os';
import type { Logger } from 'pino';
import type { SecuritySnapshot } from '../auth/authenticator.js';
import type { DatabaseTimeBase } from '../base/database-clock.js';
import type { BlockCacheBuffers } from '../cache/block-cache-format.js';
import type { Config } from '../config/schema.js';
import { parseDurability } from '../front/durability.js';
import type { IndexDefinition } from '../indexes/definition.js';
import { BATCH_BYTES_MAX } from '../ipc/link.js';
import { Pulse } from '../shm/pulse.js';
import type { RetainedOperations } from '../wal/writer.js';
import type { BoundSchema } from './bound-schema.js';
import { frontSettings } from './front-settings.js';
import type { FrontSlot } from './front-slot.js';
import type { FrontControl, FrontHost, FrontThreadData } from './front-thread.js';
import type { ShardReadBuffers } from './shard-read-buffers.js';
import type { ShardSlot } from './shard-slot.js';
import type { ShardControl, ShardHost, ShardThreadData } from './shard-thread.js';
import { shardTuning } from './shard-tuning.js';
import { ThreadHandle } from './thread-handle.js';
import { tlsFiles } from './tls-files.js';
import { FRONT_WORKER, SHARD_WORKER } from './worker-paths.js';

const SPINNING_CORES_MIN = 4;
const SPIN_US_DEFAULT = 20;

export interface ThreadFactoryOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly timeBase: DatabaseTimeBase;
  /** Whether writes are taken at all: shm/read-only-format.ts. */
  readonly readOnly: SharedArrayBuffer;
  /** The control plane that fronts call. */
  readonly frontHost: Omit<FrontHost, 'log'>;
  /** Numbers of dropped collections whose documents may still be on disk. */
  readonly droppedCollections: () => readonly number[];
  /** Of all collections and states. */
  readonly indexes: () => readonly IndexDefinition[];
  readonly schemas: () => readonly BoundSchema[];
  /** A shard or its compactor has run out of disk space. May be called often. */
  readonly onDiskFull: () => void;
  /** One row cache of this size for each front, in bytes. */
  readonly rowCacheBytesPerFront: number;
  /** Read what can be read, write nothing. */
  readonly recoveryMode: boolean;
  /** Counts uses of indexes: shm/index-usage.ts. */
  readonly indexUsage: SharedArrayBuffer;
  /** What a shard must keep of its log for the WAL stream. */
  readonly retainedLog: (shard: number) => RetainedOperations | undefined;
  /** Who may do what, as of now. */
  readonly security: () => SecuritySnapshot;
}

/** Made by the supervisor, shared by all threads. */
export interface SharedBuffers {
  readonly seqnos: SharedArrayBuffer;
  readonly blockCache: BlockCacheBuffers;
}

export class ThreadFactory {
  constructor(
    private readonly options: ThreadFactoryOptions,
    private readonly shared: SharedBuffers,
  ) {}

  spawnFront(slot: FrontSlot, shards: readonly ShardSlot[]): ThreadHandle<FrontControl> {
    const { config, timeBase, readOnly, recoveryMode, rowCacheBytesPerFront } = this.options;
    const { server } = config;
    slot.renew();
    const data: Omit<FrontThreadData, 'controlPort' | 'hostPort'> = {
      front: slot.front,
      shards: shards.length,
      tableDirectories: shards.map(({ directories }) => directories.tables),
      ...this.shared,
      rowCacheBytes: rowCacheBytesPerFront,
      doorbell: slot.doorbell,
      stats: slot.stats,
      pulse: slot.pulse,
      pendingWritesMax: server.max_pending_writes,
      batchBytesMax: this.batchBytesMax(),
      inFlightBodyBytesMax: Math.floor(server.max_in_flight_body_bytes / server.front_threads),
      trustedProxies: server.trusted_proxies,
      settings: frontSettings(config),
      timeBase,
      readOnly,
      recoveryMode,
      resultBytesMax: config.query.result_limit,
      indexUsage: this.options.indexUsage,
      security: this.options.security(),
      tls: tlsFiles(config),
    };
    const name = `front-${slot.front}`;
    return new ThreadHandle({ script: FRONT_WORKER, name, data, host: this.frontHost(slot.front) });
  }

  spawnShard(
    slot: ShardSlot,
    doorbell: SharedArrayBuffer,
    buffers: ShardReadBuffers,
  ): ThreadHandle<ShardControl> {
    const { config, timeBase, readOnly, droppedCollections, recoveryMode } = this.options;
    new Pulse(slot.pulse).end();
    const data: Omit<ShardThreadData, 'controlPort' | 'hostPort'> = {
      shard: slot.shard,
      walDirectory: slot.directories.wal,
      tableDirectory: slot.directories.tables,
      segmentBytes: config.wal.segment_size,
      ...buffers,
      ...this.shared,
      doorbell,
      stats: slot.stats,
      pulse: slot.pulse,
      timeBase,
      readOnly,
      recoveryMode,
      tuning: shardTuning(config),
      droppedCollections: droppedCollections(),
      indexes: this.options.indexes(),
      schemas: this.options.schemas(),
      defaultDurability: parseDurability(config.wal.durability) ?? 1,
      groupIntervalMs: config.wal.group_commit_interval_ms,
      onDamage: config.wal.on_damage,
      keepReleasedBytes: config.wal.keep_released,
      retainedLog: this.options.retainedLog(slot.shard),
      spinUs: spinUs(config.sharding.spin_us, availableParallelism()),
    };
    const name = `shard-${slot.shard}`;
    return new ThreadHandle({ script: SHARD_WORKER, name, data, host: this.shardHost(slot), doorbell });
  }

  private frontHost(front: number): FrontHost {
    const { frontHost, logger } = this.options;
    return {
      ...frontHost,
      log: (level, message, fields) => logger[level]({ thread: `front-${front}`, ...fields }, message),
    };
  }

  private shardHost(slot: ShardSlot): ShardHost {
    const { logger, onDiskFull } = this.options;
    return {
      log: (level, message, fields) => logger[level]({ shard: slot.shard, ...fields }, message),
      wantSpare: () => slot.compactor.prepareSpare(),
      wantPages: (_shard, memtable) => slot.compactor.touch(memtable),
      flush: (_shard, job) => slot.compactor.flush(job),
      compact: (_shard, job) => slot.compactor.compact(job),
      onDiskFull,
      onFlushState: (_shard, error) => {
        slot.flushError = error;
      },
      onPoisoned: (_shard, error) => {
        slot.poison = error;
        const message = `shard takes no writes any more: ${error.message}`;
        logger.error({ shard: slot.shard, ...error.details }, message);
      },
    };
  }

  /** A batch must fit into a memtable several times over. */
  private batchBytesMax(): number {
    return Math.min(BATCH_BYTES_MAX, Math.floor(this.options.config.memory.memtable_size / 4));
  }
}

/** Spinning pays only where it takes no core from a front or a client. */
function spinUs(configured: number, cores: number): number {
  if (configured >= 0) return configured;
  return cores >= SPINNING_CORES_MIN ? SPIN_US_DEFAULT : 0;
}
