/**
 * The leader's side of a gather: runs on the query thread that has the statement. It asks for help, takes parts itself like any
 * member, and hands over the rows of the others as they arrive: between its own parts, while it looks for cancellation within
 * one, and at the end until all have left. Help is never waited for, so a pool without a free thread cannot block.
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { DbError, fromWireError } from '../../base/errors.js';
import type { CancelView, ExecutionResult } from '../../sql/execute/environment.js';
import type { Emit } from '../../sql/execute/operator.js';
import { RowDecoder } from '../../sql/execute/row-codec.js';
import type { FragmentRunner, FragmentStatistics, ScanPartition } from '../../sql/execute/source.js';
import { Ticker } from '../../sql/execute/ticker.js';
import { mergeQueryCounters, type QueryCounters } from '../../sql/explain/counters.js';
import type { FragmentMessage, FragmentOrder } from './fragment-messages.js';
import { FragmentTeam, MEMBER_DIED } from './fragment-team.js';

/** How long a wait sleeps before it looks whether the statement has to end. */
const WAIT_MS = 20;
/** Members look at the end every few milliseconds. One that is stuck for longer reads on at a snapshot that nobody holds; its rows go nowhere. */
const LEAVE_WAITS_MAX = 500;

type EmitPart = Parameters<FragmentRunner['run']>[2];

export interface FragmentLeaderOptions {
  /** How many threads may help at most. */
  readonly helpers: number;
  readonly order: Omit<FragmentOrder, 'gatherId' | 'partitions' | 'team'>;
  readonly cancel: CancelView;
  /** Where what members have counted is added. */
  readonly counters?: QueryCounters;
  /** Passes on to the main thread that help is wanted. */
  askForHelp(order: FragmentOrder, ports: readonly MessagePort[]): void;
  /** Runs one part on this thread. */
  runPart(gatherId: number, partition: ScanPartition, cancel: CancelView, emit: Emit): ExecutionResult;
}

export class FragmentLeader implements FragmentRunner {
  constructor(private readonly options: FragmentLeaderOptions) {}

  run(gatherId: number, partitions: readonly ScanPartition[], emit: EmitPart): FragmentStatistics {
    const run = new GatherRun(this.options, gatherId, partitions, emit);
    try {
      run.run();
    } finally {
      run.close();
    }
    return run.statistics;
  }
}

/** Ends the leader's own part when no more rows are wanted. */
class NoMoreRows extends Error {}

class GatherRun {
  private readonly team: FragmentTeam;
  private readonly ports: readonly MessagePort[];
  private readonly ticker: Ticker;
  private rowsScanned = 0;
  private readonly helpers = new Set<number>();
  private goesOn = true;
  private seen = 0;

  constructor(
    private readonly options: FragmentLeaderOptions,
    private readonly gatherId: number,
    private readonly partitions: readonly ScanPartition[],
    private readonly emit: EmitPart,
  ) {
    const members = Math.min(options.helpers, partitions.length - 1);
    this.team = FragmentTeam.create(Math.max(0, members));
    this.ticker = new Ticker(options.cancel);
    const channels = Array.from({ length: this.team.members }, () => new MessageChannel());
    this.ports = channels.map(({ port1 }) => port1);
    const order = { ...options.order, gatherId, partitions, team: this.team.buffer };
    if (channels.length > 0)
      options.askForHelp(
        order,
        channels.map(({ port2 }) => port2),
      );
  }

  get statistics(): FragmentStatistics {
    return { rowsScanned: this.rowsScanned, workers: 1 + this.helpers.size };
  }

  run(): void {
    const { team, partitions } = this;
    for (;;) {
      this.drain();
      const part = this.goesOn ? team.takePart(partitions.length) : undefined;
      if (part === undefined) break;
      this.runOwn(part);
    }
    for (let member = 0; member < team.members; member++) team.withdraw(member);
    while (this.goesOn) {
      const seen = team.arrivals;
      const isLast = !team.hasWorkingMembers();
      // Asked before: a member posts its last rows before it leaves.
      this.drain();
      if (isLast) break;
      team.waitForArrival(seen, WAIT_MS);
      this.ticker.look();
    }
  }

  /** The snapshot is let go after this, so nobody may read any more. */
  close(): void {
    const { team, ports } = this;
    team.stop();
    for (let member = 0; member < team.members; member++) team.withdraw(member);
    for (let waits = 0; team.hasWorkingMembers() && waits < LEAVE_WAITS_MAX; waits++)
      team.waitForArrival(team.arrivals, WAIT_MS);
    for (const port of ports) port.close();
  }

  private runOwn(part: number): void {
    const { options, gatherId, partitions } = this;
    const cancel: CancelView = {
      isCancelled: () => {
        // Between two rows of the part: nothing above the gather is running now.
        this.drain();
        if (!this.goesOn) throw new NoMoreRows();
        return options.cancel.isCancelled();
      },
    };
    try {
      const { rowsScanned } = options.runPart(gatherId, partitions[part], cancel, (row) => {
        this.goesOn = this.goesOn && this.emit(row, part);
        return this.goesOn;
      });
      this.rowsScanned += rowsScanned;
    } catch (error) {
      if (!(error instanceof NoMoreRows)) throw error;
    }
  }

  /** Takes what has arrived; never waits. Throws what a member has failed with. */
  private drain(): void {
    const { team } = this;
    const arrivals = team.arrivals;
    if (arrivals === this.seen) return;
    this.seen = arrivals;
    for (const [member, port] of this.ports.entries()) {
      const hasDied = team.state(member) === MEMBER_DIED;
      while (this.goesOn) {
        const received = receiveMessageOnPort(port);
        if (received === undefined) break;
        this.take(member, received.message as FragmentMessage);
      }
      if (hasDied && this.goesOn)
        throw new DbError('INTERNAL', 'a query thread that ran a part of the statement has ended');
    }
  }

  private take(member: number, message: FragmentMessage): void {
    this.helpers.add(member);
    switch (message.kind) {
      case 'rows': {
        this.team.noteTaken(member);
        const decoder = new RowDecoder(message.bytes);
        for (let row = decoder.next(); row !== undefined && this.goesOn; row = decoder.next())
          this.goesOn = this.emit(row, message.part);
        return;
      }
      case 'end': {
        this.rowsScanned += message.rowsScanned;
        const { counters } = this.options;
        if (message.nodes !== undefined && counters !== undefined)
          mergeQueryCounters(counters, { ...counters, nodes: [...message.nodes] });
        return;
      }
      case 'failed':
        throw fromWireError(message.error);
    }
  }
}
