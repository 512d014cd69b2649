/** Bytes that have been read and not yet been used, in one piece. One owner. */

const CAPACITY_BYTES_MIN = 64 * 1024;

export class ByteQueue {
  /** The contents are bytes[start, end); append() may move them. */
  bytes: Buffer = Buffer.allocUnsafe(CAPACITY_BYTES_MIN);
  start = 0;
  end = 0;

  get length(): number {
    return this.end - this.start;
  }

  append(chunk: Uint8Array): void {
    if (this.end + chunk.length > this.bytes.length) this.makeRoom(chunk.length);
    this.bytes.set(chunk, this.end);
    this.end += chunk.length;
  }

  /** Forgets everything before `index`. */
  consumeTo(index: number): void {
    this.start = index;
  }

  private makeRoom(count: number): void {
    const needed = this.length + count;
    const isRoomy = needed <= this.bytes.length / 2;
    // Doubling, so that a long record is copied a few times and not once for every chunk.
    const target = isRoomy ? this.bytes : Buffer.allocUnsafe(Math.max(needed * 2, CAPACITY_BYTES_MIN));
    this.bytes.copy(target, 0, this.start, this.end);
    this.end -= this.start;
    this.start = 0;
    this.bytes = target;
  }
}
