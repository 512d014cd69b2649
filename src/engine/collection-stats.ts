/** Live documents and their bytes per collection of one shard. Kept while applying batches. Shard thread only. */
export interface CollectionCount {
  documents: number;
  /** Bytes of the live documents' JSON text. */
  bytes: number;
}

export class CollectionStats {
  private readonly counts = new Map<number, CollectionCount>();
  private lastId = 0;
  private lastCount: CollectionCount = { documents: 0, bytes: 0 };

  /** Adds to a collection's figures; either may be negative. */
  add(collection: number, documents: number, bytes: number): void {
    if (collection !== this.lastId) {
      this.lastCount = this.ensure(collection);
      this.lastId = collection;
    }
    this.lastCount.documents += documents;
    this.lastCount.bytes += bytes;
  }

  snapshot(): Array<{ collection: number; documents: number; bytes: number }> {
    return [...this.counts].map(([collection, count]) => ({ collection, ...count }));
  }

  private ensure(collection: number): CollectionCount {
    let count = this.counts.get(collection);
    if (count === undefined) {
      count = { documents: 0, bytes: 0 };
      this.counts.set(collection, count);
    }
    return count;
  }
}
