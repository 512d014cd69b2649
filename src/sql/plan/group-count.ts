/** How many groups a number of rows falls into. Pure. */
import type { BoundExpression } from '../algebra/expression.js';
import { columnsOf } from './columns.js';
import { distinctOf, type Facts } from './facts.js';

/** Expressions that no statistics are of, as PostgreSQL guesses. */
const DEFAULT_GROUPS = 200;

export function groupCount(keys: readonly BoundExpression[], rows: number, facts: Facts): number {
  if (keys.length === 0) return 1;
  let groups = 1;
  const seen = new Set<number>();
  for (const key of keys) {
    if (key.kind === 'const' || key.kind === 'param') continue;
    const ids = [...columnsOf(key)].filter((id) => !seen.has(id));
    if (ids.length === 0 && key.kind !== 'column') groups *= seen.size > 0 ? 1 : DEFAULT_GROUPS;
    for (const id of ids) {
      seen.add(id);
      groups *= distinctAmong(
        rows,
        distinctOf(facts.get(id)) + nullGroup(id, facts),
        facts.get(id)?.documents,
      );
    }
  }
  return Math.max(1, Math.min(rows, groups));
}

function nullGroup(id: number, facts: Facts): number {
  return (facts.get(id)?.statistics?.nullFraction ?? 0) > 0 ? 1 : 0;
}

/** Distinct values that are expected among some of the rows (Yao's formula, simplified as in PostgreSQL). */
function distinctAmong(rows: number, distinct: number, documents: number | undefined): number {
  if (documents === undefined || documents <= rows || distinct >= documents) return Math.min(distinct, rows);
  const perValue = documents / distinct;
  return Math.max(1, distinct * (1 - ((documents - rows) / documents) ** perValue));
}
