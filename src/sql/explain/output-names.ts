/** What the places in the rows of each node are called, as far as plans say it: members, expressions, results of calls. */
import type { PhysicalPlan } from '../algebra/physical.js';
import { aggregateText, expressionText, type Names, referenceText, windowText } from './expression-text.js';

export interface NameSettings {
  /** Put the alias of the relation before the names of its columns. */
  readonly isQualified: boolean;
  /** Columns of CTEs, by their number. */
  readonly ctes: Map<number, readonly string[]>;
  readonly subplan: Names['subplan'];
}

export function outputNames(
  plan: PhysicalPlan,
  outer: readonly string[],
  settings: NameSettings,
): readonly string[] {
  const below = (input: PhysicalPlan): Names => ({
    slots: outputNames(input, outer, settings),
    outer,
    subplan: settings.subplan,
  });
  switch (plan.kind) {
    case 'seqScan':
    case 'keyLookup':
    case 'indexScan':
      return plan.fields.map(({ source, name }) => {
        const plain =
          source.kind === 'member' ? source.path.join('.') : source.kind === 'document' ? '*' : name;
        return qualified(plain, plan.table.alias, settings);
      });
    case 'systemScan':
      return plan.fields.map((name) => qualified(name, plan.alias, settings));
    case 'values':
      return Array.from({ length: plan.width }, (_, place) => `column${place + 1}`);
    case 'functionScan':
      return functionNames(plan);
    case 'cteScan': {
      const names = settings.ctes.get(plan.cte) ?? [];
      return Array.from({ length: plan.width }, (_, place) =>
        qualified(plainName(names[place], place), plan.alias, settings),
      );
    }
    case 'project': {
      const names = below(plan.input);
      return plan.expressions.map((expression) => referenceText(expressionText(expression, names)));
    }
    case 'hashJoin':
    case 'nestedLoop': {
      const left = outputNames(plan.left, outer, settings);
      if (plan.join === 'semi' || plan.join === 'anti') return left;
      return [...left, ...rightNames(plan, left, outer, settings)];
    }
    case 'aggregate':
      return aggregateNames(plan, below(plan.input));
    case 'window': {
      const names = below(plan.input);
      return [...names.slots, ...plan.calls.map((call) => referenceText(windowText(call, names)))];
    }
    case 'setOperation':
      return outputNames(plan.left, outer, settings);
    case 'modify':
      return plan.returning.map((expression) =>
        referenceText(
          expressionText(expression, {
            slots: plan.target.map(({ name }) => name),
            outer,
            subplan: settings.subplan,
          }),
        ),
      );
    default:
      return outputNames(plan.input, outer, settings);
  }
}

/** Names of the right side of a join, whose outer frame are the args over the left one. */
export function rightNames(
  plan: PhysicalPlan & { kind: 'hashJoin' | 'nestedLoop' },
  left: readonly string[],
  outer: readonly string[],
  settings: NameSettings,
): readonly string[] {
  return outputNames(plan.right, rightOuter(plan, left, outer, settings), settings);
}

export function rightOuter(
  plan: PhysicalPlan & { kind: 'hashJoin' | 'nestedLoop' },
  left: readonly string[],
  outer: readonly string[],
  settings: NameSettings,
): readonly string[] {
  if (plan.kind === 'hashJoin' || plan.args.length === 0) return outer;
  const names: Names = { slots: left, outer, subplan: settings.subplan };
  return plan.args.map((arg) => expressionText(arg, names));
}

function qualified(name: string, alias: string, { isQualified }: NameSettings): string {
  return isQualified ? `${alias}.${name}` : name;
}

function functionNames(plan: PhysicalPlan & { kind: 'functionScan' }): readonly string[] {
  const names = Array.from({ length: plan.width }, (_, place) =>
    place === 0 ? plan.alias : `column${place + 1}`,
  );
  return plan.ordinality ? [...names.slice(0, -1), 'ordinality'] : names;
}

function plainName(name: string | undefined, place: number): string {
  const last = name?.split('.').at(-1) ?? '';
  return /^[a-z_]\w*$/i.test(last) ? last : `column${place + 1}`;
}

function aggregateNames(plan: PhysicalPlan & { kind: 'aggregate' }, names: Names): readonly string[] {
  const keys = plan.groupBy.map((key) => referenceText(expressionText(key, names)));
  const calls = plan.aggregates.map((call) => {
    if (plan.mode === 'partial') return `PARTIAL ${aggregateText(call, names)}`;
    if (plan.mode === 'final') return referenceText(finalText(expressionText(call.args[0], names)));
    return referenceText(aggregateText(call, names));
  });
  return [...keys, ...calls];
}

/** The call whose states come from below. */
function finalText(state: string): string {
  return state.replace(/^\(?PARTIAL /, '');
}
