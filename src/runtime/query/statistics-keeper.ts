/**
 * The planner's statistics: how many documents each collection has, how large they are, and, from a sample, what values their
 * members have. Counts are refreshed every few seconds; a collection is sampled again when it has changed by a fifth. Tells the
 * fronts. Main thread only.
 */
import type { CollectionStatistics, StatisticsSnapshot } from '../../sql/plan/statistics-snapshot.js';
import { NO_STATISTICS } from '../../sql/plan/statistics-snapshot.js';
import type { RepeatingTimer } from '../repeating-timer.js';
import type { QueryPool } from './query-pool.js';

const REFRESH_INTERVAL_MS = 5000;
/** A smaller collection is read in no time whatever the plan. */
const SAMPLED_DOCUMENTS_MIN = 1000;
const CHANGE_MIN = 0.2;

export interface CollectionFigures {
  readonly id: number;
  readonly documents: number;
  readonly bytes: number;
}

export interface StatisticsKeeperOptions {
  readonly pool: Pick<QueryPool, 'analyze' | 'isBusy'>;
  /** Collections and indexes alike, by number. */
  readonly figures: () => Promise<readonly CollectionFigures[]>;
  readonly collectionIds: () => ReadonlySet<number>;
  readonly publish: (statistics: StatisticsSnapshot) => Promise<void>;
  readonly timer: RepeatingTimer;
  readonly warn: (message: string) => void;
}

interface Sampled {
  readonly documents: number;
  readonly fields: CollectionStatistics['fields'];
}

export class StatisticsKeeper {
  private readonly sampled = new Map<number, Sampled>();
  private published: StatisticsSnapshot = NO_STATISTICS;
  private publishedText = '';
  private isRefreshing = false;
  private stopTimer: (() => void) | undefined;

  constructor(private readonly options: StatisticsKeeperOptions) {}

  get snapshot(): StatisticsSnapshot {
    return this.published;
  }

  start(): void {
    const refresh = (): void => {
      this.refresh().catch((error: unknown) => this.options.warn(`no new statistics: ${String(error)}`));
    };
    this.stopTimer ??= this.options.timer(REFRESH_INTERVAL_MS, refresh);
  }

  close(): void {
    this.stopTimer?.();
    this.stopTimer = undefined;
  }

  /** Brings everything up to date, samples included. */
  async refresh(): Promise<void> {
    if (this.isRefreshing) return;
    this.isRefreshing = true;
    try {
      const figures = await this.options.figures();
      await this.publish(figures);
      for (const each of figures) {
        if (!this.needsSample(each)) continue;
        // Statements of clients go first.
        if (this.options.pool.isBusy) break;
        await this.sample(each);
      }
      await this.publish(figures);
    } finally {
      this.isRefreshing = false;
    }
  }

  private needsSample({ id, documents }: CollectionFigures): boolean {
    if (documents < SAMPLED_DOCUMENTS_MIN || !this.options.collectionIds().has(id)) return false;
    const before = this.sampled.get(id)?.documents ?? 0;
    return Math.abs(documents - before) > CHANGE_MIN * before;
  }

  private async sample({ id, documents }: CollectionFigures): Promise<void> {
    let fields: Sampled['fields'] = this.sampled.get(id)?.fields ?? {};
    try {
      fields = (await this.options.pool.analyze({ collectionId: id, documents })) as Sampled['fields'];
    } catch (error) {
      // Tried again when it has changed as much once more: others must get their turn.
      this.options.warn(`no new statistics of collection ${id}: ${String(error)}`);
    }
    this.sampled.set(id, { documents, fields });
  }

  private async publish(figures: readonly CollectionFigures[]): Promise<void> {
    const collections = this.options.collectionIds();
    for (const id of this.sampled.keys()) if (!collections.has(id)) this.sampled.delete(id);
    const snapshot: StatisticsSnapshot = {
      collections: figures
        .filter(({ id }) => collections.has(id))
        .map(({ id, documents, bytes }) => ({
          collectionId: id,
          documents,
          bytes,
          fields: this.sampled.get(id)?.fields ?? {},
        })),
      indexes: figures
        .filter(({ id }) => !collections.has(id))
        .map(({ id, documents, bytes }) => ({ indexId: id, entries: documents, bytes })),
    };
    // Fronts forget their plans with every new picture: an idle server does not send any.
    const text = JSON.stringify(snapshot);
    if (text === this.publishedText) return;
    this.publishedText = text;
    this.published = snapshot;
    await this.options.publish(snapshot);
  }
}
