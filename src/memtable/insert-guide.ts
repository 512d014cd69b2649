/**
 * Shows the writer where in the skiplist a new node belongs: a CollectionOrder for each collection of the memtable that
 * is being written. The skiplist is what counts; this is a copy of its order in private memory, made again from it
 * whenever another memtable is written. Shard thread only.
 */
import { CollectionOrder } from './collection-order.js';
import type { MemtableReader } from './reader.js';

/** Each costs about 1 KiB at least. Collections beyond are searched in the skiplist. */
const GUIDED_COLLECTIONS_MAX = 256;

export class InsertGuide {
  private readonly orders = new Map<number, CollectionOrder>();
  /** The memtable whose nodes are in `orders`. */
  private memtable: MemtableReader | undefined;
  private last: CollectionOrder | undefined;
  private lastCollection = -1;

  /** The order of a collection's nodes in `memtable`; undefined when there is none for it. */
  orderOf(collection: number, memtable: MemtableReader): CollectionOrder | undefined {
    if (memtable !== this.memtable) this.attach(memtable);
    if (collection !== this.lastCollection) {
      this.last = this.orders.get(collection) ?? this.create(collection);
      this.lastCollection = collection;
    }
    return this.last;
  }

  /** The memtable is being cleared. */
  forget(memtable: MemtableReader): void {
    if (memtable === this.memtable) this.memtable = undefined;
  }

  private attach(memtable: MemtableReader): void {
    for (const [collection, order] of this.orders) {
      // Not written since the last time: its memory goes.
      if (order.size === 0) this.orders.delete(collection);
      else order.clear();
    }
    this.lastCollection = -1;
    this.last = undefined;
    this.memtable = memtable;
    for (let node = memtable.nextNode(0, 0); node !== 0; node = memtable.nextNode(node, 0)) {
      const order = this.orderOf(memtable.nodeCollection(node), memtable);
      order?.search(memtable, memtable.bytes, memtable.keyOffset(node), memtable.keyLength(node));
      order?.insert(node, memtable.nodeHeight(node));
    }
  }

  private create(collection: number): CollectionOrder | undefined {
    if (this.orders.size >= GUIDED_COLLECTIONS_MAX) return undefined;
    const order = new CollectionOrder();
    this.orders.set(collection, order);
    return order;
  }
}
