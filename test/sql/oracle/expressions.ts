/** Random expressions of a wanted type over a scope. They never fail: nothing is divided by zero, casts are of what can be cast. */
import type { Choices } from './choices.js';
import { SMALL_TEXTS, WORDS } from './documents.js';
import { type Fragment, joined, sql, variant } from './fragment.js';
import { allColumns, type Column, type Scope, type ValueType } from './scope.js';

export interface Numeric {
  readonly fragment: Fragment;
  /** As ValueType has them. */
  readonly type: 'int' | 'whole' | 'num';
}

/** Subqueries come from the query generator, which uses this one. */
export interface SubqueryMaker {
  /** One column of this type, any number of rows. */
  list(type: ValueType, scope: Scope): Fragment;
  scalar(type: ValueType, scope: Scope): Fragment;
  exists(scope: Scope): Fragment;
}

export const quoted = (text: string): Fragment => sql`'${text.replaceAll("'", "''")}'`;

const COMPARISONS = ['=', '<>', '<', '<=', '>', '>=', '!='];
const PATTERNS = [
  'a%',
  '%a',
  '%b%',
  '_',
  '__',
  'a_',
  '%',
  '',
  'A%',
  '%é%',
  '😀%',
  'Ban%',
  '%an%',
  '\\_%',
  '%\\%%',
  '_pple',
];
const REGEXES = ['^a', 'b$', '[ab]+', '^[A-Z]', 'a.p', 'an{1}a', '(a|b)b?', '^$'];
const INTERVALS = ['1 day', '2 hours', '1 month', '90 minutes', '1 year 2 days', '-3 days'];
const FIELDS = ['year', 'month', 'day', 'hour', 'minute', 'dow', 'doy', 'quarter', 'week', 'isodow'];
const UNITS = ['year', 'quarter', 'month', 'week', 'day', 'hour', 'minute'];

export class ExpressionMaker {
  constructor(
    readonly choices: Choices,
    private readonly subqueries: SubqueryMaker,
  ) {}

  /** Of this type; `whole` and `int` may come for `num`. */
  value(type: ValueType, scope: Scope, depth: number): Fragment {
    switch (type) {
      case 'text':
        return this.text(scope, depth);
      case 'bool':
        return this.bool(scope, depth);
      case 'ts':
        return this.time(scope, depth);
      case 'json':
        return this.column(scope, ['json'])?.reference ?? sql`NULL::jsonb`;
      case 'inexact':
        return this.inexact(scope, depth);
      default:
        return this.number(scope, depth).fragment;
    }
  }

  column(scope: Scope, types: readonly ValueType[]): Column | undefined {
    const { outer } = scope;
    const from = outer !== undefined && this.choices.chance(0.3) ? outer : scope;
    const fitting = allColumns(from).filter(({ type }) => types.includes(type));
    return fitting.length === 0 ? undefined : this.choices.pick(fitting);
  }

  // Numbers.

  number(scope: Scope, depth: number): Numeric {
    const { choices } = this;
    if (depth <= 0 || choices.chance(0.3)) return this.numberLeaf(scope);
    return choices.oneOf<Numeric>([
      () => this.arithmetic(scope, depth),
      () => this.arithmetic(scope, depth),
      () => this.numberCall(scope, depth),
      () => this.numberCase(scope, depth),
      () => {
        const [a, b] = [this.number(scope, depth - 1), this.number(scope, 0)];
        const call = choices.pick(['coalesce', 'greatest', 'least', 'nullif']);
        return { fragment: sql`${call}(${a.fragment}, ${b.fragment})`, type: wider(a, b) };
      },
      () => {
        const fragment = sql`length(${this.text(scope, depth - 1)})`;
        return { fragment: variant(fragment, sql`${fragment}::int8`), type: 'int' };
      },
      () => this.extracted(scope, depth),
      () => ({ fragment: sql`(${this.subqueries.scalar('num', scope)})`, type: 'num' }),
    ]);
  }

  private numberLeaf(scope: Scope): Numeric {
    const { choices } = this;
    const column = choices.chance(0.75) ? this.column(scope, ['int', 'whole', 'num']) : undefined;
    if (column !== undefined) return { fragment: column.reference, type: column.type as Numeric['type'] };
    if (choices.chance(0.05)) return { fragment: sql`NULL::numeric`, type: 'num' };
    if (choices.chance(0.3))
      return { fragment: sql`${choices.between(0, 20) / 4 + 0.25}::numeric`, type: 'num' };
    return { fragment: sql`${choices.between(0, 9)}`, type: 'int' };
  }

  private arithmetic(scope: Scope, depth: number): Numeric {
    const { choices } = this;
    const a = this.number(scope, depth - 1);
    if (choices.chance(0.15)) return { fragment: sql`(- ${a.fragment})`, type: a.type };
    // Quarters divided by powers of two stay exact in both.
    if (choices.chance(0.15)) {
      return {
        fragment: sql`(${a.fragment} / ${choices.pick([2, 4])})`,
        type: a.type === 'int' ? 'int' : 'num',
      };
    }
    if (choices.chance(0.15))
      return { fragment: sql`(${a.fragment} % ${choices.pick([2, 3, 5])})`, type: a.type };
    const b = this.number(scope, depth - 1);
    return {
      fragment: sql`(${a.fragment} ${choices.pick(['+', '-', '*'])} ${b.fragment})`,
      type: wider(a, b),
    };
  }

  private numberCall(scope: Scope, depth: number): Numeric {
    const { choices } = this;
    const { fragment, type } = this.number(scope, depth - 1);
    const call = choices.pick(['abs', 'floor', 'ceil', 'round', 'trunc', 'sign', 'mod', 'int8']);
    if (call === 'abs') return { fragment: sql`abs(${fragment})`, type };
    if (call === 'mod') return { fragment: sql`mod(${fragment}, ${choices.between(2, 5)})`, type };
    const numeric = sql`(${fragment})::numeric`;
    if (call === 'int8') return { fragment: sql`(${fragment})::int8`, type: 'int' };
    return { fragment: sql`${call}(${numeric})`, type: type === 'int' ? 'whole' : type };
  }

  private numberCase(scope: Scope, depth: number): Numeric {
    const [a, b] = [this.number(scope, depth - 1), this.number(scope, depth - 1)];
    const when = this.bool(scope, depth - 1);
    const otherwise = this.choices.chance(0.7) ? sql` ELSE ${b.fragment}` : sql``;
    return { fragment: sql`CASE WHEN ${when} THEN ${a.fragment}${otherwise} END`, type: wider(a, b) };
  }

  private extracted(scope: Scope, depth: number): Numeric {
    return {
      fragment: sql`extract(${this.choices.pick(FIELDS)} from ${this.time(scope, depth - 1)})`,
      type: 'num',
    };
  }

  private inexact(scope: Scope, depth: number): Fragment {
    const { choices } = this;
    const a = this.number(scope, depth - 1).fragment;
    const b = this.number(scope, depth - 1).fragment;
    return choices.oneOf([
      () => sql`(${a})::numeric / nullif((${b})::numeric, 0)`,
      () => sql`sqrt(abs(${a})::numeric)`,
      () => sql`round((${a})::numeric, 1)`,
      () => sql`extract(epoch from ${this.time(scope, 0)})`,
      () => sql`(${a})::float8 / 3`,
      () => sql`power((${a})::numeric, 2)`,
      () => sql`ln((abs(${a}) + 1)::numeric)`,
      () => sql`exp(least(${a}, 5)::float8)`,
    ]);
  }

  // Texts.

  text(scope: Scope, depth: number): Fragment {
    const { choices } = this;
    if (depth <= 0 || choices.chance(0.35)) return this.textLeaf(scope);
    const a = this.text(scope, depth - 1);
    return choices.oneOf<Fragment>([
      () =>
        sql`${choices.pick(['lower', 'upper', 'trim', 'reverse', 'btrim', 'ltrim', 'rtrim', 'initcap'])}(${a})`,
      () => sql`(${a} || ${this.text(scope, depth - 1)})`,
      () => sql`substr(${a}, ${choices.between(-1, 3)}, ${choices.between(0, 3)})`,
      () => sql`substring(${a} from ${choices.between(1, 3)})`,
      () => sql`${choices.pick(['left', 'right'])}(${a}, ${choices.between(-2, 3)})`,
      () =>
        sql`replace(${a}, ${quoted(choices.pick(['a', 'b', 'an', '']))}, ${quoted(choices.pick(['x', '', 'é']))})`,
      () =>
        sql`${choices.pick(['lpad', 'rpad'])}(${a}, ${choices.between(0, 6)}, ${quoted(choices.pick(['*', 'xy']))})`,
      () => sql`split_part(${a}, ${quoted(choices.pick([' ', 'a', '_']))}, ${choices.between(1, 2)})`,
      () => sql`repeat(${a}, ${choices.between(0, 2)})`,
      () => sql`concat(${a}, ${this.text(scope, 0)}, '-')`,
      () => sql`concat_ws('/', ${a}, ${this.text(scope, 0)})`,
      () => sql`coalesce(${a}, ${this.text(scope, depth - 1)})`,
      () => sql`nullif(${a}, ${this.text(scope, 0)})`,
      () => sql`${choices.pick(['greatest', 'least'])}(${a}, ${this.text(scope, depth - 1)})`,
      () => sql`CASE WHEN ${this.bool(scope, depth - 1)} THEN ${a} ELSE ${this.text(scope, depth - 1)} END`,
      () =>
        sql`CASE ${this.textLeaf(scope)} WHEN ${this.textLiteral()} THEN ${a} WHEN 'b' THEN 'x' ELSE 'other' END`,
      () => sql`${this.column(scope, ['whole', 'int'])?.reference ?? sql`7`}::text`,
      () => sql`to_char(${this.time(scope, depth - 1)}, 'YYYY-MM-DD HH24:MI')`,
      () => sql`(${this.subqueries.scalar('text', scope)})`,
      () => sql`translate(${a}, 'ab', 'x')`,
    ]);
  }

  private textLeaf(scope: Scope): Fragment {
    const column = this.choices.chance(0.75) ? this.column(scope, ['text']) : undefined;
    return column?.reference ?? this.textLiteral();
  }

  private textLiteral(): Fragment {
    const { choices } = this;
    if (choices.chance(0.05)) return sql`NULL::text`;
    return sql`${quoted(choices.pick(choices.chance(0.5) ? SMALL_TEXTS : WORDS))}::text`;
  }

  // Times.

  time(scope: Scope, depth: number): Fragment {
    const { choices } = this;
    const column = this.column(scope, ['ts']);
    const day = sql`timestamptz '2024-01-${String(choices.between(1, 20)).padStart(2, '0')} 12:30:00Z'`;
    const leaf = column !== undefined && choices.chance(0.8) ? column.reference : day;
    if (depth <= 0 || choices.chance(0.4)) return leaf;
    return choices.oneOf<Fragment>([
      () => sql`(${leaf} ${choices.pick(['+', '-'])} interval '${choices.pick(INTERVALS)}')`,
      () => sql`date_trunc('${choices.pick(UNITS)}', ${leaf})`,
      () => sql`coalesce(${leaf}, ${day})`,
      () => sql`CASE WHEN ${this.bool(scope, depth - 1)} THEN ${leaf} END`,
    ]);
  }

  // Conditions.

  bool(scope: Scope, depth: number): Fragment {
    const { choices } = this;
    if (depth <= 0) return this.simpleCondition(scope);
    return choices.oneOf<Fragment>([
      () => sql`(${this.bool(scope, depth - 1)} AND ${this.bool(scope, depth - 1)})`,
      () => sql`(${this.bool(scope, depth - 1)} OR ${this.bool(scope, depth - 1)})`,
      () => sql`(NOT ${this.bool(scope, depth - 1)})`,
      () => this.simpleCondition(scope),
      () => this.comparison(scope, depth - 1),
      () => this.comparison(scope, depth - 1),
      () => this.test(scope, depth - 1),
      () => this.membership(scope, depth - 1),
      () => this.subqueryCondition(scope),
    ]);
  }

  /** What an index may serve. */
  private simpleCondition(scope: Scope): Fragment {
    const { choices } = this;
    const number = this.column(scope, ['whole', 'num', 'int']);
    const text = this.column(scope, ['text']);
    const bool = this.column(scope, ['bool']);
    const makers: (() => Fragment)[] = [() => choices.pick([sql`true`, sql`false`, sql`NULL::bool`])];
    if (number !== undefined) {
      const { reference } = number;
      const literal = (): number => choices.between(-3, 9);
      const low = literal();
      for (let weight = 0; weight < 3; weight++) {
        makers.push(
          () => sql`${reference} ${choices.pick(COMPARISONS)} ${literal()}`,
          () => sql`${reference} = ${literal()}`,
          () =>
            sql`${reference} ${choices.pick(['', 'NOT '])}BETWEEN ${low} AND ${low + choices.between(0, 4)}`,
          () =>
            sql`${reference} ${choices.pick(['', 'NOT '])}IN (${joined(
              choices.many(choices.between(1, 4), () => String(literal())),
              ', ',
            )})`,
          () => sql`${reference} IS ${choices.pick(['', 'NOT '])}NULL`,
        );
      }
    }
    if (text !== undefined) {
      const { reference } = text;
      for (let weight = 0; weight < 2; weight++) {
        makers.push(
          () => sql`${reference} ${choices.pick(COMPARISONS)} ${quoted(choices.pick(SMALL_TEXTS))}`,
          () => sql`${reference} = ${quoted(choices.pick(WORDS))}`,
          () =>
            sql`${reference} ${choices.pick(['LIKE', 'NOT LIKE', 'ILIKE', 'NOT ILIKE'])} ${quoted(choices.pick(PATTERNS))}`,
          () =>
            sql`${reference} IN (${joined(
              choices.many(choices.between(1, 3), () => quoted(choices.pick(WORDS))),
              ', ',
            )})`,
          () => sql`${reference} ${choices.pick(['~', '!~', '~*'])} ${quoted(choices.pick(REGEXES))}`,
          () => sql`${reference} IS ${choices.pick(['', 'NOT '])}NULL`,
        );
      }
    }
    if (bool !== undefined)
      makers.push(
        () => bool.reference,
        () => sql`(NOT ${bool.reference})`,
        () => sql`${bool.reference} = true`,
      );
    return choices.oneOf(makers);
  }

  private comparison(scope: Scope, depth: number): Fragment {
    const operator = this.choices.pick([...COMPARISONS, ' IS DISTINCT FROM ', ' IS NOT DISTINCT FROM ']);
    const type = this.choices.pick<ValueType>(['num', 'num', 'text', 'text', 'bool', 'ts']);
    return sql`(${this.value(type, scope, depth)}) ${operator} (${this.value(type, scope, depth)})`;
  }

  private test(scope: Scope, depth: number): Fragment {
    const { choices } = this;
    const json = this.column(scope, ['json']);
    const makers: (() => Fragment)[] = [
      () =>
        sql`(${this.bool(scope, depth)}) IS ${choices.pick(['', 'NOT '])}${choices.pick(['TRUE', 'FALSE', 'UNKNOWN'])}`,
      () =>
        sql`(${this.value(choices.pick<ValueType>(['num', 'text', 'bool', 'ts']), scope, depth)}) IS ${choices.pick(['', 'NOT '])}NULL`,
      () =>
        sql`(${this.text(scope, depth)}) ${choices.pick(['LIKE', 'NOT LIKE', 'ILIKE'])} ${quoted(choices.pick(PATTERNS))}`,
      () =>
        sql`(${this.number(scope, depth).fragment}) BETWEEN ${choices.pick(['', 'SYMMETRIC '])}${this.number(scope, 0).fragment} AND ${this.number(scope, 0).fragment}`,
    ];
    if (json !== undefined) {
      const { reference } = json;
      makers.push(
        () =>
          sql`${reference} @> ${quoted(choices.pick(['["a"]', '[1]', '{"x": 1}', '{"z": {}}', '[]', '{}']))}::jsonb`,
        () => sql`${reference} ? ${quoted(choices.pick(['a', 'x', 'z']))}`,
        () => sql`jsonb_typeof(${reference}) = ${quoted(choices.pick(['array', 'object']))}`,
        () =>
          sql`(${reference} ->> ${choices.pick(["'y'", "'x'", '0'])}) = ${quoted(choices.pick(['a', '1', '']))}`,
        () => sql`(${reference} #>> '{z,q}') IS ${choices.pick(['', 'NOT '])}NULL`,
      );
    }
    return choices.oneOf(makers);
  }

  private membership(scope: Scope, depth: number): Fragment {
    const { choices } = this;
    const type = choices.pick<ValueType>(['num', 'text']);
    const items = choices.many(choices.between(1, 3), () => this.value(type, scope, choices.below(2)));
    return sql`(${this.value(type, scope, depth)}) ${choices.pick(['IN', 'NOT IN'])} (${joined(items, ', ')})`;
  }

  private subqueryCondition(scope: Scope): Fragment {
    const { choices } = this;
    const type = choices.pick<ValueType>(['num', 'text']);
    const value = this.value(type, scope, 0);
    return choices.oneOf<Fragment>([
      () => sql`${choices.pick(['', 'NOT '])}EXISTS (${this.subqueries.exists(scope)})`,
      () => sql`${value} ${choices.pick(['IN', 'IN', 'NOT IN'])} (${this.subqueries.list(type, scope)})`,
      () =>
        sql`${value} ${choices.pick(COMPARISONS)} ${choices.pick(['ANY', 'ALL'])} (${this.subqueries.list(type, scope)})`,
      () => sql`${value} ${choices.pick(COMPARISONS)} (${this.subqueries.scalar(type, scope)})`,
    ]);
  }
}

function wider(a: Numeric, b: Numeric): Numeric['type'] {
  if (a.type === 'num' || b.type === 'num') return 'num';
  return a.type === 'int' && b.type === 'int' ? 'int' : 'whole';
}
