/** Functions, comparisons and casts that the tests of the planner get by with; plans and not values are tested there. */
import type { BoundExpression } from '../../../../src/sql/algebra/expression.js';
import type { AggregateDefinition, FunctionDefinition } from '../../../../src/sql/functions/definition.js';
import type { PlannerSupport, StandaloneExpression } from '../../../../src/sql/plan/support.js';
import type { SqlType } from '../../../../src/sql/types/sql-type.js';
import { compareText } from '../../../../src/sql/types/text-order.js';
import type { SqlValue } from '../../../../src/sql/types/values.js';

function scalar(
  id: string,
  evaluate: (args: readonly SqlValue[]) => SqlValue,
  volatility: FunctionDefinition['volatility'] = 'immutable',
): FunctionDefinition {
  const name = id.slice(0, id.indexOf('('));
  return { id, name, parameters: [], variadic: false, returns: 'any', strict: true, volatility, evaluate };
}

const SCALARS = [
  scalar('+(int8,int8)', ([a, b]) => Number(a) + Number(b)),
  scalar('/(int8,int8)', ([a, b]) => {
    if (b === 0) throw new Error('division by zero');
    return Math.trunc(Number(a) / Number(b));
  }),
  scalar('lower(text)', ([a]) => String(a).toLowerCase()),
  scalar('~~(text,text)', () => false),
  scalar('random()', () => 0.5, 'volatile'),
  scalar('now()', () => 0, 'stable'),
];

function aggregate(id: string, mergeable = true): AggregateDefinition {
  const name = id.slice(0, id.indexOf('('));
  return {
    id,
    name,
    parameters: [],
    returns: 'any',
    skipsNull: true,
    mergeable,
    initial: () => null,
    accumulate: (state) => state,
    merge: (state) => state,
    finish: () => null,
  };
}

const AGGREGATES = [
  aggregate('count(*)'),
  aggregate('count(any)'),
  aggregate('sum(any)'),
  aggregate('avg(any)'),
  aggregate('min(any)'),
  aggregate('max(any)'),
  aggregate('string_agg(text,text)', false),
];

const RANKS = ['string', 'number', 'boolean', 'object'];

function compare(a: SqlValue, b: SqlValue): number {
  const rank = (value: SqlValue): number =>
    RANKS.indexOf(typeof value === 'bigint' ? 'number' : typeof value);
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
  return Number(a) - Number(b);
}

function cast(value: SqlValue, to: SqlType): SqlValue {
  if (to === 'text') return String(value);
  if (to !== 'int8') return value;
  if (!/^-?\d+$/.test(String(value))) throw new Error('invalid input syntax for type bigint');
  return Number(value);
}

const member = (id: number, name: string): BoundExpression => ({ kind: 'column', type: 'any', id, name });
const field = (id: number, name: string): StandaloneExpression['fields'][number] => ({
  id,
  source: { kind: 'member', path: [name] },
  type: 'any',
  name,
});

/** The few texts that the indexes of the tests have. */
const STANDALONE: Readonly<Record<string, StandaloneExpression>> = {
  'lower(email)': {
    expression: { kind: 'call', type: 'text', function: 'lower(text)', args: [member(1, 'email')] },
    fields: [field(1, 'email')],
  },
  "status = 'active'": {
    expression: {
      kind: 'compare',
      type: 'bool',
      operator: '=',
      left: member(1, 'status'),
      right: { kind: 'const', type: 'text', value: 'active' },
    },
    fields: [field(1, 'status')],
  },
  'total > 100': {
    expression: {
      kind: 'compare',
      type: 'bool',
      operator: '>',
      left: member(1, 'total'),
      right: { kind: 'const', type: 'int8', value: 100 },
    },
    fields: [field(1, 'total')],
  },
  'email IS NOT NULL': {
    expression: { kind: 'isNull', type: 'bool', negated: true, arg: member(1, 'email') },
    fields: [field(1, 'email')],
  },
};

export const testSupport: PlannerSupport = {
  scalar: (id) => SCALARS.find((definition) => definition.id === id),
  aggregate: (id) => AGGREGATES.find((definition) => definition.id === id),
  compareForOperator: (a, b) => {
    const kind = (value: SqlValue): string => (typeof value === 'bigint' ? 'number' : typeof value);
    return a === null || b === null || kind(a) !== kind(b) ? undefined : compare(a, b);
  },
  compareForOrder: compare,
  cast,
  bindStandalone: (sql) => {
    const found = STANDALONE[sql];
    if (found === undefined) throw new Error(`not known to the tests: ${sql}`);
    return found;
  },
};
