/**
 * Reads all of a table and checks it against itself: every checksum, the order of entries, bounds and flags of the
 * index, the filter, and all that the properties claim. Nothing comes from the block cache or from what the reader has
 * in memory. Any thread; throws at the first problem, DbError('CORRUPT_TABLE') or DbError('IO').
 */
import { hashKey } from '../base/hash.js';
import { NO_BLOCK_CACHE } from '../cache/block-cache.js';
import type { BlockCursor } from './block-cursor.js';
import { SequentialLoader } from './block-loader.js';
import { BlockScratch } from './block-scratch.js';
import { COLLECTION_BYTES, commonLength } from './coding.js';
import type { TableFile } from './table-file.js';
import { readTableMeta, type TableMeta } from './table-meta.js';
import { TableTotals, type Totals } from './table-totals.js';

/** Told after each block; of the data blocks only. */
export type VerifyProgress = (bytesDone: number, bytesTotal: number) => void;

export function verifyTable(file: TableFile, onProgress: VerifyProgress = () => {}): void {
  file.checkFooter();
  const meta = readTableMeta(file);
  const { index } = meta;
  const scratch = new BlockScratch();
  const loader = new SequentialLoader({ file, index, cache: NO_BLOCK_CACHE, shard: 0 }, scratch, false);
  const check = new EntryCheck(file, meta);
  for (let block = 0; block < index.blockCount; block++) {
    loader.load(block);
    check.block(block, scratch.cursor);
    onProgress(index.offsetOf(block) + index.spanOf(block), index.dataEnd);
  }
  checkTotals(file, meta, check.totals.finish());
}

class EntryCheck {
  readonly totals = new TableTotals();
  /** Internal key and seqno of the entry before. */
  private lastKey = new Uint8Array(COLLECTION_BYTES + 1024);
  private lastKeyLength = 0;
  private lastSeqno = 0;

  constructor(
    private readonly file: TableFile,
    private readonly meta: TableMeta,
  ) {}

  block(block: number, cursor: BlockCursor): void {
    const offset = this.meta.index.offsetOf(block);
    cursor.seekToFirst();
    this.checkBound(block, offset, cursor);
    for (; cursor.isValid; cursor.next()) this.entry(offset, cursor);
  }

  private entry(offset: number, cursor: BlockCursor): void {
    const { key } = cursor;
    const length = COLLECTION_BYTES + cursor.keyLength;
    const order = this.orderBehindLast(key, length);
    const isAscending = order > 0 || (order === 0 && cursor.seqno < this.lastSeqno);
    if (this.totals.entries > 0 && !isAscending) {
      this.file.refuse(offset, 'order of the entries', `below seqno ${this.lastSeqno}`, cursor.seqno);
    }
    const hash = hashKey(cursor.collection, key, COLLECTION_BYTES, cursor.keyLength);
    if (this.meta.filter?.mayContain(hash) === false) {
      this.file.refuse(offset, 'filter of the table', 'every key passes', `hash ${hash} does not`);
    }
    this.totals.add(cursor, this.totals.entries === 0 || order > 0);
    if (length > this.lastKey.length) this.lastKey = new Uint8Array(2 * length);
    this.lastKey.set(key.subarray(0, length));
    this.lastKeyLength = length;
    this.lastSeqno = cursor.seqno;
  }

  /** The bound is above the last key of the block before and not above the first of this one, whose key it may be. */
  private checkBound(block: number, offset: number, cursor: BlockCursor): void {
    const { index } = this.meta;
    const bound = index.boundOf(block);
    const length = COLLECTION_BYTES + cursor.keyLength;
    const continues = block > 0 && this.orderBehindLast(cursor.key, length) === 0;
    if (index.continues(block) !== continues) {
      this.file.refuse(offset, 'flag of the block in the index', String(continues), String(!continues));
    }
    const isAboveLast = block === 0 || continues || this.orderBehindLast(bound, bound.length) > 0;
    const first = cursor.key.subarray(0, length);
    const isAtMostFirst = Buffer.compare(bound, first) <= 0;
    const isWhole = (block > 0 && !continues) || bound.length === first.length;
    if (!isAboveLast || !isAtMostFirst || !isWhole) {
      const expected = Buffer.from(first).toString('hex');
      this.file.refuse(
        offset,
        'bound of the block in the index',
        expected,
        Buffer.from(bound).toString('hex'),
      );
    }
  }

  /** Positive when this internal key is above the last one, 0 when it is the same. */
  private orderBehindLast(key: Uint8Array, length: number): number {
    const common = commonLength(key, 0, length, this.lastKey, 0, this.lastKeyLength);
    if (common === length || common === this.lastKeyLength) return length - this.lastKeyLength;
    return key[common] - this.lastKey[common];
  }
}

function checkTotals(file: TableFile, { properties }: TableMeta, totals: Totals): void {
  for (const name of Object.keys(totals) as (keyof Totals)[]) {
    const claimed = textOf(properties[name]);
    const counted = textOf(totals[name]);
    if (claimed !== counted) {
      file.refuse(file.footer.propertiesAt, `${name} in the properties`, counted, claimed);
    }
  }
}

/** JSON, with bytes in hexadecimal. */
function textOf(value: unknown): string {
  return JSON.stringify(value, (_name, inner) =>
    inner instanceof Uint8Array ? Buffer.from(inner).toString('hex') : inner,
  );
}
