/** A shard engine over an array log, its answers, and its visible state as plain data. */
import type { ExecutionContext } from 'ava';
import { asSeqno } from '../../src/base/brand.js';
import { ManualClock } from '../../src/base/clock.js';
import type { DbError, WireError } from '../../src/base/errors.js';
import { readUint64 } from '../../src/batch/columns.js';
import { WriteBatchView } from '../../src/batch/write-batch-view.js';
import type { WriteOutcome } from '../../src/batch/write-reply.js';
import {
  type BatchAnswer,
  type EngineMeter,
  localSeqnoSource,
  ShardEngine,
  type StageResult,
} from '../../src/engine/shard-engine.js';
import { Durability } from '../../src/generated/lumadb/schema/durability.js';
import type { WriteStatus } from '../../src/generated/lumadb/schema/write-status.js';
import { ArrayLog } from './array-log.js';
import { type BatchOptions, batchOf, type Operation } from './batches.js';
import { scanDocuments, type TestPool, testPool } from './memtables.js';
import { textOf } from './text.js';

export interface Answer {
  readonly batchId: number;
  readonly firstSeqno: number;
  readonly durability: Durability;
  readonly statuses: readonly WriteStatus[];
  readonly seqnos: readonly number[];
  readonly error?: WireError;
}

/** Collects answers. The engine reuses its outcome, so everything is copied. */
export class AnswerBook implements BatchAnswer {
  readonly all: Answer[] = [];
  /** Called with each answer at the moment it is given. */
  onAnswer: ((answer: Answer) => void) | undefined;

  replyOutcome(batchId: number, firstSeqno: number, durability: Durability, outcome: WriteOutcome): void {
    const statuses = Array.from(outcome.statuses.subarray(0, outcome.count));
    const seqnos = statuses.map((_, i) =>
      outcome.hasSeqs ? readUint64(outcome.seqs.words, i) : firstSeqno + i,
    );
    this.note({ batchId, firstSeqno, durability, statuses, seqnos });
  }

  replyError(batchId: number, error: WireError): void {
    this.note({
      batchId,
      firstSeqno: 0,
      durability: Durability.Unspecified,
      statuses: [],
      seqnos: [],
      error,
    });
  }

  of(batchId: number): Answer | undefined {
    return this.all.find((answer) => answer.batchId === batchId);
  }

  get ids(): number[] {
    return this.all.map(({ batchId }) => batchId);
  }

  private note(answer: Answer): void {
    this.all.push(answer);
    this.onAnswer?.(answer);
  }
}

export class CountingMeter implements EngineMeter {
  commits = 0;
  batches = 0;
  operations = 0;
  logBytes = 0;
  syncs = 0;
  readonly poisons: DbError[] = [];
  onCommit(batches: number, operations: number, logBytes: number): void {
    this.commits++;
    this.batches += batches;
    this.operations += operations;
    this.logBytes += logBytes;
  }
  onSyncBegins(): void {}

  onSync(): void {
    this.syncs++;
  }
  onPoisoned(error: DbError): void {
    this.poisons.push(error);
  }
}

export interface EngineOptions {
  readonly slots?: number;
  readonly arenaBytes?: number;
  readonly seed?: number;
  readonly defaultDurability?: Durability;
}

export const GROUP_INTERVAL_MS = 10;

export class TestEngine {
  readonly log = new ArrayLog();
  readonly clock = new ManualClock();
  readonly meter = new CountingMeter();
  readonly answers = new AnswerBook();
  readonly memtables: TestPool;
  readonly engine: ShardEngine;
  /** Batches that were staged. Each must be answered exactly once. */
  readonly stagedIds: number[] = [];
  /** Staged operations that carried an id, in order. */
  readonly operationsWithIds: Operation[] = [];
  private nextBatchId = 1;

  constructor(options: EngineOptions = {}) {
    const { slots = 4, arenaBytes = 1024 * 1024, seed = 1, defaultDurability = Durability.Always } = options;
    this.memtables = testPool(slots, arenaBytes, seed);
    this.engine = new ShardEngine({
      shard: 2,
      memtables: this.memtables.pool,
      log: this.log,
      seqnos: localSeqnoSource(),
      clock: this.clock,
      meter: this.meter,
      defaultDurability,
      groupIntervalMs: GROUP_INTERVAL_MS,
    });
  }

  stage(operations: readonly Operation[], options: BatchOptions = {}): { id: number; result: StageResult } {
    const id = this.nextBatchId++;
    const result = this.engine.stage(batchOf(operations, { ...options, batchId: id }), this.answers);
    if (result === 'staged') {
      this.stagedIds.push(id);
      this.operationsWithIds.push(...operations.filter((each) => each.operationId !== undefined));
    }
    return { id, result };
  }

  /** Stages and commits one batch, and returns its answer, or the error that refused it. */
  write(operations: readonly Operation[], options: BatchOptions = {}): Answer | DbError | undefined {
    let staged = this.stage(operations, options);
    if (staged.result === 'commit-first') {
      this.engine.commit();
      staged = this.stage(operations, options);
    }
    if (typeof staged.result !== 'string') return staged.result;
    this.engine.commit();
    return this.answers.of(staged.id);
  }

  /** Statuses of a batch that is written alone. */
  statusesOf(operations: readonly Operation[], options: BatchOptions = {}): readonly WriteStatus[] {
    const answer = this.write(operations, options);
    if (answer === undefined || !('statuses' in answer)) throw new Error(`not answered: ${String(answer)}`);
    return answer.statuses;
  }

  /** Applies durable records, as recovery does. */
  replay(from: ArrayLog): void {
    const view = new WriteBatchView();
    for (const record of from.records())
      this.engine.replay(view.open(record.payload), asSeqno(record.firstSeqno));
  }

  /** The newest version of a key, expired or not. */
  get(key: string, collection = 1): string | undefined {
    return this.documents(collection).find((each) => each.key === key)?.text;
  }

  documents(collection = 1): Array<{ key: string; seqno: number; expiresAt: number; text: string }> {
    return scanDocuments(this.memtables.reader, collection).map(({ key, seqno, expiresAt, value }) => ({
      key: textOf(key),
      seqno,
      expiresAt,
      text: textOf(value),
    }));
  }

  /** All that readers and `/status` can see. */
  visibleState(collections: readonly number[]) {
    return {
      documents: collections.map((collection) => this.documents(collection)),
      stats: this.engine.stats
        .snapshot()
        .filter(({ documents, bytes }) => documents !== 0 || bytes !== 0)
        .sort((a, b) => a.collection - b.collection),
      visible: this.memtables.reader.visibleSeqno(),
      applied: this.engine.appliedSeqno,
    };
  }
}

/** Every staged batch has been answered, none twice, and nothing else was answered. */
export function everyBatchAnsweredOnce(t: ExecutionContext, made: TestEngine): void {
  const inOrder = (ids: readonly number[]): number[] => [...ids].sort((a, b) => a - b);
  t.deepEqual(inOrder(made.answers.ids), inOrder(made.stagedIds));
}
