/**
 * Reads one finished SSTable (format.ts): point lookups and cursors. Index and filter stay in memory, data blocks go
 * through the block cache. Each thread opens its own readers; a reader is used by the thread that opened it.
 *
 * Nothing here answers from bytes whose checksum it has not seen. Errors: DbError('IO'), DbError('CORRUPT_TABLE').
 * verification is in table-verifier.ts, reading of damaged files in table-salvage.ts.
 */
import type { BlockCache } from '../cache/block-cache.js';
import type { EntryCursor } from '../iter/entry-cursor.js';
import type { Vfs } from '../vfs/vfs.js';
import type { BlockCursor } from './block-cursor.js';
import { loadBlock } from './block-loader.js';
import { BlockScratch } from './block-scratch.js';
import { BloomFilter } from './bloom-filter.js';
import { BLOCK_FILTER, BLOCK_INDEX, BLOCK_PROPERTIES } from './format.js';
import type { FoundEntry } from './found-entry.js';
import { decodeProperties, type TableProperties } from './properties.js';
import { TableCursor } from './table-cursor.js';
import { TableFile } from './table-file.js';
import { TableIndex } from './table-index.js';

export interface OpenTableOptions {
  readonly vfs: Vfs;
  readonly path: string;
  readonly shard: number;
  /** As in the file's name and in its blocks. */
  readonly fileNumber: number;
  readonly cache: BlockCache;
  /** Shared by all readers of a thread; a reader without one makes its own on its first lookup. */
  readonly scratch?: BlockScratch;
}

export class TableReader {
  private scratch: BlockScratch | undefined;

  private constructor(
    readonly file: TableFile,
    readonly properties: TableProperties,
    readonly index: TableIndex,
    /** Null when the table was written without one. */
    readonly filter: BloomFilter | null,
    readonly cache: BlockCache,
    readonly shard: number,
  ) {}

  /** Reads footer, properties, index and filter, and closes the file again if one of them is not as it should be. */
  static open(options: OpenTableOptions): TableReader {
    const file = TableFile.open(options.vfs, options.path, options.fileNumber);
    try {
      const properties = readProperties(file);
      const index = readIndex(file, properties);
      const filter = readFilter(file, properties);
      const reader = new TableReader(file, properties, index, filter, options.cache, options.shard);
      reader.scratch = options.scratch;
      return reader;
    } catch (error) {
      file.close();
      throw error;
    }
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
   * is valid until the next lookup through the same scratch.
   */
  get(
    hash: number,
    collection: number,
    key: Uint8Array,
    keyOffset: number,
    keyLength: number,
    maxSeqno: number,
    out: FoundEntry,
  ): boolean {
    if (this.filter !== null && !this.filter.mayContain(hash)) return false;
    let block = this.index.find(collection, key, keyOffset, keyLength);
    if (block < 0) return false;
    this.scratch ??= new BlockScratch();
    const { cursor } = this.scratch;
    do {
      loadBlock(this, block, this.scratch, true);
      let order = cursor.seek(collection, key, keyOffset, keyLength);
      while (order === 0 && cursor.seqno > maxSeqno) {
        cursor.next();
        order = cursor.isValid ? cursor.compareTo(collection, key, keyOffset, keyLength) : -1;
      }
      if (order === 0) {
        fillFound(out, cursor, collection, key, keyOffset, keyLength);
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

function readProperties(file: TableFile): TableProperties {
  const { propertiesAt } = file.footer;
  const payload = file.readMetaBlock(propertiesAt, file.footerAt, BLOCK_PROPERTIES);
  return file.decode('properties of the table', propertiesAt, () =>
    decodeProperties(payload, file.sizeBytes),
  );
}

function readIndex(file: TableFile, properties: TableProperties): TableIndex {
  const { indexAt, propertiesAt, dataEnd } = file.footer;
  const payload = file.readMetaBlock(indexAt, propertiesAt, BLOCK_INDEX);
  const index = file.decode('index of the table', indexAt, () => TableIndex.decode(payload));
  if (index.dataEnd !== dataEnd) file.refuse(indexAt, 'end of the data blocks', dataEnd, index.dataEnd);
  if (index.blockCount !== properties.dataBlocks) {
    file.refuse(indexAt, 'number of data blocks', properties.dataBlocks, index.blockCount);
  }
  return index;
}

function readFilter(file: TableFile, properties: TableProperties): BloomFilter | null {
  const { dataEnd, indexAt } = file.footer;
  const bits = properties.bloomBitsPerKey;
  if (bits > 0 !== dataEnd < indexAt)
    file.refuse(dataEnd, 'bits per key of the filter', bits, indexAt - dataEnd);
  if (bits === 0) return null;
  const payload = file.readMetaBlock(dataEnd, indexAt, BLOCK_FILTER);
  const filter = BloomFilter.decode(payload);
  return filter ?? file.refuse(dataEnd, 'filter of the table', 'lines of 64 bytes', payload.length);
}
