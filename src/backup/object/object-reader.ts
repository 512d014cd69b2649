/** Reads objects of backups (object-format.ts): stored bytes in, raw bytes out, nothing that was not checked. Any thread. */
import { createDecipheriv } from 'node:crypto';
import { DbError } from '../../base/errors.js';
import { type Codec, codecById } from '../../sst/codec.js';
import { readU32 } from '../../sst/coding.js';
import {
  CHUNK_HEADER_BYTES,
  CHUNK_LENGTHS_BYTES,
  CIPHER_NONE,
  chunkChecksum,
  decodeObjectHeader,
  keyId,
  LAST_CHUNK,
  nonceOf,
  OBJECT_HEADER_BYTES,
  type ObjectHeader,
  objectKey,
  TAG_BYTES,
} from './object-format.js';
import { StreamBuffer } from './stream-buffer.js';

export interface ObjectReaderOptions {
  /** For messages: where the object is. */
  readonly name: string;
  /** 32 bytes; needed for objects that are encrypted. */
  readonly key?: Uint8Array;
}

/** The raw bytes of an object. Throws DbError CORRUPT_BACKUP with {file, offset}, BACKUP_KEY, and what `source` throws. */
export async function* decodeObject(
  source: AsyncIterable<Uint8Array>,
  options: ObjectReaderOptions,
): AsyncGenerator<Uint8Array> {
  const input = new StreamBuffer(source);
  try {
    const reader = new ObjectReader(options, await input.take(OBJECT_HEADER_BYTES));
    for (let isLast = false; !isLast; ) {
      const offset = input.offset;
      const head = await input.take(CHUNK_HEADER_BYTES);
      const lengths = reader.lengths(head, offset);
      const body = await input.take(lengths.stored + reader.tagBytes);
      yield reader.chunk(head, body, lengths.raw, offset);
      isLast = lengths.isLast;
    }
    if (!(await input.isAtEnd())) reader.fail(input.offset, 'there are bytes behind its last chunk');
  } finally {
    await input.close();
  }
}

class ObjectReader {
  private readonly header: ObjectHeader;
  private readonly codec: Codec;
  private readonly key: Buffer | undefined;
  private readonly headerBytes: Uint8Array;
  private chunks = 0;

  constructor(
    private readonly options: ObjectReaderOptions,
    headerBytes: Uint8Array | undefined,
  ) {
    if (headerBytes === undefined) this.fail(0, 'it ends in its header');
    this.headerBytes = headerBytes.slice();
    const header = decodeObjectHeader(this.headerBytes);
    if (typeof header === 'string') this.fail(0, header);
    this.header = header;
    this.codec = this.knownCodec(header.codec);
    this.key = header.cipher === CIPHER_NONE ? undefined : this.keyFor(header);
  }

  get tagBytes(): number {
    return this.key === undefined ? 0 : TAG_BYTES;
  }

  lengths(head: Uint8Array | undefined, offset: number) {
    if (head === undefined) this.fail(offset, 'it ends before its last chunk');
    const word = readU32(head, 0);
    const isLast = word >= LAST_CHUNK;
    const raw = isLast ? word - LAST_CHUNK : word;
    const stored = readU32(head, 4);
    // Before anything is allocated by these numbers.
    if (raw > this.header.chunkBytes || stored > raw || (raw === 0 && !isLast))
      this.fail(offset, `a chunk of ${raw} bytes in ${stored} cannot be`);
    return { raw, stored, isLast };
  }

  chunk(head: Uint8Array | undefined, body: Uint8Array | undefined, raw: number, offset: number): Uint8Array {
    if (head === undefined || body === undefined) this.fail(offset, 'it ends in a chunk');
    const number = this.chunks++;
    const stored = body.subarray(0, body.length - this.tagBytes);
    const lengths = head.subarray(0, CHUNK_LENGTHS_BYTES);
    if (readU32(head, CHUNK_LENGTHS_BYTES) !== chunkChecksum(number, lengths, stored))
      this.fail(offset, `the checksum of chunk ${number} is wrong`);
    const plain = this.decrypt(number, lengths, stored, body.subarray(stored.length), offset);
    if (plain.length === raw) return plain;
    try {
      return this.codec.decompress(plain, raw);
    } catch (error) {
      return this.fail(offset, `chunk ${number} cannot be decompressed: ${(error as Error).message}`);
    }
  }

  fail(offset: number, reason: string): never {
    const { name } = this.options;
    throw new DbError('CORRUPT_BACKUP', `${name} is damaged at offset ${offset}: ${reason}`, {
      file: name,
      offset,
      reason,
    });
  }

  private decrypt(number: number, lengths: Uint8Array, stored: Uint8Array, tag: Uint8Array, offset: number) {
    if (this.key === undefined) return stored;
    const decipher = createDecipheriv('aes-256-gcm', this.key, nonceOf(number));
    decipher.setAAD(Buffer.concat([this.headerBytes, lengths]));
    decipher.setAuthTag(tag);
    try {
      const plain = decipher.update(stored);
      decipher.final();
      return plain;
    } catch {
      return this.fail(offset, `chunk ${number} is not what was encrypted here`);
    }
  }

  private keyFor({ salt, keyId: wanted }: ObjectHeader): Buffer {
    const { name, key } = this.options;
    if (key === undefined) {
      throw new DbError('BACKUP_KEY', `${name} is encrypted: give its key with --encrypt-key-file`, {
        file: name,
      });
    }
    if (!keyId(key).equals(wanted)) {
      throw new DbError('BACKUP_KEY', `${name} was encrypted with another key than the one given`, {
        file: name,
      });
    }
    return objectKey(key, salt);
  }

  private knownCodec(id: number): Codec {
    try {
      return codecById(id);
    } catch {
      return this.fail(8, `codec ${id} is not known to this release`);
    }
  }
}
