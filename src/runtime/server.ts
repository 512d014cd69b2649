/** Puts a server together and takes it apart again: data directory, catalog, threads, log. Main thread only. */
import { join } from 'node:path';
import { memoryLimitBytes } from '../admin/memory-limit.js';
import { createMetrics } from '../admin/metrics.js';
import {
  healthReport,
  type Report,
  type ServerFacts,
  type ShardReport,
  statusReport,
} from '../admin/reports.js';
import { systemClock } from '../base/clock.js';
import { DbError, toWireError, type WireError } from '../base/errors.js';
import { TTL_UNSET } from '../base/expiry.js';
import { packageVersion } from '../base/version.js';
import { Catalog, type CatalogStore, type Collection } from '../catalog/catalog.js';
import type { Config } from '../config/schema.js';
import type {
  CollectionDescription,
  CollectionInfo,
  ControlAnswer,
  ControlPlane,
  ControlResult,
  ShutdownRequest,
} from '../front/control-plane.js';
import {
  FRONT_CONNECTIONS,
  SHARD_L0_RUNS,
  SHARD_MEMTABLE_BYTES,
  SHARD_MEMTABLES,
  SHARD_SEQNO,
  SHARD_STALL,
  SHARD_TABLE_BYTES,
  SHARD_TABLES,
  SHARD_WAL_DISK_BYTES,
  SHARD_WAL_SEGMENTS,
  STALL_NAMES,
} from '../shm/stats-format.js';
import { RealVfs } from '../vfs/real.js';
import { type DataDirectory, openDataDirectory } from './data-directory.js';
import { DatabaseTimeKeeper } from './database-time-keeper.js';
import { openServerLog, type ServerLog } from './logger.js';
import { type MemoryPlan, planMemory } from './memory-plan.js';
import { systemTimer } from './repeating-timer.js';
import type { RunningServer, ShutdownOptions, StartOptions } from './server-api.js';
import { SpaceKeeper } from './space-keeper.js';
import { Supervisor } from './supervisor.js';

/** uWS reads its limit from the environment when it is loaded: room for a URL with a percent-encoded key of 1 KiB. */
const HTTP_HEADER_BYTES_MAX = 16_384;

export async function startServer(options: StartOptions): Promise<RunningServer> {
  const { config } = options;
  process.env.UWS_HTTP_MAX_HEADERS_SIZE ??= String(HTTP_HEADER_BYTES_MAX);
  const directory = openDataDirectory(config.storage.data_dir, { shards: config.sharding.shards });
  let server: Server | undefined;
  try {
    server = new Server(config, directory, options.recoveryMode ?? false);
    await server.start(options.warnings ?? []);
    return server;
  } catch (error) {
    if (server === undefined) directory.release();
    else await server.abandon();
    throw error;
  }
}

class Server implements RunningServer {
  readonly version = packageVersion();
  readonly shards: number;
  host: string;
  port: number;
  readonly stopped: Promise<number>;
  /** For tests that kill threads. */
  readonly supervisor: Supervisor;
  private readonly catalog: Catalog;
  private readonly log: ServerLog;
  private readonly timeKeeper: DatabaseTimeKeeper;
  private readonly startedMs = systemClock.monotonicMs();
  private readonly memoryLimit = memoryLimitBytes();
  private readonly space: SpaceKeeper;
  private readonly memory: MemoryPlan;
  private readonly metrics: ReturnType<typeof createMetrics>;
  private stopping: Promise<void> | undefined;
  private drainReason: string | null = null;
  private resolveStopped: (code: number) => void = () => {};

  constructor(
    private readonly config: Config,
    private readonly directory: DataDirectory,
    private readonly recoveryMode: boolean,
  ) {
    this.shards = directory.shards;
    this.host = config.server.host;
    this.port = config.server.port;
    this.log = openServerLog(config);
    this.timeKeeper = new DatabaseTimeKeeper({
      vfs: new RealVfs(),
      dataDirectory: directory.path,
      clock: systemClock,
      warn: (fields, message) => this.log.logger.warn(fields, message),
    });
    this.catalog = new Catalog(catalogStore(directory.path), systemClock);
    this.space = new SpaceKeeper({
      storage: config.storage,
      dataDirectory: directory.path,
      vfs: new RealVfs(),
      clock: systemClock,
      timer: systemTimer,
      log: (level, message, fields) => this.log.logger[level](fields, message),
    });
    const memory = planMemory({
      memory: config.memory,
      shards: directory.shards,
      fronts: config.server.front_threads,
      limitBytes: this.memoryLimit,
    });
    this.memory = memory;
    this.supervisor = new Supervisor({
      config,
      dataDirectory: directory.path,
      shards: directory.shards,
      logger: this.log.logger,
      timeBase: this.timeKeeper.base,
      readOnly: this.space.readOnly.block,
      memory,
      recoveryMode,
      onDiskFull: () => this.space.onDiskFull(),
      frontHost: this.controlPlane(),
      collections: () => this.catalog.list().map(collectionInfo),
      droppedCollections: () => this.catalog.droppedIds(),
    });
    this.metrics = this.createMetrics();
    this.stopped = new Promise((resolve) => {
      this.resolveStopped = resolve;
    });
  }

  async start(warnings: readonly string[]): Promise<void> {
    const { logger } = this.log;
    for (const warning of [...warnings, ...this.memory.warnings]) logger.warn(warning);
    logger.info(
      { version: this.version, pid: process.pid, data: this.directory.path, shards: this.shards },
      'starting',
    );
    if (this.recoveryMode) {
      const reason = 'the server runs in recovery mode (lumadb start --recovery-mode)';
      this.space.readOnly.set('recovery', reason);
      logger.warn(reason);
    } else {
      this.timeKeeper.start();
      this.space.start();
    }
    const { host, port } = await this.supervisor.startFronts();
    this.host = host;
    this.port = port;
    // Before the recovery, which may take long: the CLI must find a server that recovers, if only to stop it.
    this.directory.announce({ host, port });
    await this.supervisor.startShards();
    if (this.stopping !== undefined) return;
    const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
    logger.info({ url, durability: this.config.wal.durability }, 'ready');
  }

  shutdown(options: ShutdownOptions): Promise<void> {
    if (options.mode === 'force') this.supervisor.stopWaiting();
    this.stopping ??= this.stop(options);
    return this.stopping;
  }

  reopenLogs(): void {
    this.log.reopen();
    this.log.logger.info('log files reopened');
  }

  /** Undoes a start that failed half-way. */
  async abandon(): Promise<void> {
    this.space.close();
    await this.supervisor.close();
    this.timeKeeper.stop();
    this.log.flush();
    this.directory.release();
  }

  private async stop({ mode, timeoutMs, reason }: ShutdownOptions): Promise<void> {
    const { logger } = this.log;
    this.drainReason = reason;
    logger.info({ mode, timeout_ms: timeoutMs, reason }, 'shutting down');
    try {
      const cause: WireError = { code: 'DRAINING', message: `the server is shutting down (${reason})` };
      const drained = await this.supervisor.drain(cause, mode === 'force' ? 0 : timeoutMs);
      if (!drained)
        logger.warn('not all writes were answered in time; those that were acknowledged are safe');
      this.space.close();
      await this.supervisor.close(mode === 'graceful');
      this.timeKeeper.stop();
      this.directory.release();
      logger.info('stopped');
      this.log.flush();
      this.resolveStopped(0);
    } catch (error) {
      logger.error({ error: (error as Error).stack }, 'shutdown failed');
      this.log.flush();
      this.resolveStopped(1);
    }
  }

  private controlPlane(): ControlPlane {
    return {
      createCollection: (name, exclusive, ttlSeconds) => this.createCollection(name, exclusive, ttlSeconds),
      setCollectionTtl: (name, ttlSeconds) => this.setCollectionTtl(name, ttlSeconds),
      dropCollection: (name) => this.dropCollection(name),
      listCollections: async () => this.listCollections(),
      health: async () => answer(healthReport(this.facts())),
      status: async () => answer(statusReport(this.facts())),
      metrics: async () => this.metrics.metrics(),
      readOnly: async () => this.space.report(),
      setReadOnly: (request) => attempt(async () => this.space.setReadOnly(request)),
      shutdown: async (request) => this.requestShutdown(request),
    };
  }

  /** Fronts know of a change before it is answered: what a client does next finds it on every front. */
  private createCollection(
    name: string,
    exclusive: boolean,
    ttlSeconds: number,
  ): Promise<ControlResult<CollectionInfo>> {
    return attempt(async () => {
      const existing = this.catalog.find(name);
      if (existing !== undefined && !exclusive) return collectionInfo(existing);
      this.space.readOnly.requireCatalogChange('create');
      const created = collectionInfo(this.catalog.create(name, ttlSeconds));
      await this.supervisor.putCollection(created);
      this.log.logger.info(
        { collection: name, id: created.id, ttl_seconds: ttlSeconds },
        'collection created',
      );
      return created;
    });
  }

  private setCollectionTtl(name: string, ttlSeconds: number): Promise<ControlResult<CollectionInfo>> {
    return attempt(async () => {
      this.space.readOnly.requireCatalogChange('change');
      const changed = collectionInfo(this.catalog.setTtl(name, ttlSeconds));
      await this.supervisor.putCollection(changed);
      this.log.logger.info(
        { collection: name, id: changed.id, ttl_seconds: ttlSeconds },
        'collection changed',
      );
      return changed;
    });
  }

  private dropCollection(name: string): Promise<ControlResult<CollectionInfo>> {
    return attempt(async () => {
      this.space.readOnly.requireCatalogChange('drop');
      const dropped = collectionInfo(this.catalog.drop(name));
      await this.supervisor.removeCollection(dropped);
      this.log.logger.info({ collection: name, id: dropped.id }, 'collection dropped');
      return dropped;
    });
  }

  private async listCollections(): Promise<ControlResult<readonly CollectionDescription[]>> {
    const figures = new Map<number, { documents: number; bytes: number }>();
    const perShard = await Promise.all(
      this.supervisor.shards.map(async ({ incarnation, state }) =>
        incarnation === undefined || state !== 'ready'
          ? []
          : incarnation.thread.call(incarnation.thread.control.collectionFigures()).catch(() => []),
      ),
    );
    for (const { collection, documents, bytes } of perShard.flat()) {
      const sum = figures.get(collection) ?? { documents: 0, bytes: 0 };
      figures.set(collection, { documents: sum.documents + documents, bytes: sum.bytes + bytes });
    }
    const descriptions = this.catalog.list().map(({ id, name, createdAt, ttlSeconds }) => ({
      name,
      document_count: figures.get(id)?.documents ?? 0,
      size_bytes: figures.get(id)?.bytes ?? 0,
      indexes: [],
      ttl: ttlSeconds === TTL_UNSET ? null : ttlSeconds,
      created_at: createdAt,
    }));
    return { ok: descriptions };
  }

  private requestShutdown({ mode, timeoutMs }: ShutdownRequest): { pid: number } {
    // The answer goes out first: the front that carries it is about to be closed.
    setTimeout(() => this.shutdown({ mode, timeoutMs, reason: `${mode} shutdown requested` }), 50);
    return { pid: process.pid };
  }

  private facts(): ServerFacts {
    return {
      version: this.version,
      instanceId: this.directory.instanceId,
      pid: process.pid,
      uptimeSeconds: this.uptimeSeconds(),
      durability: this.config.wal.durability,
      dataDirectory: this.directory.path,
      draining: this.drainReason,
      rssBytes: process.memoryUsage.rss(),
      memoryLimitBytes: this.memoryLimit,
      shards: this.supervisor.shards.map((slot) => this.shardReport(slot)),
      connections: this.supervisor.fronts.reduce(
        (sum, { stats }) => sum + new Float64Array(stats)[FRONT_CONNECTIONS],
        0,
      ),
      space: this.space.facts(),
    };
  }

  private shardReport({
    shard,
    state,
    cause,
    poison,
    stats,
    restarts,
  }: Supervisor['shards'][number]): ShardReport {
    const cells = new Float64Array(stats);
    return {
      shard,
      state,
      cause: cause?.message ?? null,
      stall_cause: STALL_NAMES[cells[SHARD_STALL]] ?? null,
      writes_refused: poison === undefined ? null : `shard ${shard} takes no writes: ${poison.message}`,
      seqno: cells[SHARD_SEQNO],
      memtables: cells[SHARD_MEMTABLES],
      memtables_max: this.config.memory.memtables_max,
      memtable_bytes: cells[SHARD_MEMTABLE_BYTES],
      wal_bytes: cells[SHARD_WAL_DISK_BYTES],
      wal_segments: cells[SHARD_WAL_SEGMENTS],
      l0_files: cells[SHARD_L0_RUNS],
      tables: cells[SHARD_TABLES],
      table_bytes: cells[SHARD_TABLE_BYTES],
      restarts,
    };
  }

  private createMetrics(): ReturnType<typeof createMetrics> {
    const { supervisor } = this;
    return createMetrics({
      fronts: supervisor.fronts.map(({ stats }) => new Float64Array(stats)),
      shards: supervisor.shards.map(({ stats }) => new Float64Array(stats)),
      shardUp: (shard) => (supervisor.shards[shard].state === 'ready' ? 1 : 0),
      memoryLimitBytes: this.memoryLimit,
      space: () => this.space.facts(),
      uptimeSeconds: () => this.uptimeSeconds(),
      version: this.version,
    });
  }

  private uptimeSeconds(): number {
    return Math.round((systemClock.monotonicMs() - this.startedMs) / 10) / 100;
  }
}

function collectionInfo({ id, name, ttlSeconds }: Collection): CollectionInfo {
  return { id, name, ttlSeconds };
}

async function attempt<T>(work: () => Promise<T>): Promise<ControlResult<T>> {
  try {
    return { ok: await work() };
  } catch (error) {
    if (error instanceof DbError) return { error: toWireError(error) };
    throw error;
  }
}

function answer({ httpStatus, body }: Report): ControlAnswer {
  return { httpStatus, body: JSON.stringify(body) };
}

function catalogStore(dataDirectory: string): CatalogStore {
  const vfs = new RealVfs();
  const path = join(dataDirectory, 'catalog.json');
  return {
    read: () => (vfs.exists(path) ? vfs.readFile(path) : undefined),
    write: (bytes) => vfs.writeFileAtomic(path, bytes),
  };
}
