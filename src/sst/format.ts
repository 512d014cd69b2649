/**
 * SSTable format, version 1. This file is the specification of the file, its blocks and its footer; data-block-format.ts,
 * table-index.ts, bloom-filter.ts and properties.ts specify what is inside the blocks.
 *
 * A table is one immutable file, `<file number, 10 decimal digits>.sst`, that holds versions of keys in the order of
 * src/iter/entry-cursor.ts. All integers are little-endian, except the collection in an internal key. A u64 is below
 * 2^53 and stored as two u32, low word first. Magic, kinds, codec ids and tags are never reused; 0 is reserved.
 *
 *   table := data-block+ filter-block? index-block properties-block footer        (no gaps between them)
 *
 * Block, 24 bytes and a payload:
 *
 *   offset size field
 *        0    4 magic "LBLK" (4c 42 4c 4b)
 *        4    4 crc32 of bytes [8, 24 + stored length), started from the low 32 bits of the block's offset in the file
 *        8    4 stored length: bytes of the payload in the file
 *       12    4 raw length: bytes of the payload when decompressed
 *       16    4 file number of the table
 *       20    1 kind: 1 data, 2 filter, 3 index, 4 properties
 *       21    1 codec: 1 none, 2 lz4, 3 zstd
 *       22    2 zero
 *       24      payload
 *
 * The crc is the usual one (zlib), only its start value is the offset instead of 0. For given bytes different start
 * values always end in different sums, so a block that lies where it does not belong never passes; one that comes from
 * another table has another file number. Header in front and magic let a salvage find blocks without an index.
 *
 * A block is stored uncompressed (codec 1, stored length = raw length) when compression saves less than 1/8 of it.
 * lz4 payload: u32 raw length, then one LZ4 block. zstd payload: one frame with its content size.
 * A data block has at least one entry, and more only while its entries fit the table's block size.
 *
 * Footer, the last 48 bytes of the file:
 *
 *        0    8 magic "LumaSST\0"
 *        8    4 format version (1)
 *       12    4 file number
 *       16    8 offset of the first byte behind the data blocks: of the filter block, or of the index without a filter
 *       24    8 offset of the index block
 *       32    8 offset of the properties block
 *       40    4 zero
 *       44    4 crc32 of bytes [0, 44)
 *
 * Every byte of a table is covered by one of these sums or compared with a constant. A worked example of a whole table
 * is in docs/formats/sstable.md, and test/sst/golden.test.ts holds the writer to it.
 */
import { crc32 } from 'node:zlib';
import { assert } from '../base/assert.js';
import { readU32, readU64, writeU32, writeU64 } from './coding.js';

export const TABLE_FORMAT_VERSION = 1;

const BLOCK_MAGIC = [0x4c, 0x42, 0x4c, 0x4b] as const;
export const BLOCK_MAGIC_BYTES = Uint8Array.from(BLOCK_MAGIC);
export const BLOCK_HEADER_BYTES = 24;
const BLOCK_CRC_AT = 4;
const BLOCK_COVERED_AT = 8;
const BLOCK_STORED_LENGTH_AT = 8;
const BLOCK_RAW_LENGTH_AT = 12;
const BLOCK_FILE_NUMBER_AT = 16;
const BLOCK_KIND_AT = 20;
const BLOCK_CODEC_AT = 21;
const BLOCK_ZERO_AT = 22;

export const BLOCK_DATA = 1;
export const BLOCK_FILTER = 2;
export const BLOCK_INDEX = 3;
export const BLOCK_PROPERTIES = 4;

/** Longest payload, raw or stored. A document of 16 MiB fits many times; a length above this is damage. */
export const BLOCK_PAYLOAD_BYTES_MAX = 1024 * 1024 * 1024;

const FOOTER_MAGIC = 'LumaSST\0';
export const FOOTER_BYTES = 48;
const FOOTER_VERSION_AT = 8;
const FOOTER_FILE_NUMBER_AT = 12;
const FOOTER_DATA_END_AT = 16;
const FOOTER_INDEX_AT = 24;
const FOOTER_PROPERTIES_AT = 32;
const FOOTER_ZERO_AT = 40;
const FOOTER_CRC_AT = 44;

assert(FOOTER_CRC_AT + 4 === FOOTER_BYTES, 'the footer ends with its checksum');
assert(BLOCK_ZERO_AT + 2 === BLOCK_HEADER_BYTES, 'the payload follows the header');

export interface BlockHeader {
  readonly storedLength: number;
  readonly rawLength: number;
  readonly fileNumber: number;
  readonly kind: number;
  readonly codec: number;
}

/** Why a block or footer was refused. Numbers are checksums or lengths, depending on the reason. */
export interface Refusal {
  readonly reason: string;
  readonly expected: number | string;
  readonly got: number | string;
}

/** Writes the header of the block whose payload already lies behind it in `bytes`; `offset` is its place in the file. */
export function sealBlock(bytes: Uint8Array, at: number, offset: number, header: BlockHeader): void {
  bytes.set(BLOCK_MAGIC_BYTES, at);
  writeU32(bytes, at + BLOCK_STORED_LENGTH_AT, header.storedLength);
  writeU32(bytes, at + BLOCK_RAW_LENGTH_AT, header.rawLength);
  writeU32(bytes, at + BLOCK_FILE_NUMBER_AT, header.fileNumber);
  bytes[at + BLOCK_KIND_AT] = header.kind;
  bytes[at + BLOCK_CODEC_AT] = header.codec;
  bytes[at + BLOCK_ZERO_AT] = 0;
  bytes[at + BLOCK_ZERO_AT + 1] = 0;
  writeU32(bytes, at + BLOCK_CRC_AT, blockChecksum(bytes, at, header.storedLength, offset));
}

function blockChecksum(bytes: Uint8Array, at: number, storedLength: number, offset: number): number {
  return crc32(bytes.subarray(at + BLOCK_COVERED_AT, at + BLOCK_HEADER_BYTES + storedLength), offset >>> 0);
}

export const blockStoredLength = (bytes: Uint8Array, at: number): number =>
  readU32(bytes, at + BLOCK_STORED_LENGTH_AT);
export const blockRawLength = (bytes: Uint8Array, at: number): number =>
  readU32(bytes, at + BLOCK_RAW_LENGTH_AT);
export const blockFileNumber = (bytes: Uint8Array, at: number): number =>
  readU32(bytes, at + BLOCK_FILE_NUMBER_AT);
export const blockKind = (bytes: Uint8Array, at: number): number => bytes[at + BLOCK_KIND_AT];
export const blockCodec = (bytes: Uint8Array, at: number): number => bytes[at + BLOCK_CODEC_AT];

export function hasBlockMagic(bytes: Uint8Array, at: number): boolean {
  return (
    bytes[at] === BLOCK_MAGIC[0] &&
    bytes[at + 1] === BLOCK_MAGIC[1] &&
    bytes[at + 2] === BLOCK_MAGIC[2] &&
    bytes[at + 3] === BLOCK_MAGIC[3]
  );
}

/**
 * Says what is wrong with the block at bytes[at, at + length), whose place in the file is `offset`; undefined when it
 * is whole and belongs to the table. The length is exact: the block must fill it. Nothing is allocated for a good one,
 * except the view that the checksum needs.
 */
export function refuseBlock(
  bytes: Uint8Array,
  at: number,
  length: number,
  offset: number,
  fileNumber: number,
): Refusal | undefined {
  if (length < BLOCK_HEADER_BYTES) {
    return { reason: 'too short for a block', expected: BLOCK_HEADER_BYTES, got: length };
  }
  if (!hasBlockMagic(bytes, at)) {
    const magic = readU32(bytes, at);
    return { reason: 'not a block (magic)', expected: readU32(BLOCK_MAGIC_BYTES, 0), got: magic };
  }
  const storedLength = blockStoredLength(bytes, at);
  if (storedLength !== length - BLOCK_HEADER_BYTES) {
    return { reason: 'length of the block', expected: length - BLOCK_HEADER_BYTES, got: storedLength };
  }
  const stored = readU32(bytes, at + BLOCK_CRC_AT);
  const computed = blockChecksum(bytes, at, storedLength, offset);
  if (stored !== computed) return { reason: 'checksum of the block', expected: stored, got: computed };
  const owner = blockFileNumber(bytes, at);
  if (owner !== fileNumber) return { reason: 'block of another table', expected: fileNumber, got: owner };
  const zero = bytes[at + BLOCK_ZERO_AT] | bytes[at + BLOCK_ZERO_AT + 1];
  if (zero !== 0) return { reason: 'fields of an unknown version', expected: 0, got: zero };
  return undefined;
}

export interface Footer {
  readonly fileNumber: number;
  readonly dataEnd: number;
  readonly indexAt: number;
  readonly propertiesAt: number;
}

export function encodeFooter(footer: Footer): Uint8Array {
  const bytes = new Uint8Array(FOOTER_BYTES);
  for (let i = 0; i < FOOTER_MAGIC.length; i++) bytes[i] = FOOTER_MAGIC.charCodeAt(i);
  writeU32(bytes, FOOTER_VERSION_AT, TABLE_FORMAT_VERSION);
  writeU32(bytes, FOOTER_FILE_NUMBER_AT, footer.fileNumber);
  writeU64(bytes, FOOTER_DATA_END_AT, footer.dataEnd);
  writeU64(bytes, FOOTER_INDEX_AT, footer.indexAt);
  writeU64(bytes, FOOTER_PROPERTIES_AT, footer.propertiesAt);
  writeU32(bytes, FOOTER_CRC_AT, crc32(bytes.subarray(0, FOOTER_CRC_AT)));
  return bytes;
}

/** What is wrong with the footer in `bytes` (FOOTER_BYTES of them, from offset `footerAt` of the file), or undefined. */
export function refuseFooter(bytes: Uint8Array, footerAt: number, fileNumber: number): Refusal | undefined {
  for (let i = 0; i < FOOTER_MAGIC.length; i++) {
    if (bytes[i] !== FOOTER_MAGIC.charCodeAt(i)) {
      const got = Buffer.from(bytes.subarray(0, FOOTER_MAGIC.length)).toString('hex');
      return { reason: 'no footer: truncated, or not a table', expected: '4c756d6153535400', got };
    }
  }
  const stored = readU32(bytes, FOOTER_CRC_AT);
  const computed = crc32(bytes.subarray(0, FOOTER_CRC_AT));
  if (stored !== computed) return { reason: 'checksum of the footer', expected: stored, got: computed };
  const version = readU32(bytes, FOOTER_VERSION_AT);
  if (version !== TABLE_FORMAT_VERSION) {
    return { reason: 'format version of the table', expected: TABLE_FORMAT_VERSION, got: version };
  }
  const owner = readU32(bytes, FOOTER_FILE_NUMBER_AT);
  if (owner !== fileNumber) return { reason: 'footer of another table', expected: fileNumber, got: owner };
  const zero = readU32(bytes, FOOTER_ZERO_AT);
  if (zero !== 0) return { reason: 'fields of an unknown version', expected: 0, got: zero };
  const { dataEnd, indexAt, propertiesAt } = decodeFooter(bytes);
  const isOrdered = 0 < dataEnd && dataEnd <= indexAt && indexAt < propertiesAt && propertiesAt < footerAt;
  if (!isOrdered) return { reason: 'offsets in the footer', expected: 'ascending', got: 'not ascending' };
  return undefined;
}

/** Of a footer that was not refused. */
export function decodeFooter(bytes: Uint8Array): Footer {
  return {
    fileNumber: readU32(bytes, FOOTER_FILE_NUMBER_AT),
    dataEnd: readU64(bytes, FOOTER_DATA_END_AT),
    indexAt: readU64(bytes, FOOTER_INDEX_AT),
    propertiesAt: readU64(bytes, FOOTER_PROPERTIES_AT),
  };
}
