/** Who is asking, and what they may do: made by the authenticator, looked at by every request. */
import { type Action, PermissionSet } from './permission.js';

/** How somebody has shown who they are. */
export type SessionKind = 'token' | 'api-key' | 'local' | 'trusted';

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
}

export class Session {
  readonly name: string;
  readonly role: string;
  readonly kind: SessionKind;
  /** Infinity = never. */
  readonly expiresAtMs: number;
  /** '' for what is no token. */
  readonly tokenId: string;
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
