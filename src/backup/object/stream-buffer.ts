/** Takes pieces of a given length out of a stream of chunks of any length. */

const NOTHING: Uint8Array = new Uint8Array(0);

export class StreamBuffer {
  private readonly source: AsyncIterator<Uint8Array>;
  private rest = NOTHING;
  /** Bytes taken so far. */
  offset = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.source = source[Symbol.asyncIterator]();
  }

  /** Exactly `count` bytes, valid until they are changed by their owner; undefined when the stream ends before. */
  async take(count: number): Promise<Uint8Array | undefined> {
    while (this.rest.length === 0 && count > 0) if (!(await this.next())) return undefined;
    let taken = this.rest.subarray(0, count);
    this.rest = this.rest.subarray(taken.length);
    if (taken.length < count) {
      // Filled in place: joining piece by piece would copy a long piece many times.
      const whole = Buffer.allocUnsafeSlow(count);
      whole.set(taken);
      for (let filled = taken.length; filled < count; ) {
        if (!(await this.next())) return undefined;
        const part = this.rest.subarray(0, count - filled);
        whole.set(part, filled);
        filled += part.length;
        this.rest = this.rest.subarray(part.length);
      }
      taken = whole;
    }
    this.offset += count;
    return taken;
  }

  async isAtEnd(): Promise<boolean> {
    while (this.rest.length === 0) if (!(await this.next())) return true;
    return false;
  }

  /** Lets the source end when nobody reads on. */
  async close(): Promise<void> {
    await this.source.return?.();
  }

  private async next(): Promise<boolean> {
    const { value, done } = await this.source.next();
    this.rest = done === true ? NOTHING : value;
    return done !== true;
  }
}
