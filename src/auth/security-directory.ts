/**
 * The users, API keys, revoked tokens and blocked addresses of a database, and the rules for changes to them. Every change is
 * durable before it holds. Used by the server's main thread and, on a stopped database, by the CLI.
 */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../base/clock.js';
import { DbError } from '../base/errors.js';
import { newApiKey } from './api-key.js';
import { blockListOf } from './block-list.js';
import { hashPassword, requirePassword } from './passwords.js';
import { PermissionSet } from './permission.js';
import { type ApiKeyRecord, NO_SECURITY, type SecurityContents, type UserRecord } from './security-file.js';

export interface SecurityStore {
  /** Undefined when there is none yet. */
  read(): SecurityContents | undefined;
  /** Atomic and durable when it returns. */
  write(contents: SecurityContents): void;
}

export interface NewUser {
  readonly username: string;
  readonly role: string;
  readonly password: string;
}

export interface UserChange {
  readonly role?: string;
  readonly password?: string;
  readonly disabled?: boolean;
}

export interface NewApiKeyRequest {
  readonly name: string;
  readonly username: string;
  /** Undefined: all that the user may do. */
  readonly permissions: readonly string[] | undefined;
  /** Wall clock in milliseconds; undefined = never. */
  readonly expiresAtMs: number | undefined;
}

const USERS_MAX = 10_000;
const API_KEYS_MAX = 10_000;
const BLOCKED_MAX = 10_000;
/** Each change writes all of them down and sends them to the fronts. */
const REVOKED_MAX = 10_000;
const NAME = /^[A-Za-z0-9_.@-]{1,64}$/;

export class SecurityDirectory {
  private contents: SecurityContents;
  /** The last change under way: a password is hashed before the change that has it. */
  private last: Promise<unknown> = Promise.resolve();

  /** `roles`: those that a user may have, as of now. */
  constructor(
    private readonly store: SecurityStore,
    private readonly clock: Pick<Clock, 'wallMs'>,
    private readonly roles: () => readonly string[],
    private readonly onChange: () => void = () => {},
  ) {
    this.contents = store.read() ?? NO_SECURITY;
  }

  get current(): SecurityContents {
    return this.contents;
  }

  find(username: string): UserRecord | undefined {
    return this.contents.users.find(({ name }) => name === username);
  }

  createUser({ username, role, password }: NewUser): Promise<UserRecord> {
    return this.inTurn(async () => {
      requireName('username', username);
      this.requireRole(role);
      requirePassword(password);
      this.requireAbsent(username);
      if (this.contents.users.length >= USERS_MAX) throw tooMany('users', USERS_MAX);
      const now = this.now();
      const user: UserRecord = {
        name: username,
        role,
        password_hash: await hashPassword(password),
        generation: randomUUID(),
        disabled: false,
        created_at: now,
        updated_at: now,
      };
      this.save({ users: [...this.contents.users, user] });
      return user;
    });
  }

  /**
   * With the user before and after. `check` throws when it must not be done; asked when its turn has come, after all changes
   * before it.
   */
  changeUser(
    username: string,
    change: UserChange,
    check: (before: UserRecord) => void = () => {},
  ): Promise<{ before: UserRecord; after: UserRecord }> {
    return this.inTurn(async () => {
      const before = this.existing(username);
      check(before);
      if (change.role !== undefined) this.requireRole(change.role);
      if (change.password !== undefined) requirePassword(change.password);
      const isVoid = change.password !== undefined || change.disabled === true;
      const after: UserRecord = {
        ...before,
        role: change.role ?? before.role,
        disabled: change.disabled ?? before.disabled,
        password_hash:
          change.password === undefined ? before.password_hash : await hashPassword(change.password),
        generation: isVoid ? randomUUID() : before.generation,
        updated_at: this.now(),
      };
      this.save({ users: this.contents.users.map((user) => (user.name === username ? after : user)) });
      return { before, after };
    });
  }

  /** With all API keys of the user. `check`: as of changeUser. */
  deleteUser(username: string, check: (before: UserRecord) => void = () => {}): Promise<UserRecord> {
    return this.inTurn(async () => {
      const user = this.existing(username);
      check(user);
      this.save({
        users: this.contents.users.filter(({ name }) => name !== username),
        apiKeys: this.contents.apiKeys.filter((key) => key.user !== username),
      });
      return user;
    });
  }

  /** `key` is told once and kept nowhere. */
  createApiKey(request: NewApiKeyRequest): Promise<{ record: ApiKeyRecord; key: string }> {
    return this.inTurn(async () => {
      requireName('name', request.name);
      this.existing(request.username);
      if (request.permissions !== undefined) new PermissionSet(request.permissions);
      const { expiresAtMs } = request;
      if (expiresAtMs !== undefined && expiresAtMs <= this.clock.wallMs())
        throw new DbError('VALIDATION', 'expires_at has passed already', { field: 'expires_at' });
      if (this.contents.apiKeys.length >= API_KEYS_MAX) throw tooMany('API keys', API_KEYS_MAX);
      const { id, key, hash } = newApiKey();
      const record: ApiKeyRecord = {
        id,
        name: request.name,
        user: request.username,
        permissions: request.permissions === undefined ? null : [...request.permissions],
        hash,
        created_at: this.now(),
        expires_at: expiresAtMs === undefined ? null : new Date(expiresAtMs).toISOString(),
      };
      this.save({ apiKeys: [...this.contents.apiKeys, record] });
      return { record, key };
    });
  }

  /** A new secret under the same id; the old one ends at once. */
  rotateApiKey(id: string): Promise<{ record: ApiKeyRecord; key: string }> {
    return this.inTurn(async () => {
      const before = this.existingKey(id);
      const { key, hash } = newApiKey(id);
      const record: ApiKeyRecord = { ...before, hash };
      this.save({ apiKeys: this.contents.apiKeys.map((one) => (one.id === id ? record : one)) });
      return { record, key };
    });
  }

  revokeApiKey(id: string): Promise<ApiKeyRecord> {
    return this.inTurn(async () => {
      const record = this.existingKey(id);
      this.save({ apiKeys: this.contents.apiKeys.filter((key) => key.id !== id) });
      return record;
    });
  }

  /** Where too many are kept already, all logins of the user end: a token that is to be void must not stay good. */
  revokeToken(id: string, username: string, expiresAtMs: number): Promise<void> {
    return this.inTurn(async () => {
      const nowMs = this.clock.wallMs();
      // Those that have expired are refused anyway.
      const kept = this.contents.revokedTokens.filter(({ expires_at }) => Date.parse(expires_at) > nowMs);
      if (kept.length < REVOKED_MAX) {
        this.save({ revokedTokens: [...kept, { id, expires_at: new Date(expiresAtMs).toISOString() }] });
        return;
      }
      const users = this.contents.users.map((user) =>
        user.name === username ? { ...user, generation: randomUUID() } : user,
      );
      this.save({ users, revokedTokens: kept });
    });
  }

  /** All of them, anew: addresses and networks (192.0.2.0/24). */
  setBlockedAddresses(addresses: readonly string[]): Promise<void> {
    return this.inTurn(async () => {
      if (addresses.length > BLOCKED_MAX) throw tooMany('blocked addresses', BLOCKED_MAX);
      blockListOf(addresses);
      this.save({ blockedAddresses: [...new Set(addresses)] });
    });
  }

  private save(change: Partial<SecurityContents>): void {
    const next = { ...this.contents, ...change };
    this.store.write(next);
    this.contents = next;
    this.onChange();
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.last.then(work);
    this.last = done.catch(() => {});
    return done;
  }

  private existing(username: string): UserRecord {
    const found = this.find(username);
    if (found !== undefined) return found;
    throw new DbError('NOT_FOUND', `there is no user ${JSON.stringify(username)}`);
  }

  private existingKey(id: string): ApiKeyRecord {
    const found = this.contents.apiKeys.find((key) => key.id === id);
    if (found !== undefined) return found;
    throw new DbError('NOT_FOUND', `there is no API key ${JSON.stringify(id)}`);
  }

  private requireAbsent(username: string): void {
    if (this.find(username) !== undefined)
      throw new DbError('CONFLICT', `user ${JSON.stringify(username)} exists already`, { field: 'username' });
  }

  private requireRole(role: unknown): void {
    const known = this.roles();
    if (typeof role === 'string' && known.includes(role)) return;
    const message = `there is no role ${JSON.stringify(role)}; known are ${known.join(', ')}`;
    throw new DbError('VALIDATION', message, { field: 'role' });
  }

  private now(): string {
    return new Date(this.clock.wallMs()).toISOString();
  }
}

function requireName(field: string, name: unknown): void {
  if (typeof name === 'string' && NAME.test(name)) return;
  throw new DbError('VALIDATION', `${field} has 1 to 64 letters, digits, "_", ".", "@" and "-"`, { field });
}

function tooMany(what: string, limit: number): DbError {
  return new DbError('CONFLICT', `there are ${limit} ${what} already, the most that is allowed`, { limit });
}
