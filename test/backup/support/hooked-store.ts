/** A store whose calls are told of before they are made; what the hook throws, the call throws. */
import type { ListedObject, ObjectFacts, ObjectStore } from '../../../src/backup/store/object-store.js';

export type StoreOperation = 'put' | 'get' | 'read' | 'stat' | 'list' | 'folders' | 'delete';

export interface StoreCall {
  readonly operation: StoreOperation;
  /** From the root. */
  readonly name: string;
  /** 1 for the first call of all. */
  readonly call: number;
}

export type StoreHook = (call: StoreCall) => void | Promise<void>;

interface Shared {
  calls: number;
  hook: StoreHook;
}

export class HookedStore implements ObjectStore {
  constructor(
    private readonly inner: ObjectStore,
    hook: StoreHook = () => {},
    private readonly shared: Shared = { calls: 0, hook },
    private readonly base = '',
  ) {}

  get url(): string {
    return this.inner.url;
  }
  get calls(): number {
    return this.shared.calls;
  }
  set hook(hook: StoreHook) {
    this.shared.hook = hook;
  }

  async put(...args: Parameters<ObjectStore['put']>): ReturnType<ObjectStore['put']> {
    await this.call('put', args[0]);
    return this.inner.put(...args);
  }
  async *get(...args: Parameters<ObjectStore['get']>): AsyncGenerator<Uint8Array> {
    await this.call('get', args[0]);
    yield* this.inner.get(...args);
  }
  async read(name: string, maxBytes: number): Promise<Uint8Array> {
    await this.call('read', name);
    return this.inner.read(name, maxBytes);
  }
  async stat(name: string): Promise<ObjectFacts | undefined> {
    await this.call('stat', name);
    return this.inner.stat(name);
  }
  async *list(prefix: string): AsyncGenerator<ListedObject> {
    await this.call('list', prefix);
    yield* this.inner.list(prefix);
  }
  async folders(prefix: string): Promise<string[]> {
    await this.call('folders', prefix);
    return this.inner.folders(prefix);
  }
  async delete(name: string): Promise<void> {
    await this.call('delete', name);
    await this.inner.delete(name);
  }
  sweepUnfinished(beganBeforeMs: number): Promise<number> {
    return this.inner.sweepUnfinished(beganBeforeMs);
  }
  below(folder: string): HookedStore {
    return new HookedStore(this.inner.below(folder), () => {}, this.shared, `${this.base}${folder}/`);
  }
  close(): Promise<void> {
    return this.inner.close();
  }

  private async call(operation: StoreOperation, name: string): Promise<void> {
    await this.shared.hook({ operation, name: this.base + name, call: ++this.shared.calls });
  }
}
