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
  /** Until leave(), nothing that get() finds is recycled. Not reentrant. */
  enter(): void;
  leave(): void;
  /** Returns one of LOOKUP_*; after LOOKUP_FOUND the fields say where the document's JSON text is. */
  get(hash: number, collection: number, key: Uint8Array, keyOffset: number, keyLength: number): number;
}

export const LOOKUP_ABSENT = 0;
export const LOOKUP_FOUND = 1;
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
  /** Keys, deleted ones included. */
  readonly keys: number;
  /** Bytes of documents. */
  readonly bytes: number;
}

/** Ordered reads over all shards. */
export interface DocumentScanner {
  /**
   * Visits documents of a collection in key order across all shards: those after `afterKey`, or from the start, until
   * `budget` is used up. `visit` returns false to stop after that document. Returns the last key passed, which may be a
   * deleted one, when there may be more, or undefined when the collection ended.
   */
  scan(
    collection: number,
    afterKey: Uint8Array | undefined,
    budget: ScanBudget,
    visit: (document: ScannedDocument) => boolean,
  ): Uint8Array | undefined;
}
