/**
 * How the service column reads documents out of shared memory without knowing what they are stored in. The runtime
 * implements both interfaces over memtables (runtime/document-scanner.ts). Each instance belongs to one thread.
 */

/** Point reads in one shard. */
export interface DocumentReader {
  readonly bytes: Uint8Array;
  readonly valueOffset: number;
  readonly valueLength: number;
  /** Seqno of the version found. */
  readonly seqno: number;
  /** Database time in seconds at which the document found expires; 0 = never. */
  readonly expiresAt: number;
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

/** One document during a scan; the bytes are valid only inside the call. */
export interface ScannedDocument {
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly length: number;
  readonly seqno: number;
  /** A copy of the document's key. */
  key(): Uint8Array;
}

/** What one scan() may look at before it returns; whichever is used up first ends it. */
export interface ScanBudget {
  /** Keys, deleted and expired ones included. */
  readonly keys: number;
  /** Bytes of documents. */
  readonly bytes: number;
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
   * Visits the documents of a collection that are in `range`, in its direction, across all shards, until `budget` is used
   * up. `visit` returns false to stop after that document. Returns the last key passed, which may be a deleted one,
   * when there may be more (rangeAfter goes on from there), or undefined when the range ended.
   */
  scan(
    collection: number,
    range: ScanRange,
    budget: ScanBudget,
    visit: (document: ScannedDocument) => boolean,
  ): Uint8Array | undefined;
}
