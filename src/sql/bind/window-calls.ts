/** Calls with OVER. Each becomes a column that the query's window node adds; equal calls share one. */
import type { FuncCall, Node, WindowDef } from '@pgsql/types';
import type { BoundExpression, FrameBound, WindowCallOf, WindowFrame } from '../algebra/expression.js';
import { structureText } from '../algebra/structure-text.js';
import { sqlError } from '../errors.js';
import { resolveAggregate, resolveWindow } from '../functions/registry.js';
import { bodyOf } from '../parse/nodes.js';
import { aggregateCall } from './aggregates.js';
import { coerce, decided } from './coerce.js';
import { type Clause, type StatementContext, WINDOW_ARGUMENT } from './context.js';
import { notSupported, syntaxError } from './errors.js';
import type { Scope } from './scope.js';
import { sortKey } from './sort-key.js';
import { unknownFunction } from './unknown-function.js';

const WINDOWING_ERROR = '42P20';

/** Bits of the parser's frameOptions (PostgreSQL's parsenodes.h). */
const FRAME = {
  range: 0x2,
  rows: 0x4,
  groups: 0x8,
  startUnboundedPreceding: 0x20,
  endUnboundedFollowing: 0x100,
  startCurrentRow: 0x200,
  endCurrentRow: 0x400,
  startPreceding: 0x800,
  endPreceding: 0x1000,
  startFollowing: 0x2000,
  endFollowing: 0x4000,
  excludeCurrent: 0x8000,
  excludeGroup: 0x10000,
  excludeTies: 0x20000,
} as const;

export function bindWindowCall(
  context: StatementContext,
  name: string,
  call: FuncCall,
  scope: Scope,
  clause: Clause,
): BoundExpression {
  const { location } = call;
  if (!clause.windows)
    throw sqlError(WINDOWING_ERROR, `window functions are not allowed in ${clause.name}`, location);
  if (call.agg_distinct) throw notSupported('DISTINCT in a window function', location);
  if (call.agg_within_group) throw notSupported('OVER with WITHIN GROUP', location);
  if (call.agg_order) throw notSupported('ORDER BY in the arguments of a window function', location);
  const bound = windowCall(context, name, call, scope);
  const shape = structureText(bound);
  const known = scope.windows.find((window) => structureText(window.call) === shape);
  const id = known?.id ?? context.columnId();
  if (known === undefined) scope.windows.push({ id, call: bound });
  return context.placed({ kind: 'column', type: bound.type, id, name }, location);
}

function windowCall(
  context: StatementContext,
  name: string,
  call: FuncCall,
  scope: Scope,
): WindowCallOf<BoundExpression> {
  const written = resolveDefinition(call.over ?? {}, scope);
  const bind = (node: Node): BoundExpression => context.expression(node, scope, WINDOW_ARGUMENT);
  const partitionBy = (written.partitionClause ?? []).map((node) => decided(bind(node)));
  const orderBy = (written.orderClause ?? []).map((node) => {
    const by = bodyOf(node, 'SortBy');
    return sortKey(context, by ?? {}, bind(by?.node as Node));
  });
  const frame = frameOf(written, orderBy.length);
  const args = call.agg_star ? [] : (call.args ?? []).map(bind);
  const types = args.map(({ type }) => type);
  const window = resolveWindow(name, types);
  if (window === undefined) {
    if (resolveAggregate(name, types) === undefined) throw unknownFunction(name, types, call.location);
    const made = aggregateCall(context, name, call, scope, WINDOW_ARGUMENT);
    const { function: id, type, filter } = made;
    const whole = { function: id, isAggregate: true, type, args: made.args, partitionBy, orderBy, frame };
    return filter === undefined ? whole : { ...whole, filter };
  }
  if (call.agg_filter) throw notSupported('FILTER on a window function that is no aggregate', call.location);
  const { id, returns } = window.definition;
  const coerced = args.map((arg, place) => coerce(context, arg, window.casts[place] ?? 'any'));
  return { function: id, isAggregate: false, type: returns, args: coerced, partitionBy, orderBy, frame };
}

/** OVER w takes a named window as it is, OVER (w …) adds to it. */
function resolveDefinition(written: WindowDef, scope: Scope, seen: readonly string[] = []): WindowDef {
  const name = written.refname ?? (seen.length === 0 && written.name ? written.name : undefined);
  if (name === undefined) return written;
  const named = scope.namedWindows.get(name);
  if (named === undefined || seen.includes(name))
    throw sqlError('42704', `window "${name}" does not exist`, written.location);
  const base = resolveDefinition(named, scope, [...seen, name]);
  if (written.refname === undefined) return base;
  if (written.partitionClause !== undefined)
    throw sqlError(
      WINDOWING_ERROR,
      `cannot override PARTITION BY clause of window "${name}"`,
      written.location,
    );
  if (written.orderClause !== undefined && base.orderClause !== undefined)
    throw sqlError(WINDOWING_ERROR, `cannot override ORDER BY clause of window "${name}"`, written.location);
  return {
    ...written,
    ...(base.partitionClause && { partitionClause: base.partitionClause }),
    orderClause: written.orderClause ?? base.orderClause,
  };
}

function frameOf(written: WindowDef, orderKeys: number): WindowFrame {
  const options = written.frameOptions ?? 0;
  const has = (bit: number): boolean => (options & bit) !== 0;
  const mode = has(FRAME.rows) ? 'rows' : has(FRAME.groups) ? 'groups' : 'range';
  const offsets = has(FRAME.startPreceding | FRAME.startFollowing | FRAME.endPreceding | FRAME.endFollowing);
  if (mode === 'groups' && orderKeys === 0)
    throw sqlError(WINDOWING_ERROR, 'GROUPS mode requires an ORDER BY clause', written.location);
  if (mode === 'range' && offsets && orderKeys !== 1)
    throw sqlError(
      WINDOWING_ERROR,
      'RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column',
      written.location,
    );
  const start: FrameBound = has(FRAME.startPreceding)
    ? { kind: 'preceding', offset: offsetOf(written.startOffset, mode, written.location) }
    : has(FRAME.startFollowing)
      ? { kind: 'following', offset: offsetOf(written.startOffset, mode, written.location) }
      : { kind: has(FRAME.startCurrentRow) ? 'currentRow' : 'unboundedPreceding' };
  const end: FrameBound = has(FRAME.endPreceding)
    ? { kind: 'preceding', offset: offsetOf(written.endOffset, mode, written.location) }
    : has(FRAME.endFollowing)
      ? { kind: 'following', offset: offsetOf(written.endOffset, mode, written.location) }
      : { kind: has(FRAME.endUnboundedFollowing) ? 'unboundedFollowing' : 'currentRow' };
  const exclude = has(FRAME.excludeCurrent)
    ? 'current'
    : has(FRAME.excludeGroup)
      ? 'group'
      : has(FRAME.excludeTies)
        ? 'ties'
        : 'none';
  return { mode, start, end, exclude };
}

function offsetOf(node: Node | undefined, mode: string, location?: number): number {
  const constant = bodyOf(node, 'A_Const');
  if (bodyOf(node, 'TypeCast') !== undefined && mode === 'range')
    throw notSupported('RANGE with an offset that is no number', location);
  const text = constant?.fval?.fval;
  const offset = constant?.ival ? (constant.ival.ival ?? 0) : text === undefined ? undefined : Number(text);
  if (offset === undefined || Number.isNaN(offset))
    throw notSupported('a frame offset that is not a constant number', location);
  if (mode !== 'range' && !Number.isInteger(offset))
    throw syntaxError('a frame offset of ROWS and GROUPS must be an integer', location);
  if (offset < 0) throw sqlError('22013', 'frame offset must not be negative', location);
  return offset;
}
