/** Replaces columns by slots in an expression without subqueries: those of indexes, CHECK and DEFAULT have none. Pure. */
import type { BoundExpression, ColumnId, Expression } from '../algebra/expression.js';
import { FEATURE_NOT_SUPPORTED, sqlError } from '../errors.js';

export function slotted(expression: BoundExpression, slots: ReadonlyMap<ColumnId, number>): Expression {
  return replace(expression, slots) as Expression;
}

/** Expressions are plain data, and every nested object that has a `kind` in them is an expression. */
function replace(value: unknown, slots: ReadonlyMap<ColumnId, number>): unknown {
  if (Array.isArray(value)) return value.map((item) => replace(item, slots));
  if (typeof value !== 'object' || value === null) return value;
  const part = value as { readonly kind?: string } & Readonly<Record<string, unknown>>;
  switch (part.kind) {
    case 'const':
      return part;
    case 'column': {
      const index = slots.get(part['id'] as ColumnId);
      if (index === undefined)
        throw new Error(`column ${String(part['name'])} is not a member of the document`);
      return { kind: 'slot', type: part['type'], index, name: part['name'] };
    }
    case 'subquery':
      throw sqlError(FEATURE_NOT_SUPPORTED, 'a subquery in an expression over one document is not supported');
    default:
      return Object.fromEntries(Object.entries(part).map(([name, inner]) => [name, replace(inner, slots)]));
  }
}
