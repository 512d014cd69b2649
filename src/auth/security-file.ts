/**
 * security.json of the data directory: users, API keys, revoked tokens and blocked addresses. Format, reader and writer; pure.
 *
 *   {"format_version":1,
 *    "users":[{"name":"alice","role":"developer","password_hash":"$argon2id$…","generation":"…","disabled":false,
 *              "created_at":"2026-…","updated_at":"2026-…"}],
 *    "api_keys":[{"id":"0f…","name":"ci","user":"alice","permissions":["read:*"],"hash":"<sha256>","created_at":"…",
 *                 "expires_at":null}],
 *    "revoked_tokens":[{"id":"…","expires_at":"…"}],
 *    "blocked_addresses":["192.0.2.0/24"]}
 *
 * `permissions` of a key: null leaves it all that its user may do. A key that was revoked is gone. A user's `generation`
 * changes with what makes tokens void: a new password, disabling, deletion.
 */
import { z } from 'zod';
import { DbError } from '../base/errors.js';
import { blockListOf } from './block-list.js';
import { PermissionSet } from './permission.js';

const FORMAT_VERSION = 1;

/** What fronts could not use, or would take for something else, is damage as well. */
const accepts = (use: (value: never) => unknown) => (value: unknown) => {
  try {
    use(value as never);
    return true;
  } catch {
    return false;
  }
};
const time = z.string().refine((text) => !Number.isNaN(Date.parse(text)), 'is no time');
const hasNoTwins = (records: readonly Readonly<Record<string, unknown>>[], field: string): boolean =>
  new Set(records.map((record) => record[field])).size === records.length;

const user = z.strictObject({
  name: z.string(),
  role: z.string(),
  password_hash: z.string(),
  generation: z.string(),
  disabled: z.boolean(),
  created_at: z.string(),
  updated_at: z.string(),
});
const apiKey = z.strictObject({
  id: z.string(),
  name: z.string(),
  user: z.string(),
  permissions: z
    .array(z.string())
    .refine(
      accepts((texts) => new PermissionSet(texts)),
      'are no permissions',
    )
    .nullable(),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  created_at: z.string(),
  expires_at: time.nullable(),
});
const contents = z.strictObject({
  format_version: z.literal(FORMAT_VERSION),
  users: z.array(user).refine((users) => hasNoTwins(users, 'name'), 'a name is there twice'),
  api_keys: z.array(apiKey).refine((keys) => hasNoTwins(keys, 'id'), 'an id is there twice'),
  revoked_tokens: z.array(z.strictObject({ id: z.string(), expires_at: time })),
  blocked_addresses: z.array(z.string()).refine(accepts(blockListOf), 'are no addresses'),
});

export type UserRecord = Readonly<z.output<typeof user>>;
export type ApiKeyRecord = Readonly<z.output<typeof apiKey>>;

export interface SecurityContents {
  readonly users: readonly UserRecord[];
  readonly apiKeys: readonly ApiKeyRecord[];
  readonly revokedTokens: ReadonlyArray<{ readonly id: string; readonly expires_at: string }>;
  readonly blockedAddresses: readonly string[];
}

export const NO_SECURITY: SecurityContents = {
  users: [],
  apiKeys: [],
  revokedTokens: [],
  blockedAddresses: [],
};

/** Throws DbError CORRUPT_CATALOG: to start without its users would open the database. */
export function decodeSecurity(text: string, file: string): SecurityContents {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw damaged(file, (error as Error).message);
  }
  const { success, data, error } = contents.safeParse(value);
  if (!success) throw damaged(file, `${error.issues[0].path.join('.')}: ${error.issues[0].message}`);
  return {
    users: data.users,
    apiKeys: data.api_keys,
    revokedTokens: data.revoked_tokens,
    blockedAddresses: data.blocked_addresses,
  };
}

export function encodeSecurity({
  users,
  apiKeys,
  revokedTokens,
  blockedAddresses,
}: SecurityContents): string {
  const value = {
    format_version: FORMAT_VERSION,
    users,
    api_keys: apiKeys,
    revoked_tokens: revokedTokens,
    blocked_addresses: blockedAddresses,
  };
  return `${JSON.stringify(value, null, 2)}\n`;
}

function damaged(file: string, why: string): DbError {
  return new DbError('CORRUPT_CATALOG', `${file} cannot be understood (${why}): restore it from a backup`, {
    file,
  });
}
