/** A store of objects in memory, for tests of what uses one. */
import { GuardedSource } from '../../src/backup/store/guarded-source.js';
import { checkFolderPrefix, checkName, checkPrefix } from '../../src/backup/store/names.js';
import type { ListedObject, ObjectFacts, ObjectStore } from '../../src/backup/store/object-store.js';
import { readWhole } from '../../src/backup/store/read-whole.js';
import { endsBefore, notFound } from '../../src/backup/store/store-errors.js';
import { type Clock, systemClock } from '../../src/base/clock.js';

interface Kept {
  readonly bytes: Uint8Array;
  readonly modifiedMs: number;
}

const CHUNK_BYTES = 64 * 1024;

export class MemoryObjectStore implements ObjectStore {
  readonly url: string;

  constructor(
    private readonly clock: Clock = systemClock,
    /** By full name; tests may look into it and spoil it. */
    readonly objects = new Map<string, Kept>(),
    private readonly base = '',
  ) {
    this.url = `memory:/${base}`.replace(/\/$/, '');
  }

  async put(
    name: string,
    source: AsyncIterable<Uint8Array>,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<{ readonly sizeBytes: number }> {
    checkName(name);
    options.signal?.throwIfAborted();
    const chunks: Uint8Array[] = [];
    for await (const chunk of new GuardedSource(source, options.signal)) chunks.push(Buffer.from(chunk));
    const bytes = Buffer.concat(chunks);
    this.objects.set(this.base + name, { bytes, modifiedMs: Math.floor(this.clock.wallMs()) });
    return { sizeBytes: bytes.length };
  }

  async *get(
    name: string,
    options: { readonly offset?: number; readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const kept = this.objects.get(this.base + checkName(name));
    if (kept === undefined) throw notFound(name, this.url);
    const { offset = 0, signal } = options;
    if (offset > kept.bytes.length) throw endsBefore(name, this.url, offset, kept.bytes.length);
    for (let at = offset; at < kept.bytes.length; at += CHUNK_BYTES) {
      signal?.throwIfAborted();
      yield Buffer.from(kept.bytes.subarray(at, at + CHUNK_BYTES));
    }
  }

  read(name: string, maxBytes: number): Promise<Uint8Array> {
    return readWhole(this, name, maxBytes);
  }

  async stat(name: string): Promise<ObjectFacts | undefined> {
    const kept = this.objects.get(this.base + checkName(name));
    return kept && { sizeBytes: kept.bytes.length, modifiedMs: kept.modifiedMs };
  }

  async *list(prefix: string): AsyncGenerator<ListedObject, void, undefined> {
    const full = this.base + checkPrefix(prefix);
    const names = [...this.objects.keys()].filter((name) => name.startsWith(full));
    for (const name of names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))) {
      const kept = this.objects.get(name);
      if (kept === undefined) continue;
      yield {
        name: name.slice(this.base.length),
        sizeBytes: kept.bytes.length,
        modifiedMs: kept.modifiedMs,
      };
    }
  }

  async folders(prefix: string): Promise<string[]> {
    checkFolderPrefix(prefix);
    const found = new Set<string>();
    for await (const { name } of this.list(prefix)) {
      const [first, ...others] = name.slice(prefix.length).split('/');
      if (others.length > 0) found.add(first);
    }
    return [...found];
  }

  async delete(name: string): Promise<void> {
    this.objects.delete(this.base + checkName(name));
  }

  async sweepUnfinished(_beganBeforeMs: number): Promise<number> {
    return 0;
  }

  below(folder: string): ObjectStore {
    return new MemoryObjectStore(this.clock, this.objects, `${this.base}${checkName(folder)}/`);
  }

  async close(): Promise<void> {}
}
