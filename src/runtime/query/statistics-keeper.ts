/**
 * The planner's statistics: how many documents each collection has, how large they are, and, from a sample, what values their
 * members have. Counts are refreshed every few seconds; a collection is sampled again when it has changed by a fifth. Tells the
 * fronts. Main thread only.
 */
import type { CollectionStatistics, StatisticsSnapshot } from '../../sql/plan/statistics-snapshot.js';
import { NO_STATISTICS } from '../../sql/plan/statistics-snapshot.js';
import type { RepeatingTimer } from '../repeating-timer.js';
import type { QueryPool } from './query-pool.js';
import { shareStatistics } from './shared-statistics.js';

const REFRESH_INTERVAL_MS = 5000;
/** A smaller collection is read in no time whatever the plan. */
const SAMPLED_DOCUMENTS_MIN = 1000;
const CHANGE_MIN = 0.2;
/** So often samples are put off because statements run. One takes a thread some tens of milliseconds. */
const PUT_OFFS_MAX = 1;

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
  /** Another sample of the same collection has another number. */
  readonly number: number;
  readonly documents: number;
  readonly fields: CollectionStatistics['fields'];
}

export class StatisticsKeeper {
  private readonly sampled = new Map<number, Sampled>();
  /** What fronts and threads have, as far as plans depend on it. */
  private publishedOutline = '';
  /** The same for query threads. */
  shared = shareStatistics(0, NO_STATISTICS);
  /** Refreshes in a row that took no samples, because statements were running. */
  private putOffs = 0;
  private isRefreshing = false;
  private nextSample = 1;
  private stopTimer: (() => void) | undefined;

  constructor(private readonly options: StatisticsKeeperOptions) {}

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
      const due = figures.filter((each) => this.needsSample(each));
      if (due.length > 0 && !this.isPutOff()) for (const each of due) await this.sample(each);
      await this.publish(figures);
    } finally {
      this.isRefreshing = false;
    }
  }

  /** Statements of clients go first, but not for ever: the worse their plans are, the busier the threads. */
  private isPutOff(): boolean {
    const isPutOff = this.options.pool.isBusy && this.putOffs < PUT_OFFS_MAX;
    this.putOffs = isPutOff ? this.putOffs + 1 : 0;
    return isPutOff;
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
    this.sampled.set(id, { number: this.nextSample++, documents, fields });
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
    // Fronts forget their plans with every new picture: neither an idle server nor one that grows slowly sends many.
    const outline = outlineOf(snapshot, (id) => this.sampled.get(id)?.number ?? 0);
    if (outline === this.publishedOutline) return;
    this.publishedOutline = outline;
    this.shared = shareStatistics(this.shared.version + 1, snapshot);
    await this.options.publish(snapshot);
  }
}

/** Growth by less than this changes no plan for the better. */
const ROUGHLY = Math.log(1.1);
const roughly = (count: number): number => Math.round(Math.log(count + 1) / ROUGHLY);

function outlineOf(
  { collections, indexes }: StatisticsSnapshot,
  sampleNumber: (id: number) => number,
): string {
  const tables = collections.map(
    ({ collectionId: id, documents, bytes }) =>
      `${id}:${roughly(documents)}:${roughly(bytes)}:${sampleNumber(id)}`,
  );
  const entries = indexes.map(
    ({ indexId, entries, bytes }) => `${indexId}:${roughly(entries)}:${roughly(bytes)}`,
  );
  return `${tables.join()};${entries.join()}`;
}
