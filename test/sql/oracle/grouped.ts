/** Random selections with GROUP BY, aggregates and HAVING. */
import { type Fragment, joined, render, sql, variant } from './fragment.js';
import { PLAIN_TYPES, type QueryTools, type Select } from './queries.js';
import type { OutputColumn, Scope, ValueType } from './scope.js';

interface Output {
  readonly fragment: Fragment;
  readonly type: ValueType;
}

const CONSTANT_KEY = sql`1 + 1`;

export function groupedSelect(tools: QueryTools, outer: Scope | undefined): Select {
  const { choices } = tools;
  const { fragment: from, scope } = tools.from(outer);
  const keys = choices.many(choices.below(3), () => groupKey(tools, scope));
  // An aggregate whose columns are all of the query around would belong to that query.
  const own: Scope = { sources: scope.sources };
  const aggregates = choices.many(choices.between(keys.length === 0 ? 1 : 0, 3), () => aggregate(tools, own));
  const outputs = [...keys, ...aggregates];
  const columns = outputs.map(({ type }, index): OutputColumn => ({ name: `c${index + 1}`, type }));
  const list = joined(
    outputs.map(({ fragment }, index) => sql`${fragment} AS c${index + 1}`),
    ', ',
  );
  const having = choices.chance(0.25) ? sql` HAVING ${condition(tools, own, keys)}` : sql``;
  const where = tools.where(scope, 0.5);
  return {
    fragment: sql`SELECT ${list} FROM ${from}${where}${groupBy(tools, scope, keys)}${having}`,
    columns,
  };
}

function groupKey(tools: QueryTools, scope: Scope): Output {
  const { choices, expressions } = tools;
  const type = choices.pick(PLAIN_TYPES);
  // Subqueries in a key would have to be the same in the list of outputs: both databases compare them by structure.
  const own: Scope = { sources: scope.sources };
  const column = expressions.column(own, [type, ...(type === 'num' ? (['whole', 'int'] as const) : [])]);
  if (column === undefined) return { fragment: CONSTANT_KEY, type: 'int' };
  const { reference } = column;
  if (choices.chance(0.6)) return { fragment: reference, type: column.type };
  if (type === 'num') return { fragment: sql`${reference} % 3`, type: column.type };
  if (type === 'text')
    return { fragment: sql`${choices.pick(['lower', 'upper', 'reverse'])}(${reference})`, type };
  if (type === 'ts') return { fragment: sql`date_trunc('day', ${reference})`, type };
  return { fragment: sql`coalesce(${reference}, false)`, type };
}

function groupBy({ choices }: QueryTools, scope: Scope, keys: readonly Output[]): Fragment {
  if (keys.length === 0) return sql``;
  const positions = keys.map((_, index) => String(index + 1));
  // The same key twice is two keys for PostgreSQL's ROLLUP when they are given by position.
  const isUnique = new Set(keys.map(({ fragment }) => render(fragment, 'luma'))).size === keys.length;
  // PostgreSQL 15 takes a constant key in HAVING for the constant, where it should be NULL.
  const isConstant = keys.some(({ fragment }) => fragment === CONSTANT_KEY);
  if (isUnique && !isConstant && choices.chance(0.1)) {
    return sql` GROUP BY ${choices.pick(['ROLLUP', 'CUBE'])} (${joined(positions, ', ')})`;
  }
  // A column of a subquery that is called c1 too would come first; what it groups by `_id` may name all of a document here.
  const hasAliases = scope.sources.every(({ key }) => key.length > 0);
  const parts = keys.map(({ fragment }, index) =>
    choices.pick<string | Fragment>([fragment, hasAliases ? `c${index + 1}` : fragment, String(index + 1)]),
  );
  return sql` GROUP BY ${joined(parts, ', ')}`;
}

function aggregate(tools: QueryTools, scope: Scope): Output {
  const { choices, expressions } = tools;
  const filter = choices.chance(0.15) ? sql` FILTER (WHERE ${expressions.bool(scope, 1)})` : sql``;
  const distinct = choices.chance(0.2) ? 'DISTINCT ' : '';
  const depth = choices.between(0, 1);
  return choices.oneOf<Output>([
    () => ({ fragment: sql`count(*)${filter}`, type: 'int' }),
    () => {
      const value = expressions.value(choices.pick(PLAIN_TYPES), scope, depth);
      return { fragment: sql`count(${distinct}${value})${filter}`, type: 'int' };
    },
    () => sum(sql`(${distinct}${expressions.number(scope, depth).fragment})${filter}`),
    () => {
      const value = expressions.number(scope, depth).fragment;
      return { fragment: average(distinct, value, filter), type: 'inexact' };
    },
    () => {
      const type = choices.pick<ValueType>(['num', 'text', 'ts']);
      const call = choices.pick(['min', 'max']);
      return { fragment: sql`${call}(${expressions.value(type, scope, depth)})${filter}`, type };
    },
    () => {
      const call = choices.pick(['bool_and', 'bool_or', 'every']);
      return { fragment: sql`${call}(${expressions.bool(scope, depth)})${filter}`, type: 'bool' };
    },
    () => {
      const value = expressions.text(scope, depth);
      return { fragment: sql`string_agg(${value}, ',' ORDER BY ${value})${filter}`, type: 'text' };
    },
    () => {
      const call = choices.pick(['stddev_pop', 'var_samp', 'variance', 'stddev']);
      return {
        fragment: sql`${call}((${expressions.number(scope, 0).fragment})::float8)${filter}`,
        type: 'inexact',
      };
    },
  ]);
}

/** The sum of integers is an integer in PostgreSQL, depending on their width. */
const sum = (call: Fragment): Output => ({
  fragment: variant(sql`sum${call}`, sql`(sum${call})::numeric`),
  type: 'num',
});

/** As doubles, in which PostgreSQL's average is rounded as LumaDB's. */
const average = (distinct: string, value: Fragment, filter: Fragment): Fragment =>
  variant(sql`avg(${distinct}${value})${filter}`, sql`avg(${distinct}(${value})::float8)${filter}`);

function condition(tools: QueryTools, scope: Scope, keys: readonly Output[]): Fragment {
  const { choices, expressions } = tools;
  const makers: (() => Fragment)[] = [
    () => sql`count(*) ${choices.pick(['>', '<', '=', '>='])} ${choices.between(0, 8)}`,
    () =>
      sql`sum(${expressions.number(scope, 0).fragment}) ${choices.pick(['>', '<='])} ${choices.between(-5, 50)}`,
    () => sql`max(${expressions.text(scope, 0)}) > 'b'`,
    () => sql`${average('', expressions.number(scope, 0).fragment, sql``)} > ${choices.between(0, 6)}.1`,
  ];
  const [key] = keys;
  if (key !== undefined) makers.push(() => sql`(${key.fragment}) IS NOT NULL`);
  return choices.oneOf(makers);
}
