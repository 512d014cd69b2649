/**
 * Refuses writes of documents that the schema of their collection does not allow: just before their batch goes into the log, so
 * that the log holds the decision and a replay needs no schema (ADR 0023). Shard thread only.
 */
import type { WireError } from '../base/errors.js';
import type { WriteBatchView } from '../batch/write-batch-view.js';
import type { OperationFaults } from '../batch/write-reply.js';
import { OperationKind } from '../generated/lumadb/schema/operation-kind.js';
import type { ByteSink } from '../json/byte-sink.js';

/** What is wrong with the document bytes[start, end), which is valid JSON; undefined when nothing is. */
export type DocumentCheck = (bytes: Uint8Array, start: number, end: number) => WireError | undefined;

/** What a patch would make of its document as it is now; undefined when there is none. */
interface Patched {
  patched(batch: WriteBatchView, index: number): ByteSink | undefined;
}

const NO_CHECKS: ReadonlyMap<number, DocumentCheck> = new Map();

/** A front keeps such operations apart once it knows of the schema: this is a batch from before. */
const SCHEMA_IS_NEW: WireError = {
  code: 'OVERLOADED',
  message: 'the schema of the collection is just being changed: try again',
};

export class DocumentGate {
  /** By collection. */
  checks = NO_CHECKS;
  /** Hashes of the keys in checked collections that the group of now writes. */
  private readonly staged = new Set<number>();

  constructor(private readonly documents: Patched) {}

  /** Whether the batch has something to check. One look where no collection has a schema. */
  concerns(batch: WriteBatchView): boolean {
    if (this.checks.size === 0) return false;
    for (let i = 0; i < batch.count; i++) if (this.checks.has(batch.collection(i))) return true;
    return false;
  }

  /** What a patch makes of a document is known once everything before it has been applied. */
  mustWait(batch: WriteBatchView): boolean {
    if (this.staged.size === 0) return false;
    for (let i = 0; i < batch.count; i++) {
      const isPatch = batch.kind(i) === OperationKind.Patch && this.checks.has(batch.collection(i));
      if (isPatch && this.staged.has(batch.keyHash(i))) return true;
    }
    return false;
  }

  /** Marks the operations of the batch that are refused and answers why. */
  refuse(batch: WriteBatchView): OperationFaults | undefined {
    const faults = new Map<number, WireError>();
    const written = new Set<number>();
    for (let i = 0; i < batch.count; i++) {
      const check = this.checks.get(batch.collection(i));
      if (check === undefined) continue;
      const hash = batch.keyHash(i);
      const fault = this.faultOf(batch, i, check, written.has(hash));
      written.add(hash);
      this.staged.add(hash);
      if (fault === undefined) continue;
      batch.refuse(i);
      faults.set(i, fault);
    }
    return faults.size === 0 ? undefined : faults;
  }

  /** The group is over. */
  reset(): void {
    if (this.staged.size > 0) this.staged.clear();
  }

  private faultOf(
    batch: WriteBatchView,
    index: number,
    check: DocumentCheck,
    isWrittenBefore: boolean,
  ): WireError | undefined {
    const kind = batch.kind(index);
    if (kind === OperationKind.Put)
      return check(batch.values, batch.valueStart(index), batch.valueEnd(index));
    if (kind !== OperationKind.Patch) return undefined;
    if (isWrittenBefore) return SCHEMA_IS_NEW;
    const merged = this.documents.patched(batch, index);
    return merged && check(merged.bytes, 0, merged.length);
  }
}
