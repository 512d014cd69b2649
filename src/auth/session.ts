/** Who is asking, and what they may do: made by the authenticator, looked at by every request. */
import { type Action, PermissionSet } from './permission.js';

/** How somebody has shown who they are. */
export type SessionKind = 'token' | 'api-key' | 'local' | 'trusted';

export class Session {
  constructor(
    /** Of a user; for the two others what logs call them. */
    readonly name: string,
    readonly role: string,
    readonly kind: SessionKind,
    private readonly permissions: PermissionSet,
    /** Of an API key that may do less than its user. */
    private readonly scope: PermissionSet | undefined,
    /** Wall clock in milliseconds; Infinity = never. */
    readonly expiresAtMs: number,
    /** Of a token, for its revocation; '' for others. */
    readonly tokenId: string,
  ) {}

  allows(action: Action, resource: string): boolean {
    return (
      this.permissions.allows(action, resource) &&
      (this.scope === undefined || this.scope.allows(action, resource))
    );
  }
}

export const EVERYTHING = new PermissionSet(['*']);

/** Whoever reaches a server that asks for no login. */
export const TRUSTED = new Session(
  'loopback',
  'admin',
  'trusted',
  EVERYTHING,
  undefined,
  Number.POSITIVE_INFINITY,
  '',
);
