/** A front's part in running SQL, put together: its catalog, compiled statements, and the way to documents. Front thread only. */
import { randomUUID } from 'node:crypto';
import { systemClock } from '../../base/clock.js';
import { KEY_BYTES_MAX } from '../../base/limits.js';
import { createPrng } from '../../base/prng.js';
import type { ShardReader } from '../../engine/shard-reader.js';
import { DocumentBody } from '../../front/document-body.js';
import type { FrontContext } from '../../front/front-context.js';
import { FrontCatalog } from '../../front/query/catalog.js';
import { QueryRecorder } from '../../front/query/recorder.js';
import { QueryService } from '../../front/query/service.js';
import { ShortQueries } from '../../front/query/short-queries.js';
import { StatementCache } from '../../front/query/statement-cache.js';
import { IndexUsage } from '../../shm/index-usage.js';
import { FRONT_QUERY_RECORDS_DROPPED } from '../../shm/stats-format.js';
import { loadParser } from '../../sql/parse/parse.js';
import { SnapshotStatistics, type StatisticsSnapshot } from '../../sql/plan/statistics-snapshot.js';
import { SnapshotSource } from './snapshot-source.js';

export interface FrontQueriesOptions {
  readonly context: FrontContext;
  /** By shard; changes as shards come and go. */
  readonly readers: ReadonlyArray<ShardReader | undefined>;
  /** Largest answer of a statement. */
  readonly resultBytesMax: number;
  readonly indexUsage: SharedArrayBuffer;
  readonly front: number;
}

/** Fronts count no blocks: EXPLAIN ANALYZE runs on a query thread. */
const NO_COUNTS = { hits: 0, misses: 0 };

export class FrontQueries {
  private readonly catalog: FrontCatalog;
  readonly service: QueryService;
  private readonly recorder: QueryRecorder;

  /** With the parser that compiling needs. */
  static async load(options: FrontQueriesOptions): Promise<FrontQueries> {
    await loadParser();
    return new FrontQueries(options);
  }

  private constructor({ context, readers, resultBytesMax, indexUsage, front }: FrontQueriesOptions) {
    const { collections, control, clock } = context;
    const usage = new IndexUsage(indexUsage);
    const random = createPrng(front * 104_729 + Math.floor(systemClock.wallMs())).nextFloat;
    this.catalog = new FrontCatalog(collections, context.settings);
    this.recorder = new QueryRecorder(
      (records) => control.recordQueries(records),
      (count) => {
        context.meter.cells[FRONT_QUERY_RECORDS_DROPPED] += count;
      },
    );
    const short = new ShortQueries({
      context,
      open: (seqno, detached) =>
        new SnapshotSource({
          readers,
          seqno,
          nowSeconds: clock.nowSeconds(),
          fillCache: true,
          detached,
          blocks: NO_COUNTS,
        }),
      evaluation: (startedAtMs) => ({
        nowMicros: startedAtMs * 1000,
        clockMicros: () => systemClock.wallMs() * 1000,
        random,
        uuid: () => randomUUID(),
      }),
      noteIndexUse: (index) => usage.note(index, systemClock.wallMs()),
      resultBytesMax,
    });
    this.service = new QueryService({
      context,
      documentBody: new DocumentBody(KEY_BYTES_MAX),
      catalog: this.catalog,
      statements: new StatementCache(this.catalog),
      short,
      recorder: this.recorder,
      wallMs: systemClock.wallMs,
    });
  }

  /** What the planner goes by from now on. */
  setStatistics(statistics: StatisticsSnapshot): void {
    this.catalog.statistics = new SnapshotStatistics(statistics);
  }

  close(): void {
    this.recorder.flush();
  }
}
