/**
 * Keeps the entries of secondary indexes in step with the documents (ADR 0016): whoever writes a version of a document calls
 * read() while the old version can still be read, and write() after the new one is in the memtable. Entries carry the
 * seqno and the expiry of the version they belong to. Shard thread only.
 *
 * Entries of a document that has expired are left to the expiry sweeper, which finds them as it finds documents: a husk has
 * no text any more that would tell which they were.
 */
import { DbError } from '../base/errors.js';
import { hashKey } from '../base/hash.js';
import { IndexEntry, type IndexInUse } from '../indexes/index-entry.js';
import { COLUMN_BYTES_MAX } from '../indexes/key-format.js';
import { ENTRY_DOCUMENT, ENTRY_TOMBSTONE } from '../iter/entry-cursor.js';
import { VERSION_KIND_DOCUMENT, VERSION_KIND_TOMBSTONE, writeSizeMax } from '../memtable/format.js';
import type { MemtablePool } from '../memtable/pool.js';
import { FoundEntry } from '../sst/found-entry.js';
import type { CollectionStats } from './collection-stats.js';
import type { TablesBelow } from './tables-below.js';

const NO_BYTES = new Uint8Array(0);
const NO_INDEXES: readonly MaintainedIndex[] = [];
/** Key and value are each rounded up to 8. */
const ROUNDING_BYTES = 16;

/** An index of a collection with the buffers for an entry before and after a write. */
export interface MaintainedIndex {
  readonly index: IndexInUse;
  readonly before: IndexEntry;
  readonly after: IndexEntry;
}

/** Bytes and number of writes that some operation can need in a memtable. */
export interface Room {
  writes: number;
  bytes: number;
}

export class IndexMaintainer {
  private readonly byCollection = new Map<number, readonly MaintainedIndex[]>();
  private readonly ids = new Set<number>();
  private lastCollection = 0;
  private lastIndexes = NO_INDEXES;
  private readonly found = new FoundEntry();
  /** What find() has found: node in the active memtable, and the newest version. */
  private activeNode = 0;
  private isCounted = false;
  private storedBytes = 0;
  private storedExpiry = 0;
  private storedValue: Uint8Array = NO_BYTES;
  private storedOffset = 0;
  private storedLength = 0;
  /**
   * False while a log is replayed. An index that is complete has the entry of every document that has not expired, so it
   * need not be looked for before it is deleted: of a cold document that would be one more block to read.
   */
  isTrusting = true;

  constructor(
    private readonly memtables: MemtablePool,
    private readonly tables: TablesBelow | undefined,
    private readonly stats: CollectionStats,
  ) {}

  /** All indexes there are from now on. Between groups only. */
  setIndexes(indexes: readonly IndexInUse[]): void {
    this.byCollection.clear();
    this.ids.clear();
    this.lastCollection = 0;
    this.lastIndexes = NO_INDEXES;
    for (const index of indexes) {
      const { collectionId } = index.definition;
      this.ids.add(index.id);
      const others = this.byCollection.get(collectionId) ?? NO_INDEXES;
      this.byCollection.set(collectionId, [
        ...others,
        { index, before: new IndexEntry(), after: new IndexEntry() },
      ]);
    }
  }

  /** False in a shard without any: nothing else of this class need be called then. */
  get hasAny(): boolean {
    return this.byCollection.size > 0;
  }

  /** True when the number is that of an index that is maintained, and what is stored under it are entries. */
  isIndex(id: number): boolean {
    return this.ids.has(id);
  }

  /** Empty for a collection without indexes. */
  of(collection: number): readonly MaintainedIndex[] {
    if (collection === this.lastCollection) return this.lastIndexes;
    this.lastCollection = collection;
    this.lastIndexes = this.byCollection.get(collection) ?? NO_INDEXES;
    return this.lastIndexes;
  }

  /** No version, or one that has no entries. */
  clear(indexes: readonly MaintainedIndex[], side: 'before' | 'after'): void {
    for (const each of indexes) each[side].isPresent = false;
  }

  /** Works out the entries of the version bytes[offset, offset + length) of the document `id`. */
  read(
    indexes: readonly MaintainedIndex[],
    side: 'before' | 'after',
    bytes: Uint8Array,
    offset: number,
    length: number,
    id: Uint8Array,
    idStart: number,
    idEnd: number,
  ): void {
    for (const each of indexes) each.index.entryOf(bytes, offset, length, id, idStart, idEnd, each[side]);
  }

  /** Makes the stored entries those of the new version. */
  write(
    indexes: readonly MaintainedIndex[],
    seqno: number,
    expiresBefore: number,
    expiresAfter: number,
  ): void {
    for (const each of indexes) {
      const { index, before, after } = each;
      const isKept = before.isPresent && after.isPresent && before.hasSameKeyAs(after);
      if (before.isPresent && !isKept) {
        // Only what can expire may have been swept already.
        const isThere = this.isTrusting && index.definition.state === 'valid' && expiresBefore === 0;
        this.remove(index.id, before, seqno, isThere);
      }
      if (!after.isPresent) continue;
      if (isKept && before.isSameAs(after) && expiresBefore === expiresAfter && this.isComplete(index))
        continue;
      this.put(index.id, after, seqno, expiresAfter);
    }
  }

  /** Writes the entry of the document's version in `after`, unless it is there. */
  complete({ index, after }: MaintainedIndex, seqno: number, expiresAt: number): void {
    if (after.isPresent) this.put(index.id, after, seqno, expiresAt);
  }

  /** Most that the entries of one operation need: a deletion and a new entry in each index, with the longest keys. */
  addLooseRoom(indexes: readonly MaintainedIndex[], idLength: number, room: Room): void {
    for (const { index } of indexes) {
      const keyBytes = index.definition.columns.length * COLUMN_BYTES_MAX + idLength;
      room.writes += 2;
      room.bytes +=
        writeSizeMax(keyBytes, 0) + writeSizeMax(keyBytes, index.valueBytesMax) + 2 * ROUNDING_BYTES;
    }
  }

  /** What deleting the entries in `side` needs, and, for new ones, putting them and deleting them again. */
  addRoom(indexes: readonly MaintainedIndex[], side: 'before' | 'after', room: Room): void {
    for (const each of indexes) {
      const entry = each[side];
      if (!entry.isPresent) continue;
      room.writes++;
      room.bytes += writeSizeMax(entry.key.length, 0) + ROUNDING_BYTES;
      if (side === 'before') continue;
      room.writes++;
      room.bytes += writeSizeMax(entry.key.length, entry.value.length) + ROUNDING_BYTES;
    }
  }

  /** An index under construction may lack the entry of any document. */
  private isComplete({ definition }: IndexInUse): boolean {
    return this.isTrusting && definition.state === 'valid';
  }

  private put(id: number, { key, value }: IndexEntry, seqno: number, expiresAt: number): void {
    const hash = hashKey(id, key.bytes, 0, key.length);
    this.find(hash, id, key.bytes, key.length);
    if (this.isCounted && this.storedExpiry === expiresAt && this.hasStoredValue(value)) return;
    const before = this.isCounted ? this.storedBytes : 0;
    this.memtables.active.put(
      this.activeNode,
      hash,
      id,
      key.bytes,
      0,
      key.length,
      seqno,
      VERSION_KIND_DOCUMENT,
      expiresAt,
      value.bytes,
      0,
      value.length,
    );
    this.stats.add(id, this.isCounted ? 0 : 1, key.length + value.length - before);
  }

  private remove(id: number, { key, value }: IndexEntry, seqno: number, isThere: boolean): void {
    const hash = hashKey(id, key.bytes, 0, key.length);
    let bytes = key.length + value.length;
    if (isThere) {
      this.activeNode = this.memtables.active.reader.find(hash, id, key.bytes, 0, key.length);
    } else {
      this.find(hash, id, key.bytes, key.length);
      if (!this.isCounted) return;
      bytes = this.storedBytes;
    }
    this.memtables.active.put(
      this.activeNode,
      hash,
      id,
      key.bytes,
      0,
      key.length,
      seqno,
      VERSION_KIND_TOMBSTONE,
      0,
      NO_BYTES,
      0,
      0,
    );
    this.stats.add(id, -1, -bytes);
  }

  /** The newest version of an entry's key, in the chain and then in tables. One that cannot be read counts as none. */
  private find(hash: number, id: number, key: Uint8Array, keyLength: number): void {
    const { memtables, tables, found } = this;
    this.activeNode = 0;
    this.isCounted = false;
    for (let position = 0; position < memtables.chainLength; position++) {
      const { reader } = memtables.writerAt(position);
      const node = reader.find(hash, id, key, 0, keyLength);
      if (node === 0) continue;
      if (position === 0) this.activeNode = node;
      const version = reader.newestVersion(node);
      this.isCounted = reader.versionKind(version) === VERSION_KIND_DOCUMENT;
      this.stored(
        reader.bytes,
        reader.valueOffset(version),
        reader.valueLength(version),
        reader.versionExpires(version),
      );
      this.storedBytes = keyLength + this.storedLength;
      return;
    }
    if (tables === undefined) return;
    try {
      if (!tables.find(hash, id, key, 0, keyLength, found, 'entry')) return;
    } catch (error) {
      // The batch is in the log. An entry that is written once too often does no harm, and fsck finds wrong figures.
      if (!(error instanceof DbError)) throw error;
      tables.onReadError(error);
      return;
    }
    this.isCounted = found.kind !== ENTRY_TOMBSTONE;
    // A husk has lost its value: never the same as a new one.
    const expiresAt = found.kind === ENTRY_DOCUMENT ? found.expiresAt : -1;
    this.stored(found.value, found.valueOffset, found.valueLength, expiresAt);
    this.storedBytes = keyLength + found.originalLength;
  }

  private stored(value: Uint8Array, offset: number, length: number, expiresAt: number): void {
    this.storedValue = value;
    this.storedOffset = offset;
    this.storedLength = length;
    this.storedExpiry = expiresAt;
  }

  private hasStoredValue({
    bytes,
    length,
  }: {
    readonly bytes: Uint8Array;
    readonly length: number;
  }): boolean {
    if (length !== this.storedLength) return false;
    for (let i = 0; i < length; i++) if (bytes[i] !== this.storedValue[this.storedOffset + i]) return false;
    return true;
  }
}
