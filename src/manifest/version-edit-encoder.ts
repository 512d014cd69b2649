/** Encodes version edits and tables as version-edit.ts specifies. Values that do not fit are AssertionErrors. */
import type { ByteWriter } from './byte-writer.js';
import type { KeyBound, TableInfo } from './table-info.js';
import {
  type CollectionFigures,
  type CompactionCursor,
  type RememberedOperationId,
  TAG_ADDED_TABLES,
  TAG_COLLECTION_STATS,
  TAG_COMPACTION_CURSORS,
  TAG_DATABASE_SECONDS,
  TAG_FLUSHED_SEQNO,
  TAG_NEXT_FILE_NUMBER,
  TAG_NEXT_RUN,
  TAG_OBSOLETE_TABLES,
  TAG_OPERATION_IDS,
  TAG_REMOVED_TABLES,
  type VersionEdit,
} from './version-edit.js';

/** Appends the edit to what `out` holds. */
export function encodeVersionEdit(edit: VersionEdit, out: ByteWriter): void {
  listField(out, TAG_ADDED_TABLES, edit.addedTables, encodeTable);
  listField(out, TAG_REMOVED_TABLES, edit.removedTables, (number) => out.u32(number));
  numberField(out, TAG_FLUSHED_SEQNO, edit.flushedSeqno);
  numberField(out, TAG_NEXT_FILE_NUMBER, edit.nextFileNumber);
  numberField(out, TAG_NEXT_RUN, edit.nextRun);
  numberField(out, TAG_DATABASE_SECONDS, edit.databaseSeconds);
  if (edit.collectionStats !== undefined)
    wholeListField(out, TAG_COLLECTION_STATS, edit.collectionStats, encodeFigures);
  listField(out, TAG_OPERATION_IDS, edit.operationIds ?? [], encodeOperationId);
  listField(out, TAG_COMPACTION_CURSORS, edit.compactionCursors ?? [], encodeCursor);
  listField(out, TAG_OBSOLETE_TABLES, edit.obsoleteTables ?? [], (number) => out.u32(number));
}

export function encodeTable(table: TableInfo, out: ByteWriter): void {
  out.u32(table.fileNumber);
  out.u8(table.level);
  out.u32(table.run);
  out.u64(table.sizeBytes);
  out.u64(table.entries);
  out.u64(table.tombstones);
  out.u64(table.rawBytes);
  out.u64(table.minSeqno);
  out.u64(table.maxSeqno);
  out.u32(table.earliestExpiry);
  encodeBound(table.smallest, out);
  encodeBound(table.largest, out);
  out.u32(table.collections.length);
  for (const share of table.collections) {
    out.u32(share.collection);
    out.u64(share.entries);
    out.u64(share.tombstones);
    out.u64(share.rawBytes);
  }
}

type Encode<T> = (item: T, out: ByteWriter) => void;

/** Left out when the list is empty. */
function listField<T>(out: ByteWriter, tag: number, items: readonly T[], encode: Encode<T>): void {
  if (items.length > 0) wholeListField(out, tag, items, encode);
}

function wholeListField<T>(out: ByteWriter, tag: number, items: readonly T[], encode: Encode<T>): void {
  out.u8(tag);
  const lengthAt = out.reserveU32();
  const start = out.length;
  out.u32(items.length);
  for (const item of items) encode(item, out);
  out.putU32(lengthAt, out.length - start);
}

function numberField(out: ByteWriter, tag: number, value: number | undefined): void {
  if (value === undefined) return;
  out.u8(tag);
  out.u32(8);
  out.u64(value);
}

function encodeBound(bound: KeyBound, out: ByteWriter): void {
  out.u32(bound.collection);
  out.u16(bound.key.length);
  out.append(bound.key);
}

function encodeFigures(figures: CollectionFigures, out: ByteWriter): void {
  out.u32(figures.collection);
  out.u64(figures.documents);
  out.u64(figures.bytes);
}

function encodeOperationId(operation: RememberedOperationId, out: ByteWriter): void {
  out.u64(operation.identity);
  out.u64(operation.fingerprint);
  out.u8(operation.status);
  out.u64(operation.seqno);
}

function encodeCursor(cursor: CompactionCursor, out: ByteWriter): void {
  out.u8(cursor.level);
  encodeBound(cursor.bound, out);
}
