/** What is read of a document before it is written. Shard thread only. */

const NO_BYTES = new Uint8Array(0);

/** The newest version of a key, as lookup() left it. */
export class CurrentVersion {
  /** Node of the key in the active memtable, 0 if it has none there. */
  activeNode = 0;
  /** True when the newest version is a document that has not expired: what clients can see. */
  exists = false;
  /** True when the newest version is a document, expired or not: what the statistics count. */
  isCounted = false;
  /** True when a table that may hold the newest version cannot be read. */
  isUnreadable = false;
  seqno = 0;
  expiresAt = 0;
  bytes: Uint8Array = NO_BYTES;
  valueOffset = 0;
  valueLength = 0;
}
