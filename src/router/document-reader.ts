/**
 * How the service column reads documents out of shared memory without knowing what they are stored in. The runtime
 * implements both interfaces over memtables and tables. Each instance belongs to one thread.
 */
import type { WireError } from '../base/errors.js';

/** Point reads in one shard. */
export interface DocumentReader {
  readonly bytes: Uint8Array;
  readonly valueOffset: number;
  readonly valueLength: number;
  /** Seqno of the version found. */
  readonly seqno: number;
  /** Database time in seconds at which the document found expires; 0 = never. */
  readonly expiresAt: number;
  /** Whether the last get() was answered from memory: memtables or the row cache. */
  readonly isFromMemory: boolean;
  /** After LOOKUP_FAILED. */
  readonly error: WireError | undefined;
  /** Until leave(), nothing that get() finds is recycled. Not reentrant. */
  enter(): void;
  leave(): void;
  /** Returns one of LOOKUP_*; after LOOKUP_FOUND the fields say where the document's JSON text is. */
  get(hash: number, collection: number, key: Uint8Array, keyOffset: number, keyLength: number): number;
}

export const LOOKUP_ABSENT = 0;
export const LOOKUP_FOUND = 1;
/** Deleted, or expired. */
export const LOOKUP_DELETED = 2;
/** A table that may have the document cannot be read; the reader's `error` says why. */
export const LOOKUP_FAILED = 3;

/** One document during a scan; the bytes are valid only inside the call. */
export interface ScannedDocument {
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly length: number;
  readonly seqno: number;
  /** A copy of the document's key. */
  key(): Uint8Array;
}

/** A registered snapshot: until release(), what a scan at `seqno` sees is kept. */
export interface ScanSnapshot {
  readonly seqno: number;
  release(): void;
}

/** What one scan() may look at before it returns; whichever is used up first ends it. */
export interface ScanBudget {
  /** Keys, deleted and expired ones included. */
  readonly keys: number;
  /** Bytes of documents. */
  readonly bytes: number;
}

/** One slice of a scan. */
export interface ScanSlice {
  /** Of a snapshot that is held. */
  readonly seqno: number;
  readonly budget: ScanBudget;
  /** Whether blocks that are read are worth keeping: a long scan would push out what point reads need. */
  readonly fillCache: boolean;
}

/** One end of a range of keys. */
export interface ScanBound {
  readonly key: Uint8Array;
  readonly inclusive: boolean;
}

/** Which keys to visit, and in which direction. An end that is missing is open; `from` is the lower end either way. */
export interface ScanRange {
  readonly from?: ScanBound;
  readonly to?: ScanBound;
  readonly backward: boolean;
}

/** What is left of a range once the scan has passed `key`. */
export function rangeAfter(range: ScanRange, key: Uint8Array): ScanRange {
  const bound = { key, inclusive: false };
  return range.backward ? { ...range, to: bound } : { ...range, from: bound };
}

/** Ordered reads over all shards. */
export interface DocumentScanner {
  /**
   * Registers a snapshot of everything that has been acknowledged so far; it takes one group commit at most. Throws
   * DbError OVERLOADED when too many are held, SHARD_UNAVAILABLE when a shard does not get on.
   */
  snapshot(): Promise<ScanSnapshot>;
  /**
   * Visits the documents of a collection that are in `range`, in its direction, across all shards and as they were at the
   * snapshot, until the slice's budget is used up. `visit` returns false to stop after that document. Returns the last key passed, which may be a deleted one,
   * when there may be more (rangeAfter goes on from there), or undefined when the range ended.
   */
  scan(
    collection: number,
    range: ScanRange,
    slice: ScanSlice,
    visit: (document: ScannedDocument) => boolean,
  ): Uint8Array | undefined;
}
