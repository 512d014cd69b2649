/**
 * What the executor reads and writes through. The runtime implements it over memtables and tables at one snapshot (and
 * tests over arrays). Every call is synchronous: query threads may block, and a front runs only what is short.
 */
import type { Row } from '../types/values.js';

/** A document under the cursor. Bytes are valid only inside of the call. */
export interface DocumentPlace {
  readonly bytes: Uint8Array;
  /** bytes[offset, offset + length) is the JSON text. */
  readonly offset: number;
  readonly length: number;
  readonly seqno: number;
}

/** A range of stored keys, [lower, upper); undefined: open. */
export interface KeyInterval {
  readonly lower?: Uint8Array;
  readonly upper?: Uint8Array;
}

/** A part of a collection that one thread scans: an interval of keys of one shard, or of all (-1). */
export interface ScanPartition extends KeyInterval {
  readonly shard: number;
}

/** What a scan of a part cost. */
export interface ScanCounters {
  rows: number;
  /** Blocks found in the block cache, and read from files. */
  blocksHit: number;
  blocksRead: number;
}

/** The key is that of the entry. Returns false to stop. */
export type Visit = (place: DocumentPlace, key: Uint8Array, keyOffset: number, keyLength: number) => boolean;

export interface DocumentSource {
  /** Number of shards, for EXPLAIN's line per shard. */
  readonly shards: number;
  /**
   * Visits documents of a collection (or entries of an index: `collectionId` is the index's number) in key order. `shard` -1:
   * all of them merged. `visit` returns false to stop. The key of the entry is given for index entries; documents carry
   * theirs as `_id`.
   */
  scan(
    collectionId: number,
    partition: ScanPartition,
    backward: boolean,
    visit: Visit,
    counters?: ScanCounters[],
  ): void;
  /** The document with this `_id` at the snapshot; undefined when there is none. Valid until the next call. */
  get(collectionId: number, id: string, counters?: ScanCounters[]): DocumentPlace | undefined;
  /** The same by the bytes of the key. */
  getByKey(
    collectionId: number,
    key: Uint8Array,
    keyOffset: number,
    keyLength: number,
    counters?: ScanCounters[],
  ): DocumentPlace | undefined;
  /** Cuts a collection into about `count` parts of similar size for several threads. */
  partitions(collectionId: number, count: number): readonly ScanPartition[];
}

/** One document to write; `text` undefined deletes. */
export interface DocumentWrite {
  readonly id: string;
  readonly text: string | undefined;
  /** absent: there must be none. A number: the version that must be there still. any: whatever is there. */
  readonly expects: 'absent' | 'any' | number;
}

export interface WriteResult {
  /** conflict: `expects` did not hold. */
  readonly status: 'written' | 'conflict';
  readonly seqno: number;
}

export interface DocumentWriter {
  /** Durable when it returns. Throws DbError when writes are refused. Results correspond to the writes. */
  write(collection: string, writes: readonly DocumentWrite[]): readonly WriteResult[];
  /** The current version, as of now and not of the snapshot: for retrying after a conflict. */
  current(collectionId: number, id: string): { readonly text: string; readonly seqno: number } | undefined;
  generatedId(): string;
}

/** Rows of the system tables, made when asked for. */
export interface SystemRows {
  /** Objects by column name, values as SQL values. */
  rows(table: string): readonly Readonly<Record<string, Row[number]>>[];
}

/** Sums over all parts. */
export interface FragmentStatistics {
  readonly rowsScanned: number;
  /** Threads that ran parts, the calling one counted too. */
  readonly workers: number;
}

/** Runs parts of a gather on other threads. */
export interface FragmentRunner {
  /**
   * Runs the gather's input for each partition, here or elsewhere, and hands over the rows of a part as they come; `part`
   * tells the parts apart: its place in `partitions`. Returns when all are done. `emit` returns false when no more are
   * wanted.
   */
  run(
    gatherId: number,
    partitions: readonly ScanPartition[],
    emit: (row: Row, part: number) => boolean,
  ): FragmentStatistics;
}
