/**
 * Users, logins, API keys and roles on the main thread: the one place that changes them, tells the fronts, and answers what is
 * asked about them. What fronts do with it: auth/authenticator.ts.
 */
import { randomUUID } from 'node:crypto';
import { hashOfSecret } from '../auth/api-key.js';
import type { SecuritySnapshot } from '../auth/authenticator.js';
import { Lockout } from '../auth/lockout.js';
import { networkOf } from '../auth/network.js';
import { type PasswordCaller, PasswordChecker } from '../auth/passwords.js';
import { SecurityDirectory } from '../auth/security-directory.js';
import type { ApiKeyRecord, UserRecord } from '../auth/security-file.js';
import { shownUser } from '../auth/shown-user.js';
import { signToken } from '../auth/tokens.js';
import { unreachable } from '../base/assert.js';
import type { Clock } from '../base/clock.js';
import { DbError } from '../base/errors.js';
import { isLoopback, requiresLogin } from '../config/exposure.js';
import type { Config } from '../config/schema.js';
import { json } from '../front/control-answer.js';
import type { Actor, ControlAnswer } from '../front/control-plane.js';
import type { LoginRequest, SecurityCall } from '../front/security-call.js';
import type { AuditLog } from './audit-log.js';
import type { RolesFile } from './roles-file.js';
import { newLocalToken, securityStore, signingKey } from './security-files.js';

const MINUTE_MS = 60_000;

export interface SecurityControlOptions {
  readonly config: Config;
  readonly dataDirectory: string;
  readonly clock: Clock;
  readonly roles: RolesFile;
  readonly audit: AuditLog;
  /** Tells the fronts. Resolves when all of them go by the snapshot. */
  readonly publish: (snapshot: SecuritySnapshot) => Promise<void>;
}

export class SecurityControl {
  private readonly directory: SecurityDirectory;
  private readonly passwords = new PasswordChecker();
  private readonly lockout: Lockout;
  private readonly signingKey: Uint8Array;
  private readonly localTokenHash: string;

  /** Throws DbError when the files of the data directory cannot be used. */
  constructor(private readonly options: SecurityControlOptions) {
    const { dataDirectory, clock, config } = options;
    this.directory = new SecurityDirectory(securityStore(dataDirectory), clock, () =>
      Object.keys(options.roles.current),
    );
    this.signingKey = signingKey(dataDirectory);
    this.localTokenHash = hashOfSecret(newLocalToken(dataDirectory));
    const { security } = config;
    this.lockout = new Lockout(
      () => ({
        failuresMax: security.lockout_failures,
        lockMs: security.lockout_minutes * MINUTE_MS,
      }),
      clock,
    );
  }

  snapshot(): SecuritySnapshot {
    const { users, apiKeys, revokedTokens, blockedAddresses } = this.directory.current;
    return {
      isRequired: requiresLogin(this.options.config, users.length),
      isLoopback: isLoopback(this.options.config.server.host),
      users: users
        .filter(({ disabled }) => !disabled)
        .map(({ name, role, generation }) => ({ name, role, generation })),
      apiKeys: apiKeys.map(({ id, user, permissions, hash, expires_at }) => ({
        id,
        user,
        permissions,
        hash,
        expiresAtMs: expires_at === null ? null : Date.parse(expires_at),
      })),
      roles: this.options.roles.current,
      revokedTokens: revokedTokens.map(({ id }) => id),
      blockedAddresses,
      signingKey: this.signingKey,
      localTokenHash: this.localTokenHash,
    };
  }

  /** After a change of users, keys, roles or of what requires a login. */
  publish(): Promise<void> {
    return this.options.publish(this.snapshot());
  }

  async login(
    { username, password }: LoginRequest,
    { address, requestId }: Pick<Actor, 'address' | 'requestId'>,
  ): Promise<ControlAnswer> {
    const by = { name: loggedName(username), role: '', kind: 'token', address, requestId } as const;
    const user = this.directory.find(username);
    try {
      this.lockout.require(username, address);
      const caller = this.passwordCaller(username, address);
      const isRight = await this.passwords.isRight(user?.password_hash, password, caller);
      if (!isRight || user === undefined || user.disabled) {
        this.lockout.failed(username, address);
        // One message for all causes: which of them it was helps only those who guess.
        throw new DbError('UNAUTHORIZED', 'authentication failed: the user or the password is wrong');
      }
    } catch (error) {
      const why = (error as Error).message;
      this.options.audit.write({ action: 'login', by, error: why });
      throw error;
    }
    this.lockout.succeeded(username, address);
    this.options.audit.write({ action: 'login', by: { ...by, role: user.role } });
    return json(200, this.newToken(user));
  }

  async answer(call: SecurityCall, actor: Actor): Promise<ControlAnswer> {
    const { users, apiKeys, blockedAddresses } = this.directory.current;
    switch (call.kind) {
      case 'whoami':
        return json(200, { ...whoami(actor), permissions: call.permissions, limited_to: call.limitedTo });
      case 'roles':
        return json(200, { roles: this.options.roles.current, source: this.options.roles.source });
      case 'users':
        return json(200, { users: users.map(shownUser), total: users.length });
      case 'user': {
        const found = this.directory.find(call.username);
        if (found === undefined)
          throw new DbError('NOT_FOUND', `there is no user ${JSON.stringify(call.username)}`);
        return json(200, shownUser(found));
      }
      case 'api-keys':
        return json(200, { api_keys: apiKeys.map(shownKey), total: apiKeys.length });
      case 'blocked-addresses':
        return json(200, { addresses: blockedAddresses });
      default:
        return this.change(call, actor);
    }
  }

  private async change(
    call: Exclude<
      SecurityCall,
      { kind: 'whoami' | 'roles' | 'users' | 'user' | 'api-keys' | 'blocked-addresses' }
    >,
    actor: Actor,
  ): Promise<ControlAnswer> {
    const entry = { action: call.kind, by: actor };
    try {
      const { answer, target, before, after } = await this.changed(call, actor);
      await this.publish();
      this.options.audit.write({ ...entry, target, before, after });
      return answer;
    } catch (error) {
      this.options.audit.write({ ...entry, target: targetOf(call, actor), error: (error as Error).message });
      throw error;
    }
  }

  private async changed(
    call: Parameters<SecurityControl['change']>[0],
    actor: Actor,
  ): Promise<{ answer: ControlAnswer; target: string; before?: unknown; after?: unknown }> {
    const { directory } = this;
    const target = targetOf(call, actor);
    switch (call.kind) {
      case 'create-user': {
        const user = await directory.createUser(call);
        return { answer: json(201, shownUser(user)), target, after: shownUser(user) };
      }
      case 'change-user': {
        const { before, after } = await directory.changeUser(call.username, call.changes, (user) =>
          this.requireAnotherAdmin(user, call.changes),
        );
        const isNewPassword = call.changes.password !== undefined;
        return {
          answer: json(200, shownUser(after)),
          target,
          before: shownUser(before),
          after: { ...shownUser(after), ...(isNewPassword ? { password: 'changed' } : {}) },
        };
      }
      case 'delete-user': {
        const user = await directory.deleteUser(call.username, (found) =>
          this.requireAnotherAdmin(found, { disabled: true }),
        );
        return { answer: json(200, { username: user.name, deleted: true }), target, before: shownUser(user) };
      }
      case 'change-password': {
        const user = this.requireOwnUser(actor);
        this.lockout.require(user.name, actor.address);
        const caller = this.passwordCaller(user.name, actor.address);
        if (!(await this.passwords.isRight(user.password_hash, call.oldPassword, caller))) {
          this.lockout.failed(user.name, actor.address);
          throw new DbError('UNAUTHORIZED', 'old_password is wrong');
        }
        const { after } = await directory.changeUser(user.name, { password: call.newPassword }, (now) => {
          // Disabled, or with a password that an administrator has set, while the old one was looked at: the login has ended.
          if (now.generation !== user.generation)
            throw new DbError('UNAUTHORIZED', 'the user has been changed meanwhile: log in again');
        });
        // All logins end with the old password; this one goes on under a new token.
        return { answer: json(200, this.newToken(after)), target, after: { password: 'changed' } };
      }
      case 'logout':
        if (actor.tokenId === '')
          throw new DbError('VALIDATION', 'only a login token can be logged out: API keys are revoked');
        await directory.revokeToken(actor.tokenId, actor.name, actor.expiresAtMs);
        return { answer: json(200, { logged_out: true }), target };
      case 'create-api-key': {
        const { record, key } = await directory.createApiKey(call);
        return { answer: json(201, { ...shownKey(record), key }), target, after: shownKey(record) };
      }
      case 'rotate-api-key': {
        const { record, key } = await directory.rotateApiKey(call.id);
        return { answer: json(200, { ...shownKey(record), key }), target, after: shownKey(record) };
      }
      case 'revoke-api-key': {
        const record = await directory.revokeApiKey(call.id);
        return { answer: json(200, { id: record.id, revoked: true }), target, before: shownKey(record) };
      }
      case 'block-addresses': {
        const before = directory.current.blockedAddresses;
        await directory.setBlockedAddresses(call.addresses);
        const after = directory.current.blockedAddresses;
        return { answer: json(200, { addresses: after }), target, before, after };
      }
      default:
        return unreachable(call);
    }
  }

  private passwordCaller(username: string, address: string): PasswordCaller {
    return { address: networkOf(address), requireTry: () => this.lockout.require(username, address) };
  }

  private newToken({ name, role, generation }: UserRecord) {
    const { clock, config } = this.options;
    const nowMs = clock.wallMs();
    // Tokens have whole seconds.
    const expiresAtMs = Math.floor((nowMs + config.security.token_ttl_minutes * MINUTE_MS) / 1000) * 1000;
    const claims = { username: name, generation, tokenId: randomUUID(), expiresAtMs };
    return {
      token: signToken(this.signingKey, claims, nowMs),
      expires_at: new Date(expiresAtMs).toISOString(),
      user: { username: name, role },
    };
  }

  private requireOwnUser({ kind, name }: Actor): UserRecord {
    const user = kind === 'token' ? this.directory.find(name) : undefined;
    if (user !== undefined) return user;
    throw new DbError('FORBIDDEN', 'only a user who has logged in can change the own password');
  }

  /** Where logins are required, the last one who can let others in must not be locked out by mistake. */
  private requireAnotherAdmin(user: UserRecord, changes: { role?: string; disabled?: boolean }): void {
    const { users } = this.directory.current;
    const roles = this.options.roles.current;
    const isAdmin = (role: string): boolean =>
      (roles[role] ?? []).some((text) => text === '*' || text === '*:*');
    if (user.disabled || !isAdmin(user.role)) return;
    const staysAdmin = changes.disabled !== true && isAdmin(changes.role ?? user.role);
    if (staysAdmin || users.some((other) => other !== user && !other.disabled && isAdmin(other.role))) return;
    if (!requiresLogin(this.options.config, users.length)) return;
    const message = `${user.name} is the last user who may do everything: create another one first`;
    throw new DbError('CONFLICT', message, { field: 'username' });
  }
}

/** No user has a longer one: anybody may send names, and each makes a line in the audit log. */
const NAME_LENGTH_MAX = 64;

function loggedName(name: string): string {
  return name.length <= NAME_LENGTH_MAX ? name : `${name.slice(0, NAME_LENGTH_MAX)}…`;
}

function shownKey({ id, name, user, permissions, created_at, expires_at }: ApiKeyRecord) {
  return { id, name, username: user, permissions, created_at, expires_at };
}

function whoami({ name, role, kind, expiresAtMs, address }: Actor) {
  const expires_at = Number.isFinite(expiresAtMs) ? new Date(expiresAtMs).toISOString() : null;
  return { username: name, role, login: kind, expires_at, address };
}

function targetOf(call: SecurityCall, actor: Actor): string {
  if ('username' in call) return call.username;
  if ('id' in call) return call.id;
  return call.kind === 'block-addresses' ? call.addresses.join(' ') : actor.name;
}
