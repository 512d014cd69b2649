/** The WebSocket side of a front: /ws on the App of http-server.ts. Front thread only. */
import type { HttpRequest, HttpResponse, TemplatedApp, us_socket_context_t, WebSocket } from 'uWebSockets.js';
import type { WireError } from '../base/errors.js';
import { BULK_BYTES_MAX, KEY_BYTES_MAX } from '../base/limits.js';
import { ResponseFrameEncoder } from '../batch/response-frame-encoder.js';
import { FRONT_CONNECTIONS, FRONT_WEBSOCKETS } from '../shm/stats-format.js';
import { isRefused } from './access.js';
import { logAnswer } from './access-log.js';
import { admitted } from './admission.js';
import { DocumentBody } from './document-body.js';
import type { FrontContext } from './front-context.js';
import { WEBSOCKET_BACKPRESSURE_MAX, WEBSOCKET_IDLE_SECONDS, WEBSOCKETS_QUEUED_BYTES_MAX } from './limits.js';
import type { QueryRunner } from './query/runner.js';
import { closeQuietly, sendError } from './respond.js';
import { BinaryFrames } from './ws-binary.js';
import { type ConnectionShared, SendBacklog, type SocketData, WebSocketConnection } from './ws-connection.js';
import { TextFrames } from './ws-text.js';

/** RFC 6455 close codes. */
const CLOSE_UNSUPPORTED_DATA = 1003;
const CLOSE_GOING_AWAY = 1001;
const CLOSE_POLICY_VIOLATION = 1008;
/** A close reason is at most 123 bytes. */
const CLOSE_REASON_LENGTH_MAX = 120;

export class WebSocketServer {
  private readonly binary: BinaryFrames;
  private readonly text: TextFrames;
  private readonly shared: ConnectionShared;
  private readonly open = new Set<WebSocket<SocketData>>();
  private ready: WebSocketConnection[] = [];

  constructor(
    private readonly context: FrontContext,
    queries: QueryRunner,
    private readonly onUnexpected: (error: unknown) => void,
  ) {
    this.shared = {
      encoder: new ResponseFrameEncoder(),
      meter: context.meter,
      backlog: new SendBacklog(WEBSOCKETS_QUEUED_BYTES_MAX),
      requestId: () => context.requestId(),
      onAnswersReady: (connection) => {
        this.ready.push(connection);
        context.scheduleFlush();
      },
    };
    const documentBody = new DocumentBody(KEY_BYTES_MAX);
    this.binary = new BinaryFrames(context, this.shared, documentBody);
    this.text = new TextFrames(context, documentBody, queries);
  }

  /** Sends the answers that have gathered; called at the end of a turn. */
  flush(): void {
    if (this.ready.length === 0) return;
    const ready = this.ready;
    this.ready = [];
    for (const connection of ready) connection.sendAnswers();
  }

  /** Says goodbye to every socket; for draining. */
  endAll(reason: string): void {
    for (const ws of [...this.open]) ws.end(CLOSE_GOING_AWAY, reason.slice(0, CLOSE_REASON_LENGTH_MAX));
  }

  /**
   * Users, keys or roles have changed, or time has passed: a socket whose credentials hold no more is closed, the others go on
   * with what their client may do now.
   */
  reviewSessions(): void {
    for (const ws of [...this.open]) {
      const { connection, credentials } = ws.getUserData();
      if (connection === undefined) continue;
      const session = this.context.access.session(credentials.authorization, credentials.apiKey);
      if (isRefused(session))
        ws.end(CLOSE_POLICY_VIOLATION, session.message.slice(0, CLOSE_REASON_LENGTH_MAX));
      else connection.session = session;
    }
  }

  /** To each App of a front. */
  addTo(app: TemplatedApp): void {
    app.ws<SocketData>('/ws', {
      maxPayloadLength: BULK_BYTES_MAX,
      idleTimeout: WEBSOCKET_IDLE_SECONDS,
      maxBackpressure: WEBSOCKET_BACKPRESSURE_MAX,
      // Declared as a number by uWS, read as a boolean: a reader slower than the limit loses its connection.
      closeOnBackpressureLimit: 1,
      sendPingsAutomatically: true,
      upgrade: (res, req, socketContext) => {
        try {
          this.upgrade(res, req, socketContext);
        } catch (error) {
          this.onUnexpected(error);
          closeQuietly(res);
        }
      },
      open: (ws) => {
        ws.getUserData().connection = new WebSocketConnection(ws, this.shared, ws.getUserData().session);
        this.open.add(ws);
        this.context.meter.cells[FRONT_WEBSOCKETS]++;
      },
      message: (ws, message, isBinary) => this.onMessage(ws, message, isBinary),
      drain: (ws) => ws.getUserData().connection?.onDrain(),
      close: (ws) => {
        ws.getUserData().connection?.close();
        this.open.delete(ws);
        this.context.meter.cells[FRONT_WEBSOCKETS]--;
        // uWS tells its filter of this connection's beginning, and not of its end once it has become a WebSocket.
        this.context.meter.cells[FRONT_CONNECTIONS]--;
        this.context.access.addresses.closed();
      },
    });
  }

  private upgrade(res: HttpResponse, req: HttpRequest, socketContext: us_socket_context_t): void {
    const origin = req.getHeader('origin');
    if (this.context.draining !== undefined) {
      sendError(res, this.context.draining, this.context.requestId(), true);
      return;
    }
    if (origin !== '' && hostOf(origin) !== req.getHeader('host')) {
      const message = `a page from ${origin} may not open a WebSocket here`;
      sendError(res, { code: 'FORBIDDEN', message }, this.context.requestId(), true);
      return;
    }
    const { access } = this.context;
    const session = admitted(this.context, res, req, 'somebody');
    const blocked = access.isBehindProxies ? access.refusesClient(res, req) : undefined;
    if (blocked !== undefined || isRefused(session)) {
      sendError(res, blocked ?? (session as WireError), this.context.requestId(), true);
      return;
    }
    const client = access.isBehindProxies ? access.clientAddress(res, req) : undefined;
    const credentials = {
      authorization: req.getHeader('authorization'),
      apiKey: req.getHeader('x-api-key'),
    };
    // Its requests have no lines of their own.
    logAnswer(res, 101, 0, this.context.requestId());
    res.upgrade<SocketData>(
      { connection: undefined, session, client, credentials },
      req.getHeader('sec-websocket-key'),
      req.getHeader('sec-websocket-protocol'),
      req.getHeader('sec-websocket-extensions'),
      socketContext,
    );
  }

  private onMessage(ws: WebSocket<SocketData>, message: ArrayBuffer, isBinary: boolean): void {
    const { connection } = ws.getUserData();
    if (connection === undefined) return;
    try {
      if (!isBinary) {
        this.text.handle(connection, new Uint8Array(message.slice(0)));
        return;
      }
      const malformed = this.binary.handle(connection, new Uint8Array(message));
      if (malformed !== undefined)
        ws.end(CLOSE_UNSUPPORTED_DATA, malformed.message.slice(0, CLOSE_REASON_LENGTH_MAX));
    } catch (error) {
      this.onUnexpected(error);
      ws.close();
    }
  }
}

function hostOf(origin: string): string {
  try {
    return new URL(origin).host;
  } catch {
    return '';
  }
}
