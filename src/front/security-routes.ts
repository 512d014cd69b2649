/**
 * Login, and the administration of users, API keys and blocked addresses. The main thread answers them all. Front thread only,
 * off the hot path.
 */
import type { HttpRequest, HttpResponse, TemplatedApp } from 'uWebSockets.js';
import type { Session } from '../auth/session.js';
import type { NeededPermission } from './access.js';
import { type Answerer, type ControlExchange, type ControlRouteAnswer, unwrap } from './control-exchange.js';
import type { Caller } from './control-plane.js';
import type { FrontContext } from './front-context.js';
import { pathParameter } from './path.js';
import type { Guard } from './route-guard.js';
import {
  readBlockedAddresses,
  readLogin,
  readNewApiKey,
  readNewUser,
  readPasswordChange,
  readUserChanges,
} from './security-body.js';
import type { SecurityCall } from './security-call.js';

/** Users, keys and who is kept out are one area: who may change one of them could give himself the others. */
const USERS: NeededPermission = ['admin', 'users'];
type Ruled = 'somebody' | NeededPermission;

export class SecurityRoutes {
  constructor(
    private readonly context: FrontContext,
    private readonly exchange: ControlExchange,
  ) {}

  addTo(app: TemplatedApp, guard: Guard): void {
    app.post(
      '/auth/login',
      guard('anyone', (res, req) => this.login(res, req)),
    );
    /** Of what only shows something, and of DELETE. */
    const ask = (
      method: 'get' | 'del',
      path: string,
      access: Ruled,
      call: (parameter: string, session: Session) => SecurityCall,
    ): void => {
      app[method](
        path,
        guard(access, (res, req, session) => {
          const caller = this.context.access.caller(res, req, session);
          const asked = call(pathParameter(req), session);
          const answer: Answerer = (_body, requestId) => this.ask(asked, caller, requestId);
          if (method === 'del') this.exchange.serveDelete(res, req, answer);
          else this.exchange.serve(res, answer);
        }),
      );
    };
    const change = (
      method: 'post' | 'put' | 'patch',
      path: string,
      access: Ruled,
      read: (body: unknown, parameter: string) => SecurityCall,
    ): void => {
      app[method](
        path,
        guard(access, (res, req, session) => {
          const caller = this.context.access.caller(res, req, session);
          const named = pathParameter(req);
          this.exchange.serveBody(res, req, { session, access }, async (body, requestId) =>
            this.ask(read(body, named), caller, requestId),
          );
        }),
      );
    };
    ask('get', '/auth/me', 'somebody', (_parameter, { granted, limitedTo }) => ({
      kind: 'whoami',
      permissions: granted,
      limitedTo: limitedTo ?? null,
    }));
    change('post', '/auth/logout', 'somebody', () => ({ kind: 'logout' }));
    change('post', '/auth/password', 'somebody', readPasswordChange);
    ask('get', '/admin/users', USERS, () => ({ kind: 'users' }));
    change('post', '/admin/users', USERS, readNewUser);
    ask('get', '/admin/users/:name', USERS, (username) => ({ kind: 'user', username }));
    change('patch', '/admin/users/:name', USERS, (body, username) => ({
      kind: 'change-user',
      username,
      changes: readUserChanges(body),
    }));
    ask('del', '/admin/users/:name', USERS, (username) => ({ kind: 'delete-user', username }));
    ask('get', '/admin/roles', USERS, () => ({ kind: 'roles' }));
    ask('get', '/admin/api-keys', USERS, () => ({ kind: 'api-keys' }));
    change('post', '/admin/api-keys', USERS, readNewApiKey);
    change('post', '/admin/api-keys/:id/rotate', USERS, (_body, id) => ({ kind: 'rotate-api-key', id }));
    ask('del', '/admin/api-keys/:id', USERS, (id) => ({ kind: 'revoke-api-key', id }));
    ask('get', '/admin/blocked-addresses', USERS, () => ({ kind: 'blocked-addresses' }));
    change('put', '/admin/blocked-addresses', USERS, readBlockedAddresses);
  }

  private async ask(call: SecurityCall, caller: Caller, requestId: string): Promise<ControlRouteAnswer> {
    return unwrap(await this.context.control.security(call, { ...caller, requestId }));
  }

  private login(res: HttpResponse, req: HttpRequest): void {
    const address = this.context.access.clientAddress(res, req);
    this.exchange.serveBody(res, req, undefined, async (body, requestId) =>
      unwrap(await this.context.control.login(readLogin(body), { address, requestId })),
    );
  }
}
