/**
 * Runs the input of an UPDATE or DELETE again for one document in its current version: after a write met another one, it
 * has to be seen whether the document still is one that the statement changes, and with what values.
 */
import type { PhysicalPlan } from '../algebra/physical.js';
import type { Row } from '../types/values.js';
import type { Compilation, Operator } from './operator.js';
import type { DocumentPlace } from './source.js';
import { placeOf } from './target-reader.js';

export class Recheck {
  private readonly holder: { place: DocumentPlace | undefined } = { place: undefined };
  private readonly operator: Operator | undefined;

  /** `keySlot`: where the input's rows have the key of the document. */
  constructor(input: PhysicalPlan, keySlot: number, compilation: Compilation) {
    const scanId = originScan(input, keySlot);
    if (scanId === undefined) return;
    const substitute = { scanId, holder: this.holder };
    // Nothing is counted twice, and other threads know nothing of the document.
    const environment = { ...compilation.environment, counters: undefined, fragments: undefined };
    this.operator = compilation.build(input, undefined, { ...compilation, environment, substitute });
  }

  /** A copy of the row that the document gives now; undefined when it gives none any more. */
  run(text: string, seqno: number): Row | undefined {
    this.holder.place = placeOf(text, seqno);
    let found: Row | undefined;
    this.operator?.run((row) => {
      found = row.slice();
      return false;
    });
    return found;
  }

  /** False when the input does not tell where the document comes from. */
  get isPossible(): boolean {
    return this.operator !== undefined;
  }
}

/** The scan that a slot's value was read by. */
function originScan(plan: PhysicalPlan, slot: number): number | undefined {
  switch (plan.kind) {
    case 'seqScan':
    case 'keyLookup':
    case 'indexScan':
      return plan.id;
    case 'filter':
    case 'sort':
    case 'topN':
    case 'limit':
    case 'distinct':
    case 'gather':
    case 'with':
      return originScan(plan.input, slot);
    case 'window':
      return slot < plan.input.width ? originScan(plan.input, slot) : undefined;
    case 'project': {
      const expression = plan.expressions[slot];
      return expression?.kind === 'slot' ? originScan(plan.input, expression.index) : undefined;
    }
    case 'hashJoin':
    case 'nestedLoop':
      return slot < plan.left.width
        ? originScan(plan.left, slot)
        : originScan(plan.right, slot - plan.left.width);
    default:
      return undefined;
  }
}

/** Whether an input may give the same document more than once. */
export function mayRepeat(plan: PhysicalPlan): boolean {
  switch (plan.kind) {
    case 'seqScan':
    case 'keyLookup':
    case 'indexScan':
      return false;
    case 'filter':
    case 'project':
    case 'sort':
    case 'gather':
      return mayRepeat(plan.input);
    case 'hashJoin':
    case 'nestedLoop':
      return plan.join === 'semi' || plan.join === 'anti' ? mayRepeat(plan.left) : true;
    default:
      return true;
  }
}
