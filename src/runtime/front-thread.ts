/** A front thread: sockets on one side, links to the shards on the other. The supervisor calls over comlink. */
import { type MessagePort, threadId } from 'node:worker_threads';
import hyperid from 'hyperid';
import type { SecuritySnapshot } from '../auth/authenticator.js';
import { systemClock } from '../base/clock.js';
import { type DatabaseClock, type DatabaseTimeBase, databaseClock } from '../base/database-clock.js';
import type { DbError, WireError } from '../base/errors.js';
import type { BlockCache } from '../cache/block-cache.js';
import type { BlockCacheBuffers } from '../cache/block-cache-format.js';
import { CacheMeter } from '../cache/cache-stats.js';
import { RowCache } from '../cache/row-cache.js';
import { createRowCache } from '../cache/row-format.js';
import { openSharedBlockCache } from '../cache/shared-block-cache.js';
import { WriteStamps } from '../cache/write-stamps.js';
import { ShardReader } from '../engine/shard-reader.js';
import { TableCache } from '../engine/table-cache.js';
import { AccessControl } from '../front/access.js';
import { AccessLog } from '../front/access-log.js';
import { CollectionRegistry } from '../front/collections.js';
import type { CollectionInfo, ControlPlane } from '../front/control-plane.js';
import type { FrontContext, FrontSettings } from '../front/front-context.js';
import { HttpServer, type PortSharing, type TlsFiles } from '../front/http-server.js';
import { RequestMeter } from '../front/request-meter.js';
import { WebSocketServer } from '../front/ws-server.js';
import type { LinkBuffers } from '../ipc/link.js';
import { VersionSubscriber } from '../manifest/version-subscriber.js';
import { ChainReader } from '../memtable/chain-reader.js';
import { ShardRouter } from '../router/shard-router.js';
import { AsyncDoorbell } from '../shm/doorbell.js';
import { Pulse } from '../shm/pulse.js';
import { SeqnoBoard } from '../shm/seqno-board.js';
import type { StatisticsSnapshot } from '../sql/plan/statistics-snapshot.js';
import { RealVfs } from '../vfs/real.js';
import { exposeOn, type Remote, remoteOf, transfer } from './endpoint.js';
import { FrontGauges } from './front-gauges.js';
import { startHeartbeat } from './heartbeat.js';
import { LazyQueries } from './query/lazy-queries.js';
import type { ShardReadBuffers } from './shard-read-buffers.js';
import { ShardScanner } from './shard-scanner.js';

const GAUGE_INTERVAL_MS = 1000;
const READ_ERROR_LOG_EVERY = 1000;

export interface FrontThreadData {
  readonly front: number;
  readonly shards: number;
  /** By shard. */
  readonly tableDirectories: readonly string[];
  readonly blockCache: BlockCacheBuffers;
  /** For all shards together. */
  readonly rowCacheBytes: number;
  readonly seqnos: SharedArrayBuffer;
  readonly doorbell: SharedArrayBuffer;
  readonly stats: SharedArrayBuffer;
  readonly pulse: SharedArrayBuffer;
  readonly pendingWritesMax: number;
  readonly batchBytesMax: number;
  readonly inFlightBodyBytesMax: number;
  /** Addresses and networks whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[];
  readonly settings: FrontSettings;
  readonly timeBase: DatabaseTimeBase;
  /** Whether writes are taken at all: shm/read-only-format.ts. */
  readonly readOnly: SharedArrayBuffer;
  readonly recoveryMode: boolean;
  /** Largest answer of a statement. */
  readonly resultBytesMax: number;
  readonly indexUsage: SharedArrayBuffer;
  readonly security: SecuritySnapshot;
  /** Undefined: plain HTTP. */
  readonly tls: TlsFiles | undefined;
  readonly controlPort: MessagePort;
  readonly hostPort: MessagePort;
}

/** What the supervisor offers to a front. */
export interface FrontHost extends ControlPlane {
  log(level: 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>): void;
  /** Lines for access.log, with their line feeds, in shared memory. False when it may still be read after the answer. */
  logAccess(lines: Uint8Array): Promise<boolean>;
}

/** Either a port or the reason why not. */
export interface ListenResult {
  readonly port?: number;
  readonly failed?: string;
}

/** What a front offers to the supervisor. */
export interface FrontControl {
  listen(host: string, port: number, sharing: PortSharing): Promise<ListenResult>;
  /** New connections get the certificate that is in the files now. */
  renewCertificate(host: string, port: number): Promise<ListenResult>;
  attachShard(shard: number, link: LinkBuffers, buffers: ShardReadBuffers): void;
  detachShard(shard: number, cause: WireError): void;
  putCollection(collection: CollectionInfo): void;
  removeCollection(collection: CollectionInfo): void;
  /** What the planner goes by from now on. */
  setStatistics(statistics: StatisticsSnapshot): void;
  /** Live keys of the configuration have changed. */
  setSettings(settings: FrontSettings): void;
  /** Users, keys, roles or what requires a login have changed. */
  setSecurity(snapshot: SecuritySnapshot): void;
  /** Refuses new requests with `cause` and new connections altogether; what is under way goes on. */
  drain(cause: WireError): void;
  /** Writes handed to shards and not answered. Requests whose body is still arriving are not among them. */
  pendingWrites(): number;
  /** Closes all sockets; the thread then has nothing left to do and ends. */
  close(): void;
}

class FrontThread implements FrontControl {
  private readonly host: Remote<FrontHost>;
  private readonly clock: DatabaseClock;
  private readonly router: ShardRouter;
  private readonly scanner: ShardScanner;
  /** By shard; undefined while it is down. */
  private readonly readers: Array<ShardReader | undefined>;
  private readonly context: FrontContext;
  private readonly queries: LazyQueries;
  private readonly server: HttpServer;
  private readonly webSockets: WebSocketServer;
  private readonly doorbell: AsyncDoorbell;
  private readonly gauges: FrontGauges;
  private readonly gaugeTimer: NodeJS.Timeout;
  private readonly stopHeartbeat: () => void;
  private readonly vfs = new RealVfs();
  private readonly blockCache: BlockCache;
  private readErrors = 0;
  private flushScheduled = false;

  constructor(private readonly data: FrontThreadData) {
    this.host = remoteOf<FrontHost>(data.hostPort);
    this.clock = databaseClock(data.timeBase);
    const collections = new CollectionRegistry(this.controlPlane(), data.settings);
    this.router = new ShardRouter({ ...data, clock: this.clock, checked: collections.checked });
    this.scanner = new ShardScanner(data.shards, new SeqnoBoard(data.seqnos), data.front, this.clock);
    this.readers = new Array(data.shards).fill(undefined);
    this.blockCache = openSharedBlockCache(data.blockCache, threadId + 1);
    this.context = this.createContext(collections);
    this.gauges = new FrontGauges(this.context.meter.cells);
    const onUnexpected = (error: unknown): void => this.reportUnexpected(error);
    this.queries = new LazyQueries({
      ...data,
      context: this.context,
      readers: this.readers,
    });
    this.webSockets = new WebSocketServer(this.context, this.queries, onUnexpected);
    this.server = new HttpServer({
      context: this.context,
      queries: this.queries,
      tls: data.tls,
      addMoreRoutes: (app) => this.webSockets.addTo(app),
      onUnexpected,
    });
    this.doorbell = new AsyncDoorbell(
      data.doorbell,
      () => this.onReplies(),
      () => this.router.hasReplies(),
    );
    this.doorbell.arm();
    this.gaugeTimer = setInterval(() => {
      this.gauges.refresh(this.router.pendingWrites());
      // Those whose time is over.
      this.webSockets.reviewSessions();
    }, GAUGE_INTERVAL_MS);
    this.stopHeartbeat = startHeartbeat(new Pulse(data.pulse));
  }

  async listen(host: string, port: number, sharing: PortSharing): Promise<ListenResult> {
    try {
      return { port: await this.server.listen(host, port, sharing) };
    } catch (error) {
      return { failed: (error as Error).message };
    }
  }

  async renewCertificate(host: string, port: number): Promise<ListenResult> {
    try {
      await this.server.renewCertificate(host, port);
      return { port };
    } catch (error) {
      return { failed: (error as Error).message };
    }
  }

  attachShard(shard: number, link: LinkBuffers, buffers: ShardReadBuffers): void {
    // Nothing should be left of the shard's last incarnation; if something is, it must not wait for answers for ever.
    this.router.detach(shard, { code: 'SHARD_UNAVAILABLE', message: `shard ${shard} has started again` });
    const rows = createRowCache(Math.floor(this.data.rowCacheBytes / this.data.shards));
    const reader = this.openReader(shard, buffers, new RowCache(rows));
    this.setReader(shard, reader);
    this.gauges.attach(shard, reader, CacheMeter.ofRowCache(rows));
    this.router.attach(shard, link, reader);
  }

  detachShard(shard: number, cause: WireError): void {
    this.setReader(shard, undefined);
    this.gauges.detach(shard);
    this.router.detach(shard, cause);
  }

  putCollection(collection: CollectionInfo): void {
    this.context.collections.put(collection);
  }

  removeCollection(collection: CollectionInfo): void {
    this.context.collections.remove(collection);
  }

  setStatistics(statistics: StatisticsSnapshot): void {
    this.queries.setStatistics(statistics);
  }

  setSettings(settings: FrontSettings): void {
    Object.assign(this.context.settings, settings);
    // Statements that were bound under the old ones are bound anew.
    this.context.collections.version++;
  }

  setSecurity(snapshot: SecuritySnapshot): void {
    try {
      this.context.access.renew(snapshot);
      this.queries.reviewSessions();
      this.webSockets.reviewSessions();
    } catch (error) {
      // To go on by the users before would let those in who have just been shut out: it ends, and its successor has the new ones.
      this.onFatal(error);
    }
  }

  drain(cause: WireError): void {
    this.context.draining = cause;
    this.server.stopListening();
  }

  pendingWrites(): number {
    return this.router.pendingWrites();
  }

  close(): void {
    this.doorbell.close();
    this.queries.close();
    clearInterval(this.gaugeTimer);
    this.stopHeartbeat();
    this.context.accessLog.close();
    this.webSockets.endAll(this.context.draining?.message ?? 'the server has a problem');
    this.server.close();
    setImmediate(() => {
      this.data.controlPort.close();
      this.data.hostPort.close();
    });
  }

  /** A bug reached the top of the thread. Sockets are closed first: a thread that ends with open ones aborts the process. */
  readonly onFatal = (error: unknown): void => {
    this.reportUnexpected(error);
    this.close();
  };

  private createContext(collections: CollectionRegistry): FrontContext {
    const { data } = this;
    const requestIds = hyperid({ urlSafe: true });
    const documentIds = hyperid({ urlSafe: true });
    return {
      clock: this.clock,
      router: this.router,
      scanner: this.scanner,
      collections,
      control: this.controlPlane(),
      access: new AccessControl({
        snapshot: data.security,
        trustedProxies: data.trustedProxies,
        rateLimit: () => data.settings.rateLimit,
        wallMs: systemClock.wallMs,
        monotonicMs: systemClock.monotonicMs,
      }),
      accessLog: new AccessLog({
        level: () => data.settings.accessLogLevel,
        wallMs: systemClock.wallMs,
        monotonicMs: systemClock.monotonicMs,
        send: (lines) => this.host.logAccess(lines),
      }),
      meter: new RequestMeter(data.stats, systemClock.monotonicMs),
      inFlightBodyBytesMax: data.inFlightBodyBytesMax,
      settings: data.settings,
      requestId: () => requestIds(),
      documentId: () => documentIds(),
      scheduleFlush: () => this.scheduleFlush(),
      draining: undefined,
    };
  }

  private controlPlane(): ControlPlane {
    const { host } = this;
    // Written out: comlink's remote is a proxy, and its methods must be called on it.
    return {
      createCollection: (name, exclusive, ttlSeconds, schema, actor) =>
        host.createCollection(name, exclusive, ttlSeconds, schema, actor),
      setCollectionTtl: (name, ttlSeconds, actor) => host.setCollectionTtl(name, ttlSeconds, actor),
      dropCollection: (name, actor) => host.dropCollection(name, actor),
      listCollections: () => host.listCollections(),
      health: () => host.health(),
      status: () => host.status(),
      metrics: () => host.metrics(),
      readOnly: () => host.readOnly(),
      setReadOnly: (request, actor) => host.setReadOnly(request, actor),
      admin: (call, actor) => host.admin(call, actor),
      runQuery: (query, port) => host.runQuery(query, transfer(port)),
      define: (statement, sql, actor) => host.define(statement, sql, actor),
      recordQueries: (records) => host.recordQueries(records),
      security: (call, actor) => host.security(call, actor),
      login: (request, from) => host.login(request, from),
      shutdown: (request, actor) => host.shutdown(request, actor),
    };
  }

  /** A new incarnation has new stamps, so it gets a new row cache as well: rows of the old one could look valid. */
  private openReader(shard: number, buffers: ShardReadBuffers, rowCache: RowCache): ShardReader {
    const { data, clock } = this;
    return new ShardReader({
      chain: new ChainReader(buffers.memtables, data.front, clock),
      versions: new VersionSubscriber(buffers.versions),
      tables: new TableCache({
        vfs: this.vfs,
        directory: data.tableDirectories[shard],
        shard,
        cache: this.blockCache,
      }),
      clock,
      rowCache,
      stamps: new WriteStamps(buffers.stamps),
      thorough: data.recoveryMode,
      onReadError: (error) => this.reportReadError(shard, error),
    });
  }

  private setReader(shard: number, reader: ShardReader | undefined): void {
    this.readers[shard]?.close();
    this.readers[shard] = reader;
    this.scanner.setReader(shard, reader);
  }

  /** Once per event-loop turn: setImmediate runs after all sockets that were ready have been served. */
  private scheduleFlush(): void {
    if (this.flushScheduled) return;
    this.flushScheduled = true;
    setImmediate(this.flush);
  }

  private readonly flush = (): void => {
    this.flushScheduled = false;
    this.router.flush();
    // Replies that have come meanwhile are taken along: cheaper than waiting for the doorbell.
    this.router.drainReplies();
    this.webSockets.flush();
  };

  private onReplies(): void {
    this.router.drainReplies();
    this.webSockets.flush();
  }

  /** The first of many: a bad block can be asked for thousands of times a second. */
  private reportReadError(shard: number, { message, details }: DbError): void {
    if (this.readErrors++ % READ_ERROR_LOG_EVERY !== 0) return;
    this.host.log('error', `a stored document cannot be read: ${message}`, { shard, ...details });
  }

  private reportUnexpected(error: unknown): void {
    const stack = error instanceof Error ? error.stack : String(error);
    this.host.log('error', 'unexpected error in a front thread', { front: this.data.front, stack });
  }
}

/** Entry point of workers/front.ts. */
export function runFrontThread(data: FrontThreadData): void {
  const thread = new FrontThread(data);
  process.on('uncaughtException', thread.onFatal);
  process.on('unhandledRejection', thread.onFatal);
  exposeOn(data.controlPort, thread);
}
