/**
 * Applies WriteBatches to a shard's memtables. One deterministic function of (state, batch, first seqno): no clock, no
 * randomness that shows, so that replaying the WAL, or another node applying the same batches, ends in the same state.
 * Conditions are therefore decided here and not when the request comes in, and a document has expired if it had at the
 * time the batch carries (`writtenAt`), whatever a clock says now. Shard thread only.
 */
import { unreachable } from '../base/assert.js';
import { hasExpired } from '../base/database-clock.js';
import { DbError } from '../base/errors.js';
import { EXPIRES_KEPT, EXPIRES_UNSET, storedExpiry } from '../base/expiry.js';
import { DOCUMENT_BYTES_MAX } from '../base/limits.js';
import type { WriteBatchView } from '../batch/write-batch-view.js';
import type { WriteOutcome } from '../batch/write-reply.js';
import { ConditionKind } from '../generated/lumadb/schema/condition-kind.js';
import { OperationKind } from '../generated/lumadb/schema/operation-kind.js';
import { WriteStatus } from '../generated/lumadb/schema/write-status.js';
import { ENTRY_DOCUMENT, ENTRY_TOMBSTONE } from '../iter/entry-cursor.js';
import { ByteSink } from '../json/byte-sink.js';
import { mergePatch } from '../json/merge-patch.js';
import { VERSION_KIND_DOCUMENT, VERSION_KIND_TOMBSTONE } from '../memtable/format.js';
import type { MemtablePool } from '../memtable/pool.js';
import { type EntryPart, FoundEntry } from '../sst/found-entry.js';
import type { CollectionStats } from './collection-stats.js';
import { CurrentVersion } from './current-version.js';
import { IndexMaintainer, type Room } from './index-maintainer.js';
import { foldWords, type OperationIds, type RememberedOperation } from './operation-ids.js';
import type { TablesBelow } from './tables-below.js';

const NO_BYTES = new Uint8Array(0);
const MERGE_SINK_INITIAL_BYTES = 64 * 1024;

export class BatchApplier {
  private readonly current = new CurrentVersion();
  /** Of no meaning: keeps the loads of touchIndexes() from being optimised away. */
  protected touched = 0;
  private readonly found = new FoundEntry();
  /** Why the last version that was unreadable is so. */
  readError: DbError | undefined;
  private readonly merged = new ByteSink(MERGE_SINK_INITIAL_BYTES, 2 * DOCUMENT_BYTES_MAX);
  readonly indexes: IndexMaintainer;

  constructor(
    private readonly memtables: MemtablePool,
    /** Undefined when nothing is ever flushed. */
    private readonly tables: TablesBelow | undefined,
    private readonly operationIds: OperationIds,
    private readonly stats: CollectionStats,
  ) {
    this.indexes = new IndexMaintainer(memtables, tables, stats);
  }

  /** Applies all operations and fills `outcome` with a status for each. Room must have been reserved. */
  apply(batch: WriteBatchView, firstSeqno: number, outcome: WriteOutcome): void {
    outcome.begin(batch.count);
    this.touchIndexes(batch);
    if (batch.allOrNothing && !this.allConditionsHold(batch, outcome)) return;
    for (let i = 0; i < batch.count; i++) {
      const seqno = firstSeqno + i;
      if (batch.hasOperationIds && this.answerFromMemory(batch, i, seqno, outcome)) continue;
      const status = this.applyOne(batch, i, seqno);
      outcome.statuses[i] = status;
      if (batch.hasOperationIds) this.rememberOperation(batch, i, seqno, status, outcome);
    }
  }

  /**
   * Brings what lookup() reads first for each operation into the processor's cache, in a loop of loads that do not wait for
   * each other (group prefetching: Chen, Ailamaki, Gibbons, Mowry, "Improving Hash Join Performance through Prefetching",
   * 2004). The caller has no use for the result; the compiler must think that it has.
   */
  private touchIndexes(batch: WriteBatchView): void {
    const { memtables } = this;
    let touched = 0;
    for (let position = 0; position < memtables.chainLength; position++) {
      const { reader } = memtables.writerAt(position);
      for (let i = 0; i < batch.count; i++) touched ^= reader.touchIndex(batch.keyHash(i));
    }
    this.touched = touched;
  }

  /**
   * The error that keeps some operation of the batch from reading the stored version it depends on, if there is one. To be
   * asked before the batch is in the log: afterwards it cannot be refused any more.
   */
  unreadableFor(batch: WriteBatchView): DbError | undefined {
    for (let i = 0; i < batch.count; i++) {
      if (!this.dependsOnOldVersion(batch, i)) continue;
      this.lookup(batch, i);
      if (this.current.isUnreadable) return this.readError;
    }
    return undefined;
  }

  /** True when some document of the batch has, or may get, entries in indexes. */
  touchesIndexes(batch: WriteBatchView): boolean {
    if (!this.indexes.hasAny) return false;
    for (let i = 0; i < batch.count; i++) if (this.indexes.of(batch.collection(i)).length > 0) return true;
    return false;
  }

  /** More than enough room for the index entries of the batch, without a look at the documents. */
  addLooseIndexRoom(batch: WriteBatchView, room: Room): void {
    for (let i = 0; i < batch.count; i++) {
      const indexes = this.indexes.of(batch.collection(i));
      if (indexes.length === 0) continue;
      const idLength = batch.keyEnd(i) - batch.keyStart(i);
      this.indexes.addLooseRoom(indexes, idLength, room);
    }
  }

  /**
   * Room for the index entries of the batch, worked out from the documents it brings and those it meets now. What is staged
   * before it brings the room in which its own entries can be deleted.
   */
  addIndexRoom(batch: WriteBatchView, room: Room): void {
    for (let i = 0; i < batch.count; i++) {
      const kind = batch.kind(i);
      const all = this.indexes.of(batch.collection(i));
      // A build writes entries of its own index alone.
      const indexes =
        kind === OperationKind.Reindex ? all.filter(({ index }) => index.id === batch.expectedSeqno(i)) : all;
      if (indexes.length === 0 || kind === OperationKind.Expire || kind === OperationKind.Refused) continue;
      const keyStart = batch.keyStart(i);
      const keyEnd = batch.keyEnd(i);
      this.lookup(batch, i);
      // One that is only written if it is not there: the entry of the version of now.
      const side = kind === OperationKind.Reindex ? 'after' : 'before';
      this.readCurrent(batch, i, side);
      this.indexes.addRoom(indexes, side, room);
      if (kind === OperationKind.Patch) {
        // What it makes of the document is known when it is applied.
        this.indexes.addLooseRoom(indexes, keyEnd - keyStart, room);
      } else if (kind === OperationKind.Put) {
        const start = batch.valueStart(i);
        const length = batch.valueEnd(i) - start;
        this.indexes.read(indexes, 'after', batch.values, start, length, batch.keys, keyStart, keyEnd);
        this.indexes.addRoom(indexes, 'after', room);
      }
    }
  }

  /** Bytes of the newest version of operation `index`'s key; 0 when there is none. For reserving room. */
  currentValueBytes(batch: WriteBatchView, index: number): number {
    this.lookup(batch, index);
    return this.current.exists ? this.current.valueLength : 0;
  }

  private applyOne(batch: WriteBatchView, index: number, seqno: number): WriteStatus {
    const current = this.current;
    const kind = batch.kind(index);
    // Not remembered for its id: the same operation may be allowed the next time.
    if (kind === OperationKind.Refused) return WriteStatus.SchemaViolation;
    this.lookup(batch, index);
    if (current.isUnreadable && this.dependsOnOldVersion(batch, index)) return WriteStatus.Unreadable;
    if (batch.hasConditions && !this.conditionHolds(batch, index)) return WriteStatus.PreconditionFailed;
    const valueStart = batch.valueStart(index);
    const valueEnd = batch.valueEnd(index);
    switch (kind) {
      case OperationKind.Put:
        this.write(
          batch,
          index,
          seqno,
          VERSION_KIND_DOCUMENT,
          this.putExpiry(batch.expiresAt(index)),
          batch.values,
          valueStart,
          valueEnd - valueStart,
        );
        return current.exists ? WriteStatus.Replaced : WriteStatus.Created;
      case OperationKind.Delete:
        if (!current.exists && !current.isUnreadable) return WriteStatus.NotFound;
        this.write(batch, index, seqno, VERSION_KIND_TOMBSTONE, 0, NO_BYTES, 0, 0);
        return WriteStatus.Deleted;
      case OperationKind.Expire:
        return this.expire(batch, index, seqno);
      case OperationKind.Patch:
        return this.patch(batch, index, seqno, valueStart, valueEnd);
      case OperationKind.Reindex:
        return this.reindex(batch, index, seqno);
      case OperationKind.None:
        throw new Error('operation kind 0 in a write batch');
      default:
        return unreachable(kind);
    }
  }

  private putExpiry(asked: number): number {
    if (asked !== EXPIRES_KEPT) return storedExpiry(asked);
    return this.current.exists ? this.current.expiresAt : 0;
  }

  private patch(
    batch: WriteBatchView,
    index: number,
    seqno: number,
    patchStart: number,
    patchEnd: number,
  ): WriteStatus {
    const asked = batch.expiresAt(index);
    const expiresAt = asked === EXPIRES_UNSET ? this.current.expiresAt : storedExpiry(asked);
    if (!this.current.exists) return WriteStatus.NotFound;
    this.merge(batch.values, patchStart, patchEnd);
    if (this.merged.length > DOCUMENT_BYTES_MAX) return WriteStatus.TooLarge;
    this.write(
      batch,
      index,
      seqno,
      VERSION_KIND_DOCUMENT,
      expiresAt,
      this.merged.bytes,
      0,
      this.merged.length,
    );
    return WriteStatus.Replaced;
  }

  private merge(patch: Uint8Array, patchStart: number, patchEnd: number): void {
    const { bytes, valueOffset, valueLength } = this.current;
    this.merged.reset();
    mergePatch(bytes, valueOffset, valueOffset + valueLength, patch, patchStart, patchEnd, this.merged);
  }

  /** What a patch would make of its document as it is now, valid until the next call; undefined when there is none. */
  patched(batch: WriteBatchView, index: number): ByteSink | undefined {
    this.lookup(batch, index);
    if (!this.current.exists) return undefined;
    this.merge(batch.values, batch.valueStart(index), batch.valueEnd(index));
    return this.merged;
  }

  /** Collects an expired document. Whatever was written to its key since is left alone: it has another seqno. */
  private expire(batch: WriteBatchView, index: number, seqno: number): WriteStatus {
    const { exists, isCounted } = this.current;
    if (exists || !isCounted || this.current.seqno !== batch.expectedSeqno(index))
      return WriteStatus.NotFound;
    this.write(batch, index, seqno, VERSION_KIND_TOMBSTONE, 0, NO_BYTES, 0, 0);
    const collection = batch.collection(index);
    // An entry of an index: its key counts as well.
    if (this.indexes.isIndex(collection))
      this.stats.add(collection, 0, batch.keyStart(index) - batch.keyEnd(index));
    return WriteStatus.Deleted;
  }

  /** Gives an index under construction its entry of a document. */
  private reindex(batch: WriteBatchView, index: number, seqno: number): WriteStatus {
    const id = batch.expectedSeqno(index);
    const building = this.indexes.of(batch.collection(index)).filter((each) => each.index.id === id);
    if (building.length > 0 && this.readCurrent(batch, index, 'after'))
      this.indexes.complete(building[0], seqno, this.current.expiresAt);
    return WriteStatus.Unchanged;
  }

  /** Works out the entries of the document that clients see now. False when they see none. */
  private readCurrent(batch: WriteBatchView, index: number, side: 'before' | 'after'): boolean {
    const { exists, bytes, valueOffset, valueLength } = this.current;
    const indexes = this.indexes.of(batch.collection(index));
    if (exists) {
      const keyStart = batch.keyStart(index);
      const keyEnd = batch.keyEnd(index);
      this.indexes.read(indexes, side, bytes, valueOffset, valueLength, batch.keys, keyStart, keyEnd);
    } else this.indexes.clear(indexes, side);
    return exists;
  }

  private write(
    batch: WriteBatchView,
    index: number,
    seqno: number,
    kind: number,
    expiresAt: number,
    value: Uint8Array,
    valueOffset: number,
    valueLength: number,
  ): void {
    const collection = batch.collection(index);
    const keyStart = batch.keyStart(index);
    const keyEnd = batch.keyEnd(index);
    const indexes = this.indexes.of(collection);
    // The text of a husk is gone, and what an expired document has in indexes is left to the sweeper: ADR 0016.
    const isIndexed = indexes.length > 0 && batch.kind(index) !== OperationKind.Expire;
    if (isIndexed) {
      this.readCurrent(batch, index, 'before');
      if (kind === VERSION_KIND_DOCUMENT)
        this.indexes.read(indexes, 'after', value, valueOffset, valueLength, batch.keys, keyStart, keyEnd);
      else this.indexes.clear(indexes, 'after');
    }
    this.memtables.active.put(
      this.current.activeNode,
      batch.keyHash(index),
      collection,
      batch.keys,
      keyStart,
      keyEnd - keyStart,
      seqno,
      kind,
      expiresAt,
      value,
      valueOffset,
      valueLength,
    );
    const before = this.current.isCounted ? 1 : 0;
    const after = kind === VERSION_KIND_DOCUMENT ? 1 : 0;
    this.stats.add(collection, after - before, valueLength - (before === 1 ? this.current.valueLength : 0));
    if (isIndexed) this.indexes.write(indexes, seqno, this.current.expiresAt, expiresAt);
  }

  /** Finds the newest version of an operation's key: in the chain, newest memtable first, then in tables. */
  private lookup(batch: WriteBatchView, index: number): void {
    const current = this.current;
    const memtables = this.memtables;
    const hash = batch.keyHash(index);
    const collection = batch.collection(index);
    const keyStart = batch.keyStart(index);
    const keyLength = batch.keyEnd(index) - keyStart;
    current.activeNode = 0;
    current.exists = false;
    current.isCounted = false;
    current.isUnreadable = false;
    current.seqno = 0;
    for (let position = 0; position < memtables.chainLength; position++) {
      const reader = memtables.writerAt(position).reader;
      const node = reader.find(hash, collection, batch.keys, keyStart, keyLength);
      if (node === 0) continue;
      if (position === 0) current.activeNode = node;
      const version = reader.newestVersion(node);
      current.seqno = reader.versionSeqno(version);
      current.expiresAt = reader.versionExpires(version);
      current.isCounted = reader.versionKind(version) === VERSION_KIND_DOCUMENT;
      current.exists = current.isCounted && !hasExpired(current.expiresAt, batch.writtenAt);
      current.bytes = reader.bytes;
      current.valueOffset = reader.valueOffset(version);
      current.valueLength = reader.valueLength(version);
      return;
    }
    // Only a patch and the upkeep of indexes read what was there. All others ask what there was.
    const readsOld = batch.kind(index) === OperationKind.Patch || this.indexes.of(collection).length > 0;
    const part = readsOld ? 'entry' : 'version';
    this.lookupBelow(batch, hash, collection, keyStart, keyLength, part);
  }

  /** The same for a key that no memtable has. */
  private lookupBelow(
    batch: WriteBatchView,
    hash: number,
    collection: number,
    keyStart: number,
    keyLength: number,
    part: EntryPart,
  ): void {
    const { current, tables, found } = this;
    if (tables === undefined) return;
    try {
      if (!tables.find(hash, collection, batch.keys, keyStart, keyLength, found, part)) return;
    } catch (error) {
      // The batch is in the log: it cannot be refused any more. What needs no old version is done all the same.
      if (!(error instanceof DbError)) throw error;
      current.isUnreadable = true;
      this.readError = error;
      tables.onReadError(error);
      return;
    }
    current.seqno = found.seqno;
    current.expiresAt = found.expiresAt;
    current.isCounted = found.kind !== ENTRY_TOMBSTONE;
    current.exists = found.kind === ENTRY_DOCUMENT && !hasExpired(found.expiresAt, batch.writtenAt);
    current.bytes = found.value;
    current.valueOffset = found.valueOffset;
    current.valueLength = found.originalLength;
  }

  private conditionHolds(batch: WriteBatchView, index: number): boolean {
    // Their expected seqno is not a condition: it names the version to collect, which no condition can see, or an index.
    const operation = batch.kind(index);
    if (operation === OperationKind.Expire || operation === OperationKind.Reindex) return true;
    const kind = batch.condition(index);
    switch (kind) {
      case ConditionKind.None:
        return true;
      case ConditionKind.IfAbsent:
        return !this.current.exists;
      case ConditionKind.IfPresent:
        return this.current.exists;
      case ConditionKind.IfMatchSeqno:
        return this.current.exists && this.current.seqno === batch.expectedSeqno(index);
      default:
        return unreachable(kind);
    }
  }

  /** A document with entries in indexes cannot be replaced without knowing which they are. */
  private dependsOnOldVersion(batch: WriteBatchView, index: number): boolean {
    if (batch.kind(index) === OperationKind.Refused) return false;
    return needsOldVersion(batch, index) || this.indexes.of(batch.collection(index)).length > 0;
  }

  /** All-or-nothing batches: every operation is checked against the state before the batch. */
  private allConditionsHold(batch: WriteBatchView, outcome: WriteOutcome): boolean {
    let holds = true;
    for (let i = 0; i < batch.count; i++) {
      const objection = this.objection(batch, i);
      const ok = objection === WriteStatus.None;
      outcome.statuses[i] = ok ? WriteStatus.Aborted : objection;
      holds = holds && ok;
    }
    return holds;
  }

  /** Why an operation fails its all-or-nothing batch; None if it does not. A retry is answered, whatever holds now. */
  private objection(batch: WriteBatchView, index: number): WriteStatus {
    const known = this.remembered(batch, index);
    if (known !== undefined) {
      return known.fingerprint === this.fingerprint(batch, index)
        ? WriteStatus.None
        : WriteStatus.OperationIdReused;
    }
    if (batch.kind(index) === OperationKind.Refused) return WriteStatus.SchemaViolation;
    if (!batch.hasConditions) return WriteStatus.None;
    this.lookup(batch, index);
    if (this.current.isUnreadable) return WriteStatus.Unreadable;
    return this.conditionHolds(batch, index) ? WriteStatus.None : WriteStatus.PreconditionFailed;
  }

  private remembered(batch: WriteBatchView, index: number): RememberedOperation | undefined {
    if (!batch.hasOperationIds) return undefined;
    const identity = this.identity(batch, index);
    return identity === 0 ? undefined : this.operationIds.find(identity);
  }

  /**
   * 0 for an operation without an id. The collection's number is mixed in: clients derive ids from its name, and a
   * collection that was dropped and created again under its name has another number and another past.
   */
  private identity(batch: WriteBatchView, index: number): number {
    const low = batch.operationIdWord(index, 0);
    const high = batch.operationIdWord(index, 1);
    if (low === 0 && high === 0) return 0;
    return foldWords(low ^ Math.imul(batch.collection(index), 0x9e3779b1), high);
  }

  private fingerprint(batch: WriteBatchView, index: number): number {
    return foldWords(batch.operationIdWord(index, 2), batch.operationIdWord(index, 3));
  }

  /** True when the operation was seen before and `outcome` now holds the answer it got then. */
  private answerFromMemory(
    batch: WriteBatchView,
    index: number,
    seqno: number,
    outcome: WriteOutcome,
  ): boolean {
    const known = this.remembered(batch, index);
    if (known === undefined) return false;
    const same = known.fingerprint === this.fingerprint(batch, index);
    outcome.statuses[index] = same ? known.status : WriteStatus.OperationIdReused;
    this.pushSeqno(outcome, index, same ? known.seqno : seqno);
    return true;
  }

  private rememberOperation(
    batch: WriteBatchView,
    index: number,
    seqno: number,
    status: WriteStatus,
    outcome: WriteOutcome,
  ): void {
    this.pushSeqno(outcome, index, seqno);
    const identity = this.identity(batch, index);
    if (identity === 0 || status === WriteStatus.SchemaViolation) return;
    this.operationIds.remember(identity, { fingerprint: this.fingerprint(batch, index), status, seqno });
  }

  /** Batches with operation ids report every seqno explicitly. */
  private pushSeqno(outcome: WriteOutcome, index: number, seqno: number): void {
    outcome.hasSeqs = true;
    if (outcome.seqs.length === index * 2) outcome.seqs.pushUint64(seqno);
  }
}

/** A document can be put or deleted whatever there was before; everything else depends on it. */
function needsOldVersion(batch: WriteBatchView, index: number): boolean {
  const kind = batch.kind(index);
  if (kind !== OperationKind.Put && kind !== OperationKind.Delete) return true;
  return batch.hasConditions && batch.condition(index) !== ConditionKind.None;
}
