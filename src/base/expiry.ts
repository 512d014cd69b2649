/**
 * The vocabulary of document expiry. A client speaks of a time to live (`ttl`, relative), a write batch and the store of
 * the moment at which a document expires (`expiresAt`, absolute); both are whole seconds, the latter of database time
 * (database-clock.ts), and fit into a uint32.
 *
 * Both have two special values in requests and batches: "not given" and "never". They differ where something else
 * would decide: a document with no ttl of its own takes its collection's (Put) or keeps its expiry (Patch), one that
 * is to expire never does not. In the store 0 means never, and nothing else does.
 */
import { TTL_SECONDS_MAX } from './limits.js';

/** No time to live was given. */
export const TTL_UNSET = 0;
/** The document is never to expire, whatever its collection or its last version say. */
export const TTL_NEVER = 0xffff_ffff;

/** In a batch: a Put stores a document without expiry, a Patch keeps the one the document has. */
export const EXPIRES_UNSET = 0;
/** In a batch: the document is stored without expiry. */
export const EXPIRES_NEVER = 0xffff_ffff;
/** In a batch, of a Put alone: the document keeps the expiry of the version that it replaces; without one, it has none. */
export const EXPIRES_KEPT = 0xffff_fffe;
/** The last moment that can be stored; about the year 2106. */
const EXPIRES_AT_MAX = EXPIRES_KEPT - 1;

/** True for what may stand for a time to live in a request frame. */
export function isTtl(ttlSeconds: number): boolean {
  return ttlSeconds <= TTL_SECONDS_MAX || ttlSeconds === TTL_NEVER;
}

/** What a batch says about a document that is written at `nowSeconds` with this time to live. */
export function expiryOf(ttlSeconds: number, nowSeconds: number): number {
  if (ttlSeconds === TTL_UNSET) return EXPIRES_UNSET;
  if (ttlSeconds === TTL_NEVER) return EXPIRES_NEVER;
  return Math.min(nowSeconds + ttlSeconds, EXPIRES_AT_MAX);
}

/** What the store keeps of a batch's expiry: 0 for never. */
export function storedExpiry(expiresAt: number): number {
  return expiresAt === EXPIRES_NEVER ? 0 : expiresAt;
}
