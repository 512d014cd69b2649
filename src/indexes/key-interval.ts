/**
 * The interval of keys in which the entries of a condition lie: values of the leading columns, then a range of the next one.
 * A range has values of one kind only, as SQL compares them: `x > 5` are the larger numbers, not the booleans behind them.
 * Where an interval cannot be exact (values that were cut short) it is larger, never smaller. Pure.
 */
import { KeyEncoder, nullTag } from './key-encoding.js';
import { COLUMN_BYTES_MAX, TAG_TEXT } from './key-format.js';
import type { ColumnOrder, IndexValue } from './value.js';

/** [lower, upper); undefined: open. */
export interface IndexInterval {
  readonly lower?: Uint8Array;
  readonly upper?: Uint8Array;
}

export interface IndexBound {
  readonly value: IndexValue;
  readonly inclusive: boolean;
}

export interface IndexCondition {
  /** Of the first columns. */
  readonly equals: readonly IndexValue[];
  /** Of the column behind them. */
  readonly lower?: IndexBound;
  readonly upper?: IndexBound;
  readonly isNull?: boolean;
  /** The whole column but NULL. */
  readonly isNotNull?: boolean;
  /** Texts that begin with this. */
  readonly prefix?: string;
}

/** Bytes that encodings of a column begin with, not inverted, and whether those that begin so are inside. */
interface Edge {
  readonly bytes: Uint8Array;
  readonly isInside: boolean;
}

/** Undefined when no entry can satisfy the condition: NULL is equal to nothing, bounds cross or are of different kinds. */
export function indexInterval(
  columns: readonly ColumnOrder[],
  condition: IndexCondition,
): IndexInterval | undefined {
  const { equals } = condition;
  const encoder = new KeyEncoder();
  for (let i = 0; i < equals.length; i++) {
    if (equals[i] === null) return undefined;
    encoder.addValue(equals[i], columns[i]);
  }
  const prefix = encoder.finish();
  const column = columns[equals.length];
  if (column === undefined || !hasRange(condition)) return withPrefix(prefix);
  const edges = columnEdges(condition, column);
  if (edges === undefined) return undefined;
  const { first, last } = column.descending
    ? { first: inverted(edges.last), last: inverted(edges.first) }
    : edges;
  const start = concat(prefix, first.bytes);
  const end = concat(prefix, last.bytes);
  const lower = first.isInside ? start : successor(start);
  const upper = last.isInside ? successor(end) : end;
  if (lower === undefined || (upper !== undefined && Buffer.compare(lower, upper) >= 0)) return undefined;
  return { lower, ...(upper === undefined ? {} : { upper }) };
}

/** All keys that begin with these bytes. */
function withPrefix(prefix: Uint8Array): IndexInterval {
  if (prefix.length === 0) return {};
  const upper = successor(prefix);
  return { lower: prefix, ...(upper === undefined ? {} : { upper }) };
}

const hasRange = ({ lower, upper, isNull, isNotNull, prefix }: IndexCondition): boolean =>
  lower !== undefined || upper !== undefined || isNull === true || isNotNull === true || prefix !== undefined;

function columnEdges(
  condition: IndexCondition,
  column: ColumnOrder,
): { readonly first: Edge; readonly last: Edge } | undefined {
  const { lower, upper, prefix } = condition;
  const nulls = nullTag(column);
  if (condition.isNull === true) return same(Uint8Array.of(nulls));
  const first: Edge[] = [];
  const last: Edge[] = [];
  if (condition.isNotNull === true) {
    // NULL is at one end of the bytes; no value has a tag beyond it.
    first.push({ bytes: Uint8Array.of(nulls < TAG_TEXT ? nulls : 0), isInside: nulls >= TAG_TEXT });
    last.push({ bytes: Uint8Array.of(nulls < TAG_TEXT ? 0xfe : nulls), isInside: nulls < TAG_TEXT });
  }
  if (prefix !== undefined) {
    const edge: Edge = { bytes: new KeyEncoder().putTextPrefix(prefix).finish(), isInside: true };
    first.push(edge);
    last.push(edge);
  }
  for (const bound of [lower, upper]) {
    if (bound === undefined) continue;
    if (bound.value === null) return undefined;
    const kind: Edge = { bytes: kindOf(bound.value), isInside: true };
    first.push(kind);
    last.push(kind);
  }
  if (lower !== undefined) first.push(edgeAt(lower));
  if (upper !== undefined) last.push(edgeAt(upper));
  return { first: innermost(first, 1), last: innermost(last, -1) };
}

/** A value that was cut shares its bytes with values on both sides of it: they stay inside. */
function edgeAt({ value, inclusive }: IndexBound): Edge {
  const bytes = encoded(value);
  return { bytes, isInside: inclusive || bytes.length >= COLUMN_BYTES_MAX };
}

/** The edge that leaves least; `direction` 1: of the first ones, -1: of the last ones. */
function innermost(edges: readonly Edge[], direction: 1 | -1): Edge {
  return edges.reduce((best, edge) => (compareEdges(edge, best, direction) * direction > 0 ? edge : best));
}

/** By where the interval begins (1) or ends (-1). */
function compareEdges(a: Edge, b: Edge, direction: 1 | -1): number {
  const position = (edge: Edge): Uint8Array | undefined =>
    edge.isInside === (direction === 1) ? edge.bytes : successor(edge.bytes);
  const left = position(a);
  const right = position(b);
  if (left === undefined || right === undefined) return left === right ? 0 : left === undefined ? 1 : -1;
  return Buffer.compare(left, right);
}

const ASCENDING: ColumnOrder = { descending: false, nullsFirst: false };

function encoded(value: IndexValue): Uint8Array {
  return new KeyEncoder().addValue(value, ASCENDING).finish();
}

/** What the encodings of all values begin with that compare with this one. */
function kindOf(value: IndexValue): Uint8Array {
  return encoded(value).slice(0, 1);
}

function same(bytes: Uint8Array): { readonly first: Edge; readonly last: Edge } {
  const edge: Edge = { bytes, isInside: true };
  return { first: edge, last: edge };
}

/** Inverting turns the order around: what began the interval ends it. */
function inverted({ bytes, isInside }: Edge): Edge {
  return { bytes: bytes.map((byte) => byte ^ 0xff), isInside };
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}

/** The first bytes behind everything that begins with these; undefined when there are none. */
export function successor(bytes: Uint8Array): Uint8Array | undefined {
  let length = bytes.length;
  while (length > 0 && bytes[length - 1] === 0xff) length--;
  if (length === 0) return undefined;
  const next = bytes.slice(0, length);
  next[length - 1]++;
  return next;
}
