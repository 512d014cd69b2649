/**
 * The HTTP side of a front: an App of uWebSockets.js and its routes. Front thread only.
 *
 * Two rules of uWebSockets.js shape this file: a handler must either answer or have set onAborted before it returns,
 * and an exception out of a handler ends the process. So every handler goes through `guard`.
 */
import uWS, {
  type HttpRequest,
  type HttpResponse,
  type TemplatedApp,
  type us_listen_socket,
} from 'uWebSockets.js';
import type { Session } from '../auth/session.js';
import type { WireError } from '../base/errors.js';
import { KEY_BYTES_MAX } from '../base/limits.js';
import {
  FRONT_CONNECTIONS,
  METHOD_DELETE,
  METHOD_OTHER,
  METHOD_PATCH,
  METHOD_POST,
  METHOD_PUT,
} from '../shm/stats-format.js';
import { isRefused, type RouteAccess, refusal } from './access.js';
import { urlOf } from './access-log.js';
import { AdminRoutes } from './admin-routes.js';
import { admitted, logRequest } from './admission.js';
import { BodyBudget, BodyBuffer } from './body-budget.js';
import { BulkRoute } from './bulk-route.js';
import { CollectionRoutes } from './collection-routes.js';
import { ControlExchange, PAGE_REFUSED } from './control-exchange.js';
import { ControlRoutes } from './control-routes.js';
import { DocumentBody } from './document-body.js';
import type { FrontContext } from './front-context.js';
import { DocumentGetter } from './get-document.js';
import { POOLED_REQUESTS_MAX } from './limits.js';
import { DocumentLister } from './list-documents.js';
import { DocumentPath } from './path.js';
import { QueryRoute } from './query/route.js';
import type { QueryRunner } from './query/runner.js';
import { closeQuietly, sendError } from './respond.js';
import type { Guard, GuardedHandler } from './route-guard.js';
import { SecurityRoutes } from './security-routes.js';
import { ResponseStreamer } from './stream-response.js';
import {
  WRITE_BODY_BYTES_MAX,
  type WriteMethod,
  WriteRequest,
  type WriteRequestShared,
} from './write-request.js';

/** LIBUS_LISTEN_*: with SHARED, several fronts listen on one port (SO_REUSEPORT) and the kernel spreads connections. */
const LISTEN_SHARED_PORT = 0;
const LISTEN_EXCLUSIVE_PORT = 1;

/** No collection can have this name: documents would be posted to it. */
const QUERY_PATH = '/api/v1/query';

/** How a front has its port: alone, as the first of several, or with others that have it already. */
export type PortSharing = 'alone' | 'first' | 'further';

/** Paths of PEM files. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

export interface HttpServerOptions {
  readonly context: FrontContext;
  /** Undefined: plain HTTP. */
  readonly tls: TlsFiles | undefined;
  /** Adds the routes that are not HTTP's. */
  addMoreRoutes(app: TemplatedApp): void;
  readonly queries: QueryRunner;
  /** Told about exceptions that handlers did not expect. */
  onUnexpected(error: unknown): void;
}

export class HttpServer {
  /** The last is the one that listens; others have connections from before their certificate was replaced. */
  private readonly apps: TemplatedApp[] = [];
  readonly documentBody = new DocumentBody(KEY_BYTES_MAX);
  private readonly context: FrontContext;
  private readonly path = new DocumentPath();
  private readonly getter: DocumentGetter;
  private readonly lister: DocumentLister;
  private readonly bulk: BulkRoute;
  private readonly query: QueryRoute;
  private readonly collections: CollectionRoutes;
  private readonly control: ControlRoutes;
  private readonly admin: AdminRoutes;
  private readonly security: SecurityRoutes;
  private readonly writeShared: WriteRequestShared;
  private readonly pool: WriteRequest[] = [];
  private listenSocket: us_listen_socket | undefined;

  constructor(private readonly options: HttpServerOptions) {
    const { context } = options;
    this.context = context;
    const budget = new BodyBudget(context.meter.cells, context.inFlightBodyBytesMax);
    const streamer = new ResponseStreamer();
    this.getter = new DocumentGetter(context, this.path, streamer);
    this.lister = new DocumentLister(context, streamer);
    this.bulk = new BulkRoute(context, this.documentBody, budget);
    this.query = new QueryRoute(context, budget, streamer, options.queries);
    const exchange = new ControlExchange(context, budget);
    this.collections = new CollectionRoutes(context, exchange);
    this.control = new ControlRoutes(context, exchange);
    this.admin = new AdminRoutes(context, exchange);
    this.security = new SecurityRoutes(context, exchange);
    this.writeShared = {
      context,
      documentBody: this.documentBody,
      newBodyBuffer: () => new BodyBuffer(budget, WRITE_BODY_BYTES_MAX),
      release: (request) => {
        if (this.pool.length < POOLED_REQUESTS_MAX) this.pool.push(request);
      },
      onUnexpected: (error) => options.onUnexpected(error),
    };
  }

  /**
   * Resolves with the port. The first of several fronts takes the port for itself before it shares it: uWS shares
   * neither port 0 nor tells us when another server shares the port already.
   */
  async listen(host: string, port: number, sharing: PortSharing): Promise<number> {
    this.apps.push(this.newApp());
    if (sharing === 'further') return this.listenOnce(host, port, LISTEN_SHARED_PORT);
    const taken = await this.listenOnce(host, port, LISTEN_EXCLUSIVE_PORT);
    // A new certificate needs a new listener beside the old one.
    if (sharing === 'alone' && this.options.tls === undefined) return taken;
    this.stopListening();
    return this.listenOnce(host, taken, LISTEN_SHARED_PORT);
  }

  /** New connections get the certificate that is in the files now; open ones go on. Rejects when the files cannot be used. */
  async renewCertificate(host: string, port: number): Promise<void> {
    if (this.options.tls === undefined || this.listenSocket === undefined) return;
    const before = this.listenSocket;
    this.apps.push(this.newApp());
    try {
      await this.listenOnce(host, port, LISTEN_SHARED_PORT);
    } catch (error) {
      this.apps.pop()?.close();
      throw error;
    }
    uWS.us_listen_socket_close(before);
  }

  /** No new connections from now on; open ones go on. */
  stopListening(): void {
    if (this.listenSocket !== undefined) uWS.us_listen_socket_close(this.listenSocket);
    this.listenSocket = undefined;
  }

  /** Closes every socket. Needed before the thread may end: otherwise the process aborts. */
  close(): void {
    this.listenSocket = undefined;
    for (const app of this.apps) app.close();
  }

  private newApp(): TemplatedApp {
    const { tls } = this.options;
    const app =
      tls === undefined ? uWS.App() : uWS.SSLApp({ cert_file_name: tls.cert, key_file_name: tls.key });
    this.addRoutes(app);
    this.options.addMoreRoutes(app);
    return app;
  }

  private listenOnce(host: string, port: number, options: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const onListen = (socket: us_listen_socket | false): void => {
        if (socket === false) {
          reject(
            new Error(
              `cannot listen on ${host}:${port}: the port is in use or the address is not ours. ` +
                `Choose another --port or --host, or see who has it: ss -ltnp 'sport = :${port}'`,
            ),
          );
          return;
        }
        this.listenSocket = socket;
        resolve(uWS.us_socket_local_port(socket));
      };
      listenOn(this.apps[this.apps.length - 1], host, port, options, onListen);
    });
  }

  private addRoutes(app: TemplatedApp): void {
    const { control } = this;
    const guard: Guard = (access, handler) => this.guard(access, handler);
    // What may be done with a collection is asked once its name is known.
    app.get(
      '/api/v1/*',
      this.guard('somebody', (res, req, session) => this.read(res, req, session, true), 'get'),
    );
    app.head(
      '/api/v1/*',
      this.guard('somebody', (res, req, session) => this.read(withoutBody(res), req, session, false), 'head'),
    );
    app.put(
      '/api/v1/*',
      this.guard('somebody', (res, req, session) => this.write(res, req, session, METHOD_PUT), 'put'),
    );
    app.patch(
      '/api/v1/*',
      this.guard('somebody', (res, req, session) => this.write(res, req, session, METHOD_PATCH), 'patch'),
    );
    app.del(
      '/api/v1/*',
      this.guard('somebody', (res, req, session) => this.write(res, req, session, METHOD_DELETE), 'delete'),
    );
    app.post(
      '/api/v1/*',
      this.guard('somebody', (res, req, session) => this.post(res, req, session), 'post'),
    );
    this.collections.addTo(app, guard);
    control.addTo(app, guard);
    this.admin.addTo(app, guard);
    this.security.addTo(app, guard);
    app.any(
      '/*',
      guard('anyone', (res, req) =>
        this.noSuchRoute(req.getMethod() === 'head' ? withoutBody(res) : res, req),
      ),
    );
    app.filter((res, change) => this.onConnection(res, Number(change)));
  }

  /** `change`: 1 for a new connection, -1 for one that closed. */
  private onConnection(res: HttpResponse, change: number): void {
    const { cells } = this.context.meter;
    const { access, settings } = this.context;
    cells[FRONT_CONNECTIONS] += change;
    if (change < 0) {
      access.addresses.closed();
      return;
    }
    const isTooMany = cells[FRONT_CONNECTIONS] > settings.connectionsMax;
    if (access.refusesAddress(access.addresses.opened(res)) || isTooMany) res.close();
  }

  private read(res: HttpResponse, req: HttpRequest, session: Session, withBody: boolean): void {
    if (!this.path.parse(urlOf(res, req))) {
      this.refuse(res, this.path.error as WireError);
      return;
    }
    const refused = refusal(session, 'read', this.path.collection);
    if (refused !== undefined) this.refuse(res, refused);
    else if (this.context.draining !== undefined) this.refuse(res, this.context.draining);
    else if (this.path.hasId) this.getter.handle(res, req, withBody);
    else if (withBody) this.lister.handle(res, this.path.collection, req.getQuery());
    else this.refuse(res, { code: 'METHOD_NOT_ALLOWED', message: 'HEAD needs the path of a document' });
  }

  private write(res: HttpResponse, req: HttpRequest, session: Session, method: WriteMethod): void {
    // A page must not change a server on its user's machine. Browsers send an Origin with all of these, and ask before those that
    // are no POST, but not for a page that they take for one of ours (foreign-host.ts).
    if (req.getHeader('origin') !== '') {
      this.refuse(res, PAGE_REFUSED);
      return;
    }
    this.writeDocument(res, req, session, method);
  }

  private writeDocument(res: HttpResponse, req: HttpRequest, session: Session, method: WriteMethod): void {
    const request = this.pool.pop() ?? new WriteRequest(this.writeShared);
    const { path } = request;
    if (!path.parse(urlOf(res, req))) {
      this.refuseWrite(res, request, path.error as WireError);
      return;
    }
    const refused = refusal(session, 'write', path.collection);
    if (refused !== undefined) this.refuseWrite(res, request, refused);
    else if (this.context.draining !== undefined) this.refuseWrite(res, request, this.context.draining);
    else if (path.hasId !== (method !== METHOD_POST)) this.refuseWrite(res, request, wrongShape(method));
    else request.begin(res, req, method, session);
  }

  private post(res: HttpResponse, req: HttpRequest, session: Session): void {
    if (req.getHeader('origin') !== '') {
      this.refuse(res, PAGE_REFUSED);
      return;
    }
    const url = urlOf(res, req);
    if (url === QUERY_PATH) {
      const refused = refusal(session, 'execute', 'queries');
      if (refused !== undefined) this.refuse(res, refused);
      else this.query.handle(res, req, session);
      return;
    }
    // POST /api/v1/bulk creates a document in a collection of that name.
    if (!url.endsWith('/bulk') || url.length === '/api/v1/bulk'.length) {
      this.writeDocument(res, req, session, METHOD_POST);
      return;
    }
    if (!this.path.parse(url)) {
      this.refuse(res, this.path.error as WireError);
      return;
    }
    const refused = refusal(session, 'write', this.path.collection);
    if (refused !== undefined) this.refuse(res, refused);
    else if (this.context.draining !== undefined) this.refuse(res, this.context.draining);
    else this.bulk.handle(res, req, this.path.collection, session);
  }

  /** A client behind a proxy whose address is blocked; any other that is has got no connection. */
  private refusesClient(res: HttpResponse, req: HttpRequest): boolean {
    const blocked = this.context.access.refusesClient(res, req);
    if (blocked === undefined) return false;
    logRequest(this.context, res, req, '');
    this.refuse(req.getMethod() === 'head' ? withoutBody(res) : res, blocked);
    return true;
  }

  private noSuchRoute(res: HttpResponse, req: HttpRequest): void {
    const message = `there is no ${req.getMethod().toUpperCase()} ${req.getUrl()}`;
    this.refuse(res, { code: 'NOT_FOUND', message });
  }

  private refuseWrite(res: HttpResponse, request: WriteRequest, error: WireError): void {
    this.writeShared.release(request);
    this.refuse(res, error);
  }

  /** Answers at once. The connection is closed: a body may be on its way that nobody is going to read. */
  private refuse(res: HttpResponse, error: WireError): void {
    const startMs = this.context.meter.now();
    sendError(res, error, this.context.requestId(), true);
    this.context.meter.done(METHOD_OTHER, true, startMs);
  }

  /** Every route goes through here: who asks is known, and may, before a handler runs. `method`: of hot routes; see access-log.ts. */
  private guard<A extends RouteAccess>(access: A, handler: GuardedHandler<A>, method = '') {
    const { isBehindProxies } = this.context.access;
    return (res: HttpResponse, req: HttpRequest): void => {
      try {
        if (isBehindProxies && this.refusesClient(res, req)) return;
        if (access === 'anyone') {
          logRequest(this.context, res, req, '');
          (handler as GuardedHandler<'anyone'>)(res, req);
          return;
        }
        const session = admitted(this.context, res, req, access, method);
        if (isRefused(session)) this.refuse(req.getMethod() === 'head' ? withoutBody(res) : res, session);
        else (handler as GuardedHandler<'somebody'>)(res, req, session);
      } catch (error) {
        this.options.onUnexpected(error);
        closeQuietly(res);
      }
    };
  }
}

/**
 * For HEAD: whatever is answered, errors included, says how long its body would be and has none. The length is written
 * as a header because uWS takes endWithoutBody(length) for an unfinished answer. No body comes with a HEAD, so there is
 * never a reason to close the connection.
 */
function withoutBody(res: HttpResponse): HttpResponse {
  res.end = (body = '') => {
    const length = typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength;
    return res.writeHeader('Content-Length', String(length)).endWithoutBody();
  };
  return res;
}

function wrongShape(method: WriteMethod): WireError {
  const message =
    method === METHOD_POST
      ? 'POST needs the path of a collection; use PUT or PATCH for a document'
      : 'this method needs the path of a document: /api/v1/{collection}/{id}';
  return { code: 'METHOD_NOT_ALLOWED', message };
}

type ListenOnHost = (
  host: string,
  port: number,
  options: number,
  callback: (socket: us_listen_socket | false) => void,
) => TemplatedApp;

/** uWS takes (host, port, options, callback) as well; its type declarations miss that form. */
function listenOn(
  app: TemplatedApp,
  host: string,
  port: number,
  options: number,
  callback: (socket: us_listen_socket | false) => void,
): void {
  (app.listen as unknown as ListenOnHost).call(app, host, port, options, callback);
}
