/**
 * API keys: `luma_<id>_<secret>`, 256 random bits. Their SHA-256 is what is stored: with that much chance in them a slow hash
 * would protect nothing, and they are checked on every request.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

const ID_BYTES = 6;
const SECRET_BYTES = 32;
const SHAPE = /^luma_([0-9a-f]{12})_([A-Za-z0-9_-]{43})$/;

export interface NewApiKey {
  readonly id: string;
  /** Shown once. */
  readonly key: string;
  readonly hash: string;
}

export function newApiKey(id = randomBytes(ID_BYTES).toString('hex')): NewApiKey {
  const key = `luma_${id}_${randomBytes(SECRET_BYTES).toString('base64url')}`;
  return { id, key, hash: hashOfSecret(key) };
}

/** The id in a key; undefined for what is none. */
export function apiKeyId(key: string): string | undefined {
  return SHAPE.exec(key)?.[1];
}

/** Lower-case hex of SHA-256. */
export function hashOfSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

export function isSecretOf(secret: string, hash: string): boolean {
  return timingSafeEqual(Buffer.from(hashOfSecret(secret)), Buffer.from(hash));
}
