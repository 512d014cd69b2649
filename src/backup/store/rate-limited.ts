/** A store whose puts and gets, all streams together, stay within a number of bytes per second. */
import { setTimeout as delay } from 'node:timers/promises';
import type { RateLimit } from '../../compaction/rate-limit.js';
import type { ListedObject, ObjectFacts, ObjectStore } from './object-store.js';
import { readWhole } from './read-whole.js';

export type Sleep = (ms: number, signal: AbortSignal | undefined) => Promise<void>;

export class RateLimitedStore implements ObjectStore {
  readonly url: string;

  /** The limit may be shared with other stores, and changed while they run. */
  constructor(
    private readonly store: ObjectStore,
    private readonly limit: RateLimit,
    private readonly sleep: Sleep = sleepOnTimer,
  ) {
    this.url = store.url;
  }

  put(
    name: string,
    source: AsyncIterable<Uint8Array>,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<{ readonly sizeBytes: number }> {
    return this.store.put(name, this.paced(source, options.signal), options);
  }

  get(
    name: string,
    options: { readonly offset?: number; readonly signal?: AbortSignal } = {},
  ): AsyncIterable<Uint8Array> {
    return this.paced(this.store.get(name, options), options.signal);
  }

  read(name: string, maxBytes: number): Promise<Uint8Array> {
    return readWhole(this, name, maxBytes);
  }

  stat(name: string): Promise<ObjectFacts | undefined> {
    return this.store.stat(name);
  }

  list(prefix: string): AsyncIterable<ListedObject> {
    return this.store.list(prefix);
  }

  folders(prefix: string): Promise<string[]> {
    return this.store.folders(prefix);
  }

  delete(name: string): Promise<void> {
    return this.store.delete(name);
  }

  sweepUnfinished(beganBeforeMs: number): Promise<number> {
    return this.store.sweepUnfinished(beganBeforeMs);
  }

  below(folder: string): ObjectStore {
    return new RateLimitedStore(this.store.below(folder), this.limit, this.sleep);
  }

  close(): Promise<void> {
    return this.store.close();
  }

  private async *paced(
    chunks: AsyncIterable<Uint8Array>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of chunks) {
      const waitMs = this.limit.charge(chunk.byteLength);
      if (waitMs > 0) await this.sleep(waitMs, signal);
      yield chunk;
    }
  }
}

async function sleepOnTimer(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await delay(ms, undefined, { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
