/**
 * The format of what backups store: a stream of bytes in chunks, each compressed, perhaps encrypted, and checked by itself,
 * so that any damage, a cut and a swap of chunks are found while reading. Integers are little-endian.
 *
 *   object := header chunk* last-chunk              nothing behind the last chunk
 *
 *   header, 64 bytes
 *     0   8  magic "LDBOBJ01"
 *     8   1  codec: 1 none, 2 lz4, 3 zstd (sst/codec.ts)
 *     9   1  cipher: 0 none, 1 AES-256-GCM
 *    10   2  0
 *    12   4  most raw bytes of a chunk, 4096 to 16 MiB
 *    16  16  salt: random, of this object alone
 *    32  16  id of the key (keyId below); zeros without a cipher
 *    48  12  0
 *    60   4  CRC-32 of bytes 0 to 59
 *
 *   chunk
 *     0   4  raw length; the highest bit is set on the last chunk, which alone may be empty
 *     4   4  stored length, the tag not counted; equal to the raw length: stored as it is, whatever the codec
 *     8   4  CRC-32 of: the number of the chunk (u32, from 0), bytes 0 to 7, the stored bytes as they are here
 *    12   n  stored bytes
 *    12+n 16 with a cipher: the authentication tag
 *
 * With a cipher each object has a key of its own: HKDF-SHA-256 of the key file's key, with the salt and the text
 * "lumadb backup object". So the nonce may be the number of the chunk (12 bytes, little-endian), and a chunk of another object
 * does not fit. Authenticated beside the bytes: the header and bytes 0 to 7 of the chunk. Numbers are never reused.
 *
 * The smallest object, no bytes with codec none and a salt of zeros, is its header and 00 00 00 80 00 00 00 00 fd 76 33 ca.
 */
import { createHash, hkdfSync } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { assert } from '../../base/assert.js';
import { readU32, writeU32 } from '../../sst/coding.js';

export const OBJECT_MAGIC = 'LDBOBJ01';
export const OBJECT_HEADER_BYTES = 64;
export const CHUNK_HEADER_BYTES = 12;
export const TAG_BYTES = 16;
export const KEY_BYTES = 32;
export const SALT_BYTES = 16;
export const CIPHER_NONE = 0;
export const CIPHER_AES_256_GCM = 1;
/** What writers of this release use. */
export const CHUNK_BYTES = 1024 * 1024;
export const CHUNK_BYTES_MIN = 4096;
export const CHUNK_BYTES_MAX = 16 * 1024 * 1024;
export const LAST_CHUNK = 0x8000_0000;
/** Of bytes 0 to 7 of a chunk, which are authenticated. */
export const CHUNK_LENGTHS_BYTES = 8;
const KEY_ID_BYTES = 16;
const NONCE_BYTES = 12;
const HEADER_CHECKED_BYTES = 60;

export interface ObjectHeader {
  readonly codec: number;
  readonly cipher: number;
  readonly chunkBytes: number;
  readonly salt: Uint8Array;
  readonly keyId: Uint8Array;
}

/** What tells a key from another without telling the key. */
export function keyId(key: Uint8Array): Buffer {
  return createHash('sha256').update('lumadb backup key id').update(key).digest().subarray(0, KEY_ID_BYTES);
}

export function objectKey(key: Uint8Array, salt: Uint8Array): Buffer {
  assert(key.length === KEY_BYTES, () => `a key has ${KEY_BYTES} bytes, not ${key.length}`);
  return Buffer.from(hkdfSync('sha256', key, salt, 'lumadb backup object', KEY_BYTES));
}

export function nonceOf(chunk: number): Buffer {
  const nonce = Buffer.alloc(NONCE_BYTES);
  nonce.writeUInt32LE(chunk, 0);
  return nonce;
}

export function encodeObjectHeader(header: ObjectHeader): Buffer {
  const bytes = Buffer.alloc(OBJECT_HEADER_BYTES);
  bytes.write(OBJECT_MAGIC, 0, 'latin1');
  bytes[8] = header.codec;
  bytes[9] = header.cipher;
  writeU32(bytes, 12, header.chunkBytes);
  bytes.set(header.salt, 16);
  bytes.set(header.keyId, 32);
  writeU32(bytes, HEADER_CHECKED_BYTES, crc32(bytes.subarray(0, HEADER_CHECKED_BYTES)));
  return bytes;
}

/** Returns why it is none. */
export function decodeObjectHeader(bytes: Uint8Array): ObjectHeader | string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, 8).toString('latin1');
  if (text !== OBJECT_MAGIC) return 'it does not begin like an object of a backup';
  if (readU32(bytes, HEADER_CHECKED_BYTES) !== crc32(bytes.subarray(0, HEADER_CHECKED_BYTES)))
    return 'the checksum of its header is wrong';
  const header = {
    codec: bytes[8],
    cipher: bytes[9],
    chunkBytes: readU32(bytes, 12),
    salt: bytes.slice(16, 32),
    keyId: bytes.slice(32, 48),
  };
  if (header.cipher > CIPHER_AES_256_GCM) return `cipher ${header.cipher} is not known to this release`;
  if (header.chunkBytes < CHUNK_BYTES_MIN || header.chunkBytes > CHUNK_BYTES_MAX)
    return `chunks of ${header.chunkBytes} bytes are out of range`;
  return header;
}

/** As in bytes 8 to 11 of a chunk. `lengths`: its bytes 0 to 7. */
export function chunkChecksum(chunk: number, lengths: Uint8Array, stored: Uint8Array): number {
  const number = new Uint8Array(4);
  writeU32(number, 0, chunk);
  const sum = crc32(lengths, crc32(number));
  // Of no bytes zlib gives the checksum to go on from, or 0 when the buffer has no memory at all.
  return stored.length === 0 ? sum : crc32(stored, sum);
}
