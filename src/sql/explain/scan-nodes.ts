/** EXPLAIN of scans: their titles, conditions and a line for each shard. */
import type { Expression } from '../algebra/expression.js';
import type { PhysicalPlan, TableReference } from '../algebra/physical.js';
import type { NodeCounters, ShardCounters } from './counters.js';
import { expressionText, type Names } from './expression-text.js';
import type { ExplainProperty } from './node.js';

type Of<K extends PhysicalPlan['kind']> = PhysicalPlan & { kind: K };

export interface Described {
  readonly title: string;
  readonly head: Readonly<Record<string, unknown>>;
  readonly properties: readonly ExplainProperty[];
}

function relation({ collection, alias }: TableReference): string {
  return alias === collection ? collection : `${collection} ${alias}`;
}

function relationHead({ collection, alias }: TableReference): Record<string, unknown> {
  return { 'Relation Name': collection, Alias: alias };
}

/** The order of `_id` is the collection's own; PostgreSQL would call its index so. */
const keyIndex = ({ collection }: TableReference): string => `${collection}_pkey`;

function keyName({ fields }: Of<'seqScan' | 'keyLookup'>, names: Names): string {
  const place = fields.findIndex(
    ({ source }) => source.kind === 'member' && source.path.length === 1 && source.path[0] === '_id',
  );
  return names.slots[place] ?? '_id';
}

export function describeSeqScan(plan: Of<'seqScan'>, names: Names, isParallel: boolean): Described {
  const { table, lower, upper, ordered, backward } = plan;
  if (lower === undefined && upper === undefined && !ordered) {
    const parallel = isParallel ? 'Parallel ' : '';
    return {
      title: `${parallel}Seq Scan on ${relation(table)}`,
      head: { 'Node Type': 'Seq Scan', 'Parallel Aware': isParallel, ...relationHead(table) },
      properties: [],
    };
  }
  const id = keyName(plan, names);
  const conditions: string[] = [];
  if (lower !== undefined) {
    conditions.push(`(${id} ${lower.inclusive ? '>=' : '>'} ${expressionText(lower.value, names)})`);
  }
  if (upper !== undefined) {
    conditions.push(`(${id} ${upper.inclusive ? '<=' : '<'} ${expressionText(upper.value, names)})`);
  }
  const condition = conditions.length > 1 ? `(${conditions.join(' AND ')})` : conditions[0];
  return {
    title: `Index Scan${backward ? ' Backward' : ''} using ${keyIndex(table)} on ${relation(table)}`,
    head: indexHead('Index Scan', keyIndex(table), backward, table),
    properties: condition === undefined ? [] : [{ label: 'Index Cond', value: condition }],
  };
}

function indexHead(
  type: string,
  index: string,
  backward: boolean,
  table: TableReference,
): Record<string, unknown> {
  const direction = backward ? 'Backward' : 'Forward';
  return { 'Node Type': type, 'Scan Direction': direction, 'Index Name': index, ...relationHead(table) };
}

export function describeKeyLookup(plan: Of<'keyLookup'>, names: Names): Described {
  const { table, keys } = plan;
  const id = keyName(plan, names);
  const slot: Expression = { kind: 'slot', type: 'text', index: 0, name: id };
  const own: Names = { ...names, slots: [id] };
  const condition: Expression =
    keys.length === 1
      ? { kind: 'compare', type: 'bool', operator: '=', left: slot, right: keys[0] }
      : { kind: 'in', type: 'bool', negated: false, arg: slot, items: keys };
  return {
    title: `Index Scan using ${keyIndex(table)} on ${relation(table)}`,
    head: indexHead('Index Scan', keyIndex(table), false, table),
    properties: [{ label: 'Index Cond', value: expressionText(condition, own) }],
  };
}

export function describeIndexScan(
  plan: Of<'indexScan'>,
  names: Names,
  counters: NodeCounters | undefined,
): Described {
  const { table, index, backward, indexOnly, condition } = plan;
  const type = indexOnly ? 'Index Only Scan' : 'Index Scan';
  const properties: ExplainProperty[] = [];
  if (condition !== undefined)
    properties.push({ label: 'Index Cond', value: expressionText(condition, names) });
  if (counters !== undefined && counters.rowsRemovedByRecheck > 0) {
    properties.push({
      label: 'Rows Removed by Index Recheck',
      value: perLoop(counters.rowsRemovedByRecheck, counters),
    });
  }
  return {
    title: `${type}${backward ? ' Backward' : ''} using ${index} on ${relation(table)}`,
    head: indexHead(type, index, backward, table),
    properties,
  };
}

export function perLoop(sum: number, { loops }: NodeCounters): number {
  return Math.round(sum / Math.max(1, loops));
}

/** `Shard 0: rows=59 time=0.412 ms blocks hit=12 read=0`; in JSON a list of objects. */
export function shardProperties(counters: NodeCounters | undefined, timing: boolean): ExplainProperty[] {
  const shards = counters?.shards;
  if (shards === undefined || shards.length === 0) return [];
  const lines = shards.map(
    (shard): ExplainProperty => ({
      label: `Shard ${shard.shard}`,
      value: undefined,
      text: shardLine(shard, timing),
    }),
  );
  const value = shards.map(({ shard, rows, micros, blocksHit, blocksRead }) => ({
    Shard: shard,
    Rows: rows,
    ...(timing ? { Time: round(micros / 1000) } : {}),
    'Blocks Hit': blocksHit,
    'Blocks Read': blocksRead,
  }));
  return [...lines, { label: 'Shards', value, text: null }];
}

function shardLine({ shard, rows, micros, blocksHit, blocksRead }: ShardCounters, timing: boolean): string {
  const time = timing ? ` time=${(micros / 1000).toFixed(3)} ms` : '';
  return `Shard ${shard}: rows=${rows}${time} blocks hit=${blocksHit} read=${blocksRead}`;
}

const round = (millis: number): number => Math.round(millis * 1000) / 1000;
