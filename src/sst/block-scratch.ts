/**
 * Reused memory for reading blocks. A thread that looks up keys in many tables has one BlockScratch and hands it to all
 * its readers; what a lookup returns lies in it until the next lookup through it.
 */
import { BlockCursor } from './block-cursor.js';

/** Buffers beyond this are not kept: one huge document must not stay in memory for the life of a thread. */
const KEPT_BYTES_MAX = 1024 * 1024;
const INITIAL_BYTES = 16 * 1024;

export class ReusedBuffer {
  /** What was handed out last. */
  bytes: Uint8Array = new Uint8Array(INITIAL_BYTES);
  private kept = this.bytes;

  /** A buffer with room for `length` bytes; its contents are undefined. */
  take(length: number): Uint8Array {
    if (length > this.kept.length) {
      const larger = new Uint8Array(length + (length >>> 1));
      if (larger.length > KEPT_BYTES_MAX) {
        this.bytes = new Uint8Array(length);
        return this.bytes;
      }
      this.kept = larger;
    }
    this.bytes = this.kept;
    return this.bytes;
  }
}

export class BlockScratch {
  /** The block as it is in the file. */
  readonly stored = new ReusedBuffer();
  /** The block's payload, decompressed. */
  readonly payload = new ReusedBuffer();
  /** A key block. */
  readonly keys = new ReusedBuffer();
  /** Stands in the payload, or in the key block. */
  readonly cursor = new BlockCursor();
}
