/**
 * Which columns hold nothing but what JSON can hold: members of documents, what is picked out of them, and values of plain
 * types. Of a column of type `any` that is not among them nothing is known: its values may be times or SQL arrays. Pure.
 */
import type { BoundExpression, ColumnId } from '../algebra/expression.js';
import type { CteDefinition, LogicalPlan } from '../algebra/logical.js';
import type { SqlType } from '../types/sql-type.js';
import { subplansOf } from './inline-ctes.js';
import { expressionsOf, inputsOf } from './logical-walk.js';

export type JsonColumns = ReadonlySet<ColumnId>;

const JSON_TYPES: readonly SqlType[] = ['unknown', 'bool', 'int8', 'float8', 'numeric', 'text', 'jsonb'];

/** Table functions that give the items of their argument, or numbers for numbers. */
const ITEM_FUNCTIONS = /^(?:unnest|generate_series|jsonb?_array_elements)\(/;
/** Its result may be the time between two texts. */
const SUBTRACTION = /^-\(any,\s*any\)$/;

/** Of the whole statement; ids are unique in it. */
export function jsonColumnsOf(plan: LogicalPlan): JsonColumns {
  const collector = new Collector();
  collector.visit(plan);
  return collector.columns;
}

export function holdsJson(expression: BoundExpression, columns: JsonColumns): boolean {
  if (JSON_TYPES.includes(expression.type)) return true;
  if (expression.type !== 'any') return false;
  const holds = (part: BoundExpression): boolean => holdsJson(part, columns);
  switch (expression.kind) {
    case 'column':
      return columns.has(expression.id);
    // Clients send JSON.
    case 'param':
      return true;
    case 'path':
      return holds(expression.arg);
    case 'coalesce':
      return expression.args.every(holds);
    case 'call':
      return !SUBTRACTION.test(expression.function) && expression.args.every(holds);
    case 'case':
      return expression.branches.every(({ then }) => holds(then)) && holds(expression.otherwise);
    case 'subquery':
      return expression.mode === 'scalar' && columns.has(expression.plan.columns[0]);
    default:
      return false;
  }
}

class Collector {
  readonly columns = new Set<ColumnId>();
  /** By the place of the column. */
  readonly #ctes = new Map<number, readonly boolean[]>();

  /** What a plan reads of others is visited before it. */
  visit(plan: LogicalPlan): void {
    if (plan.kind === 'with') {
      for (const definition of plan.definitions) this.#define(definition);
      this.visit(plan.input);
    } else for (const input of inputsOf(plan)) this.visit(input);
    for (const expression of expressionsOf(plan)) {
      for (const subplan of subplansOf(expression)) this.visit(subplan);
    }
    this.#add(plan);
  }

  /** A recursive one: a column keeps what its start promises as long as the step does not break it. */
  #define({ cte, plan, recursive }: CteDefinition): void {
    this.visit(plan);
    let known = plan.columns.map((id) => this.columns.has(id));
    for (;;) {
      this.#ctes.set(cte, known);
      if (recursive === undefined) return;
      this.visit(recursive.plan);
      const { columns } = recursive.plan;
      const kept = known.map((holds, place) => holds && this.columns.has(columns[place]));
      if (kept.every((holds, place) => holds === known[place])) return;
      known = kept;
    }
  }

  #add(plan: LogicalPlan): void {
    switch (plan.kind) {
      case 'scan':
        for (const { id, type } of plan.fields) this.#put(id, type === 'any' || JSON_TYPES.includes(type));
        return;
      case 'systemScan':
        for (const { id, type } of plan.fields) this.#put(id, JSON_TYPES.includes(type));
        return;
      case 'values':
        for (const [place, id] of plan.columns.entries()) {
          this.#put(
            id,
            plan.rows.every((row) => this.#holds(row[place])),
          );
        }
        return;
      case 'functionScan': {
        const isJson = ITEM_FUNCTIONS.test(plan.function) && plan.args.every((arg) => this.#holds(arg));
        for (const id of plan.columns) this.#put(id, isJson);
        return;
      }
      case 'cteScan':
        for (const [place, id] of plan.columns.entries()) {
          this.#put(id, this.#ctes.get(plan.cte)?.[place] === true);
        }
        return;
      case 'setOperation':
        for (const [place, id] of plan.columns.entries()) {
          this.#put(
            id,
            this.columns.has(plan.left.columns[place]) && this.columns.has(plan.right.columns[place]),
          );
        }
        return;
      default:
        this.#addComputed(plan);
    }
  }

  #addComputed(plan: LogicalPlan): void {
    switch (plan.kind) {
      case 'project':
        for (const { id, expression } of plan.expressions) this.#put(id, this.#holds(expression));
        return;
      case 'aggregate':
        for (const { id, expression } of plan.groupBy) this.#put(id, this.#holds(expression));
        for (const { id, call } of plan.aggregates) this.#put(id, this.#gives(call));
        return;
      case 'window':
        for (const { id, call } of plan.calls) this.#put(id, this.#gives(call));
        return;
      case 'modify':
        for (const { id, type } of plan.modification.target) {
          this.#put(id, type === 'any' || JSON_TYPES.includes(type));
        }
        for (const { id, expression } of plan.returning) this.#put(id, this.#holds(expression));
        return;
    }
  }

  #put(id: ColumnId, holds: boolean): void {
    if (holds) this.columns.add(id);
    else this.columns.delete(id);
  }

  #holds(expression: BoundExpression): boolean {
    return holdsJson(expression, this.columns);
  }

  #gives({ type, args }: { readonly type: SqlType; readonly args: readonly BoundExpression[] }): boolean {
    return JSON_TYPES.includes(type) || (type === 'any' && args.every((arg) => this.#holds(arg)));
  }
}
