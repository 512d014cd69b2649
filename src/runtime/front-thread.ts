/** A front thread: sockets on one side, links to the shards on the other. The supervisor calls over comlink. */
import type { MessagePort } from 'node:worker_threads';
import hyperid from 'hyperid';
import { systemClock } from '../base/clock.js';
import type { WireError } from '../base/errors.js';
import { CollectionRegistry } from '../front/collections.js';
import type { CollectionInfo, ControlPlane } from '../front/control-plane.js';
import type { FrontContext } from '../front/front-context.js';
import { HttpServer, type PortSharing } from '../front/http-server.js';
import { RequestMeter } from '../front/request-meter.js';
import { WebSocketServer } from '../front/ws-server.js';
import type { LinkBuffers } from '../ipc/link.js';
import { ChainReader } from '../memtable/chain-reader.js';
import type { MemtablePoolBuffers } from '../memtable/pool-format.js';
import { ShardRouter } from '../router/shard-router.js';
import { AsyncDoorbell } from '../shm/doorbell.js';
import { FRONT_LOOP_DELAY_MS, FRONT_PENDING_WRITES } from '../shm/stats-format.js';
import { MemtableScanner } from './document-scanner.js';
import { exposeOn, type Remote, remoteOf } from './endpoint.js';

const GAUGE_INTERVAL_MS = 1000;

export interface FrontThreadData {
  readonly front: number;
  readonly shards: number;
  readonly doorbell: SharedArrayBuffer;
  readonly stats: SharedArrayBuffer;
  readonly pendingWritesMax: number;
  readonly batchBytesMax: number;
  readonly inFlightBodyBytesMax: number;
  readonly connectionsMax: number;
  readonly autoCreateCollections: boolean;
  /** Whether writes are taken at all: shm/read-only-format.ts. */
  readonly readOnly: SharedArrayBuffer;
  readonly controlPort: MessagePort;
  readonly hostPort: MessagePort;
}

/** What the supervisor offers to a front. */
export interface FrontHost extends ControlPlane {
  log(level: 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>): void;
}

/** Either a port or the reason why not. */
export interface ListenResult {
  readonly port?: number;
  readonly failed?: string;
}

/** What a front offers to the supervisor. */
export interface FrontControl {
  listen(host: string, port: number, sharing: PortSharing): Promise<ListenResult>;
  attachShard(shard: number, link: LinkBuffers, memtables: MemtablePoolBuffers): void;
  detachShard(shard: number, cause: WireError): void;
  putCollection(collection: CollectionInfo): void;
  removeCollection(collection: CollectionInfo): void;
  /** Refuses new requests with `cause` and new connections altogether; what is under way goes on. */
  drain(cause: WireError): void;
  /** Writes handed to shards and not answered. Requests whose body is still arriving are not among them. */
  pendingWrites(): number;
  /** Closes all sockets; the thread then has nothing left to do and ends. */
  close(): void;
}

class FrontThread implements FrontControl {
  private readonly host: Remote<FrontHost>;
  private readonly router: ShardRouter;
  private readonly scanner: MemtableScanner;
  private readonly context: FrontContext;
  private readonly server: HttpServer;
  private readonly webSockets: WebSocketServer;
  private readonly doorbell: AsyncDoorbell;
  private readonly gauges: NodeJS.Timeout;
  private flushScheduled = false;

  constructor(private readonly data: FrontThreadData) {
    this.host = remoteOf<FrontHost>(data.hostPort);
    this.router = new ShardRouter(data);
    this.scanner = new MemtableScanner(data.shards);
    this.context = this.createContext();
    const onUnexpected = (error: unknown): void => this.reportUnexpected(error);
    this.server = new HttpServer({ context: this.context, onUnexpected });
    this.webSockets = new WebSocketServer(this.server.app, this.context, onUnexpected);
    this.doorbell = new AsyncDoorbell(
      data.doorbell,
      () => this.onReplies(),
      () => this.router.hasReplies(),
    );
    this.doorbell.arm();
    this.gauges = setInterval(() => this.refreshGauges(), GAUGE_INTERVAL_MS);
  }

  async listen(host: string, port: number, sharing: PortSharing): Promise<ListenResult> {
    try {
      return { port: await this.server.listen(host, port, sharing) };
    } catch (error) {
      return { failed: (error as Error).message };
    }
  }

  attachShard(shard: number, link: LinkBuffers, memtables: MemtablePoolBuffers): void {
    // Nothing should be left of the shard's last incarnation; if something is, it must not wait for answers for ever.
    this.router.detach(shard, { code: 'SHARD_UNAVAILABLE', message: `shard ${shard} has started again` });
    const reader = new ChainReader(memtables, this.data.front);
    this.scanner.setReader(shard, reader);
    this.router.attach(shard, link, reader);
  }

  detachShard(shard: number, cause: WireError): void {
    this.scanner.setReader(shard, undefined);
    this.router.detach(shard, cause);
  }

  putCollection(collection: CollectionInfo): void {
    this.context.collections.put(collection);
  }

  removeCollection(collection: CollectionInfo): void {
    this.context.collections.remove(collection);
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
    clearInterval(this.gauges);
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

  private createContext(): FrontContext {
    const { data } = this;
    const requestIds = hyperid({ urlSafe: true });
    const documentIds = hyperid({ urlSafe: true });
    return {
      router: this.router,
      scanner: this.scanner,
      collections: new CollectionRegistry(this.controlPlane(), data.autoCreateCollections),
      control: this.controlPlane(),
      meter: new RequestMeter(data.stats, systemClock.monotonicMs),
      limits: { inFlightBodyBytesMax: data.inFlightBodyBytesMax, connectionsMax: data.connectionsMax },
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
      createCollection: (name, exclusive) => host.createCollection(name, exclusive),
      dropCollection: (name) => host.dropCollection(name),
      listCollections: () => host.listCollections(),
      health: () => host.health(),
      status: () => host.status(),
      metrics: () => host.metrics(),
      readOnly: () => host.readOnly(),
      setReadOnly: (request) => host.setReadOnly(request),
      shutdown: (request) => host.shutdown(request),
    };
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

  private refreshGauges(): void {
    const { cells } = this.context.meter;
    cells[FRONT_PENDING_WRITES] = this.router.pendingWrites();
    const started = systemClock.monotonicMs();
    setImmediate(() => {
      cells[FRONT_LOOP_DELAY_MS] = systemClock.monotonicMs() - started;
    });
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
