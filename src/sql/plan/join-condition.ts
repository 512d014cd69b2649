/** The condition of a join, taken apart: equalities between the sides, on which one can hash, and the rest. Pure. */
import type { BoundExpression, ColumnId } from '../algebra/expression.js';
import { isArrayType, type SqlType } from '../types/sql-type.js';
import { columnsOf } from './columns.js';
import { hasSubquery } from './expression-walk.js';
import { holdsJson, type JsonColumns } from './json-columns.js';

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
  jsonColumns: JsonColumns,
): JoinKeys {
  const left: BoundExpression[] = [];
  const right: BoundExpression[] = [];
  const residual: BoundExpression[] = [];
  for (const conjunct of conjuncts) {
    const sides = equalSides(conjunct, leftColumns, rightColumns, jsonColumns);
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
  jsonColumns: JsonColumns,
): { readonly left: BoundExpression; readonly right: BoundExpression } | undefined {
  if (conjunct.kind !== 'compare' || conjunct.operator !== '=' || hasSubquery(conjunct)) return undefined;
  if (!isHashable(conjunct.left, conjunct.right, jsonColumns)) return undefined;
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
/** What equals only values that have its key, whatever meets it. */
const SINGULAR: readonly SqlType[] = ['bool', 'int8', 'float8', 'numeric', 'record'];

/**
 * Equal values must have equal keys. `=` reads a text as a time and the items of a JSON array as those of an SQL array; neither
 * has the other's key. So kinds that may meet another one hash only where the types say that they do not.
 */
function isHashable(left: BoundExpression, right: BoundExpression, jsonColumns: JsonColumns): boolean {
  if (SINGULAR.includes(left.type) || SINGULAR.includes(right.type)) return true;
  if (TIMES.includes(left.type) || TIMES.includes(right.type)) return left.type === right.type;
  if (isArrayType(left.type) || isArrayType(right.type)) {
    return isArrayType(left.type) && isArrayType(right.type);
  }
  return holdsJson(left, jsonColumns) && holdsJson(right, jsonColumns);
}
