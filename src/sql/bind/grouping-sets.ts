/** GROUP BY's items multiplied out to sets of keys: ROLLUP, CUBE and GROUPING SETS. */
import type { GroupingSet, Node } from '@pgsql/types';
import { PROGRAM_LIMIT_EXCEEDED, sqlError } from '../errors.js';
import { bodyOf } from '../parse/nodes.js';
import { notSupported } from './errors.js';
import { GROUPING_SETS_MAX } from './limits.js';

/** Sets of key numbers. `key` numbers an expression; equal ones share a number. */
export function setsOf(items: readonly Node[], key: (node: Node) => number): readonly (readonly number[])[] {
  let sets: readonly (readonly number[])[] = [[]];
  for (const item of items) {
    const own = setsOfItem(item, key);
    checkCount(sets.length * own.length);
    sets = sets.flatMap((left) => own.map((right) => union(left, right)));
  }
  return sets;
}

const union = (left: readonly number[], right: readonly number[]): readonly number[] => [
  ...new Set([...left, ...right]),
];

function setsOfItem(item: Node, key: (node: Node) => number): readonly (readonly number[])[] {
  const grouping = bodyOf(item, 'GroupingSet');
  if (grouping === undefined) return [keysOf(item, key)];
  const content = grouping.content ?? [];
  switch (grouping.kind) {
    case 'GROUPING_SET_EMPTY':
      return [[]];
    case 'GROUPING_SET_ROLLUP': {
      const parts = content.map((part) => keysOf(part, key));
      return parts.concat([[]]).map((_, place) => parts.slice(0, parts.length - place).reduce(union, []));
    }
    case 'GROUPING_SET_CUBE':
      return cube(grouping, key);
    case 'GROUPING_SET_SETS':
      return content.flatMap((part) => setsOfItem(part, key));
    default:
      throw notSupported('this kind of grouping set', grouping.location);
  }
}

/** All subsets, the fullest first, in PostgreSQL's order of the first key varying slowest. */
function cube({ content = [] }: GroupingSet, key: (node: Node) => number): readonly (readonly number[])[] {
  const parts = content.map((part) => keysOf(part, key));
  checkCount(2 ** parts.length);
  const sets: (readonly number[])[] = [];
  for (let mask = 2 ** parts.length - 1; mask >= 0; mask--) {
    const chosen = parts.filter((_, place) => (mask >> (parts.length - 1 - place)) & 1);
    sets.push(chosen.reduce(union, []));
  }
  return sets;
}

/** `(a, b)` is one item of two keys. */
function keysOf(item: Node, key: (node: Node) => number): readonly number[] {
  const row = bodyOf(item, 'RowExpr');
  if (row === undefined || row.row_format === 'COERCE_EXPLICIT_CALL') return [key(item)];
  return [...new Set((row.args ?? []).map(key))];
}

function checkCount(count: number): void {
  if (count > GROUPING_SETS_MAX)
    throw sqlError(
      PROGRAM_LIMIT_EXCEEDED,
      `too many grouping sets: at most ${GROUPING_SETS_MAX} are possible`,
    );
}
