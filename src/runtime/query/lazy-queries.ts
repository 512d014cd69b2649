/**
 * A front's SQL, loaded with the first statement. Binder, planner, functions and executor are some 400 modules and half a second
 * of processor time, which a start, and whoever asks no SQL, need not wait for. Front thread only.
 */
import { toWireError } from '../../base/errors.js';
import type { QueryRequest } from '../../front/query/request.js';
import type { QueryRun, QueryRunner, QuerySink } from '../../front/query/runner.js';
import { NO_STATISTICS, type StatisticsSnapshot } from '../../sql/plan/statistics-snapshot.js';
import type { FrontQueries, FrontQueriesOptions } from './front-queries.js';

export class LazyQueries implements QueryRunner {
  private loaded: FrontQueries | undefined;
  private loading: Promise<FrontQueries> | undefined;
  private statistics: StatisticsSnapshot = NO_STATISTICS;

  constructor(private readonly options: FrontQueriesOptions) {}

  run(request: QueryRequest, sink: QuerySink): QueryRun {
    if (this.loaded !== undefined) return this.loaded.service.run(request, sink);
    let isGone = false;
    let run: QueryRun | undefined;
    this.load().then(
      ({ service }) => {
        run = service.run(request, sink);
        if (isGone) run.clientGone();
      },
      (error: unknown) => sink.failed(toWireError(error)),
    );
    return {
      clientGone: () => {
        isGone = true;
        run?.clientGone();
      },
    };
  }

  setStatistics(statistics: StatisticsSnapshot): void {
    this.statistics = statistics;
    this.loaded?.setStatistics(statistics);
  }

  /** Users, keys or roles have changed. */
  reviewSessions(): void {
    this.loaded?.service.reviewSessions();
  }

  close(): void {
    this.loaded?.close();
  }

  private load(): Promise<FrontQueries> {
    this.loading ??= this.import().catch((error: unknown) => {
      // The next statement tries again.
      this.loading = undefined;
      throw error;
    });
    return this.loading;
  }

  private async import(): Promise<FrontQueries> {
    const { FrontQueries } = await import('./front-queries.js');
    const queries = await FrontQueries.load(this.options);
    queries.setStatistics(this.statistics);
    this.loaded = queries;
    return queries;
  }
}
