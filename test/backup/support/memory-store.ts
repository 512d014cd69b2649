/** An ObjectStore in memory, which can be told to fail at a call. As strict as the real ones in what it is asked for. */

import type { ListedObject, ObjectFacts, ObjectStore } from '../../../src/backup/store/object-store.js';
import { DbError } from '../../../src/base/errors.js';

export type StoreOperation = 'put' | 'get' | 'read' | 'stat' | 'list' | 'folders' | 'delete';

export interface StoreCall {
  readonly operation: StoreOperation;
  /** From the root. */
  readonly name: string;
  /** 1 for the first call of all. */
  readonly call: number;
}

interface Stored {
  readonly bytes: Buffer;
  readonly modifiedMs: number;
}

/** What all views of one store share. */
class Shared {
  readonly objects = new Map<string, Stored>();
  calls = 0;
  nowMs = 1_800_000_000_000;
  onCall: (call: StoreCall) => void | Promise<void> = () => {};
}

export class MemoryStore implements ObjectStore {
  private constructor(
    private readonly shared: Shared,
    private readonly root: string,
  ) {}

  static create(): MemoryStore {
    return new MemoryStore(new Shared(), '');
  }

  get url(): string {
    return `memory:/${this.root.slice(0, -1)}`;
  }

  get calls(): number {
    return this.shared.calls;
  }

  set nowMs(ms: number) {
    this.shared.nowMs = ms;
  }

  /** Asked before each call; what it throws the call throws. */
  onCall(hook: (call: StoreCall) => void | Promise<void>): void {
    this.shared.onCall = hook;
  }

  /** Fails the n-th call from now on, and all later ones: as if the process ended there. */
  failFrom(n: number, error: () => Error = () => new Error('the store is gone')): void {
    const first = this.shared.calls + n;
    this.onCall(({ call }) => {
      if (call >= first) throw error();
    });
  }

  /** All names from the root. */
  names(): string[] {
    return [...this.shared.objects.keys()].sort();
  }

  bytesOf(name: string): Buffer {
    const stored = this.shared.objects.get(this.root + name);
    if (stored === undefined) throw new Error(`no ${name}`);
    return Buffer.from(stored.bytes);
  }

  set(name: string, bytes: Uint8Array): void {
    this.shared.objects.set(this.root + name, { bytes: Buffer.from(bytes), modifiedMs: this.shared.nowMs });
  }

  remove(name: string): void {
    this.shared.objects.delete(this.root + name);
  }

  /** A store with the same objects, which goes its own way. */
  copy(): MemoryStore {
    const shared = new Shared();
    for (const [name, stored] of this.shared.objects) shared.objects.set(name, stored);
    shared.nowMs = this.shared.nowMs;
    return new MemoryStore(shared, this.root);
  }

  async put(
    name: string,
    source: AsyncIterable<Uint8Array>,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<{ sizeBytes: number }> {
    await this.call('put', name);
    const parts: Buffer[] = [];
    for await (const chunk of source) {
      signal?.throwIfAborted();
      parts.push(Buffer.from(chunk));
    }
    signal?.throwIfAborted();
    const bytes = Buffer.concat(parts);
    this.set(name, bytes);
    return { sizeBytes: bytes.length };
  }

  async *get(
    name: string,
    { offset = 0, signal }: { readonly offset?: number; readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<Uint8Array> {
    await this.call('get', name);
    const { bytes } = this.stored(name);
    // Odd pieces: nothing may depend on how a store cuts an object.
    for (let at = offset; at < bytes.length; at += 70_001) {
      signal?.throwIfAborted();
      yield Buffer.from(bytes.subarray(at, at + 70_001));
    }
  }

  async read(name: string, maxBytes: number): Promise<Uint8Array> {
    await this.call('read', name);
    const { bytes } = this.stored(name);
    if (bytes.length > maxBytes) throw new DbError('PAYLOAD_TOO_LARGE', `${name} is too large`);
    return Buffer.from(bytes);
  }

  async stat(name: string): Promise<ObjectFacts | undefined> {
    await this.call('stat', name);
    const stored = this.shared.objects.get(this.root + name);
    return stored && { sizeBytes: stored.bytes.length, modifiedMs: stored.modifiedMs };
  }

  async *list(prefix: string): AsyncGenerator<ListedObject> {
    await this.call('list', prefix);
    const from = this.root + prefix;
    for (const name of this.names()) {
      if (!name.startsWith(from)) continue;
      const stored = this.shared.objects.get(name);
      if (stored === undefined) continue;
      yield {
        name: name.slice(this.root.length),
        sizeBytes: stored.bytes.length,
        modifiedMs: stored.modifiedMs,
      };
    }
  }

  async folders(prefix: string): Promise<string[]> {
    await this.call('folders', prefix);
    const from = this.root + prefix;
    const inside = this.names()
      .filter((name) => name.startsWith(from))
      .map((name) => name.slice(from.length).split('/'));
    return [...new Set(inside.filter((parts) => parts.length > 1).map(([first]) => first))].sort();
  }

  async delete(name: string): Promise<void> {
    await this.call('delete', name);
    this.remove(name);
  }

  async sweepUnfinished(): Promise<number> {
    return 0;
  }

  below(folder: string): MemoryStore {
    return new MemoryStore(this.shared, `${this.root}${folder}/`);
  }

  async close(): Promise<void> {}

  private stored(name: string): Stored {
    const stored = this.shared.objects.get(this.root + name);
    if (stored === undefined) throw new DbError('NOT_FOUND', `there is no ${name} in ${this.url}`);
    return stored;
  }

  private async call(operation: StoreOperation, name: string): Promise<void> {
    await this.shared.onCall({ operation, name: this.root + name, call: ++this.shared.calls });
  }
}
