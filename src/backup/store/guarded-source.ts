/**
 * What a put reads from: passes the chunks of its source on, and counts them. Ends with the reason of the signal at once,
 * also while the source is thinking; remembers a failure of the source, which is not one of the store.
 */
export class GuardedSource implements AsyncIterable<Uint8Array> {
  sizeBytes = 0;
  /** What the source threw, in a box because anything can be thrown. */
  failure: { readonly error: unknown } | undefined;

  constructor(
    private readonly source: AsyncIterable<Uint8Array>,
    private readonly signal: AbortSignal | undefined,
  ) {}

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    const iterator = this.source[Symbol.asyncIterator]();
    let isExhausted = false;
    try {
      for (;;) {
        const next = await this.next(iterator);
        if (next.done === true) {
          isExhausted = true;
          return;
        }
        this.sizeBytes += next.value.byteLength;
        if (next.value.byteLength > 0) yield next.value;
      }
    } finally {
      // Not waited for: a source in the middle of something ends after it, and that may be never.
      if (!isExhausted) iterator.return?.().catch(() => undefined);
    }
  }

  private next(iterator: AsyncIterator<Uint8Array>): Promise<IteratorResult<Uint8Array>> {
    const { signal } = this;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = (): void => reject(signal?.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
      iterator
        .next()
        .then(resolve, (error: unknown) => {
          this.failure ??= { error };
          reject(error);
        })
        .finally(() => signal?.removeEventListener('abort', onAbort));
    });
  }
}
