import test from 'ava';
import { createPrng, type Prng } from '../../../src/base/prng.js';
import type { LogicalPlan } from '../../../src/sql/algebra/logical.js';
import { explainJson, explainText } from '../../../src/sql/explain/explain.js';
import type { PlannerOptions } from '../../../src/sql/plan/options.js';
import { testSeed } from '../../support/random.js';
import { database } from './support/database.js';
import { EXPLAIN_OPTIONS, prepare } from './support/golden.js';
import {
  aggregate,
  and,
  compare,
  type E,
  filter,
  inList,
  isNull,
  join,
  limit,
  newId,
  not,
  or,
  project,
  query,
  sort,
  subquery,
  table,
} from './support/logical.js';

const PLANS = 2000;
const MEMBERS = ['_id', 'a', 'b', 'c', '*'];

const world = database({
  large: {
    documents: 1_000_000,
    indexes: {
      large_ab: { on: ['a', 'b desc'], include: ['c'] },
      large_c: { on: ['c'], where: "status = 'active'" },
    },
    fields: { a: { distinct: 10_000 }, b: { distinct: 3 } },
  },
  small: { documents: 50, indexes: { small_b: { on: ['b'], unique: true } } },
  unknown: {},
});

type Column = E & { kind: 'column' };

interface Source {
  readonly plan: LogicalPlan;
  readonly columns: readonly Column[];
}

class Generator {
  constructor(readonly prng: Prng) {}

  pick<T>(items: readonly T[]): T {
    return items[this.prng.nextBelow(items.length)];
  }

  source(depth: number, outer: readonly Column[]): Source {
    const kind = depth <= 0 ? 0 : this.prng.nextBelow(10);
    switch (kind) {
      case 1:
      case 2: {
        const input = this.source(depth - 1, outer);
        return { ...input, plan: filter(input.plan, this.condition(input.columns, outer, depth - 1)) };
      }
      case 3: {
        const input = this.source(depth - 1, outer);
        const p = project(input.plan, {
          x: this.pick(input.columns),
          y: this.condition(input.columns, outer, depth - 2),
          z: this.pick(input.columns),
        });
        return { plan: p.plan, columns: ['x', 'y', 'z'].map((name) => p.col(name)) };
      }
      case 4:
      case 5:
        return this.joined(depth, outer);
      case 6: {
        const input = this.source(depth - 1, outer);
        const keys: Readonly<Record<string, E>> =
          this.prng.nextBelow(3) === 0 ? {} : { k: this.pick(input.columns) };
        const a = aggregate(input.plan, keys, { n: ['count(*)'], m: ['max(any)', this.pick(input.columns)] });
        return { plan: a.plan, columns: [...Object.keys(keys), 'n', 'm'].map((name) => a.col(name)) };
      }
      case 7: {
        const input = this.source(depth - 1, outer);
        const sorted = sort(input.plan, this.pick(input.columns), [this.pick(input.columns), 'desc']);
        const plan = this.prng.nextBelow(2) === 0 ? sorted : limit(sorted, 1 + this.prng.nextBelow(20), 2);
        return { ...input, plan };
      }
      case 8: {
        const input = this.source(depth - 1, outer);
        const on = this.prng.nextBelow(2) === 0 ? input.columns : [this.pick(input.columns)];
        return { ...input, plan: { kind: 'distinct', input: input.plan, on, columns: input.plan.columns } };
      }
      case 9:
        return this.set(depth, outer);
      default: {
        const t = table(this.pick(['large', 'small', 'unknown']), MEMBERS, `t${newId()}`);
        return { plan: t.plan, columns: MEMBERS.map((name) => t.col(name)) };
      }
    }
  }

  joined(depth: number, outer: readonly Column[]): Source {
    const left = this.source(depth - 1, outer);
    const isLateral = this.prng.nextBelow(5) === 0;
    const right = this.source(depth - 1, isLateral ? [...outer, ...left.columns] : outer);
    const kinds = isLateral
      ? (['inner', 'left'] as const)
      : (['inner', 'left', 'right', 'full', 'inner'] as const);
    const equal = compare(this.pick(left.columns), '=', this.pick(right.columns));
    const on =
      this.prng.nextBelow(3) === 0
        ? and(equal, this.condition([...left.columns, ...right.columns], [], 0))
        : equal;
    return {
      plan: join(this.pick(kinds), left.plan, right.plan, on, isLateral),
      columns: [...left.columns, ...right.columns],
    };
  }

  set(depth: number, outer: readonly Column[]): Source {
    const side = (): Source => {
      const input = this.source(depth - 1, outer);
      const p = project(input.plan, { x: this.pick(input.columns), y: this.pick(input.columns) });
      return { plan: p.plan, columns: [p.col('x'), p.col('y')] };
    };
    const [left, right] = [side(), side()];
    const columns = [newId(), newId()];
    const plan: LogicalPlan = {
      kind: 'setOperation',
      operation: this.pick(['union', 'intersect', 'except'] as const),
      all: this.prng.nextBelow(2) === 0,
      left: left.plan,
      right: right.plan,
      columns,
    };
    return {
      plan,
      columns: columns.map((id): Column => ({ kind: 'column', type: 'any', id, name: `s${id}` })),
    };
  }

  condition(columns: readonly Column[], outer: readonly Column[], depth: number): E {
    const column = this.pick(columns);
    const other =
      outer.length > 0 && this.prng.nextBelow(2) === 0 ? this.pick(outer) : this.prng.nextBelow(100);
    switch (this.prng.nextBelow(depth > 0 ? 9 : 6)) {
      case 0:
        return compare(column, this.pick(['=', '<', '>=', '<>'] as const), other);
      case 1:
        return inList(column, 'x', 'y', 3);
      case 2:
        return isNull(column, this.prng.nextBelow(2) === 0);
      case 3:
        return and(this.condition(columns, outer, depth - 1), this.condition(columns, outer, depth - 1));
      case 4:
        return or(this.condition(columns, outer, depth - 1), compare(column, '=', 'x'));
      case 5:
        return not(this.condition(columns, outer, depth - 1));
      default:
        return this.subquery(columns, outer, column, depth);
    }
  }

  subquery(columns: readonly Column[], outer: readonly Column[], column: Column, depth: number): E {
    const inner = this.source(depth - 1, [...outer, ...columns]);
    const p = project(inner.plan, { v: this.pick(inner.columns) });
    switch (this.prng.nextBelow(4)) {
      case 0:
        return subquery('exists', inner.plan);
      case 1:
        return subquery('any', p.plan, column);
      case 2:
        return subquery('all', p.plan, column);
      default:
        return compare(column, '=', subquery('scalar', limit(p.plan, 1)));
    }
  }
}

const OPTIONS: readonly Partial<PlannerOptions>[] = [
  {},
  { parallelWorkers: 4 },
  { enableHashJoin: false },
  { enableIndexNestedLoop: false, enableUnnesting: false },
  { enableIndexScan: false, enableSortedAggregate: false },
];

test('random plans are sound, whatever the planner makes of them, and can be explained', (t) => {
  const seed = testSeed();
  t.log(`seed ${seed}`);
  const generator = new Generator(createPrng(seed));
  for (let i = 0; i < PLANS; i++) {
    const { plan, columns } = generator.source(1 + generator.prng.nextBelow(5), []);
    const output = [generator.pick(columns), generator.pick(columns)];
    const prepared = prepare(query(plan, ...output), world, OPTIONS[i % OPTIONS.length]);
    const options = { ...EXPLAIN_OPTIONS, costs: true, verbose: i % 2 === 0 };
    const text = explainText(prepared, undefined, options).join('\n');
    t.notRegex(text, /undefined|NaN|\[object/, `seed ${seed}, plan ${i}`);
    JSON.stringify(explainJson(prepared, undefined, options));
  }
});
