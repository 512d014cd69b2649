/**
 * Health, status, metrics, read-only mode and shutdown: requests that the main thread answers. Off the hot path. Each
 * route is an async function from a parsed request to an answer; control-exchange.ts does the rest.
 */
import type { HttpRequest, HttpResponse, TemplatedApp } from 'uWebSockets.js';
import type { Session } from '../auth/session.js';
import { DbError } from '../base/errors.js';
import { json } from './control-answer.js';
import { asObject, refuseUnknown } from './control-body.js';
import { type ControlExchange, unwrap } from './control-exchange.js';
import type { ReadOnlyRequest } from './control-plane.js';
import type { FrontContext } from './front-context.js';
import type { Guard } from './route-guard.js';

export const SHUTDOWN_TIMEOUT_MS_DEFAULT = 60_000;
export const SHUTDOWN_TIMEOUT_MS_MAX = 3_600_000;
export const READ_ONLY_REASON_LENGTH_MAX = 300;
const PROMETHEUS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export class ControlRoutes {
  constructor(
    private readonly context: FrontContext,
    private readonly exchange: ControlExchange,
  ) {}

  addTo(app: TemplatedApp, guard: Guard): void {
    // For load balancers and orchestrators, which have no credentials: they tell whether, not what.
    app.get(
      '/health',
      guard('anyone', (res) => this.health(res)),
    );
    app.get(
      '/ready',
      guard('anyone', (res) => this.ready(res)),
    );
    app.get(
      '/live',
      guard('anyone', (res) => this.live(res)),
    );
    app.get(
      '/status',
      guard(['monitor', 'status'], (res) => this.status(res)),
    );
    app.get(
      '/metrics',
      guard(['monitor', 'metrics'], (res) => this.metrics(res)),
    );
    app.get(
      '/admin/read-only',
      guard(['admin', 'read-only'], (res) => this.readOnly(res)),
    );
    app.post(
      '/admin/read-only',
      guard(['admin', 'read-only'], (res, req, session) => this.setReadOnly(res, req, session)),
    );
    app.post(
      '/admin/shutdown',
      guard(['admin', 'shutdown'], (res, req, session) => this.shutdown(res, req, session)),
    );
  }

  private health(res: HttpResponse): void {
    this.exchange.serve(res, () => this.context.control.health());
  }

  private status(res: HttpResponse): void {
    this.exchange.serve(res, () => this.context.control.status());
  }

  private metrics(res: HttpResponse): void {
    this.exchange.serve(res, async () => ({
      httpStatus: 200,
      body: await this.context.control.metrics(),
      contentType: PROMETHEUS_CONTENT_TYPE,
    }));
  }

  /** Answered by this thread alone: the process is there and its event loop turns. */
  private live(res: HttpResponse): void {
    this.exchange.serve(res, async () => json(200, { status: 'live' }));
  }

  /** Whether this server can take requests now; for load balancers. */
  private ready(res: HttpResponse): void {
    const cause = this.context.draining ?? this.context.router.firstUnavailable();
    this.exchange.serve(res, async () =>
      cause === undefined
        ? json(200, { status: 'ready' })
        : json(503, { status: 'not ready', reason: cause.message, code: cause.code }),
    );
  }

  private readOnly(res: HttpResponse): void {
    this.exchange.serve(res, () => this.context.control.readOnly());
  }

  private setReadOnly(res: HttpResponse, req: HttpRequest, session: Session): void {
    const caller = this.context.access.caller(res, req, session);
    const sender = { session, access: ['admin', 'read-only'] } as const;
    this.exchange.serveBody(res, req, sender, async (body, requestId) =>
      unwrap(await this.context.control.setReadOnly(readReadOnly(body), { ...caller, requestId })),
    );
  }

  private shutdown(res: HttpResponse, req: HttpRequest, session: Session): void {
    const caller = this.context.access.caller(res, req, session);
    const sender = { session, access: ['admin', 'shutdown'] } as const;
    this.exchange.serveBody(res, req, sender, async (body, requestId) => {
      const request = readShutdown(body);
      const { pid } = await this.context.control.shutdown(request, { ...caller, requestId });
      return json(202, { status: 'shutting down', mode: request.mode, pid });
    });
  }
}

function readReadOnly(body: unknown): ReadOnlyRequest {
  const object = asObject(body);
  refuseUnknown(object, ['enabled', 'reason']);
  const { enabled, reason } = object;
  if (typeof enabled !== 'boolean') {
    throw new DbError('VALIDATION', 'enabled must be true or false', { field: 'enabled' });
  }
  if (reason === undefined) return { enabled };
  if (typeof reason !== 'string' || reason.trim() === '' || reason.length > READ_ONLY_REASON_LENGTH_MAX) {
    const message = `reason must be a text of 1 to ${READ_ONLY_REASON_LENGTH_MAX} characters`;
    throw new DbError('VALIDATION', message, { field: 'reason' });
  }
  return { enabled, reason };
}

function readShutdown(body: unknown): { mode: 'graceful' | 'force'; timeoutMs: number } {
  const object = asObject(body);
  refuseUnknown(object, ['mode', 'timeout_ms']);
  const mode = object.mode ?? 'graceful';
  if (mode !== 'graceful' && mode !== 'force') {
    throw new DbError('VALIDATION', 'mode can be "graceful" or "force"', { field: 'mode' });
  }
  const timeoutMs = object.timeout_ms ?? SHUTDOWN_TIMEOUT_MS_DEFAULT;
  if (typeof timeoutMs !== 'number' || !(timeoutMs >= 0 && timeoutMs <= SHUTDOWN_TIMEOUT_MS_MAX)) {
    const message = `timeout_ms must be a number from 0 to ${SHUTDOWN_TIMEOUT_MS_MAX}`;
    throw new DbError('VALIDATION', message, { field: 'timeout_ms' });
  }
  return { mode, timeoutMs };
}
