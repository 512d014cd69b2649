/**
 * A member's side of a gather: takes parts until there are none, runs them, and sends their rows to the leader in batches, a
 * few ahead of it at most. Runs on a query thread that would be idle otherwise, and leaves after a part when a statement waits.
 */
import type { MessagePort } from 'node:worker_threads';
import { toWireError } from '../../base/errors.js';
import type { CancelView, ExecutionResult } from '../../sql/execute/environment.js';
import type { Emit } from '../../sql/execute/operator.js';
import { RowEncoder } from '../../sql/execute/row-codec.js';
import type { ScanPartition } from '../../sql/execute/source.js';
import { Ticker } from '../../sql/execute/ticker.js';
import type { NodeCounters } from '../../sql/explain/counters.js';
import type { FragmentMessage } from './fragment-messages.js';
import type { FragmentTeam } from './fragment-team.js';
import { explainedError } from './plan-task.js';

/** Of rows in one message: a message costs some 10 µs whatever is in it. */
const BATCH_BYTES = 64 * 1024;
/** Batches on their way to the leader. */
const BATCHES_AHEAD_MAX = 4;
const WAIT_MS = 20;

export interface FragmentMemberOptions {
  readonly team: FragmentTeam;
  readonly member: number;
  readonly port: Pick<MessagePort, 'postMessage'>;
  readonly partitions: readonly ScanPartition[];
  /** The statement's own. */
  readonly cancel: CancelView;
  /** Called once it has joined; what it gives runs one part. */
  prepare(): MemberRun;
}

export interface MemberRun {
  runPart(partition: ScanPartition, cancel: CancelView, emit: Emit): ExecutionResult;
  /** What was counted, for EXPLAIN ANALYZE. */
  readonly nodes?: readonly (NodeCounters | undefined)[];
  close(): void;
}

/** The leader has all it wants: not an error. */
class Stopped extends Error {}

export class FragmentMember {
  private readonly encoder = new RowEncoder();
  private batchesSent = 0;
  private readonly cancel: CancelView;
  private readonly ticker: Ticker;

  constructor(private readonly options: FragmentMemberOptions) {
    this.cancel = {
      isCancelled: () => {
        if (options.team.isStopped) throw new Stopped();
        return options.cancel.isCancelled();
      },
    };
    this.ticker = new Ticker(this.cancel);
  }

  /** Never throws: the leader is told. */
  run(): void {
    const { team, member } = this.options;
    if (!team.join(member)) return;
    try {
      this.runParts();
    } catch (error) {
      if (!(error instanceof Stopped))
        this.post({ kind: 'failed', error: toWireError(explainedError(error)) });
    } finally {
      team.leave(member);
    }
  }

  private runParts(): void {
    const { team, partitions, prepare } = this.options;
    const run = prepare();
    let rowsScanned = 0;
    try {
      while (!team.isStopped && !team.mustYield) {
        const part = team.takePart(partitions.length);
        if (part === undefined) break;
        const done = run.runPart(partitions[part], this.cancel, (row) => {
          this.encoder.addRow(row);
          if (this.encoder.length >= BATCH_BYTES) this.sendBatch(part);
          return true;
        });
        rowsScanned += done.rowsScanned;
        // A batch is of one part: the leader merges sorted parts.
        if (this.encoder.length > 0) this.sendBatch(part);
      }
    } finally {
      run.close();
    }
    this.post({ kind: 'end', rowsScanned, ...(run.nodes && { nodes: run.nodes }) });
  }

  private sendBatch(part: number): void {
    const { team, member } = this.options;
    for (;;) {
      this.ticker.look();
      const taken = team.taken(member);
      if (this.batchesSent - taken < BATCHES_AHEAD_MAX) break;
      team.waitForTaken(member, taken, WAIT_MS);
    }
    const bytes = this.encoder.finish();
    this.encoder.reset();
    this.batchesSent++;
    this.post({ kind: 'rows', part, bytes }, [bytes.buffer as ArrayBuffer]);
  }

  private post(message: FragmentMessage, transfer: ArrayBuffer[] = []): void {
    this.options.port.postMessage(message, transfer);
    this.options.team.arrive();
  }
}
