/** What a shard knows about one SSTable without opening it: the contents of its entry in the manifest. Types only. */

/** A place in the key order. */
export interface KeyBound {
  readonly collection: number;
  readonly key: Uint8Array;
}

/** How much of a table belongs to one collection. */
export interface CollectionShare {
  readonly collection: number;
  /** Entries of all kinds. */
  readonly entries: number;
  readonly tombstones: number;
  /** Bytes of keys and values before compression. */
  readonly rawBytes: number;
}

export interface TableInfo {
  /** Names the file (table-names.ts in sst): unique in its shard, never reused. Below 2^32. */
  readonly fileNumber: number;
  /** 0 is the newest. */
  readonly level: number;
  /**
   * Order among the sorted runs of level 0: higher is newer. Tables of one flush share one run and do not overlap. Every
   * deeper level is one run; there this is 0.
   */
  readonly run: number;
  readonly sizeBytes: number;
  /** Versions, tombstones included. */
  readonly entries: number;
  readonly tombstones: number;
  /** Bytes of keys and values before prefix compression and codec. */
  readonly rawBytes: number;
  /** First and last key, both inclusive. */
  readonly smallest: KeyBound;
  readonly largest: KeyBound;
  readonly minSeqno: number;
  readonly maxSeqno: number;
  /** Smallest expiry of its documents in seconds of database time; 0 when none expires. */
  readonly earliestExpiry: number;
  readonly collections: readonly CollectionShare[];
}
