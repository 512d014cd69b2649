/**
 * Conditions that an index or the order of `_id` can answer: one member (or an expression over a document) against a value
 * that does not depend on the document. Pure.
 */
import type { BoundExpression, ColumnId } from '../algebra/expression.js';
import type { LogicalPlan } from '../algebra/logical.js';
import type { SqlType } from '../types/sql-type.js';
import type { SqlValue } from '../types/values.js';
import { columnsOf } from './columns.js';
import { structuralKey } from './expression-walk.js';
import { mayBeginOtherKinds, prefixOfPattern } from './like-prefix.js';
import { FLIPPED } from './normalise.js';
import type { PlannerSupport } from './support.js';
import { textAfterPrefix } from './text-order.js';
import { isVolatile } from './volatile.js';

export type Scan = LogicalPlan & { kind: 'scan' };

/** Search argument, as System R called it. */
export interface Sarg {
  /** What is compared, as keyOf has it. */
  readonly key: string;
  readonly conjunct: BoundExpression;
  readonly test:
    | { readonly kind: 'equals'; readonly value: BoundExpression }
    | { readonly kind: 'in'; readonly values: readonly BoundExpression[] }
    | { readonly kind: 'lower' | 'upper'; readonly value: BoundExpression; readonly inclusive: boolean }
    | { readonly kind: 'prefix'; readonly from: string; readonly to: string | undefined }
    | { readonly kind: 'isNull' | 'isNotNull' };
  /** The range says all that the condition says: it need not be checked again. */
  readonly isExact: boolean;
}

export function memberKey(path: readonly string[]): string {
  return `member ${JSON.stringify(path)}`;
}

/**
 * Declared types that mean nothing to an expression: it makes of such a member what it would make of one that is not declared.
 * Of others it may not (made::date is another day where `made` is a timestamptz), and indexes know of no declarations.
 */
const NEUTRAL: readonly SqlType[] = ['any', 'text', 'bool'];

export const isNeutral = (type: SqlType): boolean => NEUTRAL.includes(type);

/** The same for the same thing of two scans of a collection: members by path, expressions by structure and their members' types. */
export function keyOf(expression: BoundExpression, scan: Scan): string {
  const isMember = expression.kind === 'column';
  const nameOf = (id: ColumnId): string => {
    const field = scan.fields.find((each) => each.id === id);
    if (field === undefined) return `outer ${id}`;
    const { source, type } = field;
    if (source.kind !== 'member') return source.kind;
    const key = memberKey(source.path);
    return isMember || isNeutral(type) ? key : `${key} ${type}`;
  };
  return isMember ? nameOf(expression.id) : structuralKey(expression, nameOf);
}

/** Whether the value of an expression whose type is `any` is a scalar of JSON for certain. */
export type IsJson = (expression: BoundExpression) => boolean;

/** `isJson` false: a bound whose kind is known only at run time is none, as it may be a time, which texts are equal to by a cast. */
export function sargsOf(
  conjuncts: readonly BoundExpression[],
  scan: Scan,
  support: PlannerSupport,
  isJson: IsJson = () => true,
): readonly Sarg[] {
  const own = new Set(scan.columns);
  const isComparable = (target: BoundExpression, value: BoundExpression): boolean =>
    areComparable(target, value) && [target, value].every((side) => side.type !== 'any' || isJson(side));
  return conjuncts.flatMap((conjunct) => sargOf(conjunct, scan, own, support, isComparable) ?? []);
}

function sargOf(
  conjunct: BoundExpression,
  scan: Scan,
  own: ReadonlySet<ColumnId>,
  support: PlannerSupport,
  isComparable: typeof areComparable,
): Sarg | undefined {
  const isOwn = (expression: BoundExpression): boolean =>
    [...columnsOf(expression)].some((id) => own.has(id));
  const isValue = (expression: BoundExpression): boolean =>
    !isOwn(expression) && !isVolatile(expression, support);
  const made = (target: BoundExpression, test: Sarg['test'], isExact = true): Sarg => ({
    key: keyOf(target, scan),
    conjunct,
    test,
    isExact,
  });
  switch (conjunct.kind) {
    case 'compare': {
      const turned = !isOwn(conjunct.left);
      const target = turned ? conjunct.right : conjunct.left;
      const value = turned ? conjunct.left : conjunct.right;
      const operator = turned ? FLIPPED[conjunct.operator] : conjunct.operator;
      if (!isOwn(target) || !isValue(value) || !isComparable(target, value)) return undefined;
      if (operator === '<>') return undefined;
      if (operator === '=') return made(target, { kind: 'equals', value });
      const kind = operator === '>' || operator === '>=' ? 'lower' : 'upper';
      return made(target, { kind, value, inclusive: operator === '>=' || operator === '<=' });
    }
    case 'in': {
      const { arg, items, negated } = conjunct;
      if (negated || !isOwn(arg) || !items.every((item) => isValue(item) && isComparable(arg, item))) {
        return undefined;
      }
      return made(arg, { kind: 'in', values: items });
    }
    case 'quantified': {
      const { arg, array, operator, all } = conjunct;
      if (all || operator !== '=' || !isOwn(arg)) return undefined;
      const values = elementsOf(array);
      if (values === undefined || !values.every((v) => isValue(v) && isComparable(arg, v))) return undefined;
      return made(arg, { kind: 'in', values });
    }
    case 'isNull': {
      if (!isOwn(conjunct.arg) || !isStorable(conjunct.arg)) return undefined;
      return made(conjunct.arg, { kind: conjunct.negated ? 'isNotNull' : 'isNull' });
    }
    case 'call': {
      const found = prefixOfPattern(conjunct);
      if (found === undefined || !isOwn(found.target)) return undefined;
      const { target, prefix, isExact } = found;
      const isText = target.type === 'text';
      if (!isText && (target.type !== 'any' || mayBeginOtherKinds(prefix))) return undefined;
      return made(target, { kind: 'prefix', from: prefix, to: textAfterPrefix(prefix) }, isExact);
    }
    default:
      return undefined;
  }
}

/** Of an array that is written out. */
function elementsOf(array: BoundExpression): readonly BoundExpression[] | undefined {
  if (array.kind === 'array') return array.items;
  if (array.kind !== 'const' || !Array.isArray(array.value)) return undefined;
  return (array.value as readonly SqlValue[]).map((value) => ({ kind: 'const', type: typeOf(value), value }));
}

function typeOf(value: SqlValue): SqlType {
  if (typeof value === 'string') return 'text';
  if (typeof value === 'number' || typeof value === 'bigint') return 'numeric';
  return typeof value === 'boolean' ? 'bool' : 'jsonb';
}

const STORABLE: readonly SqlType[] = ['any', 'text', 'int8', 'float8', 'numeric', 'bool'];

/** Members of other declared types are cast for each document: an index has them as they are written. */
export function isStorable({ kind, type }: BoundExpression): boolean {
  return STORABLE.includes(type) || kind !== 'column';
}

/**
 * Whether equal and smaller mean in the index what they mean to the operator. Texts compared with times are cast; a value
 * of the same time type as an indexed expression is not.
 */
function areComparable(target: BoundExpression, value: BoundExpression): boolean {
  if (STORABLE.includes(target.type)) return STORABLE.includes(value.type) || value.type === 'unknown';
  return target.kind !== 'column' && target.type === value.type && target.type !== 'jsonb';
}
