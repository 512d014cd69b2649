/**
 * Reads one finished SSTable (format.ts): point lookups and cursors. Index and filter stay in memory, data blocks go
 * through the block cache. Each thread opens its own readers; a reader is used by the thread that opened it.
 *
 * Nothing here answers from bytes whose checksum it has not seen. Errors: DbError('IO'), DbError('CORRUPT_TABLE').
 * To read what is left of a damaged table, see table-salvage.ts.
 */
import type { BlockCache } from '../cache/block-cache.js';
import type { EntryCursor } from '../iter/entry-cursor.js';
import type { Vfs } from '../vfs/vfs.js';
import type { BlockCursor } from './block-cursor.js';
import { loadBlock, loadKeys } from './block-loader.js';
import { BlockScratch } from './block-scratch.js';
import type { BloomFilter } from './bloom-filter.js';
import type { EntryPart, FoundEntry } from './found-entry.js';
import type { TableProperties } from './properties.js';
import { TableCursor } from './table-cursor.js';
import { TableFile } from './table-file.js';
import type { TableIndex } from './table-index.js';
import { readTableMeta, type TableMeta } from './table-meta.js';
import { type VerifyProgress, verifyTable } from './table-verifier.js';

export interface OpenTableOptions {
  readonly vfs: Pick<Vfs, 'open'>;
  readonly path: string;
  readonly shard: number;
  /** As in the file's name and in its blocks. */
  readonly fileNumber: number;
  readonly cache: BlockCache;
  /** Shared by all readers of a thread; a reader without one makes its own on its first lookup. */
  readonly scratch?: BlockScratch;
}

export class TableReader {
  readonly index: TableIndex;
  private readonly filter: BloomFilter | null;
  private scratch: BlockScratch | undefined;

  private constructor(
    readonly file: TableFile,
    private readonly meta: TableMeta,
    readonly cache: BlockCache,
    readonly shard: number,
  ) {
    this.index = meta.index;
    this.filter = meta.filter;
  }

  /** Reads footer, properties, index and filter, and closes the file again if one of them is not as it should be. */
  static open(options: OpenTableOptions): TableReader {
    const file = TableFile.open(options.vfs, options.path, options.fileNumber);
    try {
      const reader = new TableReader(file, readTableMeta(file), options.cache, options.shard);
      reader.scratch = options.scratch;
      return reader;
    } catch (error) {
      file.close();
      throw error;
    }
  }

  get properties(): TableProperties {
    return this.meta.properties;
  }

  get path(): string {
    return this.file.path;
  }

  get fileNumber(): number {
    return this.file.fileNumber;
  }

  /** Of index and filter. */
  get memoryBytes(): number {
    return this.index.memoryBytes + (this.filter?.memoryBytes ?? 0);
  }

  /**
   * The newest version of the key with a seqno of at most `maxSeqno`: fills `out` and returns true, or false if there is
   * none. `hash` is hashKey(collection, key). Tombstones and husks are versions like others. The value is a view that
   * is valid until the next lookup through the same scratch; a lookup of the 'version' alone leaves it empty and its
   * length 0 (`originalLength` is right), and mostly finds what it needs in a tenth of the memory.
   */
  get(
    hash: number,
    collection: number,
    key: Uint8Array,
    keyOffset: number,
    keyLength: number,
    maxSeqno: number,
    out: FoundEntry,
    part: EntryPart = 'entry',
  ): boolean {
    if (this.filter !== null && !this.filter.mayContain(hash)) return false;
    let block = this.index.find(collection, key, keyOffset, keyLength);
    if (block < 0) return false;
    this.scratch ??= new BlockScratch();
    const { cursor } = this.scratch;
    do {
      if (part === 'version') loadKeys(this, block, this.scratch);
      else loadBlock(this, block, this.scratch, true);
      let order = cursor.seek(collection, key, keyOffset, keyLength);
      while (order === 0 && cursor.seqno > maxSeqno) {
        cursor.next();
        order = cursor.isValid ? cursor.compareTo(collection, key, keyOffset, keyLength) : -1;
      }
      if (order === 0) {
        fillFound(out, cursor, collection, key, keyOffset, keyLength);
        if (part === 'version') out.leaveOutValue();
        return true;
      }
      // Older versions are in the next block only when this one ended within the key.
      if (order > 0) return false;
      block++;
    } while (this.index.continues(block));
    return false;
  }

  /** `fillCache` false: for scans that would only push out what lookups need; blocks that are cached are used. */
  cursor(options: { readonly fillCache: boolean }): EntryCursor {
    return new TableCursor(this, options.fillCache);
  }

  /** Reads all of the file again and checks it (table-verifier.ts); throws at the first problem. */
  verify(onProgress?: VerifyProgress): void {
    verifyTable(this.file, onProgress);
  }

  /** Cursors and lookups must not be used after it. */
  close(): void {
    this.file.close();
  }
}

function fillFound(
  out: FoundEntry,
  cursor: BlockCursor,
  collection: number,
  key: Uint8Array,
  keyOffset: number,
  keyLength: number,
): void {
  out.collection = collection;
  out.key = key;
  out.keyOffset = keyOffset;
  out.keyLength = keyLength;
  out.seqno = cursor.seqno;
  out.kind = cursor.kind;
  out.expiresAt = cursor.expiresAt;
  out.value = cursor.value;
  out.valueOffset = cursor.valueOffset;
  out.valueLength = cursor.valueLength;
  out.originalLength = cursor.originalLength;
}
