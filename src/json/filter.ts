/**
 * Filters: `{field: value}` and `{field: {$op: value, …}}`, compiled once and run over the text of many documents.
 * All conditions must hold; `{}` matches everything. Any thread.
 *
 * A field is a dotted path (members.ts findPath): names through objects, decimal indexes through arrays. A key that
 * itself holds a dot cannot be named. Equality and order are those of operand.ts. A path that leads nowhere is
 * missing, and missing equals null: it matches `{field: null}`, `$in` with a null, and `$ne` of anything but null;
 * it matches no ordering operator. A condition is a set of operators when any of its keys starts with `$`; otherwise
 * an object is a value to be equal to.
 */
import { unreachable } from '../base/assert.js';
import { DbError } from '../base/errors.js';
import { describeFault, JsonFault } from './fault.js';
import { findPath, Span } from './members.js';
import { compileOperand, equalsOperand, FILTER_DEPTH_MAX, type Operand, orderAgainst } from './operand.js';
import { parseExact } from './parse-exact.js';
import { DocumentScan, scanDocument } from './scan.js';
import { compileValueSet, isInValueSet, type ValueSet } from './value-set.js';

/** Most fields in one filter. */
export const FILTER_FIELDS_MAX = 64;

/** Whether the document in bytes[start, end), which scanDocument has accepted, matches. */
export type DocumentPredicate = (bytes: Uint8Array, start: number, end: number) => boolean;

type OrderOperator = '$gt' | '$gte' | '$lt' | '$lte';

type Test =
  | { readonly kind: 'equal' | 'unequal'; readonly operand: Operand }
  | { readonly kind: 'in'; readonly set: ValueSet }
  | { readonly kind: 'order'; readonly operator: OrderOperator; readonly operand: Operand };

interface Condition {
  readonly path: readonly Uint8Array[];
  readonly tests: readonly Test[];
}

/**
 * `filter` is a parsed value; bigint is a number here. Integers beyond 2^53 are exact only as bigint, so text is
 * better read with parseFilterText. Throws DbError('VALIDATION', …, {field}).
 */
export function compileFilter(filter: unknown): DocumentPredicate {
  if (!isPlainObject(filter)) throw new DbError('VALIDATION', 'a filter is an object');
  const fields = Object.entries(filter);
  if (fields.length > FILTER_FIELDS_MAX) {
    throw new DbError('VALIDATION', `a filter names at most ${FILTER_FIELDS_MAX} fields`, {
      limit: FILTER_FIELDS_MAX,
      count: fields.length,
    });
  }
  const conditions = fields.map(([field, condition]) => compileCondition(field, condition));
  const span = new Span();
  return (bytes, start, end) => {
    for (const condition of conditions) {
      const isFound = findPath(bytes, start, end, condition.path, span);
      for (const test of condition.tests) {
        const holds = isFound ? holdsFor(bytes, span.start, span.end, test) : holdsForMissing(test);
        if (!holds) return false;
      }
    }
    return true;
  };
}

/**
 * The fields of the filter in bytes[start, end), for compileFilter: integers that a double cannot hold are bigint. Throws DbError('MALFORMED_JSON', …, {offset})
 * or DbError('VALIDATION', …, {field}).
 */
export function parseFilterText(bytes: Uint8Array, start: number, end: number): Record<string, unknown> {
  const scan = new DocumentScan(false);
  const reason = scanDocument(bytes, start, end, scan);
  if (reason === JsonFault.NOT_AN_OBJECT) throw new DbError('VALIDATION', 'a filter is an object');
  if (reason !== JsonFault.NONE) {
    throw new DbError('MALFORMED_JSON', describeFault(reason), { offset: scan.faultOffset });
  }
  return parseExact(bytes, scan.objectStart, scan.objectEnd) as Record<string, unknown>; // the scan found an object
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function compileCondition(field: string, condition: unknown): Condition {
  const path = compilePath(field);
  if (!isPlainObject(condition) || !Object.keys(condition).some((key) => key.startsWith('$'))) {
    return { path, tests: [{ kind: 'equal', operand: compileOperand(condition, field) }] };
  }
  return {
    path,
    tests: Object.entries(condition).map(([operator, value]) => compileTest(field, operator, value)),
  };
}

function compilePath(field: string): Uint8Array[] {
  const names = field.split('.');
  if (field.startsWith('$')) {
    throw new DbError('VALIDATION', `${field} is not an operator of the top level`, { field });
  }
  if (names.includes('') || !field.isWellFormed() || names.length > FILTER_DEPTH_MAX) {
    throw new DbError('VALIDATION', 'a filter field is a path of names joined by dots', { field });
  }
  const encoder = new TextEncoder();
  return names.map((name) => encoder.encode(name));
}

function compileTest(field: string, operator: string, value: unknown): Test {
  switch (operator) {
    case '$ne':
      return { kind: 'unequal', operand: compileOperand(value, field) };
    case '$in':
      return { kind: 'in', set: compileValueSet(value, field) };
    case '$gt':
    case '$gte':
    case '$lt':
    case '$lte': {
      const operand = compileOperand(value, field);
      if (operand.kind === 'null' || operand.kind === 'array' || operand.kind === 'object') {
        throw new DbError('VALIDATION', `${operator} takes a number, a string or a boolean`, { field });
      }
      return { kind: 'order', operator, operand };
    }
    default:
      throw new DbError('VALIDATION', `unknown filter operator ${operator}`, { field, operator });
  }
}

function holdsFor(bytes: Uint8Array, start: number, end: number, test: Test): boolean {
  switch (test.kind) {
    case 'equal':
      return equalsOperand(bytes, start, end, test.operand);
    case 'unequal':
      return !equalsOperand(bytes, start, end, test.operand);
    case 'in':
      return isInValueSet(bytes, start, end, test.set);
    case 'order':
      return isOrdered(orderAgainst(bytes, start, end, test.operand), test.operator);
    default:
      return unreachable(test);
  }
}

function holdsForMissing(test: Test): boolean {
  switch (test.kind) {
    case 'equal':
      return test.operand.kind === 'null';
    case 'unequal':
      return test.operand.kind !== 'null';
    case 'in':
      return test.set.hasNull;
    case 'order':
      return false;
    default:
      return unreachable(test);
  }
}

/** Comparisons with UNORDERED, which is NaN, are all false. */
function isOrdered(order: number, operator: OrderOperator): boolean {
  switch (operator) {
    case '$gt':
      return order > 0;
    case '$gte':
      return order >= 0;
    case '$lt':
      return order < 0;
    case '$lte':
      return order <= 0;
    default:
      return unreachable(operator);
  }
}
