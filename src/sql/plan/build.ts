/** From logical to physical, node by node. Plans without a goal are remembered, since several ways of one plan share them. */
import { unreachable } from '../../base/assert.js';
import type { LogicalPlan } from '../algebra/logical.js';
import { buildAggregate } from './build-aggregate.js';
import { buildJoin } from './build-join.js';
import { buildModify } from './build-modify.js';
import { buildRows, buildScan, withFilter } from './build-scan.js';
import { buildDistinct, buildLimit, buildSort } from './build-sort.js';
import { buildProject, buildSetOperation, buildWindow, buildWith } from './build-upper.js';
import { conjunctsOf } from './expression-walk.js';
import type { Frame } from './frame.js';
import { isShippable } from './lower.js';
import type { Built, Goal, Planner } from './planner.js';

type Surroundings = Omit<Planner, 'build'>;

export function createPlanner(surroundings: Surroundings): Planner {
  const memos = new WeakMap<Frame, Map<LogicalPlan, Built>>();
  const planner: Planner = {
    ...surroundings,
    build(plan, frame, goal = {}) {
      if (goal.order !== undefined || goal.rows !== undefined) return buildNode(plan, frame, goal, planner);
      let memo = memos.get(frame);
      if (memo === undefined) {
        memo = new Map();
        memos.set(frame, memo);
      }
      const known = memo.get(plan);
      if (known !== undefined) return known;
      const built = buildNode(plan, frame, goal, planner);
      memo.set(plan, built);
      return built;
    },
  };
  return planner;
}

function buildNode(plan: LogicalPlan, frame: Frame, goal: Goal, planner: Planner): Built {
  switch (plan.kind) {
    case 'scan':
      return buildScan(plan, [], frame, goal, planner);
    case 'systemScan':
    case 'values':
    case 'functionScan':
    case 'cteScan':
      return buildRows(plan, [], frame, planner);
    case 'filter':
      return buildFilter(plan, frame, goal, planner);
    case 'project':
      return buildProject(plan, frame, goal, planner);
    case 'join':
      return buildJoin(plan, frame, goal, planner);
    case 'aggregate':
      return buildAggregate(plan, frame, goal, planner);
    case 'window':
      return buildWindow(plan, frame, planner);
    case 'sort':
      return buildSort(plan, frame, goal, planner);
    case 'limit':
      return buildLimit(plan, frame, goal, planner);
    case 'distinct':
      return buildDistinct(plan, frame, goal, planner);
    case 'setOperation':
      return buildSetOperation(plan, frame, goal, planner);
    case 'with':
      return buildWith(plan, frame, goal, planner);
    case 'modify':
      return buildModify(plan, frame, planner);
    default:
      return unreachable(plan);
  }
}

function buildFilter(
  plan: LogicalPlan & { kind: 'filter' },
  frame: Frame,
  goal: Goal,
  planner: Planner,
): Built {
  const { input } = plan;
  const conjuncts = conjunctsOf(plan.condition);
  switch (input.kind) {
    case 'scan':
      return buildScan(input, conjuncts, frame, goal, planner);
    case 'systemScan':
    case 'functionScan':
    case 'cteScan':
    case 'values':
      return buildRows(input, conjuncts, frame, planner);
    default: {
      const below = planner.build(input, frame, goal);
      const built = withFilter(below, conjuncts, frame, planner);
      if (built.plan.kind !== 'filter' || !isShippable(built.plan.condition, planner)) return built;
      if (below.partial === undefined) return built;
      return {
        ...built,
        partial: withFilter({ ...below, plan: below.partial }, conjuncts, frame, planner).plan,
      };
    }
  }
}
