/**
 * One call over a window, computed for all rows of a partition. Aggregates over frames that only grow are accumulated as they
 * do; a frame that stays the same is computed once; only frames that move are added up anew for each row.
 */
import type { WindowFrame } from '../algebra/expression.js';
import type { WindowCall } from '../algebra/physical.js';
import type { AggregateDefinition, WindowAccess } from '../functions/definition.js';
import { windowById } from '../functions/registry.js';
import type { Row, SqlValue } from '../types/values.js';
import { aggregateDefinition } from './accumulators.js';
import { compileEvaluators, compilePredicate } from './expressions.js';
import type { Compilation, Evaluator, Predicate } from './operator.js';
import { type FrameEdges, frameOf, type Partition } from './window-frame.js';

/** Gives the value of each row of a partition. */
export type WindowColumn = (
  partition: Partition,
  rows: readonly Row[],
  put: (row: number, value: SqlValue) => void,
) => void;

export function compileWindowCall(call: WindowCall, compilation: Compilation): WindowColumn {
  const args = compileEvaluators(call.args, compilation);
  const accepts = call.filter === undefined ? undefined : compilePredicate(call.filter, compilation);
  if (!call.isAggregate) return functionColumn(call, args);
  const definition = aggregateDefinition(call.function);
  const aggregate: FrameAggregate = { definition, args, accepts, compilation };
  const { frame } = call;
  if (frame.exclude !== 'none') return movingColumn(aggregate, frame);
  if (frame.start.kind === 'unboundedPreceding') return growingColumn(aggregate, frame);
  if (frame.end.kind === 'unboundedFollowing' && definition.mergeable)
    return shrinkingColumn(aggregate, frame);
  return movingColumn(aggregate, frame);
}

function functionColumn(call: WindowCall, args: readonly Evaluator[]): WindowColumn {
  const definition = windowById(call.function);
  if (definition === undefined) throw new Error(`the plan calls ${call.function}, which does not exist`);
  return (partition, rows, put) => {
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
        frameStart: edges.start,
        frameEnd: edges.end,
        peerGroup: group,
      };
      put(row, definition.evaluate(access, argsOf));
    }
  };
}

interface FrameAggregate {
  readonly definition: AggregateDefinition;
  readonly args: readonly Evaluator[];
  readonly accepts: Predicate | undefined;
  readonly compilation: Compilation;
}

function addRow(
  { definition, args, accepts, compilation }: FrameAggregate,
  state: unknown,
  row: Row,
): unknown {
  compilation.ticker.tick();
  if (accepts?.(row) === false) return state;
  const values = args.map((arg) => arg(row));
  if (definition.skipsNull && values.length > 0 && values[0] === null) return state;
  return definition.accumulate(state, values);
}

/** Frames that begin at the start of the partition: their ends only move forward. */
function growingColumn(aggregate: FrameAggregate, frame: WindowFrame): WindowColumn {
  const { definition } = aggregate;
  return (partition, rows, put) => {
    const edges: FrameEdges = { start: 0, end: 0 };
    let state = definition.initial();
    let reached = 0;
    let value: SqlValue = null;
    let isFinished = false;
    for (let row = 0; row < partition.rows; row++) {
      frameOf(partition, frame, row, edges);
      for (; reached < edges.end; reached++) {
        state = addRow(aggregate, state, rows[reached]);
        isFinished = false;
      }
      if (!isFinished) value = definition.finish(state);
      isFinished = true;
      put(row, value);
    }
  };
}

/** Frames that end at the end of the partition, from the last row backward; only for aggregates that know no order. */
function shrinkingColumn(aggregate: FrameAggregate, frame: WindowFrame): WindowColumn {
  const { definition } = aggregate;
  return (partition, rows, put) => {
    const edges: FrameEdges = { start: 0, end: 0 };
    let state = definition.initial();
    let reached = partition.rows;
    let value: SqlValue = null;
    let isFinished = false;
    for (let row = partition.rows - 1; row >= 0; row--) {
      frameOf(partition, frame, row, edges);
      while (reached > edges.start) {
        state = addRow(aggregate, state, rows[--reached]);
        isFinished = false;
      }
      if (!isFinished) value = definition.finish(state);
      isFinished = true;
      put(row, value);
    }
  };
}

function movingColumn(aggregate: FrameAggregate, frame: WindowFrame): WindowColumn {
  const { definition } = aggregate;
  return (partition, rows, put) => {
    const edges: FrameEdges = { start: 0, end: 0 };
    for (let row = 0; row < partition.rows; row++) {
      frameOf(partition, frame, row, edges);
      let state = definition.initial();
      for (let at = edges.start; at < edges.end; at++) {
        if (!isExcluded(partition, frame, row, at)) state = addRow(aggregate, state, rows[at]);
      }
      put(row, definition.finish(state));
    }
  };
}

function isExcluded({ groupOf }: Partition, { exclude }: WindowFrame, row: number, at: number): boolean {
  switch (exclude) {
    case 'current':
      return at === row;
    case 'group':
      return groupOf[at] === groupOf[row];
    case 'ties':
      return at !== row && groupOf[at] === groupOf[row];
    default:
      return false;
  }
}
