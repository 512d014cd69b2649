/** Random selections with window functions. Where the order inside of a window matters, it is total. */
import { type Fragment, joined, sql } from './fragment.js';
import type { QueryTools, Select } from './queries.js';
import type { OutputColumn, Scope, ValueType } from './scope.js';

interface Output {
  readonly fragment: Fragment;
  readonly type: ValueType;
}

const FRAMES = [
  '',
  '',
  ' ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW',
  ' ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING',
  ' ROWS BETWEEN 1 FOLLOWING AND 3 FOLLOWING',
  ' ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING',
  ' RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW',
  ' ROWS 3 PRECEDING',
];

export function windowedSelect(tools: QueryTools, outer: Scope | undefined): Select {
  const { choices, expressions } = tools;
  let from = tools.from(outer);
  // Rows of other sources may be equal: their order is then nobody's.
  while (from.scope.sources.some(({ key }) => key.length === 0)) from = tools.from(outer);
  const { fragment, scope } = from;
  const key = scope.sources.flatMap((source) => source.key);
  const outputs: Output[] = [
    ...key.map(({ reference, type }) => ({ fragment: reference, type })),
    { fragment: expressions.value('num', scope, 1), type: 'num' },
    ...choices.many(choices.between(1, 2), () => windowCall(tools, scope)),
  ];
  const columns = outputs.map(({ type }, index): OutputColumn => ({ name: `c${index + 1}`, type }));
  const list = joined(
    outputs.map((output, index) => sql`${output.fragment} AS c${index + 1}`),
    ', ',
  );
  return { fragment: sql`SELECT ${list} FROM ${fragment}${tools.where(scope, 0.4)}`, columns };
}

function windowCall(tools: QueryTools, scope: Scope): Output {
  const { choices, expressions } = tools;
  const own: Scope = { sources: scope.sources };
  const partition = choices.chance(0.6)
    ? sql`PARTITION BY ${expressions.column(own, ['whole', 'text', 'bool'])?.reference ?? sql`1`} `
    : sql``;
  const first = expressions.value(choices.pick<ValueType>(['num', 'text', 'ts']), own, choices.below(2));
  const direction = `${choices.pick(['', ' DESC'])}${choices.pick(['', '', ' NULLS FIRST', ' NULLS LAST'])}`;
  const key = scope.sources.flatMap((source) => source.key.map(({ reference }) => reference));
  const loose = sql`OVER (${partition}ORDER BY ${first}${direction})`;
  const total = sql`${partition}ORDER BY ${first}${direction}, ${joined(key, ', ')}`;
  const over = sql`OVER (${total})`;
  const framed = sql`OVER (${total}${choices.pick(FRAMES)})`;
  const number = expressions.number(scope, 1).fragment;
  const text = expressions.text(scope, 1);
  return choices.oneOf<Output>([
    () => ({ fragment: sql`row_number() ${over}`, type: 'int' }),
    () => ({ fragment: sql`${choices.pick(['rank', 'dense_rank'])}() ${loose}`, type: 'int' }),
    () => ({ fragment: sql`${choices.pick(['percent_rank', 'cume_dist'])}() ${loose}`, type: 'inexact' }),
    () => ({ fragment: sql`ntile(${choices.between(1, 5)}) ${over}`, type: 'int' }),
    () => ({ fragment: sql`${choices.pick(['lag', 'lead'])}(${text}) ${over}`, type: 'text' }),
    () => ({ fragment: sql`${choices.pick(['lag', 'lead'])}(${text}, 2, 'none') ${over}`, type: 'text' }),
    () => ({
      fragment: sql`${choices.pick(['first_value', 'last_value'])}(${text}) ${framed}`,
      type: 'text',
    }),
    () => ({ fragment: sql`nth_value(${text}, 2) ${framed}`, type: 'text' }),
    () => ({ fragment: sql`(sum(${number}) ${framed})::numeric`, type: 'num' }),
    () => ({ fragment: sql`(sum(${number}) ${loose})::numeric`, type: 'num' }),
    () => ({ fragment: sql`count(${text}) ${framed}`, type: 'int' }),
    () => ({ fragment: sql`count(*) OVER (${partition})`, type: 'int' }),
    () => ({ fragment: sql`${choices.pick(['min', 'max'])}(${text}) ${framed}`, type: 'text' }),
  ]);
}
