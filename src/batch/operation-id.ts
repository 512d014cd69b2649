/**
 * Derives operation ids: what makes a retried write harmless. The client (binary frames) and the server's front
 * (Idempotency-Key header) must agree on every bit, so the derivation is pinned by a golden test and never changes.
 *
 *     identity    = first 8 bytes of SHA-256( u32 length of scope | scope | idempotency key )
 *     fingerprint = first 8 bytes of SHA-256( u8 kind | u32 length of collection | collection |
 *                                             u32 length of key | key | value )
 *
 * Texts are UTF-8; lengths count bytes and, like the results, are little-endian. The lengths keep ("ab", "c") and
 * ("a", "bc") apart. Identity 0 means "no id" in a batch, so it is remapped to 1.
 */
import { createHash } from 'node:crypto';
import type { OperationId } from './write-batch-encoder.js';

const LENGTH_BYTES = 4;

/** `scope` separates users or uses that may choose the same key; `kind` is the operation's byte in the frame or batch. */
export function deriveOperationId(
  idempotencyKey: string,
  scope: string,
  kind: number,
  collection: string,
  key: Uint8Array,
  value: Uint8Array,
): OperationId {
  const identity = createHash('sha256').update(withLength(scope)).update(idempotencyKey, 'utf8').digest();
  const fingerprint = createHash('sha256')
    .update(Uint8Array.of(kind))
    .update(withLength(collection))
    .update(lengthOf(key.length))
    .update(key)
    .update(value)
    .digest();
  const id = new Uint32Array(4);
  id[0] = identity.readUInt32LE(0);
  id[1] = identity.readUInt32LE(4);
  id[2] = fingerprint.readUInt32LE(0);
  id[3] = fingerprint.readUInt32LE(4);
  if (id[0] === 0 && id[1] === 0) id[0] = 1;
  return id;
}

function lengthOf(length: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(LENGTH_BYTES);
  bytes.writeUInt32LE(length, 0);
  return bytes;
}

function withLength(text: string): Uint8Array {
  const bytes = Buffer.allocUnsafe(LENGTH_BYTES + Buffer.byteLength(text));
  bytes.writeUInt32LE(bytes.length - LENGTH_BYTES, 0);
  bytes.write(text, LENGTH_BYTES, 'utf8');
  return bytes;
}
