/**
 * Which expressions without a static type have scalars of JSON when the statement runs, and nothing else. `any` says nothing:
 * a member plus an interval, a CASE, a set operation may give times, which are equal to texts that an index has elsewhere.
 * Members of documents, parameters and what is made of them alone are trusted. Pure.
 */
import type { BoundExpression, ColumnId } from '../algebra/expression.js';
import type { LogicalPlan } from '../algebra/logical.js';
import type { SqlType } from '../types/sql-type.js';
import { operandsOf } from './expression-walk.js';
import { subplansOf } from './inline-ctes.js';
import { expressionsOf, inputsOf } from './logical-walk.js';

type Definition = () => boolean;

const JSON_TYPES: readonly SqlType[] = ['text', 'int8', 'float8', 'numeric', 'bool', 'jsonb', 'unknown'];

export class JsonValues {
  private readonly definitions = new Map<ColumnId, Definition[]>();
  private readonly known = new Map<ColumnId, boolean>();
  /** Columns of the plans of CTEs, by number: those of the definition, then those of the recursive part. */
  private readonly ctes = new Map<number, (readonly ColumnId[])[]>();

  constructor(plan: LogicalPlan) {
    this.collect(plan);
  }

  isJson(expression: BoundExpression): boolean {
    const { type } = expression;
    if (expression.kind === 'column')
      return type === 'any' ? this.isJsonColumn(expression.id) : isJsonType(type);
    if (type !== 'any') return isJsonType(type);
    switch (expression.kind) {
      case 'param':
      case 'const':
        return true;
      case 'path':
        return this.isJson(expression.arg);
      case 'subquery':
        return this.isJsonColumn(expression.plan.columns[0]);
      default:
        return operandsOf(expression).every((operand) => this.isJson(operand));
    }
  }

  private isJsonColumn(id: ColumnId): boolean {
    const known = this.known.get(id);
    if (known !== undefined) return known;
    // What is defined by itself, as in a recursive query, is not trusted.
    this.known.set(id, false);
    const definitions = this.definitions.get(id) ?? [];
    const isJson = definitions.length > 0 && definitions.every((definition) => definition());
    this.known.set(id, isJson);
    return isJson;
  }

  private collect(plan: LogicalPlan): void {
    for (const input of inputsOf(plan)) this.collect(input);
    for (const expression of expressionsOf(plan))
      for (const subplan of subplansOf(expression)) this.collect(subplan);
    switch (plan.kind) {
      case 'scan':
        for (const { id, type } of plan.fields) this.define(id, () => type === 'any' || isJsonType(type));
        break;
      case 'systemScan':
        for (const { id, type } of plan.fields) this.define(id, () => isJsonType(type));
        break;
      case 'project':
        for (const { id, expression } of plan.expressions) this.computed(id, expression);
        break;
      case 'aggregate':
        for (const { id, expression } of plan.groupBy) this.computed(id, expression);
        for (const { id, call } of plan.aggregates)
          this.called(id, call.type, [...call.args, ...call.orderBy.map(({ expression }) => expression)]);
        break;
      case 'window':
        for (const { id, call } of plan.calls) this.called(id, call.type, call.args);
        break;
      case 'values':
        for (const [place, id] of plan.columns.entries())
          this.define(id, () => plan.rows.every((row) => this.isJson(row[place])));
        break;
      case 'functionScan':
        for (const id of plan.columns) this.called(id, 'any', plan.args);
        break;
      case 'setOperation':
        for (const [place, id] of plan.columns.entries())
          this.samePlace(id, place, [plan.left.columns, plan.right.columns]);
        break;
      case 'with':
        for (const { cte, plan: own, recursive } of plan.definitions)
          this.ctes.set(cte, recursive === undefined ? [own.columns] : [own.columns, recursive.plan.columns]);
        break;
      case 'cteScan':
        for (const [place, id] of plan.columns.entries())
          this.define(id, () => this.isJsonAt(place, this.ctes.get(plan.cte) ?? [[]]));
        break;
      default:
        break;
    }
  }

  private define(id: ColumnId, definition: Definition): void {
    const others = this.definitions.get(id);
    if (others === undefined) this.definitions.set(id, [definition]);
    else others.push(definition);
  }

  private computed(id: ColumnId, expression: BoundExpression): void {
    // Passed on under its own number.
    if (expression.kind === 'column' && expression.id === id) return;
    this.define(id, () => this.isJson(expression));
  }

  private called(id: ColumnId, type: SqlType, args: readonly BoundExpression[]): void {
    this.define(id, () => (type === 'any' ? args.every((arg) => this.isJson(arg)) : isJsonType(type)));
  }

  private samePlace(id: ColumnId, place: number, sides: readonly (readonly ColumnId[])[]): void {
    // A side's column may have the number of the operation's own: then its definition is among those of that number.
    const others = sides.filter((side) => side[place] !== id);
    this.define(id, () => this.isJsonAt(place, others));
  }

  private isJsonAt(place: number, sides: readonly (readonly ColumnId[])[]): boolean {
    return sides.every((side) => side[place] !== undefined && this.isJsonColumn(side[place]));
  }
}

const isJsonType = (type: SqlType): boolean => JSON_TYPES.includes(type);
