/** Walks over expressions: which slots they read, and the parts of an AND. Pure. */
import type { Expression } from '../algebra/expression.js';
import { DEMAND_LATE, DEMAND_NOW } from './operator.js';

/** Calls `visit` for the direct parts of an expression. Plans of subqueries are not entered: they read no slots of the row. */
export function forEachPart(expression: Expression, visit: (part: Expression) => void): void {
  switch (expression.kind) {
    case 'const':
    case 'param':
    case 'column':
    case 'slot':
    case 'outer':
      return;
    case 'call':
    case 'and':
    case 'or':
    case 'coalesce':
      expression.args.forEach(visit);
      return;
    case 'compare':
    case 'distinct':
      visit(expression.left);
      visit(expression.right);
      return;
    case 'not':
    case 'isNull':
    case 'isTruth':
    case 'cast':
    case 'path':
      visit(expression.arg);
      return;
    case 'case':
      for (const { when, then } of expression.branches) {
        visit(when);
        visit(then);
      }
      visit(expression.otherwise);
      return;
    case 'in':
      visit(expression.arg);
      expression.items.forEach(visit);
      return;
    case 'quantified':
      visit(expression.arg);
      visit(expression.array);
      return;
    case 'array':
    case 'row':
      expression.items.forEach(visit);
      return;
    case 'subquery':
      expression.tests.forEach(visit);
      expression.args.forEach(visit);
      return;
  }
}

/** Raises the mark of every slot that is read. Slots behind the end of `marks` belong to another row. */
export function markSlots(expression: Expression, marks: Uint8Array, mark: number, offset = 0): void {
  if (expression.kind === 'slot') {
    const slot = expression.index - offset;
    // NOW is stronger than LATE, though its number is smaller.
    if (slot >= 0 && slot < marks.length && marks[slot] !== DEMAND_NOW) marks[slot] = mark;
    return;
  }
  forEachPart(expression, (part) => markSlots(part, marks, mark, offset));
}

export function conjunctsOf(condition: Expression): readonly Expression[] {
  return condition.kind === 'and' ? condition.args.flatMap(conjunctsOf) : [condition];
}

/** A subquery reads documents of its own: afterwards the bytes of the row's document may be gone. */
export function hasSubquery(expression: Expression): boolean {
  if (expression.kind === 'subquery') return true;
  let result = false;
  forEachPart(expression, (part) => {
    if (hasSubquery(part)) result = true;
  });
  return result;
}

/** What is demanded late is demanded now when one of the expressions has a subquery. */
export function forbidLate(needs: Uint8Array, expressions: readonly Expression[]): void {
  if (!expressions.some(hasSubquery)) return;
  for (let slot = 0; slot < needs.length; slot++) if (needs[slot] === DEMAND_LATE) needs[slot] = DEMAND_NOW;
}

/** Whether it has the same value for all rows of one run: no slots, no outer values, no subqueries. */
export function isRowless(expression: Expression): boolean {
  switch (expression.kind) {
    case 'slot':
    case 'column':
    case 'outer':
    case 'subquery':
      return false;
    default: {
      let isFree = true;
      forEachPart(expression, (part) => {
        if (!isRowless(part)) isFree = false;
      });
      return isFree;
    }
  }
}
