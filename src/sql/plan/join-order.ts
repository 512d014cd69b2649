/**
 * The order of inner joins: by dynamic programming over all sets of up to JOIN_SEARCH_MAX relations (Selinger), beyond that
 * by joining the cheapest pair again and again. Each pair is joined by a hash table, by an index of the right side, or by
 * comparing all with all. Sets keep their cheapest plan and the cheapest that has the order asked for.
 */
import type { BoundExpression, ColumnId } from '../algebra/expression.js';
import type { LogicalPlan } from '../algebra/logical.js';
import type { Estimate } from '../algebra/physical.js';
import { withFilter } from './build-scan.js';
import { columnsOf } from './columns.js';
import { costOfRows } from './cost.js';
import { Frame } from './frame.js';
import { joinKeys } from './join-condition.js';
import {
  type Edge,
  edgesBetween,
  isRepeatable,
  joinedRows,
  joinGraph,
  looseConjuncts,
} from './join-graph.js';
import { argsLoop, argsLoopCost, hashCost, hashJoin, loopCost, nestedLoop } from './join-nodes.js';
import { complete } from './lower.js';
import type { Built, Goal, Planner } from './planner.js';
import { pushDown } from './push-down.js';

export const JOIN_SEARCH_MAX = 8;

/** A way to join a set, not built before it is known to be the best. */
interface Candidate {
  readonly estimate: Estimate;
  readonly ordered: boolean;
  make(): Built;
}

interface JoinSet {
  readonly relations: ReadonlySet<number>;
  readonly columns: ReadonlySet<ColumnId>;
  readonly rows: number;
  readonly best: Candidate;
  readonly inOrder: Candidate | undefined;
}

interface Inner {
  readonly built: Built;
  readonly frame: Frame;
}

export function buildInnerJoin(plan: LogicalPlan, frame: Frame, goal: Goal, planner: Planner): Built {
  const graph = joinGraph(plan);
  const search = new JoinSearch(graph.relations, graph.edges, frame, goal, planner);
  const all = graph.relations.length <= JOIN_SEARCH_MAX ? search.exhaustive() : search.greedy();
  const chosen = goal.order !== undefined && all.inOrder !== undefined ? all.inOrder : all.best;
  return withFilter(chosen.make(), looseConjuncts(graph), frame, planner);
}

class JoinSearch {
  readonly #relations: readonly LogicalPlan[];
  readonly #edges: readonly Edge[];
  readonly #frame: Frame;
  readonly #goal: Goal;
  readonly #planner: Planner;
  readonly #inner = new Map<string, Inner>();

  constructor(
    relations: readonly LogicalPlan[],
    edges: readonly Edge[],
    frame: Frame,
    goal: Goal,
    planner: Planner,
  ) {
    this.#relations = relations;
    this.#edges = edges;
    this.#frame = frame;
    this.#goal = goal;
    this.#planner = planner;
  }

  exhaustive(): JoinSet {
    const count = this.#relations.length;
    const sets = new Map<number, JoinSet>();
    for (let i = 0; i < count; i++) sets.set(1 << i, this.#single(i));
    for (let mask = 1; mask < 1 << count; mask++) {
      const found = sets.has(mask) ? undefined : this.#bestSplit(mask, sets);
      if (found !== undefined) sets.set(mask, found);
    }
    return sets.get((1 << count) - 1) ?? this.#merged(largestSets(sets));
  }

  /** Of halves that a condition ties together; undefined for sets that hang together nowhere. */
  #bestSplit(mask: number, sets: ReadonlyMap<number, JoinSet>): JoinSet | undefined {
    let best: JoinSet | undefined;
    for (let left = (mask - 1) & mask; left > mask - left; left = (left - 1) & mask) {
      const a = sets.get(mask ^ left);
      const b = sets.get(left);
      if (a === undefined || b === undefined) continue;
      const edges = edgesBetween(this.#edges, a.relations, b.relations);
      if (edges.length === 0) continue;
      best = better(best, this.#join(a, b, edges));
    }
    return best;
  }

  greedy(): JoinSet {
    return this.#merged(this.#relations.map((_, place) => this.#single(place)));
  }

  /** Joins the cheapest pair until one set is left. */
  #merged(sets: JoinSet[]): JoinSet {
    while (sets.length > 1) {
      let best:
        | { readonly set: JoinSet; readonly i: number; readonly j: number; readonly tied: boolean }
        | undefined;
      for (let i = 0; i < sets.length; i++) {
        for (let j = i + 1; j < sets.length; j++) {
          const edges = edgesBetween(this.#edges, sets[i].relations, sets[j].relations);
          const tied = edges.length > 0;
          if (best?.tied && !tied) continue;
          const set = this.#join(sets[i], sets[j], edges);
          const isBetter =
            best === undefined ||
            (tied && !best.tied) ||
            set.best.estimate.totalCost < best.set.best.estimate.totalCost;
          if (isBetter) best = { set, i, j, tied };
        }
      }
      if (best === undefined) break;
      sets.splice(best.j, 1);
      sets.splice(best.i, 1, best.set);
    }
    return sets[0];
  }

  #single(place: number): JoinSet {
    const relation = this.#relations[place];
    const built = this.#planner.build(relation, this.#frame);
    return {
      relations: new Set([place]),
      columns: new Set(relation.columns),
      rows: built.plan.estimate.rows,
      best: { estimate: built.plan.estimate, ordered: false, make: () => built },
      inOrder: this.#ordered(relation),
    };
  }

  #ordered(relation: LogicalPlan): Candidate | undefined {
    const { order } = this.#goal;
    if (order === undefined) return undefined;
    const own = new Set(relation.columns);
    const isOwn = order.every(({ expression }) => [...columnsOf(expression)].every((id) => own.has(id)));
    if (!isOwn) return undefined;
    const built = this.#planner.build(relation, this.#frame, this.#goal);
    if (!built.ordered) return undefined;
    return { estimate: built.plan.estimate, ordered: true, make: () => built };
  }

  #join(a: JoinSet, b: JoinSet, edges: readonly Edge[]): JoinSet {
    const rows = joinedRows(a.rows, b.rows, edges, this.#planner.facts);
    const candidates = [...this.#ways(a, b, edges, rows), ...this.#ways(b, a, edges, rows)];
    const wanted = this.#goal.order === undefined ? this.#goal.rows : undefined;
    return {
      relations: new Set([...a.relations, ...b.relations]),
      columns: new Set([...a.columns, ...b.columns]),
      rows,
      best: cheapestOf(candidates, wanted) as Candidate,
      inOrder: cheapestOf(
        candidates.filter(({ ordered }) => ordered),
        this.#goal.rows,
      ),
    };
  }

  #ways(left: JoinSet, right: JoinSet, edges: readonly Edge[], rows: number): Candidate[] {
    const sides = left.inOrder === undefined ? [left.best] : [left.best, left.inOrder];
    const planner = this.#planner;
    const ways: Candidate[] = [];
    const conjuncts = edges.map(({ conjunct }) => conjunct);
    const keys = joinKeys(conjuncts, left.columns, right.columns, planner.jsonColumns);
    const r = right.best.estimate;
    if (keys.left.length > 0 && planner.options.enableHashJoin) {
      ways.push({
        estimate: hashCost(left.best.estimate, r, rows, keys.left.length, planner),
        ordered: false,
        make: () => hashJoin(this.#sides(left.best, right.best, rows), keys, this.#frame, planner),
      });
    }
    for (const side of sides) {
      ways.push({
        estimate: loopCost(side.estimate, r, rows, conjuncts.length * 0.0025),
        ordered: side.ordered,
        make: () => {
          const joined = this.#sides(side, right.best, rows);
          const outer = complete(joined.left, planner);
          const kept = complete(joined.right, planner);
          return nestedLoop({ ...joined, left: outer, right: kept }, conjuncts, this.#frame, planner);
        },
      });
      const inner = this.#indexed(right, edges);
      if (inner === undefined) continue;
      ways.push({
        estimate: argsLoopCost(side.estimate, inner.built.plan.estimate, rows),
        ordered: side.ordered,
        make: () => {
          const outer = complete(side.make(), planner);
          const joined = { join: 'inner' as const, left: outer, right: inner.built, rows };
          return argsLoop(joined, inner.frame, [], this.#frame, planner);
        },
      });
    }
    return ways;
  }

  #sides(left: Candidate, right: Candidate, rows: number) {
    return { join: 'inner' as const, left: left.make(), right: right.make(), rows };
  }

  /** One relation with the conditions inside of it, whose other sides come from the frame. */
  #indexed(right: JoinSet, edges: readonly Edge[]): Inner | undefined {
    if (edges.length === 0 || right.relations.size !== 1 || !this.#planner.options.enableIndexNestedLoop) {
      return undefined;
    }
    const [place] = right.relations;
    if (!isRepeatable(this.#relations[place])) return undefined;
    const key = `${place} ${edges.map((edge) => this.#edges.indexOf(edge)).join(' ')}`;
    const known = this.#inner.get(key);
    if (known !== undefined) return known;
    const inner = withConditions(
      this.#relations[place],
      edges.map(({ conjunct }) => conjunct),
      this.#planner,
    );
    this.#inner.set(key, inner);
    return inner;
  }
}

/** The plan under these conditions in a frame of its own. */
export function withConditions(
  plan: LogicalPlan,
  conjuncts: readonly BoundExpression[],
  planner: Planner,
): Inner {
  const frame = new Frame();
  const logical = pushDown(plan, planner.support, conjuncts);
  return { frame, built: planner.build(logical, frame) };
}

/** Sets without a common relation that have all relations together, the largest ones first. */
function largestSets(sets: ReadonlyMap<number, JoinSet>): JoinSet[] {
  const chosen: JoinSet[] = [];
  let taken = 0;
  const bySize = [...sets].sort((a, b) => b[1].relations.size - a[1].relations.size);
  for (const [mask, set] of bySize) {
    if ((mask & taken) !== 0) continue;
    taken |= mask;
    chosen.push(set);
  }
  return chosen;
}

function better(best: JoinSet | undefined, other: JoinSet): JoinSet {
  if (best === undefined) return other;
  const inOrder = [best.inOrder, other.inOrder].filter((candidate) => candidate !== undefined);
  return {
    ...best,
    best: other.best.estimate.totalCost < best.best.estimate.totalCost ? other.best : best.best,
    inOrder: cheapestOf(inOrder, undefined),
  };
}

function cheapestOf(candidates: readonly Candidate[], rows: number | undefined): Candidate | undefined {
  let best: Candidate | undefined;
  for (const candidate of candidates) {
    if (best === undefined || costOfRows(candidate.estimate, rows) < costOfRows(best.estimate, rows)) {
      best = candidate;
    }
  }
  return best;
}
