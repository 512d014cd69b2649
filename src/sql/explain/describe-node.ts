/** Title, properties and filter of a node that is shown as it is in the plan. */
import type { Expression } from '../algebra/expression.js';
import type { PhysicalPlan } from '../algebra/physical.js';
import type { NodeCounters } from './counters.js';
import * as describe from './describe.js';
import type { Names } from './expression-text.js';
import type { ExplainProperty } from './node.js';
import * as scans from './scan-nodes.js';

export interface Surroundings {
  readonly counters: NodeCounters | undefined;
  /** Under a gather. */
  readonly isParallel: boolean;
  /** A scan of the CTE whose recursive part it is in. */
  readonly isWorking: boolean;
  own(): Names;
  below(input: PhysicalPlan): Names;
}

interface DescribedNode {
  readonly described: scans.Described;
  readonly filter?: Expression;
}

export function describeNode(plan: PhysicalPlan, around: Surroundings): DescribedNode {
  const { counters } = around;
  switch (plan.kind) {
    case 'seqScan':
      return { described: scans.describeSeqScan(plan, around.own(), around.isParallel), filter: plan.filter };
    case 'keyLookup':
      return { described: scans.describeKeyLookup(plan, around.own()), filter: plan.filter };
    case 'indexScan':
      return { described: scans.describeIndexScan(plan, around.own(), counters), filter: plan.filter };
    case 'systemScan': {
      const head = { 'Relation Name': plan.table, Schema: 'system' };
      return {
        described: scanOf('Seq Scan', `system.${plan.table}`, plan.table, plan.alias, head),
        filter: plan.filter,
      };
    }
    case 'functionScan': {
      const name = plan.function.slice(0, plan.function.indexOf('('));
      const head = { 'Function Name': name };
      return { described: scanOf('Function Scan', name, name, plan.alias, head), filter: plan.filter };
    }
    case 'cteScan': {
      const type = around.isWorking ? 'WorkTable Scan' : 'CTE Scan';
      const head = { 'CTE Name': plan.name };
      return { described: scanOf(type, plan.name, plan.name, plan.alias, head), filter: plan.filter };
    }
    case 'values':
      return { described: describeValues(plan) };
    case 'aggregate':
      return { described: describe.describeAggregate(plan, around.below(plan.input), counters) };
    case 'window':
      return { described: describe.plain('WindowAgg') };
    case 'sort':
      return { described: describe.describeSort(plan.keys, around.below(plan.input), counters, 'quicksort') };
    case 'limit':
      return { described: describe.plain('Limit') };
    case 'distinct':
      return { described: describe.plain('Unique') };
    case 'gather':
      return { described: describe.describeGather(plan, counters) };
    case 'modify':
      return { described: describe.describeModify(plan) };
    default:
      return { described: describe.plain('Result') };
  }
}

function scanOf(
  type: string,
  shown: string,
  name: string,
  alias: string,
  head: Readonly<Record<string, unknown>>,
): scans.Described {
  const title = `${type} on ${shown}${alias === name ? '' : ` ${alias}`}`;
  return { title, head: { 'Node Type': type, ...head, Alias: alias }, properties: [] };
}

function describeValues(plan: PhysicalPlan & { kind: 'values' }): scans.Described {
  if (plan.rows.length > 1) {
    const head = { 'Node Type': 'Values Scan', Alias: '*VALUES*' };
    return { title: 'Values Scan on "*VALUES*"', head, properties: [] };
  }
  const properties: ExplainProperty[] =
    plan.rows.length === 1 ? [] : [{ label: 'One-Time Filter', value: 'false' }];
  return { title: 'Result', head: { 'Node Type': 'Result' }, properties };
}
