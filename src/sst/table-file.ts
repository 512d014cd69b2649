/**
 * The file of a finished table, opened for reading: footer, blocks with their checksums, decompression. Every byte that
 * comes from the disk is checked here before anything is made of it. Any thread, each with handles of its own.
 *
 * Errors: DbError('IO') when the file cannot be read, DbError('CORRUPT_TABLE') when it is not what was written.
 */
import type { Vfs, VfsFile } from '../vfs/vfs.js';
import { codecById } from './codec.js';
import { corruptTable } from './corruption.js';
import {
  BLOCK_HEADER_BYTES,
  BLOCK_PAYLOAD_BYTES_MAX,
  blockCodec,
  blockKind,
  blockRawLength,
  decodeFooter,
  FOOTER_BYTES,
  type Footer,
  refuseBlock,
  refuseFooter,
} from './format.js';

export class TableFile {
  private constructor(
    private readonly file: VfsFile,
    readonly fileNumber: number,
    readonly sizeBytes: number,
    readonly footer: Footer,
  ) {}

  /** Reads the size and the footer. */
  static open(vfs: Pick<Vfs, 'open'>, path: string, fileNumber: number): TableFile {
    const file = vfs.open(path, 'read');
    try {
      const sizeBytes = file.size();
      return new TableFile(file, fileNumber, sizeBytes, readFooter(file, sizeBytes, fileNumber));
    } catch (error) {
      file.close();
      throw error;
    }
  }

  get path(): string {
    return this.file.path;
  }

  get footerAt(): number {
    return this.sizeBytes - FOOTER_BYTES;
  }

  /** Reads the footer once more, and the size, for they may have changed since the file was opened. */
  checkFooter(): void {
    const sizeBytes = this.file.size();
    if (sizeBytes !== this.sizeBytes) this.refuse(0, 'size of the file', this.sizeBytes, sizeBytes);
    readFooter(this.file, sizeBytes, this.fileNumber);
  }

  /** Fills into[0, length) from `offset` on. A file that has become shorter is damaged. */
  read(into: Uint8Array, length: number, offset: number): void {
    const got = this.file.pread(into, 0, length, offset);
    if (got !== length) this.refuse(offset, 'the file ends too early', length, got);
  }

  /** Throws unless bytes[at, at + span) are a whole block of this kind from `offset`. Returns its raw length. */
  checkBlock(bytes: Uint8Array, at: number, span: number, offset: number, kind: number): number {
    const refusal = refuseBlock(bytes, at, span, offset, this.fileNumber);
    if (refusal !== undefined) this.refuse(offset, refusal.reason, refusal.expected, refusal.got);
    if (blockKind(bytes, at) !== kind) this.refuse(offset, 'kind of the block', kind, blockKind(bytes, at));
    const rawLength = blockRawLength(bytes, at);
    if (rawLength > BLOCK_PAYLOAD_BYTES_MAX) {
      this.refuse(offset, 'raw length of the block', BLOCK_PAYLOAD_BYTES_MAX, rawLength);
    }
    return rawLength;
  }

  /** Decompresses a block that passed checkBlock into into[0, raw length). */
  decompress(bytes: Uint8Array, at: number, span: number, offset: number, into: Uint8Array): void {
    const payload = bytes.subarray(at + BLOCK_HEADER_BYTES, at + span);
    try {
      codecById(blockCodec(bytes, at)).decompressInto(payload, blockRawLength(bytes, at), into);
    } catch (error) {
      const got = error instanceof Error ? error.message : String(error);
      throw corruptTable(
        { file: this.path, offset, reason: 'decompression of the block', expected: 'success', got },
        error,
      );
    }
  }

  /** The payload of a meta block that fills [offset, end). */
  readMetaBlock(offset: number, end: number, kind: number): Uint8Array {
    const span = end - offset;
    if (span > BLOCK_HEADER_BYTES + BLOCK_PAYLOAD_BYTES_MAX) {
      this.refuse(offset, 'length of the block', BLOCK_PAYLOAD_BYTES_MAX, span);
    }
    const bytes = new Uint8Array(span);
    this.read(bytes, span, offset);
    const payload = new Uint8Array(this.checkBlock(bytes, 0, span, offset, kind));
    this.decompress(bytes, 0, span, offset, payload);
    return payload;
  }

  /** Runs a decoder of a meta block; what it throws is damage of the block at `offset`. */
  decode<T>(what: string, offset: number, decoder: () => T): T {
    try {
      return decoder();
    } catch (error) {
      const got = error instanceof Error ? error.message : String(error);
      throw corruptTable({ file: this.path, offset, reason: what, expected: 'a readable block', got }, error);
    }
  }

  refuse(offset: number, reason: string, expected: number | string, got: number | string): never {
    throw corruptTable({ file: this.path, offset, reason, expected, got });
  }

  close(): void {
    this.file.close();
  }
}

function readFooter(file: VfsFile, sizeBytes: number, fileNumber: number): Footer {
  const footerAt = Math.max(0, sizeBytes - FOOTER_BYTES);
  const bytes = new Uint8Array(FOOTER_BYTES);
  const got = file.pread(bytes, 0, FOOTER_BYTES, footerAt);
  const refusal =
    got === FOOTER_BYTES
      ? refuseFooter(bytes, footerAt, fileNumber)
      : { reason: 'too short for a table', expected: FOOTER_BYTES, got };
  if (refusal !== undefined) throw corruptTable({ file: file.path, offset: footerAt, ...refusal });
  return decodeFooter(bytes);
}
