/** From a physical plan to operators: one function per node. */
import { unreachable } from '../../base/assert.js';
import type { DocumentScan, PhysicalPlan } from '../algebra/physical.js';
import { buildAggregate } from './aggregate.js';
import { buildCteScan, buildWith } from './common-table.js';
import { buildFilter, buildProject } from './filter-project.js';
import { buildGather } from './gather.js';
import { buildHashJoin } from './hash-join.js';
import { buildIndexScan } from './index-scan.js';
import { buildKeyLookup, buildSubstitute } from './key-lookup.js';
import { buildModify } from './modify.js';
import { buildNestedLoop } from './nested-loop.js';
import { counted, countersOf } from './node-counters.js';
import type { Compilation, Demand, Operator } from './operator.js';
import { buildDistinct, buildLimit } from './row-limits.js';
import { buildFunctionScan, buildSystemScan, buildValues } from './row-sources.js';
import { buildSequentialScan } from './sequential-scan.js';
import { buildSetOperation } from './set-operation.js';
import { buildSort, buildTopN } from './sort.js';
import { buildWindow } from './window.js';

export function buildPlan(plan: PhysicalPlan, demand: Demand, compilation: Compilation): Operator {
  const operator = buildNode(plan, demand, compilation);
  const { counters } = compilation.environment;
  const node = countersOf(plan, compilation);
  return node === undefined || counters === undefined ? operator : counted(operator, node, counters);
}

function buildNode(plan: PhysicalPlan, demand: Demand, compilation: Compilation): Operator {
  switch (plan.kind) {
    case 'seqScan':
      return substituteFor(plan, compilation) ?? buildSequentialScan(plan, demand, compilation);
    case 'keyLookup':
      return substituteFor(plan, compilation) ?? buildKeyLookup(plan, demand, compilation);
    case 'indexScan':
      return substituteFor(plan, compilation) ?? buildIndexScan(plan, demand, compilation);
    case 'systemScan':
      return buildSystemScan(plan, compilation);
    case 'values':
      return buildValues(plan, compilation);
    case 'functionScan':
      return buildFunctionScan(plan, compilation);
    case 'filter':
      return buildFilter(plan, demand, compilation);
    case 'project':
      return buildProject(plan, demand, compilation);
    case 'hashJoin':
      return buildHashJoin(plan, demand, compilation);
    case 'nestedLoop':
      return buildNestedLoop(plan, compilation);
    case 'aggregate':
      return buildAggregate(plan, compilation);
    case 'window':
      return buildWindow(plan, compilation);
    case 'sort':
      return buildSort(plan, demand, compilation);
    case 'topN':
      return buildTopN(plan, demand, compilation);
    case 'limit':
      return buildLimit(plan, demand, compilation);
    case 'distinct':
      return buildDistinct(plan, demand, compilation);
    case 'setOperation':
      return buildSetOperation(plan, compilation);
    case 'with':
      return buildWith(plan, demand, compilation);
    case 'cteScan':
      return buildCteScan(plan, compilation);
    case 'gather':
      return buildGather(plan, demand, compilation);
    case 'modify':
      return buildModify(plan, compilation);
    default:
      return unreachable(plan);
  }
}

function substituteFor(scan: PhysicalPlan & DocumentScan, compilation: Compilation): Operator | undefined {
  const { substitute } = compilation;
  return substitute?.scanId === scan.id ? buildSubstitute(scan, substitute.holder, compilation) : undefined;
}
