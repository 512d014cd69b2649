/**
 * Grouping: expressions over the rows of FROM become expressions over the groups. What equals a key becomes the key's column;
 * what is left of the FROM clause's columns after that is an error, unless it hangs on a key.
 */
import type { BoundExpression, ColumnId } from '../algebra/expression.js';
import type { ComputedColumn, LogicalPlan } from '../algebra/logical.js';
import { structureText } from '../algebra/structure-text.js';
import { GROUPING_ERROR, sqlError } from '../errors.js';
import { constant } from './condition.js';
import type { StatementContext } from './context.js';
import { mapChildren } from './map.js';
import { below, CollectionRelation } from './relation.js';
import type { GroupingRequest, Scope } from './scope.js';

type ColumnExpression = Extract<BoundExpression, { kind: 'column' }>;

export class Grouping {
  private readonly keys: ComputedColumn[] = [];
  private readonly byShape = new Map<string, number>();
  private sets: readonly (readonly number[])[] | undefined;
  /** Columns that stand for GROUPING(…), with what they are. */
  private readonly answers = new Map<ColumnId, BoundExpression>();

  constructor(
    private readonly context: StatementContext,
    private readonly scope: Scope,
  ) {}

  /** Number of a key; equal expressions share one. */
  key(expression: BoundExpression, name: string): number {
    const shape = structureText(expression);
    const known = this.byShape.get(shape);
    if (known !== undefined) return known;
    const place = this.keys.length;
    this.byShape.set(shape, place);
    this.keys.push({ id: this.context.columnId(), name, expression });
    return place;
  }

  groupingSets(sets: readonly (readonly number[])[]): void {
    this.sets = sets;
  }

  answerGroupings(): void {
    for (const request of this.scope.groupings) this.answers.set(request.column, this.answer(request));
  }

  /**
   * A bit for each argument: 1 where the row's set lacks it. For each, a constant is grouped by in exactly the sets that have
   * the key: it is NULL in the others.
   */
  private answer({ args, location }: GroupingRequest): BoundExpression {
    let sum: BoundExpression[] = [];
    const places = args.map((arg) => this.byShape.get(structureText(arg)));
    if (places.some((place) => place === undefined))
      throw sqlError(
        GROUPING_ERROR,
        'arguments to GROUPING must be grouping expressions of the associated query level',
        location,
      );
    if (this.sets === undefined) return constant(0, 'int8');
    const marks = (places as number[]).map((place) => this.mark(place));
    // One branch for each combination would be 2^n: the bits are cases that are added up.
    sum = marks.map((mark, bit) => {
      const when: BoundExpression = { kind: 'isNull', type: 'bool', negated: false, arg: mark };
      const value = constant(2 ** (marks.length - 1 - bit), 'int8');
      return {
        kind: 'case',
        type: 'int8',
        // biome-ignore lint/suspicious/noThenProperty: the name of SQL; nobody awaits a branch
        branches: [{ when, then: value }],
        otherwise: constant(0, 'int8'),
      };
    });
    return sum.reduce((left, right) => ({
      kind: 'call',
      type: 'int8',
      function: '+(int8,int8)',
      args: [left, right],
    }));
  }

  private mark(place: number): BoundExpression {
    const expression: BoundExpression = { kind: 'const', type: 'text', value: `grouping ${place}` };
    const before = this.keys.length;
    const mark = this.key(expression, 'grouping');
    if (mark === before) this.sets = this.sets?.map((set) => (set.includes(place) ? [...set, mark] : set));
    return this.reference(mark);
  }

  private reference(place: number): ColumnExpression {
    const { id, name, expression } = this.keys[place];
    return { kind: 'column', type: expression.type === 'unknown' ? 'text' : expression.type, id, name };
  }

  /** The expression over the groups. */
  readonly over = (expression: BoundExpression): BoundExpression => {
    const place = this.byShape.get(structureText(expression));
    if (place !== undefined && expression.kind !== 'const') return this.reference(place);
    if (expression.kind === 'column') return this.columnOver(expression);
    const mapped = mapChildren(expression, this.over);
    return mapped === expression ? expression : this.context.placed(mapped, this.context.placeOf(expression));
  };

  private columnOver(column: ColumnExpression): BoundExpression {
    const answer = this.answers.get(column.id);
    if (answer !== undefined) return answer;
    if (this.context.owners.get(column.id) !== this.scope) return column;
    const field = this.fieldOf(column.id);
    if (field !== undefined) {
      const { relation, path } = field;
      for (let length = path.length - 1; length > 0; length--) {
        const prefix = this.keyOfPath(relation, path.slice(0, length));
        if (prefix !== undefined) return below(this.reference(prefix), path.slice(length));
      }
      // A document has one `_id`: with it as a key, each group has one document.
      if (this.sets === undefined && this.keyOfPath(relation, ['_id']) !== undefined)
        return this.reference(this.key(column, column.name));
    }
    const owner = this.scope.relations.find((relation) =>
      field === undefined ? relation.hasColumn(column.name) : relation === field.relation,
    );
    const name = owner === undefined ? column.name : `${owner.alias}.${field?.path.join('.') || column.name}`;
    throw sqlError(
      GROUPING_ERROR,
      `column "${name}" must appear in the GROUP BY clause or be used in an aggregate function`,
      this.context.placeOf(column),
    );
  }

  private fieldOf(id: ColumnId): { relation: CollectionRelation; path: readonly string[] } | undefined {
    for (const relation of this.scope.relations) {
      if (!(relation instanceof CollectionRelation)) continue;
      const field = relation.fields.find((candidate) => candidate.id === id);
      if (field !== undefined)
        return { relation, path: field.source.kind === 'member' ? field.source.path : [] };
    }
    return undefined;
  }

  private keyOfPath(relation: CollectionRelation, path: readonly string[]): number | undefined {
    const field = relation.fields.find(
      ({ source }) => source.kind === 'member' && structureText(source.path) === structureText(path),
    );
    if (field === undefined) return undefined;
    const place = this.keys.findIndex(
      ({ expression }) => expression.kind === 'column' && expression.id === field.id,
    );
    return place < 0 ? undefined : place;
  }

  /** Built last: expressions may have added keys. */
  plan(input: LogicalPlan): LogicalPlan {
    const { aggregates } = this.scope;
    const columns = [...this.keys, ...aggregates].map(({ id }) => id);
    const node = { kind: 'aggregate', input, groupBy: this.keys, aggregates, columns } as const;
    return this.sets === undefined ? node : { ...node, groupingSets: this.sets };
  }
}
