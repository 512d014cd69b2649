/** A plan in a few words for the log, the indexes that it reads, and those that it lacks. Pure. */
import type { Expression } from '../algebra/expression.js';
import type { FieldAccess, PhysicalPlan } from '../algebra/physical.js';
import { physicalExpressions, physicalInputs } from '../plan/physical-walk.js';

type SeqScan = PhysicalPlan & { readonly kind: 'seqScan' };

/** Columns of an index that a condition could use: those compared with =, then at most one that is compared otherwise. */
export interface MissingIndex {
  readonly collection: string;
  readonly columns: readonly string[];
}

/** Such as `Seq Scan on orders, Index Scan using idx_users on users`. */
export function planWords(root: PhysicalPlan): string {
  const words: string[] = [];
  visitPlans(root, (plan) => {
    const text = scanWords(plan);
    if (text !== undefined && !words.includes(text)) words.push(text);
  });
  return words.join(', ');
}

export function indexesRead(root: PhysicalPlan): number[] {
  const ids = new Set<number>();
  visitPlans(root, (plan) => {
    if (plan.kind === 'indexScan') ids.add(plan.indexId);
  });
  return [...ids];
}

/** Of a plan that scans one collection as a whole; what several scans have read cannot be told apart. */
export function missingIndex(root: PhysicalPlan): MissingIndex | undefined {
  const scans: SeqScan[] = [];
  let others = 0;
  visitPlans(root, (plan) => {
    if (plan.kind === 'seqScan') scans.push(plan);
    else if (plan.kind === 'indexScan') others++;
  });
  const [scan] = scans;
  if (scans.length !== 1 || others > 0 || scan.filter === undefined) return undefined;
  const equal = new Set<string>();
  const ranged = new Set<string>();
  for (const condition of conjuncts(scan.filter)) collectColumn(condition, scan.fields, equal, ranged);
  const range = [...ranged].find((column) => !equal.has(column));
  const columns = [...equal, ...(range === undefined ? [] : [range])];
  return columns.length === 0 ? undefined : { collection: scan.table.collection, columns };
}

function scanWords(plan: PhysicalPlan): string | undefined {
  switch (plan.kind) {
    case 'seqScan':
      return `Seq Scan on ${plan.table.collection}`;
    case 'keyLookup':
      return `Key Lookup on ${plan.table.collection}`;
    case 'indexScan':
      return `${plan.indexOnly ? 'Index Only Scan' : 'Index Scan'} using ${plan.index} on ${plan.table.collection}`;
    case 'systemScan':
      return `Seq Scan on system.${plan.table}`;
    case 'modify':
      return `${plan.modification.kind} on ${plan.modification.table.collection}`;
    default:
      return undefined;
  }
}

function conjuncts(condition: Expression): Expression[] {
  return condition.kind === 'and' ? condition.args.flatMap(conjuncts) : [condition];
}

function collectColumn(
  condition: Expression,
  fields: readonly FieldAccess[],
  equal: Set<string>,
  ranged: Set<string>,
): void {
  if (condition.kind === 'in' && !condition.negated) {
    const column = columnOf(condition.arg, fields);
    if (column !== undefined && condition.items.every(isKnown)) equal.add(column);
  }
  if (condition.kind !== 'compare' || condition.operator === '<>') return;
  const { left, right, operator } = condition;
  const column = isKnown(right)
    ? columnOf(left, fields)
    : isKnown(left)
      ? columnOf(right, fields)
      : undefined;
  if (column !== undefined) (operator === '=' ? equal : ranged).add(column);
}

function columnOf(expression: Expression, fields: readonly FieldAccess[]): string | undefined {
  if (expression.kind !== 'slot') return undefined;
  const source = fields[expression.index]?.source;
  return source?.kind === 'member' ? source.path.join('.') : undefined;
}

const isKnown = ({ kind }: Expression): boolean => kind === 'const' || kind === 'param' || kind === 'outer';

/** The plan, its inputs, and the plans in its expressions. */
function visitPlans(plan: PhysicalPlan, visit: (plan: PhysicalPlan) => void): void {
  visit(plan);
  for (const input of physicalInputs(plan)) visitPlans(input, visit);
  for (const expression of physicalExpressions(plan)) visitSubplans(expression, visit);
}

/** Expressions are plain data: whatever looks like a subquery is one. */
function visitSubplans(value: unknown, visit: (plan: PhysicalPlan) => void): void {
  if (typeof value !== 'object' || value === null) return;
  const node = value as Readonly<Record<string, unknown>>;
  if (node['kind'] === 'subquery') visitPlans(node['plan'] as PhysicalPlan, visit);
  for (const [key, child] of Object.entries(node)) if (key !== 'plan') visitSubplans(child, visit);
}
