/**
 * Where the frame of each row of a partition begins and ends: ROWS counts rows, GROUPS counts groups of peers, RANGE adds to
 * the value of the one ORDER BY key. Places are in the sorted partition; a frame is [start, end). Pure.
 */
import type { FrameBound, WindowFrame } from '../algebra/expression.js';
import { DATATYPE_MISMATCH, sqlError } from '../errors.js';
import type { FramePiece } from '../functions/definition.js';
import { SqlDate, SqlTime, type SqlValue, Timestamp } from '../types/values.js';
import { compareKey, type KeyOrder } from './row-order.js';

const MICROS_PER_DAY = 86_400_000_000;

/** Peers are rows that ORDER BY does not tell apart; without ORDER BY all rows are. */
export interface Partition {
  readonly rows: number;
  /** Of each row, the number of its group of peers, from 0. */
  readonly groupOf: Int32Array;
  /** Where each group begins, and the number of rows at the end. */
  readonly groupStart: readonly number[];
  /** Values of the first ORDER BY key; undefined without one. */
  readonly keys: readonly SqlValue[] | undefined;
  readonly order: KeyOrder | undefined;
}

export interface FrameEdges {
  start: number;
  end: number;
}

export function frameOf(partition: Partition, frame: WindowFrame, row: number, edges: FrameEdges): void {
  const start = edgeOf(partition, frame, frame.start, row, true);
  const end = edgeOf(partition, frame, frame.end, row, false);
  edges.start = Math.min(Math.max(start, 0), partition.rows);
  edges.end = Math.max(Math.min(end, partition.rows), edges.start);
}

/** What EXCLUDE leaves of the frame of a row. */
export function piecesOf(
  { groupOf, groupStart }: Partition,
  { exclude }: WindowFrame,
  row: number,
  { start, end }: FrameEdges,
): FramePiece[] {
  const pieces: FramePiece[] = [];
  const keep = (from: number, to: number): void => {
    const piece = { start: Math.max(start, from), end: Math.min(end, to) };
    if (piece.start < piece.end) pieces.push(piece);
  };
  if (exclude === 'none') {
    keep(start, end);
    return pieces;
  }
  const group = groupOf[row];
  const isOne = exclude === 'current';
  keep(start, isOne ? row : groupStart[group]);
  if (exclude === 'ties') keep(row, row + 1);
  keep(isOne ? row + 1 : groupStart[group + 1], end);
  return pieces;
}

function edgeOf(
  partition: Partition,
  { mode }: WindowFrame,
  bound: FrameBound,
  row: number,
  isStart: boolean,
): number {
  if (bound.kind === 'unboundedPreceding') return 0;
  if (bound.kind === 'unboundedFollowing') return partition.rows;
  const { groupOf, groupStart } = partition;
  const offset = offsetOf(bound);
  if (mode === 'rows') return row + offset + (isStart ? 0 : 1);
  if (mode === 'groups' || bound.kind === 'currentRow') {
    const group = groupOf[row] + offset + (isStart ? 0 : 1);
    return groupStart[Math.min(Math.max(group, 0), groupStart.length - 1)];
  }
  return rangeEdge(partition, row, offset, isStart);
}

function offsetOf(bound: FrameBound): number {
  if (bound.kind === 'preceding') return -bound.offset;
  return bound.kind === 'following' ? bound.offset : 0;
}

/** The first row at or behind key + offset in the direction of the order, or the first behind it. */
function rangeEdge(
  { keys, order, rows, groupOf, groupStart }: Partition,
  row: number,
  offset: number,
  isStart: boolean,
): number {
  if (keys === undefined || order === undefined) return isStart ? 0 : rows;
  const key = keys[row];
  // A NULL is in the range of NULLs only.
  if (key === null) return groupStart[groupOf[row] + (isStart ? 0 : 1)];
  const target = shifted(key, order.descending ? -offset : offset);
  let low = 0;
  let high = rows;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const compared = compareKey(keys[middle], target, order);
    if (compared < 0 || (compared === 0 && !isStart)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Offsets of times are in microseconds. */
function shifted(key: SqlValue, offset: number): SqlValue {
  if (typeof key === 'number') return key + offset;
  if (typeof key === 'bigint') {
    const sum = Number.isInteger(offset) ? key + BigInt(offset) : Number(key) + offset;
    return sum;
  }
  if (key instanceof Timestamp) return new Timestamp(key.micros + offset, key.hasZone);
  if (key instanceof SqlTime) return new SqlTime(key.micros + offset);
  if (key instanceof SqlDate) return new Timestamp(key.days * MICROS_PER_DAY + offset, false);
  throw sqlError(DATATYPE_MISMATCH, 'RANGE with offset needs an ORDER BY key that is a number or a time');
}
