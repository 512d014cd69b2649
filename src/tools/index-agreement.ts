/**
 * Whether the indexes of a shard agree with its documents, found out in one pass over the newest versions of all keys: two sums
 * per index, of the entries that the documents should have and of those that are there. Sums that differ say that entries
 * are missing or stray, and index-differences.ts which. One thread.
 *
 * Documents and entries that have expired are left out: the sweeper removes each by itself, in any order.
 */
import { hasExpired } from '../base/database-clock.js';
import { hashKey } from '../base/hash.js';
import { IndexEntry, type IndexInUse } from '../indexes/index-entry.js';
import { KeyDecoder } from '../indexes/key-decoding.js';
import { ENTRY_DOCUMENT, type Entry } from '../iter/entry-cursor.js';

/** Seeds of the two halves of an entry's hash. */
const SEEDS = [0x5bd1e995, 0x1b873593] as const;
const HALF_BITS = 21;
const SUM_MODULUS = 2 ** 48;

interface Sums {
  count: number;
  sum: number;
}

/** What a document should have in an index, or what is there: a hash of key, value and expiry. */
export type OnEntry = (index: IndexInUse, hash: number, isExpected: boolean) => void;

/** Calls `use` for each entry that a version should have, or that it is. */
export class EntryHasher {
  private readonly byCollection = new Map<number, IndexInUse[]>();
  private readonly byId = new Map<number, IndexInUse>();
  private readonly made = new IndexEntry();

  constructor(
    indexes: readonly IndexInUse[],
    /** What has expired at this second is left out. */
    private readonly expiredSeconds: number,
    private readonly use: OnEntry,
  ) {
    for (const index of indexes) {
      const { id, collectionId } = index.definition;
      this.byId.set(id, index);
      this.byCollection.set(collectionId, [...(this.byCollection.get(collectionId) ?? []), index]);
    }
  }

  /** `entry`: the newest version of a key. */
  look(entry: Entry): void {
    const { kind, expiresAt, collection } = entry;
    if (kind !== ENTRY_DOCUMENT || hasExpired(expiresAt, this.expiredSeconds)) return;
    const index = this.byId.get(collection);
    if (index !== undefined) {
      const { key, keyOffset, keyLength, value, valueOffset, valueLength } = entry;
      const valueHash = hashKey(expiresAt, value, valueOffset, valueLength);
      this.use(index, hashOf(valueHash, key, keyOffset, keyLength), false);
      return;
    }
    for (const each of this.byCollection.get(collection) ?? []) this.expect(each, entry);
  }

  private expect(index: IndexInUse, entry: Entry): void {
    const { key, keyOffset, keyLength, value, valueOffset, valueLength, expiresAt } = entry;
    const { made } = this;
    index.entryOf(value, valueOffset, valueLength, key, keyOffset, keyOffset + keyLength, made);
    if (!made.isPresent) return;
    const valueHash = hashKey(expiresAt, made.value.bytes, 0, made.value.length);
    this.use(index, hashOf(valueHash, made.key.bytes, 0, made.key.length), true);
  }
}

/** 53 bits, so that millions of entries hardly ever meet. */
function hashOf(valueHash: number, key: Uint8Array, offset: number, length: number): number {
  const high = hashKey(valueHash ^ SEEDS[0], key, offset, length) >>> 0;
  const low = hashKey(valueHash ^ SEEDS[1], key, offset, length) >>> (32 - HALF_BITS);
  return high * 2 ** HALF_BITS + low;
}

export class IndexAgreement {
  private readonly expected = new Map<number, Sums>();
  private readonly actual = new Map<number, Sums>();
  private readonly hasher: EntryHasher;

  constructor(
    private readonly indexes: readonly IndexInUse[],
    expiredSeconds: number,
  ) {
    this.hasher = new EntryHasher(indexes, expiredSeconds, (index, hash, isExpected) => {
      const sums = isExpected ? this.expected : this.actual;
      const before = sums.get(index.id) ?? { count: 0, sum: 0 };
      sums.set(index.id, { count: before.count + 1, sum: (before.sum + hash) % SUM_MODULUS });
    });
  }

  look(entry: Entry): void {
    if (this.indexes.length > 0) this.hasher.look(entry);
  }

  /** Indexes whose entries are not those of the documents. */
  disagreeing(): IndexInUse[] {
    return this.indexes.filter(({ id }) => {
      const expected = this.expected.get(id);
      const actual = this.actual.get(id);
      return expected?.count !== actual?.count || expected?.sum !== actual?.sum;
    });
  }
}

/** Where a document of an entry's key is found: the `_id` in it. Undefined when it is no key of the index. */
export class EntryIds {
  private readonly decoder: KeyDecoder;

  constructor(
    readonly index: {
      readonly columns: ConstructorParameters<typeof KeyDecoder>[0];
      readonly collectionId: number;
    },
  ) {
    this.decoder = new KeyDecoder(index.columns);
  }

  /** Offset of the `_id` in `key`, which it ends. */
  idStart(key: Uint8Array, keyOffset: number, keyLength: number): number | undefined {
    if (!this.decoder.read(key, keyOffset, keyLength)) return undefined;
    const { idStart } = this.decoder;
    return idStart < keyOffset + keyLength ? idStart : undefined;
  }

  /** The hash that decides the shard of an entry: that of its document. Undefined when it is no key of the index. */
  routingHash(key: Uint8Array, keyOffset: number, keyLength: number): number | undefined {
    const start = this.idStart(key, keyOffset, keyLength);
    if (start === undefined) return undefined;
    return hashKey(this.index.collectionId, key, start, keyOffset + keyLength - start);
  }
}
