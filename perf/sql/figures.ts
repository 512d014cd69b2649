/** What a run gives: figures of each comparison on each peer, round by round, and of writers beside a query. */
import type { PacedReport } from '../paced-sender.js';
import type { ComparisonName } from './comparisons.js';
import type { PeerName } from './peer.js';
import type { PointReport } from './point-load.js';

/** Latencies of one client that asks again and again. */
export interface AnalyticFigures {
  readonly medianMs: number;
  readonly minMs: number;
  /** CPU of all threads and processes of the server, per execution. */
  readonly cpuMs: number;
}

export type SqlFigures = PointReport | AnalyticFigures;

export type SqlRound = Partial<Record<ComparisonName, Partial<Record<PeerName, SqlFigures>>>>;

export function isPoint(figures: SqlFigures): figures is PointReport {
  return 'opsPerSecond' in figures;
}

/** The query that runs beside writers, and how it fares. */
export interface QueryLoop {
  readonly executions: number;
  readonly medianMs: number;
}

export interface InterferenceFigures {
  readonly query: ComparisonName;
  /** The query without writers: cores that the server uses for it. */
  readonly queryCores: number;
  readonly queryAlone: QueryLoop;
  /** As many PUTs as the clients can make, alone and beside the query. */
  readonly putsAlone: PointReport;
  readonly putsBeside: PointReport;
  readonly queryBesidePuts: QueryLoop;
  /** PUTs at a fixed rate. */
  readonly streamAlone: PacedReport;
  readonly streamBeside: PacedReport;
  readonly queryBesideStream: QueryLoop;
}
