/** Writes objects of backups (object-format.ts): raw bytes in, stored bytes out. Any thread. */
import { createCipheriv, randomBytes } from 'node:crypto';
import { type Codec, type CodecName, codecByName } from '../../sst/codec.js';
import { writeU32 } from '../../sst/coding.js';
import {
  CHUNK_BYTES,
  CHUNK_HEADER_BYTES,
  CHUNK_LENGTHS_BYTES,
  CIPHER_AES_256_GCM,
  CIPHER_NONE,
  chunkChecksum,
  encodeObjectHeader,
  keyId,
  LAST_CHUNK,
  nonceOf,
  objectKey,
  SALT_BYTES,
} from './object-format.js';

export interface ObjectWriterOptions {
  readonly compression: CodecName;
  /** 32 bytes; without it nothing is encrypted. */
  readonly key?: Uint8Array;
}

/**
 * The stored bytes of an object whose raw bytes are `source`. Keeps one chunk in memory, and does not copy the pieces of the source
 * that are a chunk each.
 */
export async function* encodeObject(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: ObjectWriterOptions,
): AsyncGenerator<Uint8Array> {
  const writer = new ObjectWriter(options);
  yield writer.header();
  const pending = Buffer.allocUnsafe(CHUNK_BYTES);
  let filled = 0;
  for await (const bytes of source) {
    if (filled === CHUNK_BYTES) {
      yield writer.chunk(pending, false);
      filled = 0;
    }
    if (filled === 0 && bytes.length === CHUNK_BYTES) {
      // Nobody knows whether it is the last one; a last chunk may be empty.
      yield writer.chunk(bytes, false);
      continue;
    }
    for (let at = 0; at < bytes.length; ) {
      if (filled === CHUNK_BYTES) {
        yield writer.chunk(pending, false);
        filled = 0;
      }
      const count = Math.min(CHUNK_BYTES - filled, bytes.length - at);
      pending.set(bytes.subarray(at, at + count), filled);
      filled += count;
      at += count;
    }
  }
  yield writer.chunk(pending.subarray(0, filled), true);
}

class ObjectWriter {
  private readonly codec: Codec;
  private readonly salt = randomBytes(SALT_BYTES);
  private readonly key: Buffer | undefined;
  private readonly headerBytes: Buffer;
  private chunks = 0;

  constructor({ compression, key }: ObjectWriterOptions) {
    this.codec = codecByName(compression);
    this.key = key === undefined ? undefined : objectKey(key, this.salt);
    this.headerBytes = encodeObjectHeader({
      codec: this.codec.id,
      cipher: key === undefined ? CIPHER_NONE : CIPHER_AES_256_GCM,
      chunkBytes: CHUNK_BYTES,
      salt: this.salt,
      keyId: key === undefined ? new Uint8Array(SALT_BYTES) : keyId(key),
    });
  }

  header(): Uint8Array {
    return this.headerBytes;
  }

  /** The next chunk as it is stored, in memory of its own. */
  chunk(raw: Uint8Array, isLast: boolean): Buffer {
    const number = this.chunks++;
    const packed = this.codec.compress(raw);
    const plain = packed.length < raw.length ? packed : raw;
    const head = new Uint8Array(CHUNK_HEADER_BYTES);
    writeU32(head, 0, (raw.length | (isLast ? LAST_CHUNK : 0)) >>> 0);
    writeU32(head, 4, plain.length);
    const lengths = head.subarray(0, CHUNK_LENGTHS_BYTES);
    const { stored, tag } = this.encrypt(number, lengths, plain);
    writeU32(head, CHUNK_LENGTHS_BYTES, chunkChecksum(number, lengths, stored));
    // Memory of its own, not of a pool: it goes to other threads.
    const chunk = Buffer.allocUnsafeSlow(head.length + stored.length + tag.length);
    chunk.set(head);
    chunk.set(stored, head.length);
    chunk.set(tag, head.length + stored.length);
    return chunk;
  }

  private encrypt(number: number, lengths: Uint8Array, plain: Uint8Array) {
    if (this.key === undefined) return { stored: plain, tag: new Uint8Array(0) };
    const cipher = createCipheriv('aes-256-gcm', this.key, nonceOf(number));
    cipher.setAAD(Buffer.concat([this.headerBytes, lengths]));
    const stored = cipher.update(plain);
    cipher.final();
    return { stored, tag: cipher.getAuthTag() };
  }
}
