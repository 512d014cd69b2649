/** The group being collected: records back to back in one reused buffer, so that a group is one write. */
const CAPACITY_BYTES = 1024 * 1024;
/** A buffer that one huge batch made larger than this is given back once it is written. */
const CAPACITY_KEPT_BYTES = 8 * 1024 * 1024;

export class StagingBuffer {
  bytes = new Uint8Array(CAPACITY_BYTES);
  view = new DataView(this.bytes.buffer);
  length = 0;

  /** Appends `span` bytes of unspecified content and returns where they start. `bytes` may be another array after it. */
  extend(span: number): number {
    const at = this.length;
    const needed = at + span;
    if (needed > this.bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
      grown.set(this.bytes.subarray(0, at));
      this.replace(grown);
    }
    this.length = needed;
    return at;
  }

  clear(): void {
    this.length = 0;
    if (this.bytes.length > CAPACITY_KEPT_BYTES) this.replace(new Uint8Array(CAPACITY_BYTES));
  }

  private replace(bytes: Uint8Array<ArrayBuffer>): void {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
  }
}
