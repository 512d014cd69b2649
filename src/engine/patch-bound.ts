/**
 * How large patched documents can get. A patch meets the document as it is now, or as earlier operations of the same
 * group (staged, not applied yet) will have left it. Shard thread only; one per group.
 */
import { DOCUMENT_BYTES_MAX } from '../base/limits.js';
import type { WriteBatchView } from '../batch/write-batch-view.js';
import { OperationKind } from '../generated/lumadb/schema/operation-kind.js';
import { mergedSizeMax } from '../json/merge-patch.js';

export class PatchBound {
  /** Value bytes staged in this group per key hash. Keys that collide share an entry: the bound only grows. */
  private readonly stagedBytes = new Map<number, number>();
  private seenBatches = 0;

  /** For the next group. */
  reset(): void {
    this.seenBatches = 0;
    if (this.stagedBytes.size > 0) this.stagedBytes.clear();
  }

  /** True when the batch has patches, and bounds must be computed. */
  static hasPatches(batch: WriteBatchView): boolean {
    for (let i = 0; i < batch.count; i++) if (batch.kind(i) === OperationKind.Patch) return true;
    return false;
  }

  /** Takes note of the batches staged so far in this group, each once. */
  catchUp(staged: ReadonlyArray<{ readonly view: WriteBatchView }>): void {
    for (; this.seenBatches < staged.length; this.seenBatches++) {
      const { view } = staged[this.seenBatches];
      for (let i = 0; i < view.count; i++) this.note(view, i);
    }
  }

  /** Most bytes of all documents that the batch's patches produce. `currentBytes(i)`: size of operation i's document now. */
  bytesMax(batch: WriteBatchView, currentBytes: (index: number) => number): number {
    const inBatch = new Map<number, number>();
    let bytes = 0;
    for (let i = 0; i < batch.count; i++) {
      const hash = batch.keyHash(i);
      const earlier = (this.stagedBytes.get(hash) ?? 0) + (inBatch.get(hash) ?? 0);
      const own = batch.valueEnd(i) - batch.valueStart(i);
      inBatch.set(hash, (inBatch.get(hash) ?? 0) + own);
      if (batch.kind(i) !== OperationKind.Patch) continue;
      bytes += Math.min(mergedSizeMax(currentBytes(i) + earlier, own), DOCUMENT_BYTES_MAX);
    }
    return bytes;
  }

  private note(view: WriteBatchView, index: number): void {
    const hash = view.keyHash(index);
    const own = view.valueEnd(index) - view.valueStart(index);
    this.stagedBytes.set(hash, (this.stagedBytes.get(hash) ?? 0) + own);
  }
}
