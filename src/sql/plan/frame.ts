/**
 * The outer frame of a plan that is being built: columns that it takes from the query around it get a place each, in the
 * order in which they are first asked for. The query around fills the places when it runs the plan.
 */
import type { BoundExpression, ColumnId } from '../algebra/expression.js';

type ColumnReference = BoundExpression & { kind: 'column' };

export class Frame {
  readonly #places = new Map<ColumnId, number>();
  readonly #columns: ColumnReference[] = [];

  placeOf(column: ColumnReference): number {
    const known = this.#places.get(column.id);
    if (known !== undefined) return known;
    const place = this.#columns.length;
    this.#places.set(column.id, place);
    this.#columns.push(column);
    return place;
  }

  /** What the query around has to hand over. */
  columns(): readonly ColumnReference[] {
    return this.#columns;
  }
}
