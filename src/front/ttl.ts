/**
 * Times to live as clients give them: in the header X-LumaDB-TTL, in the query string of a bulk request, as `ttl` in a
 * text frame and in the description of a collection, and as a column of a binary frame. Everything becomes seconds or
 * one of TTL_* (base/expiry.ts), and, when the write is handed on, the moment at which the document expires.
 */
import type { WireError } from '../base/errors.js';
import { EXPIRES_UNSET, expiryOf, TTL_NEVER, TTL_UNSET } from '../base/expiry.js';
import { TTL_SECONDS_MAX } from '../base/limits.js';
import { OperationKind } from '../generated/lumadb/schema/operation-kind.js';
import type { FrontContext } from './front-context.js';

export const TTL_HEADER = 'X-LumaDB-TTL';
const SECONDS = /^[0-9]{1,9}$/;

/** Reads "60", "0" or "none"; the empty text means that there is none. Undefined when it is something else. */
export function parseTtl(text: string): number | undefined {
  if (text === '') return TTL_UNSET;
  if (text === 'none') return TTL_NEVER;
  return SECONDS.test(text) ? checkedTtl(Number(text)) : undefined;
}

/** Reads a JSON value: a number or "none", undefined when there is none. Undefined when it is something else. */
export function ttlOfJson(value: unknown): number | undefined {
  if (value === undefined) return TTL_UNSET;
  if (value === 'none') return TTL_NEVER;
  return typeof value === 'number' && Number.isInteger(value) ? checkedTtl(value) : undefined;
}

function checkedTtl(seconds: number): number | undefined {
  if (seconds === 0) return TTL_NEVER;
  return seconds > 0 && seconds <= TTL_SECONDS_MAX ? seconds : undefined;
}

/** What to answer to a time to live that is none. `field`: where it stood. */
export function ttlFault(field: string, given: unknown): WireError {
  const message = `${field} is ${JSON.stringify(given)}; it can be 1 to ${TTL_SECONDS_MAX} whole seconds, or 0 or none for a document that never expires`;
  return { code: 'VALIDATION', message, details: { field, min: 1, limit: TTL_SECONDS_MAX } };
}

/** What a write says of its document's expiry. A document put without a time to live gets its collection's. */
export function expiryFor(
  context: FrontContext,
  kind: OperationKind,
  collection: number,
  ttlSeconds: number,
): number {
  if (kind === OperationKind.Delete) return EXPIRES_UNSET;
  const isDefault = ttlSeconds === TTL_UNSET && kind === OperationKind.Put;
  const ttl = isDefault ? context.collections.ttlSeconds(collection) : ttlSeconds;
  return ttl === TTL_UNSET ? EXPIRES_UNSET : expiryOf(ttl, context.clock.nowSeconds());
}
