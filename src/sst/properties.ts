/**
 * What a table says about itself. This file is the specification of the properties block's payload:
 *
 *   offset size field
 *        0    4 format version (1)
 *        4    4 block size in bytes that the writer aimed at
 *        8    1 codec of the table (single blocks may be stored uncompressed)
 *        9    1 bits per key of the bloom filter, 0 = no filter
 *       10    2 restart interval
 *       12    4 data blocks
 *       16    8 entries
 *       24    8 tombstones
 *       32    8 husks of expired documents (ENTRY_EXPIRED)
 *       40    8 distinct keys
 *       48    8 raw bytes: keys and values of all entries
 *       56    8 lowest seqno
 *       64    8 highest seqno
 *       72    4 earliest expiry of an entry, seconds of database time, 0 = none expires. Husks count as well:
 *               until the sweeper's deletion of one has arrived, the table has work for the sweeper
 *       76      smallest key, largest key: each collection u32, length u16, bytes
 *               program that wrote it: length u16, UTF-8
 *               number of collections u32, then for each, ascending:
 *                 collection u32, entries u64, tombstones u64, raw bytes u64
 */
import { type CodecName, codecById, codecByName } from './codec.js';
import { FieldReader, FieldWriter } from './coding.js';
import { TABLE_FORMAT_VERSION } from './format.js';

/** A place in the key order. (The shapes of this file equal those of manifest/table-info.ts, which is above sst.) */
export interface KeyBound {
  readonly collection: number;
  readonly key: Uint8Array;
}

export interface CollectionShare {
  readonly collection: number;
  /** Entries of all kinds. */
  readonly entries: number;
  readonly tombstones: number;
  /** Bytes of keys and values before compression. */
  readonly rawBytes: number;
}

/** What the manifest keeps of a table, except its number and its place in the tree. */
export interface FinishedTable {
  readonly sizeBytes: number;
  readonly entries: number;
  readonly tombstones: number;
  readonly rawBytes: number;
  readonly smallest: KeyBound;
  readonly largest: KeyBound;
  readonly minSeqno: number;
  readonly maxSeqno: number;
  readonly earliestExpiry: number;
  readonly collections: readonly CollectionShare[];
}

/** All that the properties block holds; the size is that of the file. */
export interface TableProperties extends FinishedTable {
  readonly formatVersion: number;
  readonly createdBy: string;
  readonly codec: CodecName;
  readonly blockSizeBytes: number;
  readonly bloomBitsPerKey: number;
  readonly restartInterval: number;
  readonly dataBlocks: number;
  readonly distinctKeys: number;
  readonly expiredHusks: number;
}

export function finishedTable(properties: TableProperties): FinishedTable {
  const { sizeBytes, entries, tombstones, rawBytes, smallest, largest } = properties;
  const { minSeqno, maxSeqno, earliestExpiry, collections } = properties;
  return {
    sizeBytes,
    entries,
    tombstones,
    rawBytes,
    smallest,
    largest,
    minSeqno,
    maxSeqno,
    earliestExpiry,
    collections,
  };
}

export function encodeProperties(properties: Omit<TableProperties, 'sizeBytes'>): Uint8Array {
  const fields = new FieldWriter();
  fields.u32(properties.formatVersion);
  fields.u32(properties.blockSizeBytes);
  fields.u8(codecByName(properties.codec).id);
  fields.u8(properties.bloomBitsPerKey);
  fields.u16(properties.restartInterval);
  fields.u32(properties.dataBlocks);
  fields.u64(properties.entries);
  fields.u64(properties.tombstones);
  fields.u64(properties.expiredHusks);
  fields.u64(properties.distinctKeys);
  fields.u64(properties.rawBytes);
  fields.u64(properties.minSeqno);
  fields.u64(properties.maxSeqno);
  fields.u32(properties.earliestExpiry);
  for (const { collection, key } of [properties.smallest, properties.largest]) {
    fields.u32(collection);
    writeBytes(fields, key);
  }
  writeBytes(fields, Buffer.from(properties.createdBy));
  fields.u32(properties.collections.length);
  for (const { collection, entries, tombstones, rawBytes } of properties.collections) {
    fields.u32(collection);
    fields.u64(entries);
    fields.u64(tombstones);
    fields.u64(rawBytes);
  }
  return fields.written();
}

/** Throws a RangeError when the payload is not one of this version. Copies what it keeps. */
export function decodeProperties(payload: Uint8Array, sizeBytes: number): TableProperties {
  const fields = new FieldReader(payload);
  const formatVersion = fields.u32();
  if (formatVersion !== TABLE_FORMAT_VERSION) throw new RangeError(`format version ${formatVersion}`);
  const properties: TableProperties = {
    sizeBytes,
    formatVersion,
    blockSizeBytes: fields.u32(),
    codec: codecById(fields.u8()).name,
    bloomBitsPerKey: fields.u8(),
    restartInterval: fields.u16(),
    dataBlocks: fields.u32(),
    entries: fields.u64(),
    tombstones: fields.u64(),
    expiredHusks: fields.u64(),
    distinctKeys: fields.u64(),
    rawBytes: fields.u64(),
    minSeqno: fields.u64(),
    maxSeqno: fields.u64(),
    earliestExpiry: fields.u32(),
    smallest: readBound(fields),
    largest: readBound(fields),
    createdBy: Buffer.from(readBytes(fields)).toString(),
    collections: readShares(fields),
  };
  if (fields.remaining !== 0) throw new RangeError(`${fields.remaining} bytes behind the properties`);
  return properties;
}

function readBound(fields: FieldReader): KeyBound {
  return { collection: fields.u32(), key: readBytes(fields) };
}

function readShares(fields: FieldReader): CollectionShare[] {
  const shares: CollectionShare[] = [];
  for (let left = fields.u32(); left > 0; left--) {
    shares.push({
      collection: fields.u32(),
      entries: fields.u64(),
      tombstones: fields.u64(),
      rawBytes: fields.u64(),
    });
  }
  return shares;
}

function writeBytes(fields: FieldWriter, bytes: Uint8Array): void {
  fields.u16(bytes.length);
  fields.raw(bytes);
}

function readBytes(fields: FieldReader): Uint8Array {
  return fields.raw(fields.u16()).slice();
}
