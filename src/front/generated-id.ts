/** Ids for documents that come without one. */
import { createHash } from 'node:crypto';
import type { FrontContext } from './front-context.js';

const encoder = new TextEncoder();

/**
 * Writes a new id to `key` and returns its length. With an idempotency key the id is derived from it: a retry must
 * reach the same shard under the same id, or the shard could not know that it has done this before.
 */
export function generatedId(
  context: FrontContext,
  collection: string,
  idempotencyKey: string,
  key: Uint8Array,
): number {
  const id =
    idempotencyKey === ''
      ? context.documentId()
      : createHash('sha256').update(`${collection}\0${idempotencyKey}`).digest('base64url').slice(0, 22);
  return encoder.encodeInto(id, key).written;
}
