/** A sliding view of one file: large reads into one reused buffer. Offsets asked for are multiples of 8. */
import type { VfsFile } from '../vfs/vfs.js';

const CHUNK_BYTES = 4 * 1024 * 1024;

export class FileWindow {
  bytes = new Uint8Array(0);
  view = new DataView(this.bytes.buffer);
  private file: VfsFile | undefined;
  private end = 0;
  private base = 0;
  private filled = 0;

  /** Looks at another file, of which only the first `end` bytes exist for the reader. Keeps the buffer. */
  attach(file: VfsFile, end: number): void {
    this.file = file;
    this.end = end;
    this.base = 0;
    this.filled = 0;
  }

  /**
   * Makes bytes [offset, offset + length) of the file available and returns where in `bytes` they start, or -1 if
   * the file ends before. What was loaded earlier may be gone after it.
   */
  load(offset: number, length: number): number {
    if (offset + length > this.end) return -1;
    if (offset >= this.base && offset + length <= this.base + this.filled) return offset - this.base;
    return this.refill(offset, length);
  }

  /** Bytes loaded from `offset` on, at least one aligned word; 0 at the end. */
  available(offset: number): number {
    const rest = Math.min(CHUNK_BYTES, this.end - offset);
    if (rest <= 0) return 0;
    if (offset < this.base || offset >= this.base + this.filled) {
      if (this.refill(offset, rest) < 0) return 0;
    }
    return this.base + this.filled - offset;
  }

  private refill(offset: number, length: number): number {
    const wanted = Math.min(Math.max(CHUNK_BYTES, length), this.end - offset);
    if (this.bytes.length < wanted) {
      this.bytes = new Uint8Array(wanted);
      this.view = new DataView(this.bytes.buffer);
    }
    this.base = offset;
    this.filled = this.file?.pread(this.bytes, 0, wanted, offset) ?? 0;
    return this.filled >= length ? 0 : -1;
  }
}
