/** Titles and properties of the nodes that are no scans, in PostgreSQL's words. */
import type { Expression } from '../algebra/expression.js';
import type { JoinKind } from '../algebra/logical.js';
import type { PhysicalPlan, SortKey } from '../algebra/physical.js';
import type { NodeCounters, SortMethod } from './counters.js';
import { expressionText, type Names, referenceText, sortKeyText } from './expression-text.js';
import type { ExplainProperty } from './node.js';
import { type Described, perLoop } from './scan-nodes.js';

type Of<K extends PhysicalPlan['kind']> = PhysicalPlan & { kind: K };

const JOIN_WORDS: Readonly<Record<JoinKind, string>> = {
  inner: '',
  cross: '',
  left: 'Left',
  right: 'Right',
  full: 'Full',
  semi: 'Semi',
  anti: 'Anti',
};

function joinHead(type: string, join: JoinKind): Record<string, unknown> {
  return { 'Node Type': type, 'Join Type': JOIN_WORDS[join] === '' ? 'Inner' : JOIN_WORDS[join] };
}

export function describeHashJoin(
  plan: Of<'hashJoin'>,
  left: Names,
  right: Names,
  both: Names,
  counters: NodeCounters | undefined,
): Described {
  const words = JOIN_WORDS[plan.join];
  const pairs = plan.leftKeys.map(
    (key, place) => `(${expressionText(key, left)} = ${expressionText(plan.rightKeys[place], right)})`,
  );
  return {
    title: words === '' ? 'Hash Join' : `Hash ${words} Join`,
    head: joinHead('Hash Join', plan.join),
    properties: [
      { label: 'Hash Cond', value: pairs.length > 1 ? `(${pairs.join(' AND ')})` : pairs[0] },
      ...joinFilter(plan.residual, both, counters),
    ],
  };
}

export function describeNestedLoop(
  plan: Of<'nestedLoop'>,
  both: Names,
  counters: NodeCounters | undefined,
): Described {
  const words = JOIN_WORDS[plan.join];
  return {
    title: words === '' ? 'Nested Loop' : `Nested Loop ${words} Join`,
    head: joinHead('Nested Loop', plan.join),
    properties: joinFilter(plan.condition, both, counters),
  };
}

function joinFilter(
  condition: Expression | undefined,
  names: Names,
  counters: NodeCounters | undefined,
): ExplainProperty[] {
  if (condition === undefined) return [];
  const filter: ExplainProperty = { label: 'Join Filter', value: expressionText(condition, names) };
  if (counters === undefined || counters.rowsRemovedByJoinFilter === 0) return [filter];
  const removed = perLoop(counters.rowsRemovedByJoinFilter, counters);
  return [filter, { label: 'Rows Removed by Join Filter', value: removed }];
}

const MODE_WORDS = { single: '', partial: 'Partial ', final: 'Finalize ' } as const;
const MODE_NAMES = { single: 'Simple', partial: 'Partial', final: 'Finalize' } as const;

export function describeAggregate(
  plan: Of<'aggregate'>,
  names: Names,
  counters: NodeCounters | undefined,
): Described {
  const { groupBy, groupingSets, mode, sorted } = plan;
  const strategy = groupBy.length === 0 ? 'Plain' : sorted ? 'Sorted' : 'Hashed';
  const noun = { Plain: 'Aggregate', Sorted: 'GroupAggregate', Hashed: 'HashAggregate' }[strategy];
  const keys = groupBy.map((key) => referenceText(expressionText(key, names)));
  const properties: ExplainProperty[] = [];
  if (groupingSets === undefined) {
    if (keys.length > 0) properties.push({ label: 'Group Key', value: keys });
  } else {
    for (const set of groupingSets) {
      if (set.length > 0) properties.push({ label: 'Hash Key', value: set.map((place) => keys[place]) });
      else properties.push({ label: 'Group Key', value: [], text: 'Group Key: ()' });
    }
  }
  if (strategy === 'Hashed') properties.push(...memoryProperties(counters));
  return {
    title: `${MODE_WORDS[mode]}${groupingSets === undefined ? noun : 'MixedAggregate'}`,
    head: {
      'Node Type': 'Aggregate',
      Strategy: groupingSets === undefined ? strategy : 'Mixed',
      'Partial Mode': MODE_NAMES[mode],
    },
    properties,
  };
}

const kilobytes = (bytes: number): number => Math.ceil(bytes / 1024);

export function memoryProperties(counters: NodeCounters | undefined): ExplainProperty[] {
  if (counters?.memoryBytes === undefined) return [];
  const peak = kilobytes(counters.memoryBytes);
  return [
    { label: 'HashAgg Batches', value: 1, text: `Batches: 1  Memory Usage: ${peak}kB` },
    { label: 'Peak Memory Usage', value: peak, text: null },
  ];
}

export function describeSort(
  keys: readonly SortKey[],
  names: Names,
  counters: NodeCounters | undefined,
  expected: SortMethod,
): Described {
  const properties: ExplainProperty[] = [
    { label: 'Sort Key', value: keys.map((key) => sortKeyText(key, names)) },
  ];
  if (counters !== undefined && counters.loops > 0) {
    const method = counters.sortMethod ?? expected;
    const isExternal = method.startsWith('external');
    const space = isExternal ? 'Disk' : 'Memory';
    const size = counters.memoryBytes === undefined ? '' : `  ${space}: ${kilobytes(counters.memoryBytes)}kB`;
    properties.push({ label: 'Sort Method', value: method, text: `Sort Method: ${method}${size}` });
    if (counters.memoryBytes !== undefined) {
      properties.push({ label: 'Sort Space Used', value: kilobytes(counters.memoryBytes), text: null });
      properties.push({ label: 'Sort Space Type', value: space, text: null });
    }
  }
  return { title: 'Sort', head: { 'Node Type': 'Sort' }, properties };
}

export function describeGather(plan: Of<'gather'>, counters: NodeCounters | undefined): Described {
  const type = plan.merge === undefined ? 'Gather' : 'Gather Merge';
  const properties: ExplainProperty[] = [{ label: 'Workers Planned', value: plan.workers }];
  if (counters?.workers !== undefined)
    properties.push({ label: 'Workers Launched', value: counters.workers });
  return { title: type, head: { 'Node Type': type }, properties };
}

const COMMANDS = { insert: 'Insert', update: 'Update', delete: 'Delete' } as const;

export function describeModify(plan: Of<'modify'>): Described {
  const { modification } = plan;
  const { collection } = modification.table;
  const operation = COMMANDS[modification.kind];
  const properties: ExplainProperty[] = [];
  if (modification.kind === 'insert' && modification.onConflict !== undefined) {
    properties.push({ label: 'Conflict Resolution', value: modification.onConflict.kind.toUpperCase() });
  }
  return {
    title: `${operation} on ${collection}`,
    head: {
      'Node Type': 'ModifyTable',
      Operation: operation,
      'Relation Name': collection,
      Alias: collection,
    },
    properties,
  };
}

export function plain(title: string, head: Readonly<Record<string, unknown>> = {}): Described {
  return { title, head: { 'Node Type': title, ...head }, properties: [] };
}
