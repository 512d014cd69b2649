/**
 * Live documents and their bytes per collection of one shard. Kept while applying batches. Shard thread only.
 *
 * Dropped collections are not counted. Writes to them still come: those that were under way, those in the log, and what
 * the expiry sweeper deletes. With their figures gone these would count from 0 downwards.
 */
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
  private dropped: ReadonlySet<number> = new Set();

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
    for (const { collection, documents, bytes } of figures) {
      if (!this.dropped.has(collection)) this.counts.set(collection, { documents, bytes });
    }
  }

  /** Tells which collections are dropped: all of them, each time. Their figures are forgotten, now and later. */
  setDropped(collections: Iterable<number>): void {
    this.dropped = new Set(collections);
    for (const collection of collections) this.counts.delete(collection);
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
      if (!this.dropped.has(collection)) this.counts.set(collection, count);
    }
    return count;
  }
}
