/** What a load generator is told, what it reports, and what both transports share. */
import type { CoresUsed } from '../cores-used.js';
import type { LatencyBook, LatencyByOperation } from './latency-book.js';
import type { BodyMaker } from './records.js';
import type { RequestSource } from './request-source.js';
import type { WorkloadName } from './workloads.js';

export const TRANSPORTS = ['http', 'ws'] as const;
export type Transport = (typeof TRANSPORTS)[number];

export interface YcsbLoad {
  readonly transport: Transport;
  readonly workload: WorkloadName;
  readonly port: number;
  readonly serverPid: number;
  /** Records 0 to this − 1 are there. */
  readonly records: number;
  readonly connections: number;
  /** WebSocket: operations of a frame, and frames under way per connection. */
  readonly frameOperations: number;
  readonly window: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
  readonly seed: number;
}

export interface YcsbReport extends CoresUsed {
  readonly opsPerSecond: number;
  /** Of an operation over HTTP; over WebSocket of the frame that an operation was in. */
  readonly latency: LatencyByOperation;
  /** Answers of 503. The operation was tried again until it succeeded, and its latency went on. */
  readonly refused: number;
  /** Records that are there afterwards. */
  readonly records: number;
}

/** What a driver works with. It goes on until `book.toMs`, then lets end what is under way. */
export interface LoadContext {
  readonly load: YcsbLoad;
  readonly source: RequestSource;
  readonly bodies: BodyMaker;
  readonly book: LatencyBook;
  refused: number;
  /** To be called when all connections are open: the clock of the warm-up starts. */
  readonly begin: () => void;
}

/** One answer of so many is looked into; of all of them status and size are checked. */
export const CHECK_EVERY = 64;
