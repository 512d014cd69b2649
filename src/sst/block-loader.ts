/**
 * Brings data blocks of a table into memory: out of the cache, or from the file, checked and decompressed. Reads ahead
 * when blocks are wanted one after the other. Belongs to one lookup scratch or one cursor; one thread.
 */
import { DbError } from '../base/errors.js';
import type { BlockCache } from '../cache/block-cache.js';
import type { BlockScratch } from './block-scratch.js';
import { BLOCK_DATA } from './format.js';
import type { TableFile } from './table-file.js';
import type { TableIndex } from './table-index.js';

/** Where a table's blocks are, and under which name they are cached. */
export interface BlockSource {
  readonly file: TableFile;
  readonly index: TableIndex;
  readonly cache: BlockCache;
  readonly shard: number;
}

/**
 * Under this distance from its block's offset a key block is cached. No other block begins there: a block's header is
 * longer.
 */
const KEYS_NAME = 1;
/** A key block that is not smaller than its block by this is not worth a place: the block itself is cached then. */
const KEYS_SHARE_MAX = 1 / 2;

/** Loads one block into the scratch and lets its cursor stand in it. `fillCache`: a block from the file is cached. */
export function loadBlock(
  source: BlockSource,
  block: number,
  scratch: BlockScratch,
  fillCache: boolean,
): void {
  const offset = source.index.offsetOf(block);
  if (!loadCached(source, offset, scratch)) readBlock(source, block, offset, scratch, fillCache);
}

function readBlock(
  source: BlockSource,
  block: number,
  offset: number,
  scratch: BlockScratch,
  fillCache: boolean,
): void {
  const { file, index } = source;
  const span = index.spanOf(block);
  const stored = scratch.stored.take(span);
  file.read(stored, span, offset);
  unpackBlock(source, stored, 0, span, offset, scratch, fillCache);
}

/**
 * Lets the scratch's cursor stand in the block or in its key block, for a lookup that has no use for the value. Key blocks
 * are cached in the place of blocks that come from the file: as many as ten for one.
 */
export function loadKeys(source: BlockSource, block: number, scratch: BlockScratch): void {
  const { file, index, cache, shard } = source;
  const offset = index.offsetOf(block);
  const { keys, cursor } = scratch;
  let length = cache.read(shard, file.fileNumber, offset + KEYS_NAME, keys.bytes);
  if (length > keys.bytes.length) {
    length = cache.read(shard, file.fileNumber, offset + KEYS_NAME, keys.take(length));
  }
  if (length >= 0) {
    cursor.loadKeys(keys.bytes, length, file.path, offset);
    return;
  }
  if (loadCached(source, offset, scratch)) return;
  readBlock(source, block, offset, scratch, false);
  cacheKeys(source, offset, scratch);
}

/** Caches the key block of the block that the scratch's cursor stands in, or the block. */
function cacheKeys(source: BlockSource, offset: number, scratch: BlockScratch): void {
  const { file, cache, shard } = source;
  const { keys, cursor, payload } = scratch;
  const limit = Math.floor(cursor.blockLength * KEYS_SHARE_MAX);
  const into = keys.take(limit);
  let length: number;
  try {
    length = cursor.copyKeys(into, limit);
  } catch (error) {
    // Damage that the checksum does not show. Whether this lookup meets it is for the lookup to see; nothing is cached.
    if (error instanceof DbError) return;
    throw error;
  }
  if (length < 0) cache.insert(shard, file.fileNumber, offset, payload.bytes, cursor.blockLength);
  else cache.insert(shard, file.fileNumber, offset + KEYS_NAME, into, length);
}

function loadCached(source: BlockSource, offset: number, scratch: BlockScratch): boolean {
  const { file, cache, shard } = source;
  const { payload } = scratch;
  let length = cache.read(shard, file.fileNumber, offset, payload.bytes);
  if (length > payload.bytes.length) {
    // Told only how long it is. By the second call it may be gone, or, if it came back, is still as long.
    length = cache.read(shard, file.fileNumber, offset, payload.take(length));
  }
  if (length < 0) return false;
  scratch.cursor.load(payload.bytes, length, file.path, offset);
  return true;
}

function unpackBlock(
  source: BlockSource,
  stored: Uint8Array,
  at: number,
  span: number,
  offset: number,
  scratch: BlockScratch,
  fillCache: boolean,
): void {
  const { file, cache, shard } = source;
  const rawLength = file.checkBlock(stored, at, span, offset, BLOCK_DATA);
  const payload = scratch.payload.take(rawLength);
  file.decompress(stored, at, span, offset, payload);
  if (fillCache) cache.insert(shard, file.fileNumber, offset, payload, rawLength);
  scratch.cursor.load(payload, rawLength, file.path, offset);
}

/** Bytes of one read when blocks are wanted in order. */
const READ_AHEAD_BYTES = 128 * 1024;
/** Blocks in a row after which a cursor that fills the cache reads ahead; others do so from their second block on. */
const SEQUENTIAL_BLOCKS_MIN = 4;

export class SequentialLoader {
  /** Allocated when reading ahead begins. */
  private window: Uint8Array = new Uint8Array(0);
  /** The part of the file that lies in the window. */
  private windowAt = 0;
  private windowEnd = 0;
  private lastBlock = -2;
  private blocksInRow = 0;

  constructor(
    private readonly source: BlockSource,
    private readonly scratch: BlockScratch,
    private readonly fillCache: boolean,
  ) {}

  /** Makes the scratch's cursor stand in the block, before its first entry. */
  load(block: number): void {
    const isNext = block === this.lastBlock + 1;
    this.blocksInRow = isNext ? this.blocksInRow + 1 : 0;
    // Not known to be in the scratch until it is: an error leaves nothing behind that looks like success.
    this.lastBlock = -2;
    const needed = this.fillCache ? SEQUENTIAL_BLOCKS_MIN : 1;
    if (this.blocksInRow < needed) loadBlock(this.source, block, this.scratch, this.fillCache);
    else this.loadFromWindow(block);
    this.lastBlock = block;
  }

  private loadFromWindow(block: number): void {
    const { source, scratch } = this;
    const offset = source.index.offsetOf(block);
    if (loadCached(source, offset, scratch)) return;
    const span = source.index.spanOf(block);
    if (offset < this.windowAt || offset + span > this.windowEnd) this.fillWindow(block, offset);
    unpackBlock(source, this.window, offset - this.windowAt, span, offset, scratch, this.fillCache);
  }

  /** Reads the block and as many whole ones behind it as fit. */
  private fillWindow(block: number, offset: number): void {
    const { file, index } = this.source;
    let last = block;
    while (
      last + 1 < index.blockCount &&
      index.offsetOf(last + 1) + index.spanOf(last + 1) - offset <= READ_AHEAD_BYTES
    ) {
      last++;
    }
    const end = index.offsetOf(last) + index.spanOf(last);
    const length = end - offset;
    if (this.window.length < length) {
      this.window = new Uint8Array(Math.max(length, READ_AHEAD_BYTES));
    }
    this.windowAt = 0;
    this.windowEnd = 0;
    file.read(this.window, length, offset);
    this.windowAt = offset;
    this.windowEnd = end;
  }
}
