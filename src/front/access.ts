/**
 * Who may do what, on a front: every route and every op asks here. The main thread sends a new snapshot of users, keys and roles
 * with each change of them. Front thread only; nothing is allocated for a request that is allowed.
 */
import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { Authenticator, type SecuritySnapshot } from '../auth/authenticator.js';
import type { Action } from '../auth/permission.js';
import type { Session } from '../auth/session.js';
import type { WireError } from '../base/errors.js';
import type { Actor } from './control-plane.js';
import { RateLimiter } from './rate-limiter.js';

/** What a route asks of its caller: nothing, to be somebody (the handler asks for the rest), or a permission. */
export type RouteAccess = 'anyone' | 'somebody' | NeededPermission;
export type NeededPermission = readonly [Action, string];

export interface AccessOptions {
  readonly snapshot: SecuritySnapshot;
  /** Requests a second of one caller, on this front; 0 = no limit. */
  rateLimit(): number;
  wallMs(): number;
  monotonicMs(): number;
}

export class AccessControl {
  private authenticator: Authenticator;
  private readonly limiter: RateLimiter;

  constructor(private readonly options: AccessOptions) {
    this.authenticator = new Authenticator(options.snapshot, options.wallMs);
    this.limiter = new RateLimiter(options.rateLimit, options.monotonicMs);
  }

  renew(snapshot: SecuritySnapshot): void {
    this.authenticator = new Authenticator(snapshot, this.options.wallMs);
  }

  /** The caller, or why there is none. */
  admit(res: HttpResponse, req: HttpRequest, access: Exclude<RouteAccess, 'anyone'>): Session | WireError {
    const session = this.session(req.getHeader('authorization'), req.getHeader('x-api-key'));
    if ('code' in session) return session;
    if (this.limiter.isOn && !this.limiter.takes(session.kind === 'trusted' ? addressOf(res) : session.name))
      return this.limiter.refusal();
    return access === 'somebody' ? session : (refusal(session, access[0], access[1]) ?? session);
  }

  session(authorization: string, apiKey: string): Session | WireError {
    const { authenticator } = this;
    return (
      authenticator.session(authorization, apiKey) ?? { code: 'UNAUTHORIZED', message: authenticator.reason }
    );
  }

  /** Whether requests of this session go beyond its rate. */
  exceedsRate(session: Session): WireError | undefined {
    return !this.limiter.isOn || this.limiter.takes(session.name) ? undefined : this.limiter.refusal();
  }

  refusesConnection(res: HttpResponse): boolean {
    return this.authenticator.blocksAnybody && this.authenticator.isBlocked(addressOf(res));
  }
}

/** Undefined when the session may do it. */
export function refusal(session: Session, action: Action, resource: string): WireError | undefined {
  if (session.allows(action, resource)) return undefined;
  const permission = `${action}:${resource}`;
  return {
    code: 'FORBIDDEN',
    message: `${session.name} may not do this: role ${session.role} lacks ${permission}`,
    details: { permission },
  };
}

export function isRefused(found: Session | WireError): found is WireError {
  return 'code' in found;
}

/** As text; IPv4 addresses as such also where the socket speaks IPv6. */
export function addressOf(res: HttpResponse): string {
  return plainAddress(Buffer.from(res.getRemoteAddressAsText()).toString('latin1'));
}

/** uWS writes IPv6 in full: 0000:0000:0000:0000:0000:ffff:7f00:0001. */
export function plainAddress(text: string): string {
  const mapped = /^0000:0000:0000:0000:0000:ffff:([0-9a-f]{2})([0-9a-f]{2}):([0-9a-f]{2})([0-9a-f]{2})$/.exec(
    text,
  );
  return mapped === null
    ? text
    : mapped
        .slice(1)
        .map((byte) => Number.parseInt(byte, 16))
        .join('.');
}

export function actorOf(res: HttpResponse, session: Session): Actor {
  const { name, role, kind, tokenId, expiresAtMs } = session;
  return { name, role, kind, tokenId, expiresAtMs, address: addressOf(res) };
}
