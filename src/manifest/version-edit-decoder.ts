/**
 * Decodes version edits and tables as version-edit.ts specifies. The bytes may be anything: what is not an edit is a
 * CORRUPT_MANIFEST. Whether an edit fits the version before it is for Version.apply to say.
 */
import { ByteReader, type Place } from './byte-reader.js';
import type { CollectionShare, KeyBound, TableInfo } from './table-info.js';
import {
  type CollectionFigures,
  type CompactionCursor,
  MANIFEST_FORMAT_VERSION,
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

const BOUND_BYTES_MIN = 6;
const TABLE_BYTES_MIN = 65 + 2 * BOUND_BYTES_MIN;
const SHARE_BYTES = 28;
const FILE_NUMBER_BYTES = 4;
const FIGURES_BYTES = 20;
const OPERATION_BYTES = 25;
const CURSOR_BYTES_MIN = 1 + BOUND_BYTES_MIN;

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

export function decodeVersionEdit(bytes: Uint8Array, place: Place): VersionEdit {
  const reader = new ByteReader(bytes, place);
  const edit: Mutable<VersionEdit> = { addedTables: [], removedTables: [] };
  let lastTag = 0;
  while (!reader.isAtEnd) {
    const tag = reader.u8();
    if (tag <= lastTag) throw reader.malformed('fields are out of order', `a tag above ${lastTag}`, tag);
    lastTag = tag;
    const length = reader.u32();
    const end = reader.position + length;
    decodeField(reader, tag, edit);
    if (reader.position !== end)
      throw reader.malformed(`the field with tag ${tag} has the wrong length`, end, reader.position);
  }
  return edit;
}

export function decodeTable(reader: ByteReader): TableInfo {
  return {
    fileNumber: reader.u32(),
    level: reader.u8(),
    run: reader.u32(),
    sizeBytes: reader.u64(),
    entries: reader.u64(),
    tombstones: reader.u64(),
    rawBytes: reader.u64(),
    minSeqno: reader.u64(),
    maxSeqno: reader.u64(),
    earliestExpiry: reader.u32(),
    smallest: decodeBound(reader),
    largest: decodeBound(reader),
    collections: decodeList(reader, SHARE_BYTES, decodeShare),
  };
}

function decodeField(reader: ByteReader, tag: number, edit: Mutable<VersionEdit>): void {
  switch (tag) {
    case TAG_ADDED_TABLES:
      edit.addedTables = decodeList(reader, TABLE_BYTES_MIN, decodeTable);
      return;
    case TAG_REMOVED_TABLES:
      edit.removedTables = decodeList(reader, FILE_NUMBER_BYTES, (numbers) => numbers.u32());
      return;
    case TAG_FLUSHED_SEQNO:
      edit.flushedSeqno = reader.u64();
      return;
    case TAG_NEXT_FILE_NUMBER:
      edit.nextFileNumber = reader.u64();
      return;
    case TAG_NEXT_RUN:
      edit.nextRun = reader.u64();
      return;
    case TAG_DATABASE_SECONDS:
      edit.databaseSeconds = reader.u64();
      return;
    case TAG_COLLECTION_STATS:
      edit.collectionStats = decodeList(reader, FIGURES_BYTES, decodeFigures);
      return;
    case TAG_OPERATION_IDS:
      edit.operationIds = decodeList(reader, OPERATION_BYTES, decodeOperationId);
      return;
    case TAG_COMPACTION_CURSORS:
      edit.compactionCursors = decodeList(reader, CURSOR_BYTES_MIN, decodeCursor);
      return;
    case TAG_OBSOLETE_TABLES:
      edit.obsoleteTables = decodeList(reader, FILE_NUMBER_BYTES, (numbers) => numbers.u32());
      return;
    default:
      throw reader.malformed(
        `format version ${MANIFEST_FORMAT_VERSION} has no field with tag ${tag}`,
        `a tag of format version ${MANIFEST_FORMAT_VERSION}`,
        tag,
      );
  }
}

function decodeList<T>(reader: ByteReader, itemBytesMin: number, decode: (reader: ByteReader) => T): T[] {
  const count = reader.count(itemBytesMin);
  const items: T[] = [];
  for (let index = 0; index < count; index++) items.push(decode(reader));
  return items;
}

function decodeBound(reader: ByteReader): KeyBound {
  return { collection: reader.u32(), key: reader.copy(reader.u16()) };
}

function decodeShare(reader: ByteReader): CollectionShare {
  return {
    collection: reader.u32(),
    entries: reader.u64(),
    tombstones: reader.u64(),
    rawBytes: reader.u64(),
  };
}

function decodeFigures(reader: ByteReader): CollectionFigures {
  return { collection: reader.u32(), documents: reader.u64(), bytes: reader.u64() };
}

function decodeOperationId(reader: ByteReader): RememberedOperationId {
  return {
    identity: reader.u64(),
    fingerprint: reader.u64(),
    status: reader.u8(),
    seqno: reader.u64(),
  };
}

function decodeCursor(reader: ByteReader): CompactionCursor {
  return { level: reader.u8(), bound: decodeBound(reader) };
}
