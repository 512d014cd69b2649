/** Puts a server together and takes it apart again: data directory, catalog, threads, log. Main thread only. */
import { resolve } from 'node:path';
import hyperid from 'hyperid';
import { memoryLimitBytes } from '../admin/memory-limit.js';
import { createMetrics } from '../admin/metrics.js';
import { type ServerFacts, statusReport } from '../admin/reports.js';
import { systemClock } from '../base/clock.js';
import { DbError, type WireError } from '../base/errors.js';
import { packageVersion } from '../base/version.js';
import { Catalog } from '../catalog/catalog.js';
import type { Config } from '../config/schema.js';
import type { ControlPlane, ShutdownRequest } from '../front/control-plane.js';
import { createIndexUsage, IndexUsage } from '../shm/index-usage.js';
import { SeqnoBoard } from '../shm/seqno-board.js';
import { FRONT_CONNECTIONS } from '../shm/stats-format.js';
import { RealVfs } from '../vfs/real.js';
import { AdminDesk } from './admin-desk.js';
import { bracketed } from './announcement.js';
import { BackupControl } from './backup-control.js';
import { catalogStore } from './catalog-store.js';
import { CollectionControl, collectionInfo } from './collection-control.js';
import { ConfigControl } from './config-control.js';
import { controlPlane } from './control-plane.js';
import { type DataDirectory, openDataDirectory } from './data-directory.js';
import { DatabaseTimeKeeper } from './database-time-keeper.js';
import { DroppedIds } from './dropped-ids.js';
import { IndexControl } from './index-control.js';
import { extractorOf, loadExtractors, withBoundSql } from './index-extractors.js';
import { type MemoryPlan, planMemory } from './memory-plan.js';
import { QueryControl } from './query/query-control.js';
import { systemTimer } from './repeating-timer.js';
import { RolesFile } from './roles-file.js';
import { loadSchemaBinder } from './schemas.js';
import { SecurityControl } from './security-control.js';
import type { RunningServer, ShutdownOptions, StartOptions } from './server-api.js';
import { ServerLogs } from './server-logs.js';
import { shardReport } from './shard-report.js';
import { shardTuning } from './shard-tuning.js';
import { SnapshotWatch } from './snapshot-watch.js';
import { SpaceKeeper } from './space-keeper.js';
import type { StallWatch } from './stall-watch.js';
import { requireStartable } from './start-checks.js';
import { StorageControl } from './storage-control.js';
import { StorageFactsReader } from './storage-facts.js';
import { storageReading } from './storage-reading.js';
import { Supervisor } from './supervisor.js';
import { TaskBook } from './tasks.js';
import { requireUsableTls, tlsFiles } from './tls-files.js';
import { stallWatch } from './watched-threads.js';

/** uWS reads its limit from the environment when it is loaded: room for a URL with a percent-encoded key of 1 KiB. */
const HTTP_HEADER_BYTES_MAX = 16_384;

export async function startServer(options: StartOptions): Promise<RunningServer> {
  const { config } = options;
  process.env.UWS_HTTP_MAX_HEADERS_SIZE ??= String(HTTP_HEADER_BYTES_MAX);
  // Before anything is touched.
  requireStartable(config);
  const directory = openDataDirectory(config.storage.data_dir, { shards: config.sharding.shards });
  let server: Server | undefined;
  try {
    server = new Server(config, directory, options);
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
  private readonly collections: CollectionControl;
  readonly security: SecurityControl;
  private readonly roles: RolesFile;
  private readonly desk: AdminDesk;
  private readonly recoveryMode: boolean;
  private readonly configuration: ConfigControl;
  /** Counted by whoever runs queries: shm/index-usage.ts. */
  readonly indexUsage = createIndexUsage();
  readonly indexes: IndexControl;
  private readonly dropped: DroppedIds;
  private readonly book: TaskBook;
  private readonly logs: ServerLogs;
  private readonly timeKeeper: DatabaseTimeKeeper;
  private readonly startedMs = systemClock.monotonicMs();
  private readonly memoryLimit = memoryLimitBytes();
  private readonly space: SpaceKeeper;
  private readonly memory: MemoryPlan;
  private readonly snapshots: SnapshotWatch;
  private readonly stalls: StallWatch;
  private readonly storageFacts: StorageFactsReader;
  private readonly backups: BackupControl;
  private readonly storage: StorageControl;
  private readonly queries: QueryControl;
  private readonly metrics: ReturnType<typeof createMetrics>;
  private stopping: Promise<void> | undefined;
  private drainReason: string | null = null;
  private resolveStopped: (code: number) => void = () => {};

  constructor(
    private readonly config: Config,
    private readonly directory: DataDirectory,
    options: Pick<StartOptions, 'recoveryMode' | 'reload'>,
  ) {
    this.recoveryMode = options.recoveryMode ?? false;
    this.shards = directory.shards;
    this.host = config.server.host;
    this.port = config.server.port;
    this.logs = new ServerLogs(config, systemClock);
    this.timeKeeper = new DatabaseTimeKeeper({
      vfs: new RealVfs(),
      dataDirectory: directory.path,
      clock: systemClock,
      warn: (fields, message) => this.logs.logger.warn(fields, message),
    });
    this.roles = new RolesFile({
      path: config.security.rbac_file,
      timer: systemTimer,
      logger: this.logs.logger,
      onChange: () => void this.security.publish(),
    });
    this.security = new SecurityControl({
      config,
      dataDirectory: directory.path,
      clock: systemClock,
      roles: this.roles,
      audit: this.logs.audit,
      publish: (snapshot) => this.supervisor.setSecurity(snapshot),
    });
    const catalogFile = catalogStore(directory.path);
    this.backups = new BackupControl({
      config,
      dataDirectory: directory.path,
      instanceId: directory.instanceId,
      version: this.version,
      shardCount: directory.shards,
      supervisor: () => this.supervisor,
      catalog: () => this.catalog.bytes(),
      storedCatalog: () => catalogFile.read(),
      clock: systemClock,
      logger: this.logs.logger,
      requireServing: () => this.requireServing(),
    });
    this.catalog = new Catalog(this.backups.notedCatalog(catalogFile), systemClock, (error) => {
      this.logs.logger.error(error.message);
      this.space.readOnly.set('recovery', error.message);
    });
    this.space = new SpaceKeeper({
      storage: config.storage,
      dataDirectory: directory.path,
      vfs: new RealVfs(),
      clock: systemClock,
      timer: systemTimer,
      log: (level, message, fields) => this.logs.logger[level](fields, message),
    });
    this.memory = planMemory({
      memory: config.memory,
      shards: directory.shards,
      fronts: config.server.front_threads,
      limitBytes: this.memoryLimit,
    });
    this.supervisor = new Supervisor({
      config,
      dataDirectory: directory.path,
      shards: directory.shards,
      logger: this.logs.logger,
      timeBase: this.timeKeeper.base,
      readOnly: this.space.readOnly.block,
      memory: this.memory,
      recoveryMode: this.recoveryMode,
      onDiskFull: () => this.space.onDiskFull(),
      frontHost: { ...this.controlPlane(), logAccess: async (lines) => this.logs.writeAccess(lines) },
      collections: () => this.catalog.list().map((collection) => collectionInfo(collection, this.catalog)),
      droppedCollections: () => this.dropped.all(),
      indexes: () => this.catalog.indexes().map(withBoundSql),
      schemas: () => this.collections.boundSchemas(),
      indexUsage: this.indexUsage,
      security: () => this.security.snapshot(),
      retainedLog: (shard) => this.backups.retained(shard),
    });
    this.dropped = new DroppedIds({
      droppedIds: () => this.catalog.droppedIds(),
      seqnos: new SeqnoBoard(this.supervisor.seqnos),
      isRead: (id) => this.queries.isRead(id),
      announce: () => this.supervisor.announceDropped(),
      timer: systemTimer,
    });
    const newId = hyperid({ urlSafe: true });
    this.book = new TaskBook(systemClock, () => newId());
    this.indexes = new IndexControl({
      catalog: this.catalog,
      supervisor: this.supervisor,
      readOnly: this.space.readOnly,
      book: this.book,
      usage: new IndexUsage(this.indexUsage),
      dropped: this.dropped,
      extractorOf,
      requireServing: () => this.requireServing(),
      logger: this.logs.logger,
    });
    this.collections = new CollectionControl({
      catalog: this.catalog,
      supervisor: this.supervisor,
      indexes: this.indexes,
      dropped: this.dropped,
      readOnly: this.space.readOnly,
      logger: this.logs.logger,
    });
    this.snapshots = new SnapshotWatch(new SeqnoBoard(this.supervisor.seqnos), systemClock, systemTimer);
    const { picker } = shardTuning(config);
    const { shards, fronts, blockCache } = this.supervisor;
    const { snapshots } = this;
    this.storageFacts = new StorageFactsReader({ shards, fronts, blockCache, picker, snapshots });
    this.queries = this.createQueryControl();
    this.stalls = stallWatch(this.supervisor, this.queries, config.logging, this.logs.logger);
    this.storage = this.createStorageControl();
    this.metrics = this.createMetrics();
    this.configuration = this.createConfigControl(options.reload);
    this.desk = new AdminDesk({
      logs: this.logs,
      queries: this.queries,
      configuration: this.configuration,
      storage: this.storage,
      config,
      dataDirectory: directory.path,
      supervisor: this.supervisor,
      facts: () => this.facts(),
    });
    this.stopped = new Promise((resolve) => {
      this.resolveStopped = resolve;
    });
  }

  async start(warnings: readonly string[]): Promise<void> {
    const { logger } = this.logs;
    for (const warning of [...warnings, ...this.memory.warnings]) logger.warn(warning);
    logger.info(
      { version: this.version, pid: process.pid, data: this.directory.path, shards: this.shards },
      'starting',
    );
    await loadExtractors(this.catalog.indexes(), { parser: true });
    if (this.catalog.list().some(({ schema }) => schema !== undefined)) await loadSchemaBinder();
    if (this.recoveryMode) {
      const reason = 'the server runs in recovery mode (lumadb start --recovery-mode)';
      this.space.readOnly.set('recovery', reason);
      logger.warn(reason);
    } else {
      this.indexes.endBuilds();
      this.timeKeeper.start();
      this.space.start();
      this.backups.prepare();
    }
    this.snapshots.start();
    this.roles.start();
    const { host, port } = await this.supervisor.startFronts();
    this.host = host;
    this.port = port;
    // Before the recovery, which may take long: the CLI must find a server that recovers, if only to stop it.
    const tls = tlsFiles(this.config);
    this.directory.announce({ host, port, ...(tls && { tls_cert: resolve(tls.cert) }) });
    await this.supervisor.startShards();
    if (this.stopping !== undefined) return;
    this.queries.start();
    if (!this.recoveryMode) this.backups.start();
    this.stalls.start();
    const url = `${tls === undefined ? 'http' : 'https'}://${bracketed(host)}:${port}`;
    logger.info({ url, durability: this.config.wal.durability }, 'ready');
  }

  shutdown(options: ShutdownOptions): Promise<void> {
    if (options.mode === 'force') this.supervisor.stopWaiting();
    this.stopping ??= this.stop(options);
    return this.stopping;
  }

  reopenLogs(): void {
    const failures = [...this.logs.reopen(), ...this.queries.reopenLogs()];
    for (const { message } of failures)
      this.logs.logger.error(`a log file is not reopened and written where it was: ${message}`);
    if (failures.length === 0) this.logs.logger.info('log files reopened');
    this.roles.reload();
    this.renewCertificate().catch((error: unknown) =>
      this.logs.logger.error(`the certificate is not changed: ${(error as Error).message}`),
    );
  }

  private async renewCertificate(): Promise<void> {
    if (tlsFiles(this.config) === undefined) return;
    requireUsableTls(this.config);
    await this.supervisor.renewCertificate();
    this.logs.logger.info('certificate read');
  }

  /** Undoes a start that failed half-way. */
  async abandon(): Promise<void> {
    this.space.close();
    this.snapshots.close();
    this.stalls.close();
    this.dropped.close();
    this.roles.close();
    await this.queries.close();
    await this.supervisor.close();
    this.timeKeeper.stop();
    this.logs.flush();
    this.directory.release();
  }

  private async stop({ mode, timeoutMs, reason }: ShutdownOptions): Promise<void> {
    const { logger } = this.logs;
    this.drainReason = reason;
    logger.info({ mode, timeout_ms: timeoutMs, reason }, 'shutting down');
    try {
      const cause: WireError = { code: 'DRAINING', message: `the server is shutting down (${reason})` };
      const drained = await this.supervisor.drain(cause, mode === 'force' ? 0 : timeoutMs);
      if (!drained)
        logger.warn('not all writes were answered in time; those that were acknowledged are safe');
      this.space.close();
      this.snapshots.close();
      this.stalls.close();
      this.dropped.close();
      this.roles.close();
      await this.queries.close();
      await this.backups.close();
      await this.supervisor.close(mode === 'graceful');
      this.timeKeeper.stop();
      this.directory.release();
      logger.info('stopped');
      this.logs.flush();
      this.resolveStopped(0);
    } catch (error) {
      logger.error({ error: (error as Error).stack }, 'shutdown failed');
      this.logs.flush();
      this.resolveStopped(1);
    }
  }

  private controlPlane(): ControlPlane {
    return controlPlane(() => ({
      collections: this.collections,
      desk: this.desk,
      space: this.space,
      queries: this.queries,
      security: this.security,
      logs: this.logs,
      facts: () => this.facts(),
      metrics: () => this.metrics.metrics(),
      shutdown: (request) => this.requestShutdown(request),
    }));
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
      nodeId: this.config.cluster.node_id,
      address: `${bracketed(this.host)}:${this.port}`,
      pid: process.pid,
      uptimeSeconds: this.uptimeSeconds(),
      durability: this.config.wal.durability,
      dataDirectory: this.directory.path,
      draining: this.drainReason,
      rssBytes: process.memoryUsage.rss(),
      memoryLimitBytes: this.memoryLimit,
      shards: this.supervisor.shards.map((slot) =>
        shardReport(slot, this.storageFacts.shard(slot), this.config.memory.memtables_max),
      ),
      connections: this.supervisor.fronts.reduce(
        (sum, { stats }) => sum + new Float64Array(stats)[FRONT_CONNECTIONS],
        0,
      ),
      space: this.space.facts(),
    };
  }

  private createStorageControl(): StorageControl {
    return new StorageControl({
      config: this.config,
      supervisor: this.supervisor,
      facts: this.storageFacts,
      snapshots: this.snapshots,
      memory: this.memory,
      clock: systemClock,
      dataDirectory: this.directory.path,
      logger: this.logs.logger,
      book: this.book,
      indexes: this.indexes,
      backups: this.backups,
      indexIds: (collection) =>
        this.catalog.indexes().flatMap(({ id, collectionId }) => (collectionId === collection ? [id] : [])),
      collectionId: (name) => this.catalog.existing(name).id,
      requireServing: () => this.requireServing(),
      operatorReason: () => {
        const report = this.space.readOnly.report();
        return report !== false && report.by === 'operator' ? report.reason : undefined;
      },
      status: () => statusReport(this.facts()).body,
    });
  }

  private createQueryControl(): QueryControl {
    return new QueryControl({
      config: this.config,
      supervisor: this.supervisor,
      catalog: this.catalog,
      collections: this.collections,
      indexes: this.indexes,
      indexUsage: this.indexUsage,
      memory: this.memory,
      timeBase: this.timeKeeper.base,
      dataDirectory: this.directory.path,
      recoveryMode: this.recoveryMode,
      readStorage: () =>
        storageReading(this.storageFacts.read(), this.supervisor.shards, {
          segmentBytes: this.config.wal.segment_size,
          freeBytes: this.space.facts().disk?.freeBytes ?? 0,
        }),
      isWritable: () => !this.recoveryMode,
      logger: this.logs.logger,
    });
  }

  private createConfigControl(reload: StartOptions['reload']): ConfigControl {
    const { config, directory, logs } = this;
    return new ConfigControl({
      config,
      reload,
      vfs: new RealVfs(),
      dataDirectory: directory.path,
      logger: logs.logger,
      applyLive: async () => {
        logs.logger.level = config.logging.level;
        await this.supervisor.applyLiveConfig();
        await this.security.publish();
      },
    });
  }

  private requireServing(): void {
    if (this.recoveryMode)
      throw new DbError('READ_ONLY', 'the server runs in recovery mode and changes nothing');
    if (this.drainReason !== null)
      throw new DbError('DRAINING', `the server is shutting down (${this.drainReason})`);
  }

  private createMetrics(): ReturnType<typeof createMetrics> {
    return createMetrics({
      fronts: this.supervisor.fronts.map(({ stats }) => new Float64Array(stats)),
      shards: this.supervisor.shards.map(({ stats }) => new Float64Array(stats)),
      shardUp: (shard) => (this.supervisor.shards[shard].state === 'ready' ? 1 : 0),
      memoryLimitBytes: this.memoryLimit,
      space: () => this.space.facts(),
      storage: () => this.storageFacts.read(),
      backups: () => this.backups.facts(),
      stalls: () => this.stalls.figures(),
      uptimeSeconds: () => this.uptimeSeconds(),
      version: this.version,
    });
  }

  private uptimeSeconds(): number {
    return Math.round((systemClock.monotonicMs() - this.startedMs) / 10) / 100;
  }
}
