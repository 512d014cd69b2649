/**
 * Block compression. Any thread: native contexts are made on first use, one per thread. The ids are stored in tables
 * and never reused. Decompression of malformed bytes throws; callers report it as damage of their block.
 */
import { compressSync, uncompressSync } from 'lz4-napi';
import zstd from 'zstd-napi/binding.js';
import { unreachable } from '../base/assert.js';
import { readU32 } from './coding.js';

export type CodecName = 'none' | 'lz4' | 'zstd';

export interface Codec {
  /** As stored in tables: 1 none, 2 lz4, 3 zstd. */
  readonly id: number;
  readonly name: CodecName;
  compress(bytes: Uint8Array): Uint8Array;
  /** Throws when the bytes are malformed or not of this raw length. */
  decompress(bytes: Uint8Array, rawLength: number): Uint8Array;
  /** The same into[0, rawLength); `into` has room. */
  decompressInto(bytes: Uint8Array, rawLength: number, into: Uint8Array): void;
}

/**
 * Higher levels do not pay on blocks of 4 KiB: 1 and 3 are within 1 % in size and 10 % in time, 5 takes twice as long
 * for 5 % less (JSON documents, docs/adr/0007-sstable-format.md).
 */
export const ZSTD_LEVEL_DEFAULT = 1;

class NoneCodec implements Codec {
  readonly id = 1;
  readonly name = 'none';

  compress(bytes: Uint8Array): Uint8Array {
    return bytes;
  }
  decompress(bytes: Uint8Array, rawLength: number): Uint8Array {
    return decompressed(this, bytes, rawLength);
  }
  decompressInto(bytes: Uint8Array, rawLength: number, into: Uint8Array): void {
    requireLength(bytes.length, rawLength);
    into.set(bytes);
  }
}

class Lz4Codec implements Codec {
  readonly id = 2;
  readonly name = 'lz4';

  compress(bytes: Uint8Array): Uint8Array {
    return compressSync(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  }
  decompress(bytes: Uint8Array, rawLength: number): Uint8Array {
    // The library allocates what the prefix says, so it is checked before.
    requireLength(bytes.length < LZ4_PREFIX_BYTES ? -1 : readU32(bytes, 0), rawLength);
    const raw = uncompressSync(bytes);
    requireLength(raw.length, rawLength);
    return raw;
  }
  decompressInto(bytes: Uint8Array, rawLength: number, into: Uint8Array): void {
    into.set(this.decompress(bytes, rawLength));
  }
}

const LZ4_PREFIX_BYTES = 4;

class ZstdCodec implements Codec {
  readonly id = 3;
  readonly name = 'zstd';
  private compressor: zstd.CCtx | undefined;
  private decompressor: zstd.DCtx | undefined;
  private scratch = new Uint8Array(0);

  constructor(private readonly level: number) {}

  compress(bytes: Uint8Array): Uint8Array {
    this.compressor ??= newCompressor(this.level);
    const bound = zstd.compressBound(bytes.length);
    if (this.scratch.length < bound) this.scratch = new Uint8Array(bound);
    return this.scratch.subarray(0, this.compressor.compress2(this.scratch, bytes));
  }
  decompress(bytes: Uint8Array, rawLength: number): Uint8Array {
    return decompressed(this, bytes, rawLength);
  }
  decompressInto(bytes: Uint8Array, rawLength: number, into: Uint8Array): void {
    this.decompressor ??= new zstd.DCtx();
    requireLength(this.decompressor.decompress(into, bytes), rawLength);
  }
}

function newCompressor(level: number): zstd.CCtx {
  const context = new zstd.CCtx();
  context.setParameter(zstd.CParameter.compressionLevel, level);
  return context;
}

function decompressed(codec: Codec, bytes: Uint8Array, rawLength: number): Uint8Array {
  const raw = new Uint8Array(rawLength);
  codec.decompressInto(bytes, rawLength, raw);
  return raw;
}

function requireLength(got: number, expected: number): void {
  if (got !== expected) throw new RangeError(`${got} bytes where ${expected} are expected`);
}

const NONE: Codec = new NoneCodec();
const LZ4: Codec = new Lz4Codec();
const ZSTD: Codec = new ZstdCodec(ZSTD_LEVEL_DEFAULT);

/** What compress() returns is valid until its next call. `zstdLevel` (1 to 19) matters to that codec only. */
export function codecByName(name: CodecName, zstdLevel = ZSTD_LEVEL_DEFAULT): Codec {
  switch (name) {
    case 'none':
      return NONE;
    case 'lz4':
      return LZ4;
    case 'zstd':
      return zstdLevel === ZSTD_LEVEL_DEFAULT ? ZSTD : new ZstdCodec(zstdLevel);
    default:
      return unreachable(name);
  }
}

/** Throws a RangeError for an id that this program does not know. */
export function codecById(id: number): Codec {
  if (id === LZ4.id) return LZ4;
  if (id === ZSTD.id) return ZSTD;
  if (id === NONE.id) return NONE;
  throw new RangeError(`codec ${id} is not known to this program`);
}
