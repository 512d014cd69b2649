/**
 * The routes of storage administration: compaction, removal of expired documents, the archive of the log, memory, tasks,
 * the dump of everything, diagnostics, the configuration and the cluster. The main thread answers them all. Front thread only, off the hot path.
 */
import type { HttpRequest, HttpResponse, TemplatedApp } from 'uWebSockets.js';
import type { Session } from '../auth/session.js';
import type { NeededPermission } from './access.js';
import {
  readCompact,
  readGc,
  readLease,
  readNotedBackup,
  readRebuild,
  readTransfer,
  readWalArchive,
} from './admin-body.js';
import type { AdminCall } from './admin-call.js';
import { asObject } from './control-body.js';
import { type ControlExchange, type ControlRouteAnswer, unwrap } from './control-exchange.js';
import type { Caller } from './control-plane.js';
import type { FrontContext } from './front-context.js';
import { pathParameter } from './path.js';
import type { Guard } from './route-guard.js';

/** What routes of an area need: `admin:` and its name, for all methods. */
type Area = 'storage' | 'config' | 'queries' | 'cluster';

export class AdminRoutes {
  constructor(
    private readonly context: FrontContext,
    private readonly exchange: ControlExchange,
  ) {}

  addTo(app: TemplatedApp, guard: Guard): void {
    const show = (path: string, access: NeededPermission, call: AdminCall): void => {
      app.get(
        path,
        guard(access, (res, req, session) => this.serve(res, req, session, call)),
      );
    };
    const change = (path: string, area: Area, read: (body: unknown) => AdminCall): void => {
      app.post(
        path,
        guard(['admin', area], (res, req, session) => this.serveBody(res, req, session, area, read)),
      );
    };
    show('/admin/memory', ['admin', 'storage'], { kind: 'memory' });
    show('/admin/compaction', ['admin', 'storage'], { kind: 'compaction' });
    show('/admin/dump-state', ['admin', 'storage'], { kind: 'dump-state' });
    show('/admin/diagnostics', ['admin', 'storage'], { kind: 'diagnostics' });
    show('/admin/tasks', ['admin', 'storage'], { kind: 'tasks' });
    app.get(
      '/admin/tasks/:id',
      guard(['admin', 'storage'], (res, req, session) =>
        this.serve(res, req, session, { kind: 'task', id: pathParameter(req) }),
      ),
    );
    app.post(
      '/admin/tasks/:id/cancel',
      guard(['admin', 'storage'], (res, req, session) => {
        const id = pathParameter(req);
        this.serveBody(res, req, session, 'storage', () => ({ kind: 'cancel-task', id }));
      }),
    );
    change('/admin/compaction', 'storage', (body) => ({ kind: 'compact', request: readCompact(body) }));
    change('/admin/indexes/rebuild', 'storage', (body) => ({
      kind: 'rebuild-indexes',
      request: readRebuild(body),
    }));
    change('/admin/gc', 'storage', (body) => ({ kind: 'gc', request: readGc(body) }));
    change('/admin/wal/archive', 'storage', (body) => ({
      kind: 'archive-wal',
      request: readWalArchive(body),
    }));
    show('/admin/backups', ['admin', 'storage'], { kind: 'backups' });
    change('/admin/backups', 'storage', (body) => ({ kind: 'note-backup', run: readNotedBackup(body) }));
    show('/admin/checkpoints', ['admin', 'storage'], { kind: 'checkpoints' });
    change('/admin/checkpoints', 'storage', (body) => ({
      kind: 'create-checkpoint',
      leaseMs: readLease(body),
    }));
    app.post(
      '/admin/checkpoints/:id/renew',
      guard(['admin', 'storage'], (res, req, session) => {
        const id = pathParameter(req);
        this.serveBody(res, req, session, 'storage', () => ({ kind: 'renew-checkpoint', id }));
      }),
    );
    app.del(
      '/admin/checkpoints/:id',
      guard(['admin', 'storage'], (res, req, session) =>
        this.serve(res, req, session, { kind: 'remove-checkpoint', id: pathParameter(req) }),
      ),
    );
    show('/admin/config', ['admin', 'config'], { kind: 'config' });
    app.patch(
      '/admin/config',
      guard(['admin', 'config'], (res, req, session) =>
        this.serveBody(res, req, session, 'config', (body) => ({
          kind: 'change-config',
          changes: asObject(body),
        })),
      ),
    );
    show('/admin/queries', ['admin', 'queries'], { kind: 'queries' });
    app.del(
      '/admin/queries/:id',
      guard(['admin', 'queries'], (res, req, session) => {
        const caller = this.context.access.caller(res, req, session);
        const call: AdminCall = { kind: 'cancel-query', id: pathParameter(req) };
        this.exchange.serveDelete(res, req, (_body, requestId) => this.ask(call, caller, requestId));
      }),
    );
    show('/cluster/health', ['monitor', 'cluster'], { kind: 'cluster', report: 'health' });
    show('/cluster/status', ['monitor', 'cluster'], { kind: 'cluster', report: 'status' });
    show('/cluster/replication', ['monitor', 'cluster'], { kind: 'cluster', report: 'replication' });
    change('/cluster/transfer-leadership', 'cluster', (body) => ({
      kind: 'transfer-leadership',
      targetNode: readTransfer(body),
    }));
  }

  private serve(res: HttpResponse, req: HttpRequest, session: Session, call: AdminCall): void {
    const caller = this.context.access.caller(res, req, session);
    this.exchange.serve(res, (_body, requestId) => this.ask(call, caller, requestId));
  }

  private serveBody(
    res: HttpResponse,
    req: HttpRequest,
    session: Session,
    area: Area,
    read: (body: unknown) => AdminCall,
  ): void {
    const caller = this.context.access.caller(res, req, session);
    const sender = { session, access: ['admin', area] } as const;
    this.exchange.serveBody(res, req, sender, async (body, requestId) =>
      this.ask(read(body), caller, requestId),
    );
  }

  private async ask(call: AdminCall, caller: Caller, requestId: string): Promise<ControlRouteAnswer> {
    return unwrap(await this.context.control.admin(call, { ...caller, requestId }));
  }
}
