/**
 * From a physical plan to the tree that EXPLAIN prints. Projections and conditions of their own become part of the node
 * below them; a topN becomes Limit over Sort and a hash join gets its Hash, as in PostgreSQL; subqueries and CTEs hang on
 * the node that uses them.
 */
import type { Expression } from '../algebra/expression.js';
import type { Estimate, PhysicalPlan, PreparedQuery } from '../algebra/physical.js';
import type { ExplainOptions } from '../algebra/statement.js';
import { physicalInputs } from '../plan/physical-walk.js';
import type { NodeCounters, QueryCounters } from './counters.js';
import * as describe from './describe.js';
import { describeNode } from './describe-node.js';
import { expressionText, type Names } from './expression-text.js';
import type { ExplainNode, ExplainProperty, NamedPlan } from './node.js';
import { type NameSettings, outputNames, rightOuter } from './output-names.js';
import { type Described, shardProperties } from './scan-nodes.js';
import { appended, countRelations, sumOf, unionParts } from './sums.js';

/** What the nodes above, which are not shown themselves, add to the next one that is. */
interface Wrapping {
  readonly estimate: Estimate;
  readonly counters: NodeCounters | undefined;
  readonly filters: readonly { readonly text: string; readonly removed: number; readonly loops: number }[];
  readonly output: readonly string[];
  readonly before: readonly NamedPlan[];
  readonly after: readonly NamedPlan[];
}

interface Scope {
  readonly outer: readonly string[];
  readonly isParallel: boolean;
  /** CTEs whose recursive part this is. */
  readonly working: ReadonlySet<number>;
}

export function explainTree(
  prepared: PreparedQuery,
  counters: QueryCounters | undefined,
  options: ExplainOptions,
): ExplainNode {
  const relations = countRelations(prepared.root);
  const builder = new TreeBuilder(counters, options, options.verbose || relations > 1);
  return builder.node(prepared.root, { outer: [], isParallel: false, working: new Set() });
}

class TreeBuilder {
  readonly #counters: QueryCounters | undefined;
  readonly #options: ExplainOptions;
  readonly #settings: NameSettings;
  readonly #subplans = new Map<number, { readonly label: string; readonly text: string }>();
  #subplanCount = 0;
  #pendingBefore: NamedPlan[] = [];
  #pendingAfter: NamedPlan[] = [];
  #scope: Scope = { outer: [], isParallel: false, working: new Set() };

  constructor(counters: QueryCounters | undefined, options: ExplainOptions, isQualified: boolean) {
    this.#counters = counters;
    this.#options = options;
    this.#settings = {
      isQualified,
      ctes: new Map(),
      subplan: (expression, names) => this.#subplanText(expression, names),
    };
  }

  node(plan: PhysicalPlan, scope: Scope, wrapping?: Wrapping): ExplainNode {
    const saved = [this.#pendingBefore, this.#pendingAfter] as const;
    const around = this.#scope;
    this.#pendingBefore = [];
    this.#pendingAfter = [];
    this.#scope = scope;
    const node = this.#node(plan, scope, wrapping);
    this.#scope = around;
    [this.#pendingBefore, this.#pendingAfter] = saved;
    return node;
  }

  #node(plan: PhysicalPlan, scope: Scope, wrapping: Wrapping | undefined): ExplainNode {
    switch (plan.kind) {
      case 'project':
        return this.node(plan.input, scope, this.#wrapped(plan, scope, wrapping));
      case 'filter':
        if (hasOwnOutput(plan.input))
          return this.node(plan.input, scope, this.#wrapped(plan, scope, wrapping));
        return this.#subqueryScan(plan, scope, wrapping);
      case 'with':
        return this.#with(plan, scope, wrapping);
      case 'topN':
        return this.#topN(plan, scope, wrapping);
      case 'hashJoin':
      case 'nestedLoop':
        return this.#join(plan, scope, wrapping);
      case 'setOperation':
        return this.#setOperation(plan, scope, wrapping);
      default: {
        const inner = plan.kind === 'gather' ? { ...scope, isParallel: true } : scope;
        const inputs = physicalInputs(plan).map((input) => this.node(input, inner));
        const { described, filter } = describeNode(plan, {
          counters: this.#countersOf(plan),
          isParallel: scope.isParallel,
          isWorking: plan.kind === 'cteScan' && scope.working.has(plan.cte),
          own: () => this.#names(plan, scope),
          below: (input) => this.#names(input, scope),
        });
        return this.#shown(plan, scope, wrapping, described, inputs, filter);
      }
    }
  }

  #countersOf(plan: PhysicalPlan): NodeCounters | undefined {
    return this.#counters?.nodes[plan.id];
  }

  #names(plan: PhysicalPlan, scope: Scope): Names {
    return {
      slots: outputNames(plan, scope.outer, this.#settings),
      outer: scope.outer,
      subplan: this.#settings.subplan,
    };
  }

  /** Adds a node that is not shown to what the next one shows. */
  #wrapped(
    plan: PhysicalPlan & { kind: 'project' | 'filter' },
    scope: Scope,
    above: Wrapping | undefined,
  ): Wrapping {
    const counters = this.#countersOf(plan);
    const below = this.#names(plan.input, scope);
    // HAVING sees the calls themselves, not references to something below.
    const names = plan.input.kind === 'aggregate' ? { ...below, slots: below.slots.map(unwrapped) } : below;
    const filters =
      plan.kind === 'filter'
        ? [
            {
              text: expressionText(plan.condition, names),
              removed: counters?.rowsRemovedByFilter ?? 0,
              loops: counters?.loops ?? 0,
            },
          ]
        : [];
    const output =
      plan.kind === 'project' ? plan.expressions.map((e) => expressionText(e, names)) : names.slots;
    const made: Wrapping = {
      estimate: above?.estimate ?? plan.estimate,
      counters: above?.counters ?? counters,
      filters: [...filters, ...(above?.filters ?? [])],
      output: above?.output ?? output,
      before: [...(above?.before ?? []), ...this.#pendingBefore],
      after: [...(above?.after ?? []), ...this.#pendingAfter],
    };
    this.#pendingBefore = [];
    this.#pendingAfter = [];
    return made;
  }

  #shown(
    plan: PhysicalPlan,
    scope: Scope,
    wrapping: Wrapping | undefined,
    described: Described,
    inputs: readonly ExplainNode[],
    filter?: Expression,
  ): ExplainNode {
    const own = this.#countersOf(plan);
    const names = this.#names(plan.kind === 'filter' ? plan.input : plan, scope);
    const filterText = filter === undefined ? undefined : expressionText(filter, names);
    const output = wrapping?.output ?? names.slots;
    const before = [...(wrapping?.before ?? []), ...this.#pendingBefore];
    const after = [...(wrapping?.after ?? []), ...this.#pendingAfter];
    this.#pendingBefore = [];
    this.#pendingAfter = [];
    const filters = this.#filterProperties(filterText, own, wrapping);
    const properties: ExplainProperty[] = [
      ...(this.#options.verbose && output.length > 0 ? [{ label: 'Output', value: output }] : []),
      ...described.properties,
      ...filters,
      ...this.#scanProperties(plan, own),
    ];
    return {
      title: described.title,
      head: described.head,
      estimate: wrapping?.estimate ?? plan.estimate,
      counters: wrapping?.counters ?? own,
      properties,
      before,
      inputs,
      after,
    };
  }

  #filterProperties(
    own: string | undefined,
    counters: NodeCounters | undefined,
    wrapping: Wrapping | undefined,
  ): ExplainProperty[] {
    const all = [...(wrapping?.filters ?? [])];
    if (own !== undefined) {
      all.unshift({ text: own, removed: counters?.rowsRemovedByFilter ?? 0, loops: counters?.loops ?? 0 });
    }
    if (all.length === 0) return [];
    const text = all.length === 1 ? all[0].text : `(${all.map((filter) => filter.text).join(' AND ')})`;
    const removed = all.reduce(
      (sum, filter) => sum + Math.round(filter.removed / Math.max(1, filter.loops)),
      0,
    );
    const filter: ExplainProperty = { label: 'Filter', value: text };
    return removed > 0 ? [filter, { label: 'Rows Removed by Filter', value: removed }] : [filter];
  }

  #scanProperties(plan: PhysicalPlan, counters: NodeCounters | undefined): ExplainProperty[] {
    if (counters === undefined) return [];
    const isIndexOnly = plan.kind === 'indexScan' && plan.indexOnly;
    const fetches: ExplainProperty[] = isIndexOnly
      ? [{ label: 'Heap Fetches', value: counters.heapFetches }]
      : [];
    return [...fetches, ...shardProperties(counters, this.#options.timing)];
  }

  #join(
    plan: PhysicalPlan & { kind: 'hashJoin' | 'nestedLoop' },
    scope: Scope,
    wrapping: Wrapping | undefined,
  ): ExplainNode {
    const counters = this.#countersOf(plan);
    const leftNode = this.node(plan.left, scope);
    const left = this.#names(plan.left, scope);
    const rightScope: Scope = {
      ...scope,
      outer: rightOuter(plan, left.slots, scope.outer, this.#settings),
      isParallel: false,
    };
    const rightNode = this.node(plan.right, rightScope);
    const right = this.#names(plan.right, rightScope);
    const both: Names = { ...left, slots: [...left.slots, ...right.slots] };
    const isHash = plan.kind === 'hashJoin';
    const described = isHash
      ? describe.describeHashJoin(plan, left, { ...right, outer: scope.outer }, both, counters)
      : describe.describeNestedLoop(plan, both, counters);
    const nodes = [leftNode, isHash ? this.#hash(plan, rightNode) : rightNode];
    return this.#shown(plan, scope, wrapping, described, nodes);
  }

  #subqueryScan(
    plan: PhysicalPlan & { kind: 'filter' },
    scope: Scope,
    wrapping: Wrapping | undefined,
  ): ExplainNode {
    const inputs = [this.node(plan.input, scope)];
    return this.#shown(plan, scope, wrapping, describe.plain('Subquery Scan'), inputs, plan.condition);
  }

  #hash(plan: PhysicalPlan & { kind: 'hashJoin' }, input: ExplainNode): ExplainNode {
    const { totalCost, rows, width } = input.estimate;
    const join = this.#countersOf(plan);
    const properties: ExplainProperty[] = [];
    if (join?.memoryBytes !== undefined) {
      const peak = Math.ceil(join.memoryBytes / 1024);
      const buckets = 2 ** Math.ceil(Math.log2(Math.max(1024, join.hashEntries ?? 0)));
      const text = `Buckets: ${buckets}  Batches: 1  Memory Usage: ${peak}kB`;
      properties.push({ label: 'Hash Buckets', value: buckets, text });
      properties.push({ label: 'Peak Memory Usage', value: peak, text: null });
    }
    const counters = input.counters;
    return {
      title: 'Hash',
      head: { 'Node Type': 'Hash' },
      estimate: { startupCost: totalCost, totalCost, rows, width },
      counters: counters === undefined ? undefined : { ...counters, startupMicros: counters.totalMicros },
      properties,
      before: [],
      inputs: [input],
      after: [],
    };
  }

  #topN(plan: PhysicalPlan & { kind: 'topN' }, scope: Scope, wrapping: Wrapping | undefined): ExplainNode {
    const counters = this.#countersOf(plan);
    const inputs = [this.node(plan.input, scope)];
    const described = describe.describeSort(
      plan.keys,
      this.#names(plan.input, scope),
      counters,
      'top-N heapsort',
    );
    const sort = this.#shown(plan, scope, undefined, described, inputs);
    return this.#shown(plan, scope, wrapping, describe.plain('Limit'), [sort]);
  }

  #setOperation(
    plan: PhysicalPlan & { kind: 'setOperation' },
    scope: Scope,
    wrapping: Wrapping | undefined,
  ): ExplainNode {
    if (plan.operation !== 'union') {
      const words = plan.operation === 'intersect' ? 'Intersect' : 'Except';
      const described = describe.plain(`HashSetOp ${words}${plan.all ? ' All' : ''}`, {
        'Node Type': 'SetOp',
      });
      const sides = [plan.left, plan.right].map((side) => this.node(side, scope));
      return this.#shown(plan, scope, wrapping, described, sides);
    }
    const parts = unionParts(plan, plan.all);
    const nodes = parts.map((part) => this.node(part, scope));
    if (plan.all) return this.#shown(plan, scope, wrapping, describe.plain('Append'), nodes);
    const append: ExplainNode = {
      title: 'Append',
      head: { 'Node Type': 'Append' },
      estimate: sumOf(nodes),
      counters: appended(nodes),
      properties: [],
      before: [],
      inputs: nodes,
      after: [],
    };
    const keys = this.#names(plan, scope).slots;
    const described: Described = {
      title: 'HashAggregate',
      head: { 'Node Type': 'Aggregate', Strategy: 'Hashed', 'Partial Mode': 'Simple' },
      properties: [{ label: 'Group Key', value: keys }, ...describe.memoryProperties(this.#countersOf(plan))],
    };
    return this.#shown(plan, scope, wrapping, described, [append]);
  }

  #with(plan: PhysicalPlan & { kind: 'with' }, scope: Scope, wrapping: Wrapping | undefined): ExplainNode {
    const definitions: NamedPlan[] = [];
    for (const { cte, name, plan: own, recursive } of plan.definitions) {
      this.#settings.ctes.set(cte, outputNames(own, scope.outer, this.#settings));
      const first = this.node(own, scope);
      const node = recursive === undefined ? first : this.#recursive(cte, own, first, recursive.plan, scope);
      definitions.push({ name: `CTE ${name}`, relationship: 'InitPlan', node });
    }
    const counters = this.#countersOf(plan);
    const made: Wrapping = {
      estimate: wrapping?.estimate ?? plan.estimate,
      counters: wrapping?.counters ?? counters,
      filters: wrapping?.filters ?? [],
      output: wrapping?.output ?? this.#names(plan.input, scope).slots,
      before: [...(wrapping?.before ?? []), ...definitions],
      after: wrapping?.after ?? [],
    };
    return this.node(plan.input, scope, made);
  }

  #recursive(
    cte: number,
    own: PhysicalPlan,
    first: ExplainNode,
    again: PhysicalPlan,
    scope: Scope,
  ): ExplainNode {
    const working = new Set([...scope.working, cte]);
    const second = this.node(again, { ...scope, working });
    const { startupCost, totalCost, rows, width } = own.estimate;
    return {
      title: 'Recursive Union',
      head: { 'Node Type': 'Recursive Union' },
      estimate: {
        startupCost,
        totalCost: totalCost + again.estimate.totalCost * 10,
        rows: rows + again.estimate.rows * 10,
        width,
      },
      counters: appended([first, second]),
      properties: [],
      before: [],
      inputs: [first, second],
      after: [],
    };
  }

  /** A subquery is numbered and kept for the node that is being described; its expression only names it. */
  #subplanText(expression: Expression & { kind: 'subquery' }, names: Names): string {
    const known = this.#subplans.get(expression.plan.id);
    if (known !== undefined) return known.text;
    const number = ++this.#subplanCount;
    const isInit = expression.args.length === 0 && expression.mode !== 'any' && expression.mode !== 'all';
    const isHashed = expression.args.length === 0 && !isInit;
    const label = isInit ? `InitPlan ${number} (returns $${number - 1})` : `SubPlan ${number}`;
    const plan = `(${isHashed ? 'hashed ' : ''}SubPlan ${number})`;
    const text = isInit ? `$${number - 1}` : isNotIn(expression) ? `(NOT ${plan})` : plan;
    this.#subplans.set(expression.plan.id, { label, text });
    const outer = expression.args.map((arg) => expressionText(arg, names));
    const node = this.node(expression.plan, { outer, isParallel: false, working: this.#scope.working });
    const relationship = isInit ? 'InitPlan' : 'SubPlan';
    (isInit ? this.#pendingBefore : this.#pendingAfter).push({ name: label, relationship, node });
    return text;
  }
}

/** NOT IN, as `<> ALL`. */
function isNotIn({ mode, operator }: Expression & { kind: 'subquery' }): boolean {
  return mode === 'all' && operator === '<>';
}

/** Without the parentheses that a reference to a call has. */
function unwrapped(name: string): string {
  return /^\(\w+\(.*\)\)$/.test(name) ? name.slice(1, -1) : name;
}

/** Nodes that PostgreSQL gives a Filter line of their own. */
function hasOwnOutput({ kind }: PhysicalPlan): boolean {
  return !['limit', 'topN', 'sort', 'window', 'with', 'gather', 'modify'].includes(kind);
}
