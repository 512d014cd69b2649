/**
 * Version edits: what changes from one version of a shard to the next. This file is the specification of how an edit is
 * stored; version-edit-encoder.ts and version-edit-decoder.ts follow it. A manifest is a list of edits
 * (manifest-format.ts); the shared version board (version-board.ts) uses the encoding of a table.
 *
 * All integers are little-endian. A u64 is below 2^53 and stored as two u32, low word first. An edit is a sequence of
 * fields in ascending order of their tags, each at most once:
 *
 *   edit  = field*
 *   field = tag u8 | length u32 | body of that length
 *
 *   tag body                            meaning
 *     0                                 reserved
 *     1 count u32 | table*              tables that are added
 *     2 count u32 | file number u32*    tables that are removed; applied before tag 1, so that a table can move
 *     3 u64                             flushed seqno: all operations of this shard up to it are in tables
 *     4 u64                             next file number: above that of every table there ever was
 *     5 u64                             next run: above that of every run there ever was
 *     6 u64                             database time reached, whole seconds
 *     7 count u32 | statistics*         figures of all collections; replaces those before
 *     8 count u32 | operation*          operations with an id, behind those remembered before; oldest first
 *     9 count u32 | cursor*             where the next compaction of a level starts; replaces those of these levels
 *    10 count u32 | file number u32*    tables that earlier manifests removed and whose files were there when this one was
 *                                       begun; only in a snapshot
 *
 *   table      = file number u32 | level u8 | run u32 | size u64 | entries u64 | tombstones u64 | raw bytes u64
 *              | smallest seqno u64 | largest seqno u64 | earliest expiry u32, seconds, 0 = none
 *              | smallest bound | largest bound | count u32 | share*
 *   bound      = collection u32 | key length u16 | key bytes
 *   share      = collection u32 | entries u64 | tombstones u64 | raw bytes u64
 *   statistics = collection u32 | documents u64 | bytes u64
 *   operation  = identity u64 | fingerprint u64 | status u8 | seqno u64
 *   cursor     = level u8 | bound
 *
 * A field that is absent changes nothing. Empty lists are left out, except that of tag 7, where it says that there is no
 * collection. Tags are never reused. A reader that meets a tag it does not know stops with CORRUPT_MANIFEST and
 * names tag and format version: an edit that is understood in part would be a wrong version.
 *
 * Worked example: table 7 is removed, flushed seqno 300, next file number 9:
 *
 *   02 08 00 00 00 01 00 00 00 07 00 00 00
 *   03 08 00 00 00 2c 01 00 00 00 00 00 00
 *   04 08 00 00 00 09 00 00 00 00 00 00 00
 */
import type { KeyBound } from './table-info.js';
import type { TableChanges } from './version.js';

/** Format version of edits and of the manifest files they are in. */
export const MANIFEST_FORMAT_VERSION = 1;

export const TAG_ADDED_TABLES = 1;
export const TAG_REMOVED_TABLES = 2;
export const TAG_FLUSHED_SEQNO = 3;
export const TAG_NEXT_FILE_NUMBER = 4;
export const TAG_NEXT_RUN = 5;
export const TAG_DATABASE_SECONDS = 6;
export const TAG_COLLECTION_STATS = 7;
export const TAG_OPERATION_IDS = 8;
export const TAG_COMPACTION_CURSORS = 9;
export const TAG_OBSOLETE_TABLES = 10;

/** Live documents of one collection in one shard. */
export interface CollectionFigures {
  readonly collection: number;
  readonly documents: number;
  /** Bytes of the live documents' JSON text. */
  readonly bytes: number;
}

/** An operation that carried an id, and how it ended: a retry is answered from here. */
export interface RememberedOperationId {
  /** 53 bits. */
  readonly identity: number;
  /** 53 bits: the same identity with another fingerprint is a client's mistake. */
  readonly fingerprint: number;
  /** WriteStatus, one byte. */
  readonly status: number;
  readonly seqno: number;
}

/** Where the next compaction of a level starts: behind this place. */
export interface CompactionCursor {
  readonly level: number;
  readonly bound: KeyBound;
}

/** What is absent stays as it was. */
export interface VersionEdit extends TableChanges {
  /** All operations of this shard up to it are in tables. Never goes backwards. */
  readonly flushedSeqno?: number;
  /** Above the number of every table added. */
  readonly nextFileNumber?: number;
  /** Above the number of every run added. */
  readonly nextRun?: number;
  /** Database time that this shard has seen, whole seconds. Never goes backwards. */
  readonly databaseSeconds?: number;
  /** Replaces all figures. */
  readonly collectionStats?: readonly CollectionFigures[];
  /** Remembered since the last flush, oldest first; come behind those of earlier edits. */
  readonly operationIds?: readonly RememberedOperationId[];
  /** Replaces the cursors of these levels. */
  readonly compactionCursors?: readonly CompactionCursor[];
  /** File numbers that an earlier manifest removed and whose files may still be there. They never come back. */
  readonly obsoleteTables?: readonly number[];
}
