/** What fronts ask the main thread for: each question goes to who answers it, and what changes anything is written down. */
import { healthReport, type ServerFacts, statusReport } from '../admin/reports.js';
import type { ControlPlane, ShutdownRequest } from '../front/control-plane.js';
import { definitionAction, definitionDetails } from './admin-audit.js';
import { type AdminDesk, answerOf, attempt } from './admin-desk.js';
import type { CollectionControl } from './collection-control.js';
import type { QueryControl } from './query/query-control.js';
import type { SecurityControl } from './security-control.js';
import type { ServerLogs } from './server-logs.js';
import type { SpaceKeeper } from './space-keeper.js';

export interface ControlPlaneParts {
  readonly collections: CollectionControl;
  readonly desk: AdminDesk;
  readonly space: SpaceKeeper;
  readonly queries: QueryControl;
  readonly security: SecurityControl;
  readonly logs: ServerLogs;
  readonly facts: () => ServerFacts;
  readonly metrics: () => Promise<string>;
  readonly shutdown: (request: ShutdownRequest) => { readonly pid: number };
}

/** `parts`: asked for with each call, because fronts are put together before some of them. */
export function controlPlane(parts: () => ControlPlaneParts): ControlPlane {
  return {
    // Made by a write that finds none, it is nobody's action.
    createCollection: (name, exclusive, ttlSeconds, schema, actor) =>
      parts().desk.audited(
        'create-collection',
        actor,
        () => parts().collections.create(name, exclusive, ttlSeconds, schema),
        { target: name, after: { ttl_seconds: ttlSeconds, ...(schema && { schema }) } },
      ),
    setCollectionTtl: (name, ttlSeconds, actor) =>
      parts().desk.audited('alter-collection', actor, () => parts().collections.setTtl(name, ttlSeconds), {
        target: name,
        after: { ttl_seconds: ttlSeconds },
      }),
    dropCollection: (name, actor) =>
      parts().desk.audited('drop-collection', actor, () => parts().collections.drop(name), { target: name }),
    listCollections: () => attempt(() => parts().collections.list()),
    health: async () => answerOf(healthReport(parts().facts())),
    status: async () => answerOf(statusReport(parts().facts())),
    metrics: () => parts().metrics(),
    readOnly: async () => parts().space.report(),
    setReadOnly: (request, actor) =>
      parts().desk.audited('read-only', actor, async () => parts().space.setReadOnly(request), {
        before: parts().space.readOnly.report(),
        after: request,
      }),
    admin: (call, actor) => parts().desk.answer(call, actor),
    runQuery: (query, port) => attempt(() => parts().queries.run(query, port)),
    define: (statement, sql, actor) =>
      parts().desk.audited(
        definitionAction(statement),
        actor,
        () => parts().queries.define(statement),
        definitionDetails(statement, sql),
      ),
    recordQueries: async (records) => parts().queries.record(records),
    // It writes down its changes itself, with what was before and after.
    security: (call, actor) => attempt(() => parts().security.answer(call, actor)),
    login: (request, from) => attempt(() => parts().security.login(request, from)),
    shutdown: async (request, actor) => {
      parts().logs.audit.write({ action: 'shutdown', by: actor, after: request });
      return parts().logs.forRequest(actor.requestId, () => parts().shutdown(request));
    },
  };
}
