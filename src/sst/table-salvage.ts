/**
 * Reads what can be read of a damaged table: walks from block to block without index, filter, properties or footer, and
 * looks for the next whole block behind a bad one. For `lumadb repair`. Any thread; changes nothing.
 *
 * Blocks are known by magic, file number and a checksum that depends on their offset (format.ts). Behind damage the
 * block that the damaged header points at is tried first; only if there is none, every later byte is looked at. A client
 * who knew file number and offset could put bytes into a document that look like a block; they could only be taken for
 * one when they are stored uncompressed and the header of the block around them is damaged.
 */
import { DbError } from '../base/errors.js';
import type { Entry } from '../iter/entry-cursor.js';
import type { Vfs, VfsFile } from '../vfs/vfs.js';
import { BlockCursor } from './block-cursor.js';
import { codecById } from './codec.js';
import {
  BLOCK_DATA,
  BLOCK_HEADER_BYTES,
  BLOCK_MAGIC_BYTES,
  BLOCK_PAYLOAD_BYTES_MAX,
  blockCodec,
  blockFileNumber,
  blockKind,
  blockRawLength,
  blockStoredLength,
  decodeFooter,
  FOOTER_BYTES,
  hasBlockMagic,
  type Refusal,
  refuseBlock,
  refuseFooter,
} from './format.js';

export interface DamagedRange extends Refusal {
  /** In the file, in bytes. A missing end of the file is a range of length 0. */
  readonly offset: number;
  readonly length: number;
  /** False when it is certain that no entries were there (index, filter, properties, footer). */
  readonly mayHoldEntries: boolean;
}

export interface SalvageOptions {
  readonly vfs: Vfs;
  readonly path: string;
  /** From the file's name. Blocks of another table are reported as damage. */
  readonly fileNumber: number;
  /** Entries in the order of the file. Views are valid during the call. */
  readonly onEntry: (entry: Entry) => void;
  /** Ranges in the order of the file. */
  readonly onDamage: (range: DamagedRange) => void;
}

export interface SalvageReport {
  readonly sizeBytes: number;
  readonly dataBlocks: number;
  readonly entries: number;
  readonly damagedRanges: number;
  readonly damagedBytes: number;
}

/** Throws only when the file cannot be opened, or what a callback throws. */
export function salvageTable(options: SalvageOptions): SalvageReport {
  const file = options.vfs.open(options.path, 'read');
  try {
    return new Salvage(file, options).run();
  } finally {
    file.close();
  }
}

/** Bytes of one read while looking for a block, and of the smaller ones when that read fails. */
const SEARCH_BYTES = 256 * 1024;
const SECTOR_BYTES = 4096;

class Salvage {
  private readonly cursor = new BlockCursor();
  private readonly sizeBytes: number;
  private buffer = new Uint8Array(64 * 1024);
  /** Only needed when there is damage. */
  private chunk: Uint8Array<ArrayBuffer> | undefined;
  private dataBlocks = 0;
  private entries = 0;
  private damagedRanges = 0;
  private damagedBytes = 0;

  constructor(
    private readonly file: VfsFile,
    private readonly options: SalvageOptions,
  ) {
    this.sizeBytes = file.size();
  }

  run(): SalvageReport {
    const footerAt = Math.max(0, this.sizeBytes - FOOTER_BYTES);
    const refusal = this.footerRefusal(footerAt);
    const end = refusal === undefined ? footerAt : this.sizeBytes;
    const dataEnd = refusal === undefined ? decodeFooter(this.buffer).dataEnd : end;
    let at = 0;
    let isDamagedUpTo = -1;
    while (at < end) {
      const bad = this.readBlock(at, end);
      if (bad === undefined) {
        const span = BLOCK_HEADER_BYTES + blockStoredLength(this.buffer, 0);
        this.deliver(at, span);
        at += span;
        continue;
      }
      const next = this.findBlock(at, end);
      // What is left at the end of a file without a good footer is, if anything, that footer.
      const isFooter = refusal !== undefined && next === end && at >= footerAt;
      this.report(at, next - at, isFooter ? refusal : bad, at < dataEnd && !isFooter);
      at = next;
      isDamagedUpTo = next;
    }
    if (refusal !== undefined && isDamagedUpTo !== end) this.report(end, 0, refusal, true);
    const { sizeBytes, dataBlocks, entries, damagedRanges, damagedBytes } = this;
    return { sizeBytes, dataBlocks, entries, damagedRanges, damagedBytes };
  }

  private footerRefusal(footerAt: number): Refusal | undefined {
    const failed = this.read(footerAt, FOOTER_BYTES);
    return failed ?? refuseFooter(this.buffer.subarray(0, FOOTER_BYTES), footerAt, this.options.fileNumber);
  }

  /** Entries of the block in the buffer, if it is one with entries. */
  private deliver(offset: number, span: number): void {
    if (blockKind(this.buffer, 0) !== BLOCK_DATA) return;
    this.dataBlocks++;
    const rawLength = blockRawLength(this.buffer, 0);
    const payload = this.decompressed(offset, span, rawLength);
    if (payload === undefined) return;
    const { cursor } = this;
    // Only the parsing is guarded: what the receiver of an entry throws is not damage.
    const step = (parse: () => void): boolean => {
      const refusal = refusalOf(parse);
      if (refusal !== undefined) this.report(offset, span, refusal, true);
      return refusal === undefined && cursor.isValid;
    };
    const start = (): void => {
      cursor.load(payload, rawLength, this.options.path, offset);
      cursor.seekToFirst();
    };
    for (let isThere = step(start); isThere; isThere = step(() => cursor.next())) {
      this.entries++;
      this.options.onEntry(cursor);
    }
  }

  private decompressed(offset: number, span: number, rawLength: number): Uint8Array | undefined {
    let payload: Uint8Array | undefined;
    const refusal = refusalOf(() => {
      if (rawLength > BLOCK_PAYLOAD_BYTES_MAX) throw new RangeError(`raw length ${rawLength}`);
      const stored = this.buffer.subarray(BLOCK_HEADER_BYTES, span);
      payload = codecById(blockCodec(this.buffer, 0)).decompress(stored, rawLength);
    });
    if (refusal !== undefined) this.report(offset, span, refusal, true);
    return payload;
  }

  /** Reads the block at `at` to the start of the buffer; says why it is not a good one. */
  private readBlock(at: number, end: number): Refusal | undefined {
    const available = Math.min(BLOCK_HEADER_BYTES, end - at);
    const failed = this.read(at, available);
    if (failed !== undefined) return failed;
    if (available < BLOCK_HEADER_BYTES || !hasBlockMagic(this.buffer, 0)) {
      return refuseBlock(this.buffer, 0, available, at, this.options.fileNumber);
    }
    const storedLength = blockStoredLength(this.buffer, 0);
    const room = end - at - BLOCK_HEADER_BYTES;
    if (storedLength > room) return { reason: 'length of the block', expected: room, got: storedLength };
    const span = BLOCK_HEADER_BYTES + storedLength;
    return this.read(at, span) ?? refuseBlock(this.buffer, 0, span, at, this.options.fileNumber);
  }

  /** Offset of the next good block behind the bad one at `bad`, or `end`. */
  private findBlock(bad: number, end: number): number {
    const pointedAt = this.pointedAt(bad, end);
    if (pointedAt !== undefined) return pointedAt;
    this.chunk ??= new Uint8Array(SEARCH_BYTES);
    const { chunk } = this;
    for (let from = bad + 1; from < end; ) {
      const length = this.readForSearch(chunk, from, end);
      const bytes = Buffer.from(chunk.buffer, 0, length);
      for (
        let hit = bytes.indexOf(BLOCK_MAGIC_BYTES);
        hit >= 0;
        hit = bytes.indexOf(BLOCK_MAGIC_BYTES, hit + 1)
      ) {
        if (this.isGoodBlock(from + hit, end)) return from + hit;
      }
      // The magic may begin in the last bytes of this chunk and end in the next.
      const isLast = from + length >= end;
      from = isLast ? end : from + Math.max(1, length - BLOCK_MAGIC_BYTES.length + 1);
    }
    return end;
  }

  /** The end of the bad block according to its own header, if a good block or the end of all blocks is there. */
  private pointedAt(bad: number, end: number): number | undefined {
    if (end - bad < BLOCK_HEADER_BYTES || this.read(bad, BLOCK_HEADER_BYTES) !== undefined) return undefined;
    if (!hasBlockMagic(this.buffer, 0)) return undefined;
    const next = bad + BLOCK_HEADER_BYTES + blockStoredLength(this.buffer, 0);
    return next === end || (next < end && this.isGoodBlock(next, end)) ? next : undefined;
  }

  private isGoodBlock(at: number, end: number): boolean {
    if (end - at < BLOCK_HEADER_BYTES || this.read(at, BLOCK_HEADER_BYTES) !== undefined) return false;
    // Before the whole length is read: chance and hostile bytes hardly have the number of the table.
    if (blockFileNumber(this.buffer, 0) !== this.options.fileNumber) return false;
    return this.readBlock(at, end) === undefined;
  }

  /** Fills the chunk as far as the file goes; sectors that cannot be read are zeros, in which no magic is found. */
  private readForSearch(chunk: Uint8Array, from: number, end: number): number {
    const length = Math.min(chunk.length, end - from);
    chunk.fill(0);
    if (refusalOf(() => this.file.pread(chunk, 0, length, from)) === undefined) return length;
    for (let at = 0, count = 0; at < length; at += count) {
      // Devices fail by sector: a read that begins in one must not drag the next one down.
      count = Math.min(SECTOR_BYTES - ((from + at) % SECTOR_BYTES), length - at);
      if (refusalOf(() => this.file.pread(chunk, at, count, from + at)) !== undefined) {
        chunk.fill(0, at, at + count);
      }
    }
    return length;
  }

  /** Reads to the start of the buffer. */
  private read(offset: number, length: number): Refusal | undefined {
    if (length > this.buffer.length) this.buffer = new Uint8Array(length);
    let got = 0;
    const failed = refusalOf(() => {
      got = this.file.pread(this.buffer, 0, length, offset);
    });
    if (failed !== undefined || got === length) return failed;
    return { reason: 'the file ends too early', expected: length, got };
  }

  private report(offset: number, length: number, refusal: Refusal, mayHoldEntries: boolean): void {
    const { reason, expected, got } = refusal;
    this.damagedRanges++;
    this.damagedBytes += length;
    this.options.onDamage({ offset, length, reason, expected, got, mayHoldEntries });
  }
}

/** What `action` threw, as a reason; undefined when it did not throw. */
function refusalOf(action: () => void): Refusal | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    if (error instanceof DbError && error.code === 'IO') {
      return {
        reason: 'the device cannot read it',
        expected: 'bytes',
        got: String(error.details?.['errno']),
      };
    }
    if (error instanceof DbError && error.code === 'CORRUPT_TABLE') {
      const { reason, expected, got } = error.details as unknown as Refusal;
      return { reason, expected, got };
    }
    const got = error instanceof Error ? error.message : String(error);
    return { reason: 'decompression of the block', expected: 'success', got };
  }
}
