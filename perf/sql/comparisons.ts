/**
 * What is compared: each statement once for LumaDB and once for PostgreSQL over jsonb. For PostgreSQL the fastest spelling we
 * know is used: numbers are cast straight from jsonb, without text in between.
 */
import { AMOUNT_BOUND, anyCustomer, anyOrderKey, anyRange, type Draw } from './data.js';

export interface Comparison {
  readonly title: string;
  /** `point`: many concurrent clients, throughput counts. `analytic`: one client, latency counts. */
  readonly kind: 'point' | 'analytic';
  /** LumaDB is to be at least this many times as fast. */
  readonly goal: number;
  readonly lumadb: string;
  readonly postgres: string;
  /** Whether rows are whole documents: columns of LumaDB's answer, one jsonb of PostgreSQL's. */
  readonly isDocument: boolean;
  /** Whether the statement says in which order rows come. */
  readonly isOrdered: boolean;
  readonly params: (draw: Draw) => readonly (string | number)[];
}

export const COMPARISON_NAMES = ['key', 'equality', 'range', 'count', 'group', 'top', 'join'] as const;
export type ComparisonName = (typeof COMPARISON_NAMES)[number];

const none = (): readonly never[] => [];
const FILTER_AMOUNT = (AMOUNT_BOUND / 4) * 3;

export const COMPARISONS: Readonly<Record<ComparisonName, Comparison>> = {
  key: {
    title: 'primary key lookup',
    kind: 'point',
    goal: 2,
    lumadb: 'SELECT * FROM orders WHERE _id = $1',
    postgres: 'SELECT doc FROM orders WHERE id = $1',
    isDocument: true,
    isOrdered: true,
    params: anyOrderKey,
  },
  equality: {
    title: 'indexed equality, about 10 rows',
    kind: 'point',
    goal: 2,
    lumadb: 'SELECT * FROM orders WHERE customer = $1',
    postgres: "SELECT doc FROM orders WHERE doc->>'customer' = $1",
    isDocument: true,
    isOrdered: false,
    params: anyCustomer,
  },
  range: {
    title: 'indexed range, order, limit 20',
    kind: 'point',
    goal: 1,
    lumadb: 'SELECT * FROM orders WHERE created >= $1 AND created < $2 ORDER BY created LIMIT 20',
    postgres:
      "SELECT doc FROM orders WHERE (doc->'created')::int8 >= $1 AND (doc->'created')::int8 < $2 " +
      "ORDER BY (doc->'created')::int8 LIMIT 20",
    isDocument: true,
    isOrdered: true,
    params: anyRange,
  },
  count: {
    title: 'count, filter without index',
    kind: 'analytic',
    goal: 1,
    lumadb: `SELECT count(*) FROM orders WHERE amount >= ${FILTER_AMOUNT}`,
    postgres: `SELECT count(*) FROM orders WHERE (doc->'amount')::int8 >= ${FILTER_AMOUNT}`,
    isDocument: false,
    isOrdered: true,
    params: none,
  },
  group: {
    title: 'group by with avg, 100 groups',
    kind: 'analytic',
    goal: 2,
    lumadb: 'SELECT city, count(*), avg(amount) FROM orders GROUP BY city ORDER BY city',
    postgres:
      "SELECT doc->>'city' AS city, count(*), avg((doc->'amount')::int8) FROM orders GROUP BY city ORDER BY city",
    isDocument: false,
    isOrdered: true,
    params: none,
  },
  top: {
    title: 'top 10 by a field without index',
    kind: 'analytic',
    goal: 1,
    lumadb: 'SELECT _id, amount FROM orders ORDER BY amount DESC, _id LIMIT 10',
    postgres: "SELECT id, (doc->'amount')::int8 AS amount FROM orders ORDER BY amount DESC, id LIMIT 10",
    isDocument: false,
    isOrdered: true,
    params: none,
  },
  join: {
    title: 'hash join of N and N / 100',
    kind: 'analytic',
    goal: 1,
    lumadb:
      'SELECT a.tier, count(*), sum(o.amount) FROM orders o JOIN accounts a ON a.account = o.account ' +
      'GROUP BY a.tier ORDER BY a.tier',
    postgres:
      "SELECT a.doc->>'tier' AS tier, count(*), sum((o.doc->'amount')::int8) FROM orders o " +
      "JOIN accounts a ON a.doc->>'account' = o.doc->>'account' GROUP BY tier ORDER BY tier",
    isDocument: false,
    isOrdered: true,
    params: none,
  },
};

/** Of both peers, in their own words. */
export const INDEXES: Readonly<Record<'lumadb' | 'postgres', readonly string[]>> = {
  lumadb: [
    'CREATE INDEX orders_customer ON orders (customer)',
    'CREATE INDEX orders_created ON orders (created)',
  ],
  postgres: [
    "CREATE INDEX orders_customer ON orders ((doc->>'customer'))",
    "CREATE INDEX orders_created ON orders (((doc->'created')::int8))",
  ],
};
