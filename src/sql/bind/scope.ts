/**
 * The names that a query sees: the relations of its FROM, and through its parent those of the queries around it. Also collects
 * what expressions leave for the plan: aggregates, window calls and set-returning calls.
 */

import type { WindowDef } from '@pgsql/types';
import type { BoundExpression, ColumnId } from '../algebra/expression.js';
import type { AggregateColumn, WindowColumn } from '../algebra/logical.js';
import { AMBIGUOUS_COLUMN, sqlError, UNDEFINED_COLUMN, UNDEFINED_TABLE } from '../errors.js';
import type { CteBinding } from './cte-binding.js';
import { typeError } from './errors.js';
import { didYouMean } from './nearest.js';
import type { Relation } from './relation.js';

/** A column that JOIN … USING makes of two. */
export interface MergedColumn {
  readonly name: string;
  readonly expression: BoundExpression;
  /** The relations whose column of that name it stands for. */
  readonly relations: ReadonlySet<Relation>;
}

export interface SetReturningCall {
  readonly function: string;
  readonly args: readonly BoundExpression[];
  readonly column: ColumnId;
  readonly columns: readonly ColumnId[];
  readonly name: string;
}

export interface GroupingRequest {
  readonly args: readonly BoundExpression[];
  readonly column: ColumnId;
  readonly location?: number;
}

export class Scope {
  readonly relations: Relation[] = [];
  merged: readonly MergedColumn[] = [];
  readonly ctes = new Map<string, CteBinding>();
  /** Calls found in this query's expressions, each with the column that takes its place. */
  readonly aggregates: AggregateColumn[] = [];
  readonly windows: WindowColumn[] = [];
  readonly setReturning: SetReturningCall[] = [];
  readonly groupings: GroupingRequest[] = [];
  readonly namedWindows = new Map<string, WindowDef>();
  /** Relations in which names were found. For a lateral item's scope: its join must be lateral. */
  readonly used: Relation[] = [];

  constructor(readonly parent: Scope | undefined) {}

  /** A scope for an item of FROM that may refer to those on its left. */
  lateral(): Scope {
    const scope = new Scope(this.parent);
    scope.relations.push(...this.relations);
    scope.merged = this.merged;
    for (const [name, cte] of this.ctes) scope.ctes.set(name, cte);
    return scope;
  }

  /** A scope for an item of FROM that may not: it sees the queries around this one, and this one's CTEs. */
  aside(): Scope {
    const scope = new Scope(this.parent);
    for (const [name, cte] of this.ctes) scope.ctes.set(name, cte);
    return scope;
  }

  cte(name: string): CteBinding | undefined {
    return this.ctes.get(name) ?? this.parent?.cte(name);
  }

  relation(alias: string, schema?: string): Relation | undefined {
    return this.relations.find(
      (relation) => relation.alias === alias && (schema === undefined || relation.schema === schema),
    );
  }

  private outerRelation(alias: string, schema?: string): Relation | undefined {
    const found = this.relation(alias, schema);
    if (found !== undefined) this.used.push(found);
    return found ?? this.parent?.outerRelation(alias, schema);
  }

  /** `a`, `a.b.c`: a relation's name first if one matches, otherwise a column and a path in it. */
  resolve(names: readonly string[], location?: number): BoundExpression {
    const [first, second, ...rest] = names;
    if (second !== undefined) {
      const relation = this.outerRelation(first);
      if (relation !== undefined) return relation.column([second, ...rest], location);
      if (first === 'system' && rest.length > 0) {
        const system = this.outerRelation(second, 'system');
        if (system !== undefined) return system.column(rest, location);
      }
    }
    for (let scope: Scope | undefined = this; scope !== undefined; scope = scope.parent) {
      const found = scope.ownColumn(names, location);
      if (found !== undefined) return found;
    }
    throw this.unknownName(names, location);
  }

  private ownColumn(names: readonly string[], location?: number): BoundExpression | undefined {
    const [name] = names;
    const merged = this.merged.find((column) => column.name === name);
    if (merged !== undefined && names.length === 1) {
      this.used.push(...merged.relations);
      return merged.expression;
    }
    const visible = this.relations.filter((relation) => !relation.qualifiedOnly);
    const owners = visible.filter((relation) => relation.hasColumn(name) && !merged?.relations.has(relation));
    if (owners.length > 1) throw ambiguous(name, location);
    if (owners.length === 1) return this.columnOf(owners[0], names, location);
    if (names.length === 1) {
      const whole = this.relation(name);
      if (whole !== undefined) {
        this.used.push(whole);
        return whole.whole();
      }
    }
    const open = visible.filter((relation) => relation.isOpen);
    if (open.length > 1) throw ambiguous(name, location);
    return open.length === 0 ? undefined : this.columnOf(open[0], names, location);
  }

  private columnOf(relation: Relation, names: readonly string[], location?: number): BoundExpression {
    this.used.push(relation);
    return relation.column(names, location);
  }

  private unknownName(names: readonly string[], location?: number): Error {
    const columns: string[] = [];
    const aliases: string[] = [];
    for (let scope: Scope | undefined = this; scope !== undefined; scope = scope.parent) {
      for (const relation of scope.relations) {
        columns.push(...relation.columnNames());
        aliases.push(relation.alias);
      }
    }
    if (names.length > 1) {
      const hint = didYouMean(names[0], aliases);
      return sqlError(UNDEFINED_TABLE, `missing FROM-clause entry for table "${names[0]}"${hint}`, location);
    }
    const hint = didYouMean(names[0], columns);
    return sqlError(UNDEFINED_COLUMN, `column "${names[0]}" does not exist${hint}`, location);
  }

  /** The relation of `alias.*`. */
  relationOfStar(names: readonly string[], location?: number): Relation {
    const schema = names.length > 1 ? names[0] : undefined;
    const alias = names[names.length - 1];
    if (names.length > 2) throw typeError(`"${names.join('.')}.*" does not name a relation`, location);
    const relation = this.outerRelation(alias, schema);
    if (relation !== undefined) return relation;
    throw sqlError(UNDEFINED_TABLE, `missing FROM-clause entry for table "${alias}"`, location);
  }

  /** How many scopes lie between this one and `other`, which is around it; undefined when it is not. */
  distanceTo(other: Scope): number | undefined {
    let distance = 0;
    for (let scope: Scope | undefined = this; scope !== undefined; scope = scope.parent, distance++) {
      if (scope === other) return distance;
    }
    return undefined;
  }
}

const ambiguous = (name: string, location?: number): Error =>
  sqlError(
    AMBIGUOUS_COLUMN,
    `column reference "${name}" is ambiguous: write it with the name of its relation`,
    location,
  );
