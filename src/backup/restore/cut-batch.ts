/**
 * The first operations of a batch, as a batch of its own, for a restore to a seqno inside it. Operations of one batch are applied
 * one after the other, each by what the ones before it have left: leaving out the last ones changes nothing for the others. A
 * batch that is applied whole or not at all is left out instead. Pure.
 */
import type { OperationId } from '../../batch/write-batch-encoder.js';
import { WriteBatchEncoder } from '../../batch/write-batch-encoder.js';
import { WriteBatchView } from '../../batch/write-batch-view.js';

/** Undefined when nothing of it is left. `payload` begins at a multiple of 8 in its buffer; `count` is below that of the batch. */
export function firstOperations(payload: Uint8Array, count: number): Uint8Array | undefined {
  const view = new WriteBatchView().open(payload);
  if (view.allOrNothing || count <= 0) return undefined;
  const encoder = new WriteBatchEncoder();
  for (let i = 0; i < count; i++) {
    const keyStart = view.keyStart(i);
    const keyLength = view.keyEnd(i) - keyStart;
    encoder.add(
      view.kind(i),
      view.collection(i),
      view.keyHash(i),
      view.keys.subarray(keyStart, keyStart + keyLength),
      keyLength,
      view.values,
      view.valueStart(i),
      view.valueEnd(i),
      view.condition(i),
      view.hasConditions ? view.expectedSeqno(i) : 0,
      operationId(view, i),
      view.expiresAt(i),
    );
  }
  return encoder.finish(view.batchId, view.durability, false, view.writtenAt).slice();
}

function operationId(view: WriteBatchView, index: number): OperationId | undefined {
  if (!view.hasOperationIds) return undefined;
  const words = Uint32Array.from({ length: 4 }, (_, word) => view.operationIdWord(index, word));
  return words.some((word) => word !== 0) ? words : undefined;
}
