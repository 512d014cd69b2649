/**
 * The secrets of a data directory, each in a file that only its owner can read: security.json (auth/security-file.ts), the key
 * that login tokens are signed with, and the token by which the CLI on this machine shows that it may read the directory.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SecurityStore } from '../auth/security-directory.js';
import { decodeSecurity, encodeSecurity } from '../auth/security-file.js';
import { DbError } from '../base/errors.js';
import { replacePrivateFile } from './data-directory.js';

export const SECURITY_FILE = 'security.json';
export const SIGNING_KEY_FILE = 'token.key';
export const LOCAL_TOKEN_FILE = 'cli.token';

const SECRET_BYTES = 32;

export function securityStore(dataDirectory: string): SecurityStore {
  const path = join(dataDirectory, SECURITY_FILE);
  return {
    read: () => {
      const text = readIfThere(path);
      return text === undefined ? undefined : decodeSecurity(text, path);
    },
    write: (contents) => replacePrivateFile(dataDirectory, SECURITY_FILE, encodeSecurity(contents)),
  };
}

/** Of a directory that nobody may hold yet; 0 where there is none. */
export function storedUserCount(dataDirectory: string): number {
  return securityStore(dataDirectory).read()?.users.length ?? 0;
}

/** Made by the first start; without it all tokens that are out are void. */
export function signingKey(dataDirectory: string): Uint8Array {
  const path = join(dataDirectory, SIGNING_KEY_FILE);
  const text = readIfThere(path)?.trim();
  if (text === undefined) {
    const made = randomBytes(SECRET_BYTES);
    replacePrivateFile(dataDirectory, SIGNING_KEY_FILE, `${made.toString('hex')}\n`);
    return made;
  }
  if (/^[0-9a-f]{64}$/.test(text)) return Buffer.from(text, 'hex');
  throw new DbError(
    'CORRUPT_CATALOG',
    `${path} is not a key of 32 bytes in hex: remove it to make a new one, which ends all logins`,
    {
      path,
    },
  );
}

/** A new one for each start. */
export function newLocalToken(dataDirectory: string): string {
  const token = randomBytes(SECRET_BYTES).toString('base64url');
  replacePrivateFile(dataDirectory, LOCAL_TOKEN_FILE, `${token}\n`);
  return token;
}

/** Undefined where there is none or it is not ours to read. */
export function readLocalToken(dataDirectory: string): string | undefined {
  try {
    return readFileSync(join(dataDirectory, LOCAL_TOKEN_FILE), 'utf8').trim();
  } catch {
    return undefined;
  }
}

function readIfThere(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new DbError('IO', `cannot read ${path}: ${(error as Error).message}`, { path });
  }
}
