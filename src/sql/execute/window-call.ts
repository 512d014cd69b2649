/**
 * One call over a window, computed for all rows of a partition. Aggregates over frames that only grow are accumulated as they
 * do; a frame that stays the same is computed once; only frames that move are added up anew for each row.
 */
import type { WindowFrame } from '../algebra/expression.js';
import type { WindowCall } from '../algebra/physical.js';
import type { AggregateDefinition, WindowAccess } from '../functions/definition.js';
import { windowById } from '../functions/registry.js';
import { isArray } from '../types/text.js';
import { shallowBytes, valueBytes } from '../types/value-bytes.js';
import type { Row, SqlValue } from '../types/values.js';
import { aggregateDefinition } from './accumulators.js';
import { compileEvaluators, compilePredicate } from './expressions.js';
import type { MemoryAccount } from './memory-budget.js';
import type { Compilation, Evaluator, Predicate } from './operator.js';
import { type FrameEdges, frameOf, type Partition, piecesOf } from './window-frame.js';

/** Gives the value of each row of a partition, and charges what the values hold. */
export type WindowColumn = (
  partition: Partition,
  rows: readonly Row[],
  account: MemoryAccount,
  put: (row: number, value: SqlValue) => void,
) => void;

export function compileWindowCall(call: WindowCall, compilation: Compilation): WindowColumn {
  const args = compileEvaluators(call.args, compilation);
  const accepts = call.filter === undefined ? undefined : compilePredicate(call.filter, compilation);
  if (!call.isAggregate) return functionColumn(call, args);
  const definition = aggregateDefinition(call.function);
  const aggregate: FrameAggregate = {
    definition,
    args,
    accepts,
    argsAreKept: argsAreKept(call),
    compilation,
  };
  const { frame } = call;
  if (frame.exclude !== 'none') return movingColumn(aggregate, frame);
  if (frame.start.kind === 'unboundedPreceding') return growingColumn(aggregate, frame);
  if (frame.end.kind === 'unboundedFollowing' && definition.mergeable)
    return shrinkingColumn(aggregate, frame);
  return movingColumn(aggregate, frame);
}

/** Whether the rows hold the arguments' values, or the statement does: evaluating them makes nothing new. */
const argsAreKept = ({ args }: WindowCall): boolean =>
  args.every(({ kind }) => kind === 'slot' || kind === 'outer' || kind === 'const' || kind === 'param');

function functionColumn(call: WindowCall, args: readonly Evaluator[]): WindowColumn {
  const definition = windowById(call.function);
  if (definition === undefined) throw new Error(`the plan calls ${call.function}, which does not exist`);
  // Those with arguments give one of them, or a small integer.
  const isNew = args.length === 0 || !argsAreKept(call);
  return (partition, rows, account, put) => {
    const edges: FrameEdges = { start: 0, end: 0 };
    const argsOf = (row: number): readonly SqlValue[] => args.map((arg) => arg(rows[row]));
    for (let row = 0; row < partition.rows; row++) {
      frameOf(partition, call.frame, row, edges);
      const group = partition.groupOf[row];
      const access: WindowAccess = {
        rows: partition.rows,
        current: row,
        peerStart: partition.groupStart[group],
        peerEnd: partition.groupStart[group + 1],
        frame: piecesOf(partition, call.frame, row, edges),
        peerGroup: group,
      };
      const value = definition.evaluate(access, argsOf);
      if (isNew) account.charge(valueBytes(value));
      put(row, value);
    }
  };
}

interface FrameAggregate {
  readonly definition: AggregateDefinition;
  readonly args: readonly Evaluator[];
  readonly accepts: Predicate | undefined;
  readonly argsAreKept: boolean;
  readonly compilation: Compilation;
}

/** The state of an aggregate over a frame, and the last value that it gave. All that they hold is charged. */
class FrameState {
  private state: unknown;
  private stateBytes = 0;
  private value: SqlValue = null;
  /** Whether `value` is that of the state. */
  private isCurrent = false;
  private gaveArrays = false;

  constructor(
    private readonly aggregate: FrameAggregate,
    private readonly account: MemoryAccount,
  ) {
    this.state = aggregate.definition.initial();
  }

  add(row: Row): void {
    const { definition, args, accepts, compilation } = this.aggregate;
    compilation.ticker.tick();
    if (accepts?.(row) === false) return;
    const values = args.map((arg) => arg(row));
    if (definition.skipsNull && values.length > 0 && values[0] === null) return;
    this.state = definition.accumulate(this.state, values);
    this.isCurrent = false;
    if (definition.sizeBytes === undefined) return;
    const bytes = definition.sizeBytes(this.state);
    this.account.charge(bytes - this.stateBytes);
    this.stateBytes = bytes;
  }

  finish(): SqlValue {
    if (this.isCurrent) return this.value;
    const value = this.aggregate.definition.finish(this.state);
    this.isCurrent = true;
    // An equal text is dropped for the one that is there.
    if (value === this.value) return this.value;
    // Elements are charged with the state, or the rows hold them.
    this.account.charge(shallowBytes(value));
    if (isArray(value)) this.gaveArrays = true;
    this.value = value;
    return value;
  }

  /** Back to the state without rows. */
  reset(): void {
    // Elements that only the state was charged for live on in the arrays.
    const livesOn = this.gaveArrays && !this.aggregate.argsAreKept;
    if (!livesOn) this.account.release(this.stateBytes);
    this.state = this.aggregate.definition.initial();
    this.stateBytes = 0;
    this.isCurrent = false;
    this.gaveArrays = false;
  }
}

/** Frames that begin at the start of the partition: their ends only move forward. */
function growingColumn(aggregate: FrameAggregate, frame: WindowFrame): WindowColumn {
  return (partition, rows, account, put) => {
    const edges: FrameEdges = { start: 0, end: 0 };
    const state = new FrameState(aggregate, account);
    let reached = 0;
    for (let row = 0; row < partition.rows; row++) {
      frameOf(partition, frame, row, edges);
      for (; reached < edges.end; reached++) state.add(rows[reached]);
      put(row, state.finish());
    }
    state.reset();
  };
}

/** Frames that end at the end of the partition, from the last row backward; only for aggregates that know no order. */
function shrinkingColumn(aggregate: FrameAggregate, frame: WindowFrame): WindowColumn {
  return (partition, rows, account, put) => {
    const edges: FrameEdges = { start: 0, end: 0 };
    const state = new FrameState(aggregate, account);
    let reached = partition.rows;
    for (let row = partition.rows - 1; row >= 0; row--) {
      frameOf(partition, frame, row, edges);
      while (reached > edges.start) state.add(rows[--reached]);
      put(row, state.finish());
    }
    state.reset();
  };
}

function movingColumn(aggregate: FrameAggregate, frame: WindowFrame): WindowColumn {
  return (partition, rows, account, put) => {
    const edges: FrameEdges = { start: 0, end: 0 };
    const state = new FrameState(aggregate, account);
    for (let row = 0; row < partition.rows; row++) {
      frameOf(partition, frame, row, edges);
      for (const { start, end } of piecesOf(partition, frame, row, edges)) {
        for (let at = start; at < end; at++) state.add(rows[at]);
      }
      put(row, state.finish());
      state.reset();
    }
  };
}
