/**
 * A DocumentSource that stops a statement which turns out to read more than a front may: estimates are not promises, and nothing
 * interrupts the front meanwhile. Front thread only.
 */
import type {
  DocumentPlace,
  DocumentSource,
  ScanCounters,
  ScanPartition,
  Visit,
} from '../../sql/execute/source.js';

/** Thrown out of an execution that has read too much. Nothing of it has been answered. */
export class ReadsTooMuch extends Error {}

export class BoundedSource implements DocumentSource {
  private readsLeft: number;

  /** `readsMax`: documents and entries of indexes together. */
  constructor(
    private readonly inner: DocumentSource,
    readsMax: number,
  ) {
    this.readsLeft = readsMax;
  }

  get shards(): number {
    return this.inner.shards;
  }

  scan(
    collectionId: number,
    partition: ScanPartition,
    backward: boolean,
    visit: Visit,
    counters?: ScanCounters[],
  ): void {
    const counted: Visit = (place, key, offset, length) => {
      this.spend();
      return visit(place, key, offset, length);
    };
    this.inner.scan(collectionId, partition, backward, counted, counters);
  }

  get(collectionId: number, id: string, counters?: ScanCounters[]): DocumentPlace | undefined {
    this.spend();
    return this.inner.get(collectionId, id, counters);
  }

  getByKey(
    collectionId: number,
    key: Uint8Array,
    keyOffset: number,
    keyLength: number,
    counters?: ScanCounters[],
  ): DocumentPlace | undefined {
    this.spend();
    return this.inner.getByKey(collectionId, key, keyOffset, keyLength, counters);
  }

  partitions(collectionId: number, count: number): readonly ScanPartition[] {
    return this.inner.partitions(collectionId, count);
  }

  private spend(): void {
    if (this.readsLeft-- <= 0) throw new ReadsTooMuch('a statement reads more than a front may');
  }
}
