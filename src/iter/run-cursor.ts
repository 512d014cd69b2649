/**
 * One sorted run as an EntryCursor: tables that do not overlap, in key order, of which at most one is open at a time
 * (two for a moment, while it changes over). Opening is the caller's: `open` may serve from a cache of open tables. What
 * it throws (a missing or damaged table) goes through, and the cursor then stands nowhere. One thread.
 */
import { compareBytes, type Entry, type EntryCursor } from './entry-cursor.js';

/** What the cursor needs to know of a table; TableInfo of the manifest has it. */
export interface KeyRanged {
  readonly smallest: { readonly collection: number; readonly key: Uint8Array };
  readonly largest: { readonly collection: number; readonly key: Uint8Array };
}

const NO_BYTES = new Uint8Array(0);

/** Stands in while no table is open. Its fields mean nothing. */
const NOWHERE: Entry = {
  collection: 0,
  key: NO_BYTES,
  keyOffset: 0,
  keyLength: 0,
  seqno: 0,
  kind: 0,
  expiresAt: 0,
  value: NO_BYTES,
  valueOffset: 0,
  valueLength: 0,
  originalLength: 0,
};

export class RunCursor<T extends KeyRanged> implements EntryCursor {
  private openIndex = -1;
  private inner: EntryCursor | undefined;
  /** The cursor over the table before, until the new one is positioned: the key that is sought may lie in its buffers. */
  private leaving: EntryCursor | undefined;
  private leavingIndex = -1;
  private entry: Entry = NOWHERE;
  isValid = false;

  /**
   * `tables`: disjoint, in key order. `open` gives an unpositioned cursor, which this one closes; `released` is told
   * when it has, so that the caller can close the table itself.
   */
  constructor(
    private readonly tables: readonly T[],
    private readonly open: (table: T) => EntryCursor,
    private readonly released: (table: T) => void = () => {},
  ) {}

  get collection(): number {
    return this.entry.collection;
  }
  get key(): Uint8Array {
    return this.entry.key;
  }
  get keyOffset(): number {
    return this.entry.keyOffset;
  }
  get keyLength(): number {
    return this.entry.keyLength;
  }
  get seqno(): number {
    return this.entry.seqno;
  }
  get kind(): number {
    return this.entry.kind;
  }
  get expiresAt(): number {
    return this.entry.expiresAt;
  }
  get value(): Uint8Array {
    return this.entry.value;
  }
  get valueOffset(): number {
    return this.entry.valueOffset;
  }
  get valueLength(): number {
    return this.entry.valueLength;
  }
  get originalLength(): number {
    return this.entry.originalLength;
  }

  seekToFirst(): void {
    this.toStartOf(0);
  }

  seek(collection: number, key: Uint8Array, keyOffset: number, keyLength: number): void {
    const index = this.firstNotBefore(collection, key, keyOffset, keyLength);
    if (index === this.tables.length) {
      this.isValid = false;
      return;
    }
    const inner = this.cursorOf(index);
    inner.seek(collection, key, keyOffset, keyLength);
    this.settle(inner);
  }

  seekBefore(collection: number, key: Uint8Array, keyOffset: number, keyLength: number): void {
    const index = this.lastStartingBefore(collection, key, keyOffset, keyLength);
    if (index < 0) {
      this.isValid = false;
      return;
    }
    const inner = this.cursorOf(index);
    inner.seekBefore(collection, key, keyOffset, keyLength);
    this.settle(inner);
  }

  next(): void {
    const { inner } = this;
    if (inner === undefined) return;
    // What it throws leaves the cursor nowhere.
    this.isValid = false;
    inner.next();
    if (inner.isValid) this.isValid = true;
    else this.toStartOf(this.openIndex + 1);
  }

  close(): void {
    this.isValid = false;
    this.entry = NOWHERE;
    this.closeLeft();
    this.leaving = this.inner;
    this.leavingIndex = this.openIndex;
    this.inner = undefined;
    this.openIndex = -1;
    this.closeLeft();
  }

  /** To the first entry of the table at `index`; beyond the last one is the end. */
  private toStartOf(index: number): void {
    if (index >= this.tables.length) {
      this.isValid = false;
      return;
    }
    const inner = this.cursorOf(index);
    inner.seekToFirst();
    this.settle(inner);
  }

  /** The open cursor if it is over this table, or a new one. Positioning may fail: settle() says that it did not. */
  private cursorOf(index: number): EntryCursor {
    this.isValid = false;
    const { inner } = this;
    if (inner !== undefined && index === this.openIndex) return inner;
    const opened = this.open(this.tables[index]);
    this.closeLeft();
    this.leaving = inner;
    this.leavingIndex = this.openIndex;
    this.openIndex = index;
    this.inner = opened;
    return opened;
  }

  private settle(inner: EntryCursor): void {
    this.entry = inner;
    this.isValid = inner.isValid;
    this.closeLeft();
  }

  private closeLeft(): void {
    const { leaving } = this;
    if (leaving === undefined) return;
    this.leaving = undefined;
    leaving.close();
    this.released(this.tables[this.leavingIndex]);
  }

  /** Index of the first table whose largest key is at or after the given one. */
  private firstNotBefore(collection: number, key: Uint8Array, offset: number, length: number): number {
    let low = 0;
    let high = this.tables.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const { largest } = this.tables[middle];
      if (compareBound(largest, collection, key, offset, length) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Index of the last table whose smallest key is before the given one, or -1. */
  private lastStartingBefore(collection: number, key: Uint8Array, offset: number, length: number): number {
    let low = 0;
    let high = this.tables.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const { smallest } = this.tables[middle];
      if (compareBound(smallest, collection, key, offset, length) < 0) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

function compareBound(
  bound: { readonly collection: number; readonly key: Uint8Array },
  collection: number,
  key: Uint8Array,
  keyOffset: number,
  keyLength: number,
): number {
  if (bound.collection !== collection) return bound.collection - collection;
  return compareBytes(bound.key, 0, bound.key.length, key, keyOffset, keyLength);
}
