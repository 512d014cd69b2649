/** Turns what callers of the WebSocket client ask for into operations and bulk jobs; refuses what cannot be sent. */
import { randomFillSync } from 'node:crypto';
import { DOCUMENT_BYTES_MAX, KEY_BYTES_MAX } from '../base/limits.js';
import { deriveOperationId } from '../batch/operation-id.js';
import type { OperationId } from '../batch/write-batch-encoder.js';
import { ConditionKind } from '../generated/lumadb/schema/condition-kind.js';
import type { RequestOp } from '../generated/lumadb/schema/request-op.js';
import { invalidRequest, LumaDbError } from './error.js';
import type { WriteOptions } from './types.js';

const OPERATION_ID_WORDS = 4;
const BYTES_PER_UNIT_MAX = 3;
const NO_BYTES = new Uint8Array(0);
const utf8 = new TextEncoder();

export function checkKey(key: string | Uint8Array): void {
  const isText = typeof key === 'string';
  if (key.length === 0) throw invalidRequest('the document id is empty');
  const isTooLong =
    key.length > KEY_BYTES_MAX ||
    (isText && key.length * BYTES_PER_UNIT_MAX > KEY_BYTES_MAX && Buffer.byteLength(key) > KEY_BYTES_MAX);
  if (isTooLong) throw invalidRequest(`the document id is longer than ${KEY_BYTES_MAX} bytes`);
  if (isText && !key.isWellFormed()) throw invalidRequest('the document id holds half of a surrogate pair');
}

/** A document above the limit would make a frame that ends the whole connection: refused here, alone. */
export function checkValue(value: string | Uint8Array): void {
  const isText = typeof value === 'string';
  const isTooLong =
    value.length > DOCUMENT_BYTES_MAX ||
    (isText &&
      value.length * BYTES_PER_UNIT_MAX > DOCUMENT_BYTES_MAX &&
      Buffer.byteLength(value) > DOCUMENT_BYTES_MAX);
  if (isTooLong) {
    throw new LumaDbError('PAYLOAD_TOO_LARGE', `the document is larger than ${DOCUMENT_BYTES_MAX} bytes`);
  }
  if (isText && !value.isWellFormed()) throw invalidRequest('the document holds half of a surrogate pair');
}

export function conditionOf(options: WriteOptions): { kind: ConditionKind; expectedSeqno: number } {
  const { ifMatch, ifNoneMatch } = options;
  if (ifMatch !== undefined && ifNoneMatch !== undefined) {
    throw invalidRequest('ifMatch and ifNoneMatch exclude each other');
  }
  if (ifNoneMatch !== undefined) return { kind: ConditionKind.IfAbsent, expectedSeqno: 0 };
  if (ifMatch === undefined) return { kind: ConditionKind.None, expectedSeqno: 0 };
  if (ifMatch === '*') return { kind: ConditionKind.IfPresent, expectedSeqno: 0 };
  if (!Number.isSafeInteger(ifMatch) || ifMatch < 0) throw invalidRequest(`ifMatch ${ifMatch} is no version`);
  return { kind: ConditionKind.IfMatchSeqno, expectedSeqno: ifMatch };
}

/**
 * Random ids for `count` operations. An id that is made up for one call needs no hash of its content: every repetition
 * carries the same words.
 */
export function randomOperationIds(count: number): Uint32Array {
  const ids = randomFillSync(new Uint32Array(count * OPERATION_ID_WORDS));
  // Identity 0 means "none".
  for (let i = 0; i < ids.length; i += OPERATION_ID_WORDS) if (ids[i] === 0) ids[i] = 1;
  return ids;
}

/**
 * The id of a write: from the caller's key, made up, or none. A key counts per collection, as over HTTP, but apart from
 * it: the server hashes a document with its `_id` spliced in, so the fingerprints of the two would differ.
 */
export function operationIdOf(
  idempotencyKey: string | undefined,
  isAlways: boolean,
  op: RequestOp,
  collection: string,
  key: string,
  value: string | Uint8Array | undefined,
): OperationId | undefined {
  if (idempotencyKey === undefined) return isAlways ? randomOperationIds(1) : undefined;
  const bytes = typeof value === 'string' ? utf8.encode(value) : (value ?? NO_BYTES);
  return deriveOperationId(idempotencyKey, `ws/${collection}`, op, collection, utf8.encode(key), bytes);
}
