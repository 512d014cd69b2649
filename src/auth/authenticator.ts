/**
 * Who sends a request: looked up in a copy of users, keys and roles that the main thread renews with every change. Each front
 * thread has one. Credentials that were found right are remembered until the next change, so that a request costs the lookup of
 * its header; whether they have expired is asked each time.
 */
import type { BlockList } from 'node:net';
import { apiKeyId, isSecretOf } from './api-key.js';
import { blockListOf, isListed } from './block-list.js';
import { PermissionSet } from './permission.js';
import type { Roles } from './roles.js';
import { type Credentials, LOCAL_CLI, Session, TRUSTED } from './session.js';
import { verifyToken } from './tokens.js';

/** What fronts know; plain data, sent whole. */
export interface SecuritySnapshot {
  /** False: who shows nothing is trusted. */
  readonly isRequired: boolean;
  /** True: only this machine can reach the server, and what calls it by a foreign name is a web page in disguise. */
  readonly isLoopback: boolean;
  /** Those that are not disabled. */
  readonly users: ReadonlyArray<{
    readonly name: string;
    readonly role: string;
    readonly generation: string;
  }>;
  readonly apiKeys: ReadonlyArray<{
    readonly id: string;
    readonly user: string;
    readonly permissions: readonly string[] | null;
    readonly hash: string;
    readonly expiresAtMs: number | null;
  }>;
  readonly roles: Roles;
  /** Ids. */
  readonly revokedTokens: readonly string[];
  readonly blockedAddresses: readonly string[];
  readonly signingKey: Uint8Array;
  /** SHA-256 of the token by which the CLI on this machine shows that it may read the data directory. */
  readonly localTokenHash: string;
}

/** Why there is no session. */
const NO_CREDENTIALS = 'authentication is required: send "Authorization: Bearer TOKEN" or "X-API-Key: KEY"';
const BAD_CREDENTIALS =
  'authentication failed: the credentials are not valid, they are unknown, revoked or expired, or the user is disabled';

const REMEMBERED_MAX = 10_000;
/** Nobody has a longer header that is right. */
const CREDENTIALS_LENGTH_MAX = 2048;
const BEARER = 'Bearer ';

export class Authenticator {
  private readonly remembered = new Map<string, Session>();
  private readonly roles = new Map<string, PermissionSet>();
  private readonly users: ReadonlyMap<string, SecuritySnapshot['users'][number]>;
  private readonly apiKeys: ReadonlyMap<string, SecuritySnapshot['apiKeys'][number]>;
  private readonly revoked: ReadonlySet<string>;
  private readonly blocked: BlockList | undefined;
  /** Of the last session() that gave none. */
  reason = '';

  constructor(
    private readonly snapshot: SecuritySnapshot,
    private readonly wallMs: () => number,
  ) {
    this.users = new Map(snapshot.users.map((user) => [user.name, user]));
    this.apiKeys = new Map(snapshot.apiKeys.map((key) => [key.id, key]));
    this.revoked = new Set(snapshot.revokedTokens);
    for (const [name, patterns] of Object.entries(snapshot.roles))
      this.roles.set(name, new PermissionSet(patterns));
    this.blocked =
      snapshot.blockedAddresses.length === 0 ? undefined : blockListOf(snapshot.blockedAddresses);
  }

  /** Undefined when nobody has shown that they may ask; `reason` says why. */
  session(authorization: string, apiKey: string): Session | undefined {
    const shown = authorization === '' ? apiKey : authorization;
    if (shown === '') {
      if (!this.snapshot.isRequired) return TRUSTED;
      this.reason = NO_CREDENTIALS;
      return undefined;
    }
    const session = this.find(shown, authorization, apiKey);
    if (session !== undefined && session.expiresAtMs > this.wallMs()) return session;
    this.reason = BAD_CREDENTIALS;
    return undefined;
  }

  /**
   * Whom another copy has let in, as of this one; undefined when this would not. How long a login lasts is not asked again: what is
   * looked at anew began in time.
   */
  renewed(session: Session): Session | undefined {
    // Its token is that of the process.
    if (session.kind === 'local') return session;
    const { authorization, apiKey } = session.shown;
    if (session.kind === 'trusted') return this.session('', '');
    const found = this.find(authorization === '' ? apiKey : authorization, authorization, apiKey);
    if (found === undefined) this.reason = BAD_CREDENTIALS;
    return found;
  }

  /** Whether who shows nothing has to call the server by a name that is ours: who shows credentials is no web page. */
  asksForOwnName(session: Session): boolean {
    return session.kind === 'trusted' && this.snapshot.isLoopback;
  }

  isBlocked(address: string): boolean {
    return this.blocked !== undefined && isListed(this.blocked, address);
  }

  private find(shown: string, authorization: string, apiKey: string): Session | undefined {
    const known = this.remembered.get(shown);
    if (known !== undefined) return known;
    const session = this.check({ authorization, apiKey });
    if (session !== undefined) this.remember(shown, session);
    return session;
  }

  private check(shown: Credentials): Session | undefined {
    const { authorization, apiKey } = shown;
    if (authorization.length > CREDENTIALS_LENGTH_MAX || apiKey.length > CREDENTIALS_LENGTH_MAX)
      return undefined;
    if (authorization === '') return this.checkApiKey(apiKey, shown);
    if (authorization.slice(0, BEARER.length).toLowerCase() !== BEARER.toLowerCase()) return undefined;
    const token = authorization.slice(BEARER.length).trim();
    if (apiKeyId(token) !== undefined) return this.checkApiKey(token, shown);
    return this.checkLocal(token) ?? this.checkToken(token, shown);
  }

  private checkLocal(token: string): Session | undefined {
    return !token.includes('.') && isSecretOf(token, this.snapshot.localTokenHash) ? LOCAL_CLI : undefined;
  }

  private checkToken(token: string, shown: Credentials): Session | undefined {
    const claims = verifyToken(this.snapshot.signingKey, token);
    if (claims === undefined || this.revoked.has(claims.tokenId)) return undefined;
    const user = this.users.get(claims.username);
    if (user === undefined || user.generation !== claims.generation) return undefined;
    const { expiresAtMs, tokenId } = claims;
    return new Session({ ...this.factsOf(user), kind: 'token', expiresAtMs, tokenId, shown });
  }

  private checkApiKey(key: string, shown: Credentials): Session | undefined {
    const found = this.apiKeys.get(apiKeyId(key) ?? '');
    if (found === undefined || !isSecretOf(key, found.hash)) return undefined;
    const user = this.users.get(found.user);
    if (user === undefined) return undefined;
    return new Session({
      ...this.factsOf(user),
      kind: 'api-key',
      scope: found.permissions === null ? undefined : new PermissionSet(found.permissions),
      expiresAtMs: found.expiresAtMs ?? undefined,
      shown,
    });
  }

  /** A role that rbac.yaml has no more may do nothing. */
  private factsOf({ name, role }: SecuritySnapshot['users'][number]) {
    return { name, role, permissions: this.roles.get(role) ?? new PermissionSet([]) };
  }

  private remember(shown: string, session: Session): void {
    if (this.remembered.size >= REMEMBERED_MAX) this.remembered.clear();
    this.remembered.set(shown, session);
  }
}
