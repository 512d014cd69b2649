/** Statistics as plain data that travels between threads, and the view of them that the planner takes. Pure. */
import type { FieldStatistics, StatisticsView, TableStatistics } from '../catalog-view.js';

export interface CollectionStatistics extends TableStatistics {
  readonly collectionId: number;
  /** By the path of the member, its parts joined by a zero byte. */
  readonly fields: Readonly<Record<string, FieldStatistics>>;
}

export interface StatisticsSnapshot {
  readonly collections: readonly CollectionStatistics[];
  readonly indexes: readonly { readonly indexId: number; readonly entries: number; readonly bytes: number }[];
}

export const NO_STATISTICS: StatisticsSnapshot = { collections: [], indexes: [] };

export const fieldKey = (path: readonly string[]): string => path.join('\0');

export class SnapshotStatistics implements StatisticsView {
  private readonly collections: ReadonlyMap<number, CollectionStatistics>;
  private readonly indexes: ReadonlyMap<number, { readonly entries: number; readonly bytes: number }>;

  constructor(snapshot: StatisticsSnapshot) {
    this.collections = new Map(snapshot.collections.map((each) => [each.collectionId, each]));
    this.indexes = new Map(snapshot.indexes.map((each) => [each.indexId, each]));
  }

  table(collectionId: number): TableStatistics | undefined {
    return this.collections.get(collectionId);
  }

  field(collectionId: number, path: readonly string[]): FieldStatistics | undefined {
    const fields = this.collections.get(collectionId)?.fields;
    const key = fieldKey(path);
    // Members may be called `constructor` or `__proto__`.
    return fields !== undefined && Object.hasOwn(fields, key) ? fields[key] : undefined;
  }

  index(indexId: number): { readonly entries: number; readonly bytes: number } | undefined {
    return this.indexes.get(indexId);
  }
}
