/**
 * When the expired documents of a shard are removed: every few seconds, and when an operator asks for a collection. The
 * removal itself is engine/expiry-sweeper.ts. Shard thread only; a slice at a time, between groups.
 */
import type { Clock } from '../base/clock.js';
import { DbError, type DbErrorCode, toWireError } from '../base/errors.js';
import { ExpirySweeper, type ExpirySweeperOptions } from '../engine/expiry-sweeper.js';
import type { ShardEngine } from '../engine/shard-engine.js';
import type { JobOutcome } from '../engine/store-scheduler.js';

/** Refusals that end by themselves: what is left is tried again. */
const MAY_END_SOON: ReadonlySet<DbErrorCode> = new Set(['MEMTABLES_FULL', 'L0_STOP']);
const RETRY_MS = 200;
/** An operator's sweep gives up after about a minute in which it got nowhere. */
const RETRIES_MAX = 300;

export interface ShardSweeperOptions extends Omit<ExpirySweeperOptions, 'write' | 'clock' | 'nowMs'> {
  readonly engine: ShardEngine;
  readonly clock: Clock;
  readonly databaseClock: ExpirySweeperOptions['clock'];
  readonly intervalMs: number;
  /** Documents removed since the shard was opened. */
  readonly onRemoved: (total: number) => void;
  readonly onFailed: (error: DbError) => void;
}

export interface SweepResult {
  readonly documents: number;
  /** Bytes of their text. */
  readonly bytes: number;
}

/** One collection, because somebody asked. */
interface AskedSweep {
  readonly collection: number;
  /** Whether read-only mode applies. */
  readonly isGated: boolean;
  readonly done: (outcome: JobOutcome<SweepResult>) => void;
  documents: number;
  bytes: number;
  /** Why some were not removed in the pass under way. */
  error: DbError | undefined;
  retries: number;
  notBeforeMs: number;
}

export class ShardSweeper {
  private readonly sweeper: ExpirySweeper;
  private readonly asked: AskedSweep[] = [];
  /** The one whose pass is under way; undefined in a pass over everything. */
  private current: AskedSweep | undefined;
  private dueMs = 0;

  constructor(private readonly options: ShardSweeperOptions) {
    const { engine, databaseClock } = options;
    this.sweeper = new ExpirySweeper({
      ...options,
      clock: databaseClock,
      nowMs: () => options.clock.monotonicMs(),
      write: (batch) => {
        const { current } = this;
        if (current === undefined) return engine.writeNow(batch);
        const before = engine.stats.bytesOf(current.collection);
        const documents = engine.writeNow(batch, current.isGated);
        current.documents += documents;
        current.bytes += before - engine.stats.bytesOf(current.collection);
        return documents;
      },
      isIndex: (collection) => engine.isIndex(collection),
    });
  }

  /** Removes the expired documents of a collection, without waiting for the next pass over everything. */
  sweep(collection: number, isGated: boolean): Promise<JobOutcome<SweepResult>> {
    return new Promise((done) => {
      const counts = { documents: 0, bytes: 0, error: undefined, retries: 0, notBeforeMs: 0 };
      this.asked.push({ collection, isGated, done, ...counts });
      this.start();
    });
  }

  /** Does a slice, if there is anything to do. True when there is more. */
  slice(): boolean {
    const { sweeper, current } = this;
    if (!sweeper.isActive) return false;
    try {
      sweeper.slice();
    } catch (error) {
      if (!(error instanceof DbError)) throw error;
      if (current !== undefined) current.error ??= error;
      // Read-only is no news: the documents are removed when it is over.
      else if (error.code !== 'READ_ONLY') this.options.onFailed(error);
    }
    this.options.onRemoved(sweeper.removed);
    if (sweeper.isActive) return true;
    this.endPass();
    this.start();
    return sweeper.isActive;
  }

  /** Begins the pass that is due, if none is under way. Call now and then. */
  start(): void {
    const { sweeper, options } = this;
    while (!sweeper.isActive) {
      const nowMs = options.clock.monotonicMs();
      const next = this.asked.find(({ notBeforeMs }) => notBeforeMs <= nowMs);
      if (next === undefined && nowMs < this.dueMs) return;
      this.current = next;
      if (next === undefined) this.dueMs = nowMs + options.intervalMs;
      sweeper.start(next?.collection);
      // Nothing has expired: the pass is over before its first slice.
      if (!sweeper.isActive) this.endPass();
    }
  }

  private endPass(): void {
    const { current, options } = this;
    this.current = undefined;
    if (current === undefined) return;
    const { error, documents, bytes } = current;
    if (error !== undefined && MAY_END_SOON.has(error.code) && current.retries++ < RETRIES_MAX) {
      current.error = undefined;
      current.notBeforeMs = options.clock.monotonicMs() + RETRY_MS;
      return;
    }
    this.asked.splice(this.asked.indexOf(current), 1);
    current.done(error === undefined ? { result: { documents, bytes } } : { error: toWireError(error) });
  }
}
