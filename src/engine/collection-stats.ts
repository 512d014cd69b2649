/** Live documents and their bytes per collection of one shard. Kept while applying batches. Shard thread only. */
export interface CollectionCount {
  documents: number;
  /** Bytes of the live documents' JSON text. */
  bytes: number;
}

export interface CollectionFigure extends CollectionCount {
  readonly collection: number;
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

  /** Starts from figures that were written down; replay goes on from there. */
  restore(figures: readonly CollectionFigure[]): void {
    for (const { collection, documents, bytes } of figures) this.counts.set(collection, { documents, bytes });
  }

  /** Forgets dropped collections, so that their figures are not kept for ever. */
  forget(isDropped: (collection: number) => boolean): void {
    for (const collection of this.counts.keys()) if (isDropped(collection)) this.counts.delete(collection);
    this.lastId = 0;
  }

  /** Bytes of the live documents of a collection. */
  bytesOf(collection: number): number {
    return this.counts.get(collection)?.bytes ?? 0;
  }

  snapshot(): CollectionFigure[] {
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
