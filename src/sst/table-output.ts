/** The file of a table being written: sequential bytes through one buffer, blocks with header and codec. One thread. */
import { assert } from '../base/assert.js';
import type { Vfs, VfsFile } from '../vfs/vfs.js';
import { type Codec, codecByName } from './codec.js';
import { BLOCK_HEADER_BYTES, BLOCK_PAYLOAD_BYTES_MAX, sealBlock } from './format.js';

/** Bytes per pwrite: large enough that the call costs nothing, small enough to stay in the cache. */
const WRITE_BUFFER_BYTES = 256 * 1024;

const NONE = codecByName('none');

export class TableOutput {
  private readonly file: VfsFile;
  private buffer: Uint8Array = new Uint8Array(WRITE_BUFFER_BYTES);
  private buffered = 0;
  private written = 0;

  constructor(
    private readonly vfs: Vfs,
    private readonly path: string,
    private readonly fileNumber: number,
    private readonly onBytes: (count: number) => void,
  ) {
    this.file = vfs.open(path, 'create');
  }

  /** Bytes handed over so far, buffered ones included: the offset of what comes next. */
  get offset(): number {
    return this.written + this.buffered;
  }

  /** Appends a block; returns the bytes it takes in the file. */
  addBlock(kind: number, payload: Uint8Array, codec: Codec): number {
    assert(payload.length <= BLOCK_PAYLOAD_BYTES_MAX, () => `a block of ${payload.length} bytes`);
    const compressed = codec.compress(payload);
    const isSmaller = compressed.length <= payload.length - (payload.length >>> 3);
    const stored = isSmaller ? compressed : payload;
    const span = BLOCK_HEADER_BYTES + stored.length;
    this.makeRoom(span);
    const at = this.buffered;
    this.buffer.set(stored, at + BLOCK_HEADER_BYTES);
    sealBlock(this.buffer, at, this.offset, {
      storedLength: stored.length,
      rawLength: payload.length,
      fileNumber: this.fileNumber,
      kind,
      codec: isSmaller ? codec.id : NONE.id,
    });
    this.buffered += span;
    return span;
  }

  addRaw(bytes: Uint8Array): void {
    this.makeRoom(bytes.length);
    this.buffer.set(bytes, this.buffered);
    this.buffered += bytes.length;
  }

  /** Writes out what is left, syncs and closes. */
  finish(): void {
    this.flush();
    this.file.fsync();
    this.file.close();
  }

  /** Closes and removes the file; failures of that are not reported. */
  discard(): void {
    try {
      this.file.close();
      this.vfs.unlink(this.path);
    } catch {
      // Discarding usually follows an error, which is the one to report; start-up removes what has a temporary name.
    }
  }

  private makeRoom(count: number): void {
    if (this.buffered + count <= this.buffer.length) return;
    this.flush();
    // A block larger than the buffer gets a buffer of its own, and so do those after it.
    if (count > this.buffer.length) this.buffer = new Uint8Array(count);
  }

  private flush(): void {
    if (this.buffered === 0) return;
    this.file.pwrite(this.buffer, 0, this.buffered, this.written);
    this.onBytes(this.buffered);
    this.written += this.buffered;
    this.buffered = 0;
  }
}
