/** Who is asking, and what they may do: made by the authenticator, looked at by every request. */
import { type Action, PermissionSet } from './permission.js';

/** How somebody has shown who they are. */
export type SessionKind = 'token' | 'api-key' | 'local' | 'trusted';

/** What a request says of its sender; '' for nothing. */
export interface Credentials {
  /** `Authorization`. */
  readonly authorization: string;
  /** `X-API-Key`. */
  readonly apiKey: string;
}

const NOTHING: Credentials = { authorization: '', apiKey: '' };

export interface SessionFacts {
  /** Of a user; for the two others what logs call them. */
  readonly name: string;
  readonly role: string;
  readonly kind: SessionKind;
  readonly permissions: PermissionSet;
  /** Of an API key that may do less than its user. */
  readonly scope?: PermissionSet;
  /** Wall clock in milliseconds; absent: it does not expire. */
  readonly expiresAtMs?: number;
  /** Of a token, for its revocation. */
  readonly tokenId?: string;
  /** By which it was found; absent: by none that could be looked at again. */
  readonly shown?: Credentials;
}

export class Session {
  readonly name: string;
  readonly role: string;
  readonly kind: SessionKind;
  /** Infinity = never. */
  readonly expiresAtMs: number;
  /** '' for what is no token. */
  readonly tokenId: string;
  /** Secret: of no use but to look again. */
  readonly shown: Credentials;
  private readonly permissions: PermissionSet;
  private readonly scope: PermissionSet | undefined;

  constructor(facts: SessionFacts) {
    this.name = facts.name;
    this.role = facts.role;
    this.kind = facts.kind;
    this.permissions = facts.permissions;
    this.scope = facts.scope;
    this.expiresAtMs = facts.expiresAtMs ?? Number.POSITIVE_INFINITY;
    this.tokenId = facts.tokenId ?? '';
    this.shown = facts.shown ?? NOTHING;
  }

  /** What its role may do, as patterns. */
  get granted(): readonly string[] {
    return this.permissions.texts;
  }

  /** What an API key may do of that; undefined: all of it. */
  get limitedTo(): readonly string[] | undefined {
    return this.scope?.texts;
  }

  allows(action: Action, resource: string): boolean {
    return (
      this.permissions.allows(action, resource) &&
      (this.scope === undefined || this.scope.allows(action, resource))
    );
  }
}

const EVERYTHING = new PermissionSet(['*']);

/** Whoever reaches a server that asks for no login. */
export const TRUSTED = new Session({
  name: 'loopback',
  role: 'admin',
  kind: 'trusted',
  permissions: EVERYTHING,
});

/** The CLI on the machine of the server, which can read the data directory. */
export const LOCAL_CLI = new Session({
  name: 'local-cli',
  role: 'admin',
  kind: 'local',
  permissions: EVERYTHING,
});
