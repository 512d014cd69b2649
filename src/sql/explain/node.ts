/** What EXPLAIN shows of a plan, before it is text or JSON. Several nodes of a plan may be one here, and one may be two. */
import type { Estimate } from '../algebra/physical.js';
import type { NodeCounters } from './counters.js';

export interface ExplainProperty {
  /** Key in JSON; with a colon behind it the beginning of the line. */
  readonly label: string;
  readonly value: unknown;
  /** The line of the text form where it is not `label: value`; null: only in JSON. */
  readonly text?: string | null;
}

/** Plans that hang on a node by a name: `InitPlan 1 (returns $0)`, `CTE recent`. */
export interface NamedPlan {
  readonly name: string;
  readonly relationship: 'InitPlan' | 'SubPlan';
  readonly node: ExplainNode;
}

export interface ExplainNode {
  /** First line up to the costs. */
  readonly title: string;
  /** Identity in JSON: node type, strategy, relation. */
  readonly head: Readonly<Record<string, unknown>>;
  readonly estimate: Estimate;
  readonly counters: NodeCounters | undefined;
  readonly properties: readonly ExplainProperty[];
  /** Shown before the inputs (initPlans, CTEs) and behind them. */
  readonly before: readonly NamedPlan[];
  readonly inputs: readonly ExplainNode[];
  readonly after: readonly NamedPlan[];
}
