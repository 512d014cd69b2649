/** Counts what goes by of a table's entries, in order: for the properties that a writer stores and verification checks. */
import { assert } from '../base/assert.js';
import { ENTRY_EXPIRED, ENTRY_TOMBSTONE, type Entry } from '../iter/entry-cursor.js';
import type { CollectionShare, KeyBound, TableProperties } from './properties.js';

export type Totals = Pick<
  TableProperties,
  | 'entries'
  | 'tombstones'
  | 'expiredHusks'
  | 'distinctKeys'
  | 'rawBytes'
  | 'smallest'
  | 'largest'
  | 'minSeqno'
  | 'maxSeqno'
  | 'earliestExpiry'
  | 'collections'
>;

interface GrowingShare {
  collection: number;
  entries: number;
  tombstones: number;
  rawBytes: number;
}

export class TableTotals {
  entries = 0;
  rawBytes = 0;
  private tombstones = 0;
  private expiredHusks = 0;
  private distinctKeys = 0;
  private minSeqno = Number.MAX_SAFE_INTEGER;
  private maxSeqno = 0;
  private earliestExpiry = 0;
  private smallest: KeyBound | undefined;
  private largestCollection = 0;
  private largestKey = new Uint8Array(1024);
  private largestKeyLength = 0;
  private readonly shares: GrowingShare[] = [];

  /** `isNewKey`: its key differs from that of the entry before. */
  add(entry: Entry, isNewKey: boolean): void {
    const { collection, kind, seqno, expiresAt } = entry;
    const rawBytes = entry.keyLength + entry.valueLength;
    const share = this.shareOf(collection);
    this.entries++;
    this.rawBytes += rawBytes;
    share.entries++;
    share.rawBytes += rawBytes;
    if (kind === ENTRY_TOMBSTONE) {
      this.tombstones++;
      share.tombstones++;
    }
    if (kind === ENTRY_EXPIRED) this.expiredHusks++;
    if (seqno < this.minSeqno) this.minSeqno = seqno;
    if (seqno > this.maxSeqno) this.maxSeqno = seqno;
    if (expiresAt !== 0 && (this.earliestExpiry === 0 || expiresAt < this.earliestExpiry)) {
      this.earliestExpiry = expiresAt;
    }
    if (isNewKey) this.takeKey(entry);
  }

  finish(): Totals {
    const { smallest } = this;
    assert(smallest !== undefined, 'totals of no entries');
    return {
      entries: this.entries,
      tombstones: this.tombstones,
      expiredHusks: this.expiredHusks,
      distinctKeys: this.distinctKeys,
      rawBytes: this.rawBytes,
      smallest,
      largest: {
        collection: this.largestCollection,
        key: this.largestKey.slice(0, this.largestKeyLength),
      },
      minSeqno: this.minSeqno,
      maxSeqno: this.maxSeqno,
      earliestExpiry: this.earliestExpiry,
      collections: this.shares.map((share): CollectionShare => ({ ...share })),
    };
  }

  private takeKey(entry: Entry): void {
    const { collection, key, keyOffset, keyLength } = entry;
    this.distinctKeys++;
    this.smallest ??= { collection, key: key.slice(keyOffset, keyOffset + keyLength) };
    if (keyLength > this.largestKey.length) this.largestKey = new Uint8Array(2 * keyLength);
    for (let i = 0; i < keyLength; i++) this.largestKey[i] = key[keyOffset + i];
    this.largestCollection = collection;
    this.largestKeyLength = keyLength;
  }

  private shareOf(collection: number): GrowingShare {
    const last = this.shares.at(-1);
    if (last?.collection === collection) return last;
    const share = { collection, entries: 0, tombstones: 0, rawBytes: 0 };
    this.shares.push(share);
    return share;
  }
}
