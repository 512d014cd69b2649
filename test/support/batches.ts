/** Write batches for tests, from plain descriptions of their operations. */

import { EXPIRES_UNSET } from '../../src/base/expiry.js';
import { hashKey } from '../../src/base/hash.js';
import type { OperationId } from '../../src/batch/write-batch-encoder.js';
import { WriteBatchEncoder } from '../../src/batch/write-batch-encoder.js';
import { WriteBatchView } from '../../src/batch/write-batch-view.js';
import { ConditionKind } from '../../src/generated/lumadb/schema/condition-kind.js';
import { Durability } from '../../src/generated/lumadb/schema/durability.js';
import { OperationKind } from '../../src/generated/lumadb/schema/operation-kind.js';
import { NO_BYTES } from './memtables.js';
import { utf8 } from './text.js';

export interface Operation {
  readonly kind: OperationKind;
  readonly collection: number;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly condition: ConditionKind;
  readonly expectedSeqno: number;
  readonly operationId: OperationId | undefined;
  /** Database time in seconds, or one of EXPIRES_*. */
  readonly expiresAt: number;
}

export type OperationExtras = Partial<
  Pick<Operation, 'collection' | 'condition' | 'expectedSeqno' | 'operationId' | 'expiresAt'>
>;

function operation(kind: OperationKind, key: string, value: string, extras: OperationExtras): Operation {
  return {
    kind,
    collection: 1,
    key: utf8(key),
    value: value === '' ? NO_BYTES : utf8(value),
    condition: ConditionKind.None,
    expectedSeqno: 0,
    operationId: undefined,
    expiresAt: EXPIRES_UNSET,
    ...extras,
  };
}

export const put = (key: string, value: string, extras: OperationExtras = {}): Operation =>
  operation(OperationKind.Put, key, value, extras);
export const patch = (key: string, value: string, extras: OperationExtras = {}): Operation =>
  operation(OperationKind.Patch, key, value, extras);
export const remove = (key: string, extras: OperationExtras = {}): Operation =>
  operation(OperationKind.Delete, key, '', extras);

/** The sweeper's operation: collects the version `expectedSeqno` of a document if it has expired. */
export const expire = (key: string, expectedSeqno: number): Operation =>
  operation(OperationKind.Expire, key, '', { condition: ConditionKind.IfMatchSeqno, expectedSeqno });

/** An operation id: what identifies the request, and what it asked for. */
export function operationId(identity: number, fingerprint = 1): OperationId {
  return Uint32Array.of(identity, 0x1234, fingerprint, 0x5678);
}

export interface BatchOptions {
  readonly batchId?: number;
  readonly durability?: Durability;
  readonly allOrNothing?: boolean;
  /** Database time of the batch, in seconds. */
  readonly writtenAt?: number;
}

export function addOperation(encoder: WriteBatchEncoder, operation: Operation): void {
  const { kind, collection, key, value, condition, expectedSeqno } = operation;
  const hash = hashKey(collection, key, 0, key.length);
  encoder.add(
    kind,
    collection,
    hash,
    key,
    key.length,
    value,
    0,
    value.length,
    condition,
    expectedSeqno,
    operation.operationId,
    operation.expiresAt,
  );
}

/** The bytes of a batch; a copy of their own. */
export function encodeBatch(operations: readonly Operation[], options: BatchOptions = {}): Uint8Array {
  const encoder = new WriteBatchEncoder();
  for (const each of operations) addOperation(encoder, each);
  const { batchId = 1, durability = Durability.Unspecified, allOrNothing = false, writtenAt = 0 } = options;
  return encoder.finish(batchId, durability, allOrNothing, writtenAt).slice();
}

export function batchOf(operations: readonly Operation[], options: BatchOptions = {}): WriteBatchView {
  return new WriteBatchView().open(encodeBatch(operations, options));
}
