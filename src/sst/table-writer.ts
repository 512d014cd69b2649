/**
 * Writes one SSTable (format.ts) from entries in order. Any thread; the file is complete and durable when finish()
 * returned, and nothing before that. The caller gives it a temporary name first and renames it afterwards.
 *
 * After an error of add() or finish() the writer is of no use: call abandon(). A failed sync is never repeated.
 */
import { assert } from '../base/assert.js';
import { copyBytes } from '../base/bytes.js';
import { hashKey } from '../base/hash.js';
import type { Entry } from '../iter/entry-cursor.js';
import type { Vfs } from '../vfs/vfs.js';
import { BlockBuilder } from './block-builder.js';
import { BLOOM_BITS_PER_KEY_MAX, HashList } from './bloom-filter.js';
import { type Codec, codecByName } from './codec.js';
import { COLLECTION_BYTES, commonLength, writeU32BigEndian } from './coding.js';
import { RESTART_INTERVAL_DEFAULT, TABLE_KEY_BYTES_MAX } from './data-block-format.js';
import {
  BLOCK_DATA,
  BLOCK_FILTER,
  BLOCK_INDEX,
  BLOCK_PROPERTIES,
  encodeFooter,
  TABLE_FORMAT_VERSION,
} from './format.js';
import { encodeProperties, type FinishedTable, finishedTable, type TableProperties } from './properties.js';
import { IndexBuilder } from './table-index.js';
import { TableOutput } from './table-output.js';
import { TableTotals } from './table-totals.js';

export interface TableWriterOptions {
  readonly vfs: Vfs;
  /** Must not exist yet. */
  readonly path: string;
  /** Stored in every block: a reader refuses blocks of another table. */
  readonly fileNumber: number;
  readonly codec: Codec;
  /** Aim for the size of a data block before compression; larger only for a single larger entry. */
  readonly blockSizeBytes: number;
  /** Entries per restart point; 16 unless given. */
  readonly restartInterval?: number;
  /** 0 to 64; 0 = no filter. */
  readonly bloomBitsPerKey: number;
  /** Name and version of the program, for the properties. */
  readonly createdBy?: string;
  /** Told the size of each write right after it, so that the caller can limit its rate. */
  readonly onBytes?: (count: number) => void;
}

type WriterState = 'open' | 'failed' | 'finished';

export class TableWriter {
  private readonly output: TableOutput;
  private readonly block: BlockBuilder;
  private readonly index = new IndexBuilder();
  private readonly hashes = new HashList();
  private readonly totals = new TableTotals();
  private state: WriterState = 'open';
  /** Internal key and seqno of the last entry, and room to build the next key in. */
  private lastKey = new Uint8Array(COLLECTION_BYTES + 1024);
  private lastKeyLength = 0;
  private lastSeqno = 0;
  private nextKey = new Uint8Array(COLLECTION_BYTES + 1024);
  /** Bound of the block being built, as the index will have it. */
  private bound = new Uint8Array(0);
  private continues = false;

  /** Creates the file; throws DbError('IO') when that fails. */
  constructor(private readonly options: TableWriterOptions) {
    const { blockSizeBytes, bloomBitsPerKey, restartInterval = RESTART_INTERVAL_DEFAULT } = options;
    assert(blockSizeBytes > 0 && blockSizeBytes < 2 ** 30, () => `block size ${blockSizeBytes}`);
    assert(restartInterval >= 1 && restartInterval < 65536, () => `restart interval ${restartInterval}`);
    const areBitsValid =
      Number.isInteger(bloomBitsPerKey) && bloomBitsPerKey >= 0 && bloomBitsPerKey <= BLOOM_BITS_PER_KEY_MAX;
    assert(areBitsValid, () => `${bloomBitsPerKey} bits per key`);
    this.block = new BlockBuilder(blockSizeBytes, restartInterval);
    this.output = new TableOutput(
      options.vfs,
      options.path,
      options.fileNumber,
      options.onBytes ?? (() => {}),
    );
  }

  get isEmpty(): boolean {
    return this.totals.entries === 0;
  }

  /** Bytes of keys and values added so far. */
  get rawBytes(): number {
    return this.totals.rawBytes;
  }

  /** Bytes of finished blocks so far, for cutting tables by size; the block being built is not in it. */
  get fileBytes(): number {
    return this.output.offset;
  }

  /** Adds the next entry, which must be strictly behind the last one in the order of entries. Copies what it keeps. */
  add(entry: Entry): void {
    assert(this.state === 'open', () => `add to a table that is ${this.state}`);
    assert(entry.keyLength <= TABLE_KEY_BYTES_MAX, () => `a key of ${entry.keyLength} bytes`);
    this.state = 'failed';
    const length = this.buildKey(entry);
    const common = commonLength(this.lastKey, 0, this.lastKeyLength, this.nextKey, 0, length);
    const isNewKey = this.isEmpty || common < length || common < this.lastKeyLength;
    this.requireOrder(entry, length, common, isNewKey);
    const { block } = this;
    const needed = block.payloadBytesWith(length, entry.valueLength);
    if (!block.isEmpty && needed > this.options.blockSizeBytes) this.finishBlock();
    if (block.isEmpty) this.startBlock(length, common, !isNewKey);
    block.add(entry, this.nextKey, length, common);
    if (isNewKey && this.options.bloomBitsPerKey > 0) {
      this.hashes.push(hashKey(entry.collection, entry.key, entry.keyOffset, entry.keyLength));
    }
    this.totals.add(entry, isNewKey);
    const lastKey = this.lastKey;
    this.lastKey = this.nextKey;
    this.lastKeyLength = length;
    this.lastSeqno = entry.seqno;
    this.nextKey = lastKey.length < this.lastKey.length ? new Uint8Array(this.lastKey.length) : lastKey;
    this.state = 'open';
  }

  /** Writes filter, index, properties and footer, syncs and closes. The table must have an entry. */
  finish(): FinishedTable {
    assert(this.state === 'open', () => `finish of a table that is ${this.state}`);
    assert(!this.isEmpty, 'a table without entries; abandon it instead');
    this.state = 'failed';
    const { output, options } = this;
    this.finishBlock();
    const dataEnd = output.offset;
    if (options.bloomBitsPerKey > 0) {
      output.addBlock(BLOCK_FILTER, this.hashes.buildFilter(options.bloomBitsPerKey), codecByName('none'));
    }
    const indexAt = output.offset;
    output.addBlock(BLOCK_INDEX, this.index.finish(), options.codec);
    const propertiesAt = output.offset;
    const properties = this.properties();
    output.addBlock(BLOCK_PROPERTIES, encodeProperties(properties), codecByName('none'));
    output.addRaw(encodeFooter({ fileNumber: options.fileNumber, dataEnd, indexAt, propertiesAt }));
    output.finish();
    this.state = 'finished';
    return finishedTable({ ...properties, sizeBytes: output.offset });
  }

  /** Closes and removes the file, finished or not. Never throws. */
  abandon(): void {
    this.state = 'failed';
    this.output.discard();
  }

  private buildKey(entry: Entry): number {
    const length = COLLECTION_BYTES + entry.keyLength;
    if (length > this.nextKey.length) this.nextKey = new Uint8Array(2 * length);
    writeU32BigEndian(this.nextKey, 0, entry.collection);
    copyBytes(entry.key, entry.keyOffset, this.nextKey, COLLECTION_BYTES, entry.keyLength);
    return length;
  }

  private requireOrder(entry: Entry, length: number, common: number, isNewKey: boolean): void {
    if (this.isEmpty) return;
    const isAscending = isNewKey
      ? common === this.lastKeyLength || (common < length && this.nextKey[common] > this.lastKey[common])
      : entry.seqno < this.lastSeqno;
    assert(isAscending, () => `entry out of order: seqno ${entry.seqno} behind ${this.lastSeqno}`);
  }

  private startBlock(length: number, common: number, continues: boolean): void {
    // One byte more than it shares with the key before is enough to tell the blocks apart (table-index.ts).
    const boundLength = this.isEmpty ? length : Math.min(length, Math.max(COLLECTION_BYTES, common + 1));
    this.bound = this.nextKey.slice(0, boundLength);
    this.continues = continues;
  }

  private finishBlock(): void {
    const span = this.output.addBlock(BLOCK_DATA, this.block.finish(), this.options.codec);
    this.index.add(this.bound, this.bound.length, span, this.continues);
  }

  private properties(): Omit<TableProperties, 'sizeBytes'> {
    const { options } = this;
    return {
      ...this.totals.finish(),
      formatVersion: TABLE_FORMAT_VERSION,
      createdBy: options.createdBy ?? 'lumadb',
      codec: options.codec.name,
      blockSizeBytes: options.blockSizeBytes,
      bloomBitsPerKey: options.bloomBitsPerKey,
      restartInterval: options.restartInterval ?? RESTART_INTERVAL_DEFAULT,
      dataBlocks: this.index.blockCount,
    };
  }
}
