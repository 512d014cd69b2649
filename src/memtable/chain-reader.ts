/**
 * Point reads over a shard's chain of memtables, from any thread. One instance per reading thread and shard.
 *
 *   reader.enter();                       // from here on no slot is recycled under us
 *   if (reader.get(hash, collection, key, length) === FOUND) use(reader.bytes, reader.valueOffset, ...)
 *   reader.leave();
 */
import { assert } from '../base/assert.js';
import { type DatabaseClock, hasExpired } from '../base/database-clock.js';
import { NO_SLOT, VERSION_KIND_DOCUMENT } from './format.js';
import {
  type MemtablePoolBuffers,
  POOL_ACTIVE_SLOT,
  POOL_PIN_STRIDE,
  POOL_PINS,
  POOL_READERS_MAX,
  POOL_VISIBLE,
} from './pool-format.js';
import { MemtableReader } from './reader.js';

/** The key is in no memtable. */
export const ABSENT = 0;
/** The newest version is a document; the reader's fields describe it. */
export const FOUND = 1;
/** The newest version is a tombstone, or a document that has expired. */
export const DELETED = 2;

export type Lookup = typeof ABSENT | typeof FOUND | typeof DELETED;

/** Lets go for a reader whose thread has ended, perhaps inside the chain. Nobody else may be using its index. */
export function releasePin(buffers: MemtablePoolBuffers, readerIndex: number): void {
  const header = new Int32Array(buffers.header);
  const pinWord = POOL_PINS + readerIndex * POOL_PIN_STRIDE;
  Atomics.store(header, pinWord, (header[pinWord] + 1) & ~1);
}

export class ChainReader {
  private readonly header: Int32Array;
  private readonly visible: BigInt64Array;
  private readonly slots: MemtableReader[];
  private readonly pinWord: number;

  /** Bytes of the memtable that holds the last found version, and where its value is. Valid until leave(). */
  bytes: Uint8Array;
  valueOffset = 0;
  valueLength = 0;
  /** Seqno of the last found version or tombstone. */
  seqno = 0;
  /** Database time in seconds at which the last found document expires; 0 = never. */
  expiresAt = 0;

  /** `readerIndex`: this thread's pin in the pool, below POOL_READERS_MAX and used by no other thread. */
  constructor(
    buffers: MemtablePoolBuffers,
    readerIndex: number,
    private readonly clock: DatabaseClock,
  ) {
    assert(readerIndex >= 0 && readerIndex < POOL_READERS_MAX, () => `reader index ${readerIndex}`);
    this.header = new Int32Array(buffers.header);
    this.visible = new BigInt64Array(buffers.header);
    this.slots = buffers.slots.map((sab) => new MemtableReader(sab));
    this.pinWord = POOL_PINS + readerIndex * POOL_PIN_STRIDE;
    this.bytes = this.slots[0].bytes;
    // A previous owner of this pin may have died inside the chain.
    if ((Atomics.load(this.header, this.pinWord) & 1) !== 0) this.leave();
  }

  /** Pins the chain. Not reentrant. */
  enter(): void {
    // Odd whatever it was: a reader that failed to leave once must not look outside when it is inside.
    Atomics.store(this.header, this.pinWord, (this.header[this.pinWord] + 1) | 1);
  }

  leave(): void {
    Atomics.store(this.header, this.pinWord, (this.header[this.pinWord] + 1) & ~1);
  }

  /** Newest version of a key. Call between enter() and leave(). */
  get(hash: number, collection: number, key: Uint8Array, keyOffset: number, keyLength: number): Lookup {
    let slot = Atomics.load(this.header, POOL_ACTIVE_SLOT);
    while (slot !== NO_SLOT) {
      const memtable = this.slots[slot];
      const node = memtable.find(hash, collection, key, keyOffset, keyLength);
      if (node !== 0) {
        const version = memtable.newestVersion(node);
        this.seqno = memtable.versionSeqno(version);
        if (memtable.versionKind(version) !== VERSION_KIND_DOCUMENT) return DELETED;
        this.expiresAt = memtable.versionExpires(version);
        // Most documents have no expiry: they do not pay for a look at the clock.
        if (this.expiresAt !== 0 && hasExpired(this.expiresAt, this.clock.nowSeconds())) return DELETED;
        this.bytes = memtable.bytes;
        this.valueOffset = memtable.valueOffset(version);
        this.valueLength = memtable.valueLength(version);
        return FOUND;
      }
      slot = memtable.olderSlot();
    }
    return ABSENT;
  }

  /**
   * Version of a key that a snapshot at `seqno` sees. ABSENT also when the memtables have only newer versions of it: tables may
   * have an older one. Expiry is for the caller to judge. Call between enter() and leave().
   */
  getAt(
    hash: number,
    collection: number,
    key: Uint8Array,
    keyOffset: number,
    keyLength: number,
    seqno: number,
  ): Lookup {
    let slot = Atomics.load(this.header, POOL_ACTIVE_SLOT);
    while (slot !== NO_SLOT) {
      const memtable = this.slots[slot];
      const node = memtable.find(hash, collection, key, keyOffset, keyLength);
      const version = node === 0 ? 0 : memtable.versionAt(node, seqno);
      if (version !== 0) {
        this.seqno = memtable.versionSeqno(version);
        if (memtable.versionKind(version) !== VERSION_KIND_DOCUMENT) return DELETED;
        this.expiresAt = memtable.versionExpires(version);
        this.bytes = memtable.bytes;
        this.valueOffset = memtable.valueOffset(version);
        this.valueLength = memtable.valueLength(version);
        return FOUND;
      }
      slot = memtable.olderSlot();
    }
    return ABSENT;
  }

  /** The chain as it is now, newest first. Call between enter() and leave(). */
  chain(): MemtableReader[] {
    const readers: MemtableReader[] = [];
    let slot = Atomics.load(this.header, POOL_ACTIVE_SLOT);
    while (slot !== NO_SLOT) {
      readers.push(this.slots[slot]);
      slot = this.slots[slot].olderSlot();
    }
    return readers;
  }

  /** The last applied seqno of the shard. */
  visibleSeqno(): number {
    return Number(Atomics.load(this.visible, POOL_VISIBLE));
  }
}
