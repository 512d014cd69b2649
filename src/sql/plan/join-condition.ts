/** The condition of a join, taken apart: equalities between the sides, on which one can hash, and the rest. Pure. */
import type { BoundExpression, ColumnId } from '../algebra/expression.js';
import type { SqlType } from '../types/sql-type.js';
import { columnsOf } from './columns.js';
import { hasSubquery } from './expression-walk.js';

export interface JoinKeys {
  readonly left: readonly BoundExpression[];
  readonly right: readonly BoundExpression[];
  readonly residual: readonly BoundExpression[];
}

/** Columns that belong to neither side come from the outer frame and fit on both. */
export function joinKeys(
  conjuncts: readonly BoundExpression[],
  leftColumns: ReadonlySet<ColumnId>,
  rightColumns: ReadonlySet<ColumnId>,
): JoinKeys {
  const left: BoundExpression[] = [];
  const right: BoundExpression[] = [];
  const residual: BoundExpression[] = [];
  for (const conjunct of conjuncts) {
    const sides = equalSides(conjunct, leftColumns, rightColumns);
    if (sides === undefined) {
      residual.push(conjunct);
      continue;
    }
    left.push(sides.left);
    right.push(sides.right);
  }
  return { left, right, residual };
}

function equalSides(
  conjunct: BoundExpression,
  leftColumns: ReadonlySet<ColumnId>,
  rightColumns: ReadonlySet<ColumnId>,
): { readonly left: BoundExpression; readonly right: BoundExpression } | undefined {
  if (conjunct.kind !== 'compare' || conjunct.operator !== '=' || hasSubquery(conjunct)) return undefined;
  if (!isHashable(conjunct.left.type, conjunct.right.type)) return undefined;
  const first = sideOf(conjunct.left, leftColumns, rightColumns);
  const second = sideOf(conjunct.right, leftColumns, rightColumns);
  if (first === 'left' && second === 'right') return { left: conjunct.left, right: conjunct.right };
  if (first === 'right' && second === 'left') return { left: conjunct.right, right: conjunct.left };
  return undefined;
}

function sideOf(
  expression: BoundExpression,
  leftColumns: ReadonlySet<ColumnId>,
  rightColumns: ReadonlySet<ColumnId>,
): 'left' | 'right' | 'other' {
  const used = [...columnsOf(expression)];
  const isLeft = used.some((id) => leftColumns.has(id));
  const isRight = used.some((id) => rightColumns.has(id));
  return isLeft === isRight ? 'other' : isLeft ? 'left' : 'right';
}

const TIMES: readonly SqlType[] = ['timestamptz', 'timestamp', 'date', 'time', 'interval'];

/** Equal values must have equal keys: a text that `=` casts to a time does not have the time's. */
function isHashable(left: SqlType, right: SqlType): boolean {
  if (!TIMES.includes(left) && !TIMES.includes(right)) return true;
  return left === right;
}
