/**
 * The routes of storage administration: compaction, removal of expired documents, the archive of the log, memory, tasks
 * the dump of everything, the configuration and the cluster. The main thread answers them all. Front thread only, off the hot path.
 */
import type { HttpRequest, HttpResponse, TemplatedApp } from 'uWebSockets.js';
import { readCompact, readGc, readRebuild, readTransfer, readWalArchive } from './admin-body.js';
import type { AdminCall } from './admin-call.js';
import { asObject } from './control-body.js';
import { type ControlExchange, type ControlRouteAnswer, unwrap } from './control-exchange.js';
import type { FrontContext } from './front-context.js';

type Guard = (
  handler: (res: HttpResponse, req: HttpRequest) => void,
) => (res: HttpResponse, req: HttpRequest) => void;

export class AdminRoutes {
  constructor(
    private readonly context: FrontContext,
    private readonly exchange: ControlExchange,
  ) {}

  addTo(app: TemplatedApp, guard: Guard): void {
    const show = (path: string, call: AdminCall): void => {
      app.get(
        path,
        guard((res) => this.exchange.serve(res, () => this.ask(call))),
      );
    };
    show('/admin/memory', { kind: 'memory' });
    show('/admin/compaction', { kind: 'compaction' });
    show('/admin/dump-state', { kind: 'dump-state' });
    show('/admin/tasks', { kind: 'tasks' });
    show('/admin/config', { kind: 'config' });
    app.patch(
      '/admin/config',
      guard((res, req) =>
        this.exchange.serveBody(res, req, async (body) =>
          this.ask({ kind: 'change-config', changes: asObject(body) }),
        ),
      ),
    );
    app.get(
      '/admin/tasks/:id',
      guard((res, req) => {
        const id = req.getParameter(0) ?? '';
        this.exchange.serve(res, () => this.ask({ kind: 'task', id }));
      }),
    );
    app.post(
      '/admin/tasks/:id/cancel',
      guard((res, req) => {
        const id = req.getParameter(0) ?? '';
        this.exchange.serve(res, () => this.ask({ kind: 'cancel-task', id }));
      }),
    );
    show('/admin/queries', { kind: 'queries' });
    app.del(
      '/admin/queries/:id',
      guard((res, req) => {
        const id = req.getParameter(0) ?? '';
        this.exchange.serve(res, () => this.ask({ kind: 'cancel-query', id }));
      }),
    );
    show('/cluster/health', { kind: 'cluster', report: 'health' });
    show('/cluster/status', { kind: 'cluster', report: 'status' });
    show('/cluster/replication', { kind: 'cluster', report: 'replication' });
    const change = (path: string, read: (body: unknown) => AdminCall): void => {
      app.post(
        path,
        guard((res, req) => this.exchange.serveBody(res, req, async (body) => this.ask(read(body)))),
      );
    };
    change('/admin/compaction', (body) => ({ kind: 'compact', request: readCompact(body) }));
    change('/admin/indexes/rebuild', (body) => ({ kind: 'rebuild-indexes', request: readRebuild(body) }));
    change('/admin/gc', (body) => ({ kind: 'gc', request: readGc(body) }));
    change('/cluster/transfer-leadership', (body) => ({
      kind: 'transfer-leadership',
      targetNode: readTransfer(body),
    }));
    change('/admin/wal/archive', (body) => ({ kind: 'archive-wal', request: readWalArchive(body) }));
  }

  private async ask(call: AdminCall): Promise<ControlRouteAnswer> {
    return unwrap(await this.context.control.admin(call));
  }
}
