/** Random queries: selections, groups, windows, joins, subqueries, common tables and set operations. */
import type { Choices } from './choices.js';
import type { Collection } from './documents.js';
import { ExpressionMaker, type SubqueryMaker } from './expressions.js';
import { type Fragment, joined, sql, variant } from './fragment.js';
import { groupedSelect } from './grouped.js';
import {
  type CommonTable,
  collectionSource,
  derivedSource,
  type OutputColumn,
  type Scope,
  type Source,
  type ValueType,
} from './scope.js';
import { windowedSelect } from './windowed.js';

export interface Query {
  readonly fragment: Fragment;
  readonly columns: readonly OutputColumn[];
  /** Rows come in an order that leaves nothing open. */
  readonly isOrdered: boolean;
}

/** The part of a query that UNION may join to another. */
export interface Select {
  readonly fragment: Fragment;
  readonly columns: readonly OutputColumn[];
}

/** What the makers of particular kinds of selections need. */
export interface QueryTools {
  readonly choices: Choices;
  readonly expressions: ExpressionMaker;
  from(outer: Scope | undefined): { readonly fragment: Fragment; readonly scope: Scope };
  where(scope: Scope, probability?: number): Fragment;
}

/** Types that can be sorted, grouped and compared alike in both. */
export const PLAIN_TYPES: readonly ValueType[] = ['num', 'num', 'text', 'text', 'bool', 'ts'];
const DEPTH_MAX = 2;

export class QueryMaker implements SubqueryMaker, QueryTools {
  readonly expressions: ExpressionMaker;
  private aliases = 0;
  /** Subqueries inside of each other. */
  private nesting = 0;
  private commonTables: CommonTable[] = [];

  constructor(
    readonly choices: Choices,
    private readonly collections: readonly Collection[],
  ) {
    this.expressions = new ExpressionMaker(choices, this);
  }

  /** A whole statement. */
  statement(): Query {
    const { choices } = this;
    this.aliases = 0;
    this.nesting = 0;
    this.commonTables = [];
    const ctes: Fragment[] = [];
    if (choices.chance(0.15)) {
      for (let count = choices.between(1, 2); count > 0; count--) ctes.push(this.commonTable());
    }
    const body = this.query(undefined);
    if (ctes.length === 0) return body;
    const recursive = ctes.some((cte) => isRecursive(cte));
    return {
      ...body,
      fragment: sql`WITH ${recursive ? 'RECURSIVE ' : ''}${joined(ctes, ', ')} ${body.fragment}`,
    };
  }

  // SubqueryMaker.

  list(type: ValueType, scope: Scope): Fragment {
    return this.nested(
      () => {
        const { fragment, scope: inner } = this.from(scope);
        const value = this.expressions.value(type, inner, 1);
        return sql`SELECT ${value} FROM ${fragment}${this.where(inner, 0.8)}`;
      },
      () => (type === 'text' ? sql`VALUES ('a'), ('b')` : sql`VALUES (1), (3)`),
    );
  }

  scalar(type: ValueType, scope: Scope): Fragment {
    return this.nested(
      () => {
        const { fragment, scope: inner } = this.from(scope);
        const where = this.where(inner, 0.8);
        if (type === 'num' && this.choices.chance(0.4))
          return sql`SELECT count(*)::numeric FROM ${fragment}${where}`;
        const call =
          type === 'num' ? this.choices.pick(['min', 'max', 'sum']) : this.choices.pick(['min', 'max']);
        // An aggregate whose columns are all of the query around would belong to that query.
        const value = this.expressions.value(type, { sources: inner.sources }, 1);
        return sql`SELECT ${call}(${type === 'num' ? sql`(${value})::numeric` : value}) FROM ${fragment}${where}`;
      },
      () => (type === 'text' ? sql`SELECT 'ab'::text` : sql`SELECT 2::numeric`),
    );
  }

  exists(scope: Scope): Fragment {
    return this.nested(
      () => {
        const { fragment, scope: inner } = this.from(scope);
        return sql`SELECT ${this.choices.pick(['1', 'NULL', '*'])} FROM ${fragment}${this.where(inner, 0.95)}`;
      },
      () => sql`SELECT 1`,
    );
  }

  private nested(make: () => Fragment, otherwise: () => Fragment): Fragment {
    if (this.nesting >= DEPTH_MAX) return otherwise();
    this.nesting++;
    const made = make();
    this.nesting--;
    return made;
  }

  // Queries.

  private query(outer: Scope | undefined): Query {
    const { choices } = this;
    if (this.nesting < DEPTH_MAX && choices.chance(0.12)) return this.ordered(this.setOperation(outer));
    return this.ordered(this.select(outer));
  }

  private select(outer: Scope | undefined, types?: readonly ValueType[]): Select {
    const { choices } = this;
    if (types === undefined && choices.chance(0.28)) return groupedSelect(this, outer);
    if (types === undefined && choices.chance(0.12)) return windowedSelect(this, outer);
    const { fragment, scope } = this.from(outer);
    const wanted = types ?? choices.many(choices.between(1, 4), () => this.outputType());
    const columns = wanted.map((type, index) => ({ name: `c${index + 1}`, type }));
    const outputs = columns.map(
      ({ name, type }) => sql`${this.expressions.value(type, scope, choices.between(0, 2))} AS ${name}`,
    );
    const isPlain = wanted.every((type) => PLAIN_TYPES.includes(type));
    const distinct = isPlain && choices.chance(0.15) ? 'DISTINCT ' : '';
    return {
      fragment: sql`SELECT ${distinct}${joined(outputs, ', ')} FROM ${fragment}${this.where(scope)}`,
      columns,
    };
  }

  private outputType(): ValueType {
    const { choices } = this;
    if (choices.chance(0.06)) return 'inexact';
    return choices.chance(0.08) ? 'json' : choices.pick(PLAIN_TYPES);
  }

  private setOperation(outer: Scope | undefined): Select {
    const { choices } = this;
    const types = choices.many(choices.between(1, 3), () => choices.pick(PLAIN_TYPES));
    const first = this.select(outer, types);
    const parts: Fragment[] = [sql`(${first.fragment})`];
    for (let count = choices.between(1, 2); count > 0; count--) {
      const operator = choices.pick([
        'UNION',
        'UNION ALL',
        'INTERSECT',
        'INTERSECT ALL',
        'EXCEPT',
        'EXCEPT ALL',
      ]);
      parts.push(sql`${operator} (${this.select(outer, types).fragment})`);
    }
    return { fragment: joined(parts, ' '), columns: first.columns };
  }

  /** ORDER BY over all columns, so that nothing is left open; only then is there a LIMIT. */
  private ordered({ fragment, columns }: Select): Query {
    const { choices } = this;
    const isSortable = columns.every(({ type }) => type !== 'json' && type !== 'inexact');
    if (!isSortable || choices.chance(0.35)) return { fragment, columns, isOrdered: false };
    const positions = columns.map((_, index) => index);
    for (let at = positions.length - 1; at > 0; at--) {
      const other = choices.below(at + 1);
      [positions[at], positions[other]] = [positions[other], positions[at]];
    }
    const keys = positions.map((position) => {
      const key = choices.chance(0.5) ? columns[position].name : String(position + 1);
      return sql`${key}${choices.pick(['', '', ' ASC', ' DESC'])}${choices.pick(['', '', ' NULLS FIRST', ' NULLS LAST'])}`;
    });
    const limit = choices.chance(0.4) ? sql` LIMIT ${choices.pick([0, 1, 2, 5, 10, 50])}` : sql``;
    const offset = choices.chance(0.15) ? sql` OFFSET ${choices.between(0, 12)}` : sql``;
    return {
      fragment: sql`${fragment} ORDER BY ${joined(keys, ', ')}${limit}${offset}`,
      columns,
      isOrdered: true,
    };
  }

  private commonTable(): Fragment {
    const { choices } = this;
    const name = `w${++this.aliases}`;
    const materialized = choices.pick(['', '', 'MATERIALIZED ', 'NOT MATERIALIZED ']);
    if (choices.chance(0.2)) {
      this.commonTables.push({ name, columns: [{ name: 'i', type: 'int' }] });
      const union = choices.pick(['UNION', 'UNION ALL']);
      const rest = sql`SELECT i + ${choices.between(1, 3)} FROM ${name} WHERE i < ${choices.between(3, 12)}`;
      return { parts: [RECURSIVE, sql`${name}(i) AS (SELECT 1 ${union} ${rest})`] };
    }
    const query = this.derivable(undefined);
    this.commonTables.push({ name, columns: query.columns });
    return sql`${name} AS ${materialized}(${query.fragment})`;
  }

  /** A query whose columns can be used further. */
  private derivable(outer: Scope | undefined): Query {
    this.nesting++;
    for (;;) {
      const query = this.query(outer);
      if (query.columns.some(({ type }) => type === 'inexact')) continue;
      this.nesting--;
      return query;
    }
  }

  // FROM and WHERE.

  from(outer: Scope | undefined): { readonly fragment: Fragment; readonly scope: Scope } {
    const { choices } = this;
    const first = this.source();
    let { fragment } = first;
    const sources = [first.source];
    const joins = choices.chance(0.3) && this.nesting < DEPTH_MAX ? (choices.chance(0.2) ? 2 : 1) : 0;
    for (let count = 0; count < joins; count++) {
      const next = this.source();
      fragment = this.join(fragment, { sources: [...sources] }, next);
      sources.push(next.source);
    }
    return { fragment, scope: outer === undefined ? { sources } : { sources, outer } };
  }

  where(scope: Scope, probability = 0.6): Fragment {
    if (!this.choices.chance(probability)) return sql``;
    const own = this.expressions.bool(scope, this.choices.between(0, 2));
    if (scope.outer === undefined || this.choices.chance(0.4)) return sql` WHERE ${own}`;
    const type = this.choices.pick<ValueType>(['whole', 'text']);
    const a = this.expressions.column({ sources: scope.sources }, [type]);
    const b = this.expressions.column({ sources: scope.outer.sources }, [type]);
    return a === undefined || b === undefined
      ? sql` WHERE ${own}`
      : sql` WHERE ${a.reference} = ${b.reference} AND ${own}`;
  }

  private source(): { readonly fragment: Fragment; readonly source: Source } {
    const { choices } = this;
    const alias = `t${++this.aliases}`;
    if (this.commonTables.length > 0 && choices.chance(0.4)) {
      const { name, columns } = choices.pick(this.commonTables);
      return { fragment: sql`${name} ${alias}`, source: derivedSource(alias, columns) };
    }
    if (this.nesting < DEPTH_MAX && choices.chance(0.08)) {
      const query = this.derivable(undefined);
      return { fragment: sql`(${query.fragment}) ${alias}`, source: derivedSource(alias, query.columns) };
    }
    if (choices.chance(0.04)) {
      const list = sql`(VALUES (1, 'a'), (2, 'b'), (3, NULL)) AS ${alias}(v, name)`;
      const columns: OutputColumn[] = [
        { name: 'v', type: 'int' },
        { name: 'name', type: 'text' },
      ];
      return { fragment: list, source: derivedSource(alias, columns) };
    }
    if (choices.chance(0.03)) {
      const series = sql`generate_series(${choices.between(0, 2)}, ${choices.between(2, 6)}) AS ${alias}(v)`;
      return { fragment: series, source: derivedSource(alias, [{ name: 'v', type: 'int' }]) };
    }
    const collection = choices.pick(this.collections);
    return {
      fragment: sql`${collection.name} ${choices.pick(['', 'AS '])}${alias}`,
      source: collectionSource(collection, alias),
    };
  }

  private join(
    left: Fragment,
    scope: Scope,
    { fragment, source }: { fragment: Fragment; source: Source },
  ): Fragment {
    const { choices } = this;
    const kind = choices.pick([
      'JOIN',
      'INNER JOIN',
      'LEFT JOIN',
      'LEFT JOIN',
      'RIGHT JOIN',
      'FULL JOIN',
      'CROSS JOIN',
    ]);
    if (kind === 'CROSS JOIN') return sql`${left} CROSS JOIN ${fragment}`;
    const all: Scope = { sources: [...scope.sources, source] };
    const type = choices.pick<ValueType>(['whole', 'whole', 'text', 'num']);
    const a = this.expressions.column(scope, [type]);
    const b = this.expressions.column({ sources: [source] }, [type]);
    if (a === undefined || b === undefined)
      return sql`${left} LEFT JOIN ${fragment} ON ${this.expressions.bool(all, 0)}`;
    const sides = choices.chance(0.5) ? [a, b] : [b, a];
    const equal = sql`${sides[0].reference} = ${sides[1].reference}`;
    // PostgreSQL joins FULL by equality only.
    if (kind === 'FULL JOIN' || choices.chance(0.6)) return sql`${left} ${kind} ${fragment} ON ${equal}`;
    if (choices.chance(0.2)) return sql`${left} ${kind} ${fragment} ON ${a.reference} < ${b.reference}`;
    return sql`${left} ${kind} ${fragment} ON ${equal} AND ${this.expressions.bool(all, 1)}`;
  }
}

/** Marks a common table that refers to itself. */
const RECURSIVE = variant('', '');
const isRecursive = ({ parts }: Fragment): boolean => parts[0] === RECURSIVE;
