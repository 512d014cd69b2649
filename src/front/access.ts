/**
 * Who may do what, on a front: every route and every op asks here. The main thread sends a new snapshot of users, keys and roles
 * with each change of them. Front thread only; nothing is allocated for a request that is allowed.
 */
import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { Authenticator, type SecuritySnapshot } from '../auth/authenticator.js';
import { networkOf } from '../auth/network.js';
import type { Action } from '../auth/permission.js';
import type { Session } from '../auth/session.js';
import { fromWireError, type WireError } from '../base/errors.js';
import type { Caller } from './control-plane.js';
import { isForeignHost } from './foreign-host.js';
import { PeerAddresses } from './peer-addresses.js';
import { RateLimiter } from './rate-limiter.js';
import { TrustedProxies } from './trusted-proxies.js';

/** What a route asks of its caller: nothing, to be somebody (the handler asks for the rest), or a permission. */
export type RouteAccess = 'anyone' | 'somebody' | NeededPermission;
export type NeededPermission = readonly [Action, string];
/** What a caller was let in by. */
export type CallerAccess = Exclude<RouteAccess, 'anyone'>;

/** Kept on the response once it has been found out. */
type ForwardedResponse = HttpResponse & { client?: string };

const BLOCKED: WireError = { code: 'FORBIDDEN', message: 'requests from this address are refused' };

export interface AccessOptions {
  readonly snapshot: SecuritySnapshot;
  /** Addresses and networks whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[];
  /** Requests a second of one caller, on this front; 0 = no limit. */
  rateLimit(): number;
  wallMs(): number;
  monotonicMs(): number;
}

export class AccessControl {
  /** Of the connections of this front. */
  readonly addresses = new PeerAddresses();
  /** Undefined: clients are whoever is at the other end of a connection. */
  private readonly proxies: TrustedProxies | undefined;
  private authenticator: Authenticator;
  /** The last Host that was found to be ours: nearly all requests have the same. */
  private ownHost = '';
  /** Another one with each change of users, keys and roles. */
  version = 0;
  private readonly limiter: RateLimiter;

  constructor(private readonly options: AccessOptions) {
    this.authenticator = new Authenticator(options.snapshot, options.wallMs);
    const { trustedProxies } = options;
    this.proxies = trustedProxies.length === 0 ? undefined : new TrustedProxies(trustedProxies);
    this.limiter = new RateLimiter(options.rateLimit, options.monotonicMs);
  }

  renew(snapshot: SecuritySnapshot): void {
    this.authenticator = new Authenticator(snapshot, this.options.wallMs);
    this.version++;
  }

  /** The caller, or why there is none. */
  admit(res: HttpResponse, req: HttpRequest, access: CallerAccess): Session | WireError {
    const session = this.session(req.getHeader('authorization'), req.getHeader('x-api-key'));
    if ('code' in session) return session;
    if (this.authenticator.asksForOwnName(session)) {
      const host = req.getHeader('host');
      if (host !== this.ownHost && isForeignHost(host)) return foreignHost(host);
      this.ownHost = host;
    }
    if (
      this.limiter.isOn &&
      !this.limiter.takes(session.kind === 'trusted' ? networkOf(this.clientAddress(res, req)) : session.name)
    )
      return this.limiter.refusal();
    return access === 'somebody' ? session : (refusal(session, access[0], access[1]) ?? session);
  }

  session(authorization: string, apiKey: string): Session | WireError {
    const { authenticator } = this;
    return (
      authenticator.session(authorization, apiKey) ?? { code: 'UNAUTHORIZED', message: authenticator.reason }
    );
  }

  /**
   * Whom admit() has let in, as of now, or why not any more. For what goes on after that: a body arrives as slowly as its sender
   * likes, and whoever was shut out meanwhile must not be able to end it.
   */
  stillAdmits(session: Session, access: CallerAccess): Session | WireError {
    const { authenticator } = this;
    const renewed = authenticator.renewed(session);
    if (renewed === undefined) return { code: 'UNAUTHORIZED', message: authenticator.reason };
    return access === 'somebody' ? renewed : (refusal(renewed, access[0], access[1]) ?? renewed);
  }

  /** Whether so many requests of this session go beyond its rate. */
  exceedsRate(session: Session, requests = 1): WireError | undefined {
    return !this.limiter.isOn || this.limiter.takes(session.name, requests)
      ? undefined
      : this.limiter.refusal();
  }

  /** For the audit log. */
  caller(res: HttpResponse, req: HttpRequest, session: Session): Caller {
    return callerAt(this.clientAddress(res, req), session);
  }

  /** Whether requests of one connection may come from several clients. */
  get isBehindProxies(): boolean {
    return this.proxies !== undefined;
  }

  /** Who sends a request: the other end of its connection, or whom a trusted proxy names. While the request is there. */
  clientAddress(res: ForwardedResponse, req: HttpRequest): string {
    if (this.proxies === undefined) return this.addresses.of(res);
    res.client ??= this.proxies.clientOf(this.addresses.of(res), req);
    return res.client;
  }

  /** Of a client behind a proxy, whose connection could not be refused. */
  refusesClient(res: HttpResponse, req: HttpRequest): WireError | undefined {
    return this.refusesAddress(this.clientAddress(res, req)) ? BLOCKED : undefined;
  }

  refusesAddress(address: string): boolean {
    return this.authenticator.isBlocked(address);
  }
}

/** For the audit log. `address`: of the client. */
export function callerAt(address: string, { name, role, kind, tokenId, expiresAtMs }: Session): Caller {
  return { name, role, kind, tokenId, expiresAtMs, address };
}

function foreignHost(host: string): WireError {
  return {
    code: 'FORBIDDEN',
    message:
      `who shows no login has to call this server 127.0.0.1 or localhost, and not ${JSON.stringify(host.slice(0, 100))}: ` +
      'a web page could have made that name lead here (DNS rebinding)',
  };
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

/** Throws DbError FORBIDDEN when the session may not do it. */
export function requirePermission(session: Session, action: Action, resource: string): void {
  const refused = refusal(session, action, resource);
  if (refused !== undefined) throw fromWireError(refused);
}

export function isRefused(found: Session | WireError): found is WireError {
  return 'code' in found;
}
