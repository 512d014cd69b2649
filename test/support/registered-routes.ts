/** The routes that the server registers with uWebSockets.js, asked of the code that does it and not of its text. */
import type { HttpRequest, HttpResponse, TemplatedApp } from 'uWebSockets.js';
import type { RouteAccess } from '../../src/front/access.js';
import type { FrontContext } from '../../src/front/front-context.js';
import { HttpServer } from '../../src/front/http-server.js';
import type { QueryRunner } from '../../src/front/query/runner.js';
import { WebSocketServer } from '../../src/front/ws-server.js';

export interface RegisteredRoute {
  readonly method: string;
  /** As uWebSockets.js takes it, with `:name` and `*`. */
  readonly path: string;
  readonly access: RouteAccess;
}

/** What the guard was given stands where the handler would. */
type Guarded = { readonly access: RouteAccess };

/** Of a server that is made for this and never listens: handlers are not called, so it needs nothing that it would serve with. */
export function registeredRoutes(): RegisteredRoute[] {
  const routes: RegisteredRoute[] = [];
  const app: Record<string, unknown> = {
    filter: () => app,
    // Its upgrade asks for somebody by itself.
    ws: (path: string) => routes.push({ method: 'get', path, access: 'somebody' }),
  };
  for (const name of ['get', 'head', 'put', 'patch', 'post', 'del', 'any']) {
    const method = name === 'del' ? 'delete' : name;
    app[name] = (path: string, { access }: Guarded) => routes.push({ method, path, access });
  }
  const context = { meter: { cells: new Float64Array(64) } } as unknown as FrontContext;
  const queries = {} as QueryRunner;
  const onUnexpected = (): void => {};
  const recorder = app as unknown as TemplatedApp;
  const server = new HttpServer({
    context,
    tls: undefined,
    queries,
    onUnexpected,
    addMoreRoutes: () => {},
  }) as unknown as {
    addRoutes(app: TemplatedApp): void;
    guard(access: RouteAccess, handler: unknown): Guarded | ((res: HttpResponse, req: HttpRequest) => void);
  };
  server.guard = (access) => ({ access });
  server.addRoutes(recorder);
  new WebSocketServer(context, queries, onUnexpected).addTo(recorder);
  return routes;
}
