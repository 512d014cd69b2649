/**
 * The index builds of one shard, one after the other, behind the writes of clients: a slice at a time between groups, none
 * while writes are slowed down, and a pause when a memtable or level 0 is full. A build is done when its entries are in
 * tables: what replay has to bring back is then never older than the index. Shard thread only.
 */
import type { Clock } from '../base/clock.js';
import { DbError, type DbErrorCode, toWireError } from '../base/errors.js';
import { IndexBuild, type IndexBuildOptions } from '../engine/index-build.js';
import type { ShardEngine } from '../engine/shard-engine.js';
import type { JobOutcome } from '../engine/store-scheduler.js';

/** Refusals that end by themselves. */
const MAY_END_SOON: ReadonlySet<DbErrorCode> = new Set(['MEMTABLES_FULL', 'L0_STOP']);
/** Above this pressure (0 to 1) clients are slowed down noticeably: the build waits. */
const PRESSURE_MAX = 0.3;
const PAUSE_MS = 20;

export interface BuildIndexRequest {
  /** Names the build. */
  readonly task: string;
  readonly id: number;
  readonly collectionId: number;
}

export interface BuiltIndex {
  readonly documents: number;
}

export interface IndexBuildState {
  readonly task: string;
  readonly documents: number;
}

export interface ShardIndexBuilderOptions extends Omit<IndexBuildOptions, 'write' | 'nowMs'> {
  readonly engine: ShardEngine;
  readonly monotonic: Clock;
  /** How close the shard is to a stop, 0 to 1. */
  readonly pressure: () => number;
  /** Every operation up to this one is in tables. */
  readonly flushedSeqno: () => number;
  readonly poisonedBy: () => DbError | undefined;
}

interface Build {
  readonly task: string;
  readonly work: IndexBuild;
  readonly done: (outcome: JobOutcome<BuiltIndex>) => void;
  /** Its last operation, once all are written. */
  lastSeqno: number | undefined;
}

export class ShardIndexBuilder {
  private builds: Build[] = [];
  private notBeforeMs = 0;

  constructor(private readonly options: ShardIndexBuilderOptions) {}

  build(request: BuildIndexRequest): Promise<JobOutcome<BuiltIndex>> {
    const { engine, monotonic } = this.options;
    const work = new IndexBuild(
      {
        ...this.options,
        nowMs: () => monotonic.monotonicMs(),
        write: (batch) => engine.writeNow(batch),
      },
      request,
    );
    return new Promise((done) => {
      this.builds.push({ task: request.task, work, done, lastSeqno: undefined });
    });
  }

  /** Nothing more is written for it. */
  cancel(task: string): void {
    const error = new DbError('CONFLICT', 'the build was cancelled');
    for (const build of this.builds.filter((each) => each.task === task)) this.fail(build, error);
  }

  states(): IndexBuildState[] {
    return this.builds.map(({ task, work }) => ({ task, documents: work.documents }));
  }

  /** Does a slice, if there is anything to do now. True when there is more. */
  slice(): boolean {
    const build = this.builds.find(({ lastSeqno }) => lastSeqno === undefined);
    if (build === undefined) return false;
    const { engine, monotonic, pressure } = this.options;
    const nowMs = monotonic.monotonicMs();
    if (nowMs < this.notBeforeMs) return false;
    if (pressure() > PRESSURE_MAX) {
      this.notBeforeMs = nowMs + PAUSE_MS;
      return false;
    }
    try {
      if (!build.work.slice()) return true;
      build.lastSeqno = engine.appliedSeqno;
      this.refresh();
    } catch (error) {
      if (!(error instanceof DbError)) throw error;
      if (MAY_END_SOON.has(error.code)) this.notBeforeMs = nowMs + PAUSE_MS;
      else this.fail(build, error);
    }
    return this.builds.some(({ lastSeqno }) => lastSeqno === undefined);
  }

  /** Ends builds whose entries have come into tables. Call now and then. */
  refresh(): void {
    const { engine, flushedSeqno, poisonedBy } = this.options;
    for (const build of [...this.builds]) {
      const { lastSeqno, work, done } = build;
      if (lastSeqno === undefined) continue;
      const poison = poisonedBy();
      if (poison !== undefined) this.fail(build, poison);
      else if (flushedSeqno() >= lastSeqno) {
        this.builds = this.builds.filter((other) => other !== build);
        done({ result: { documents: work.documents } });
      } else if (engine.frozenSeqno < lastSeqno) engine.freeze();
    }
  }

  /** What is not finished is not going to be. */
  close(): void {
    const error = new DbError('DRAINING', 'the server is shutting down');
    for (const build of [...this.builds]) this.fail(build, error);
  }

  private fail(build: Build, error: DbError): void {
    this.builds = this.builds.filter((other) => other !== build);
    build.done({ error: toWireError(error) });
  }
}
