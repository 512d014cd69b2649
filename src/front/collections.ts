/**
 * The front's copy of the catalog: names to numbers and defaults. The main thread owns the catalog and tells all fronts of a change
 * before it answers whoever asked for it; nothing else changes this copy, so answers and changes cannot overtake
 * each other.
 */
import type { WireError } from '../base/errors.js';
import { TTL_UNSET } from '../base/expiry.js';
import type { CollectionInfo, ControlPlane } from './control-plane.js';
import type { FrontSettings } from './front-context.js';
import { collectionNameFault } from './path.js';

export class CollectionRegistry {
  private readonly ids = new Map<string, number>();
  private readonly infos = new Map<string, CollectionInfo>();
  /** Grows with every change. */
  version = 0;
  /** Default time to live in seconds, by number; only of collections that have one. */
  private readonly ttls = new Map<number, number>();
  /** Numbers of those whose documents are checked. */
  readonly checked = new Set<number>();
  /** Creations under way, so that a burst of writes to a new collection asks once. */
  private readonly creating = new Map<string, Promise<number | WireError>>();

  constructor(
    private readonly control: ControlPlane,
    private readonly settings: Pick<FrontSettings, 'autoCreateCollections'>,
  ) {}

  /** Number of a collection, or undefined when it does not exist (as far as this front knows). */
  find(name: string): number | undefined {
    return this.ids.get(name);
  }

  /** Default time to live of a collection's documents, in seconds; TTL_UNSET when it has none. */
  ttlSeconds(collection: number): number {
    return this.ttls.size === 0 ? TTL_UNSET : (this.ttls.get(collection) ?? TTL_UNSET);
  }

  /** All that is known of a collection; for what is off the hot path. */
  info(name: string): CollectionInfo | undefined {
    return this.infos.get(name);
  }

  /** The name of the collection that an index belongs to. */
  collectionOfIndex(index: string): string | undefined {
    for (const { name, indexes } of this.infos.values())
      if (indexes.some((definition) => definition.name === index)) return name;
    return undefined;
  }

  names(): string[] {
    return [...this.infos.keys()];
  }

  put(collection: CollectionInfo): void {
    const { id, name, ttlSeconds, schema } = collection;
    this.version++;
    this.infos.set(name, collection);
    this.ids.set(name, id);
    if (schema === undefined) this.checked.delete(id);
    else this.checked.add(id);
    if (ttlSeconds === TTL_UNSET) this.ttls.delete(id);
    else this.ttls.set(id, ttlSeconds);
  }

  remove(collection: CollectionInfo): void {
    this.version++;
    if (this.ids.get(collection.name) === collection.id) {
      this.ids.delete(collection.name);
      this.infos.delete(collection.name);
    }
    this.ttls.delete(collection.id);
    this.checked.delete(collection.id);
  }

  /** Number of a collection that is about to be written: creates it if need be and allowed. */
  ensure(name: string): Promise<number | WireError> {
    const fault = collectionNameFault(name);
    if (fault !== undefined) return Promise.resolve(fault);
    if (!this.settings.autoCreateCollections) {
      const message = `collection ${JSON.stringify(name)} does not exist, and server.auto_create_collections is off`;
      return Promise.resolve({ code: 'NOT_FOUND', message });
    }
    const pending = this.creating.get(name) ?? this.create(name);
    this.creating.set(name, pending);
    return pending;
  }

  private async create(name: string): Promise<number | WireError> {
    try {
      const result = await this.control.createCollection(name, false, TTL_UNSET);
      return result.error ?? result.ok.id;
    } catch (error) {
      return { code: 'INTERNAL', message: `creating collection ${name} failed: ${String(error)}` };
    } finally {
      this.creating.delete(name);
    }
  }
}
