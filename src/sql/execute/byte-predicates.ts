/**
 * Conditions that are settled on the bytes of a document, without making values of them: a member compared with a constant,
 * and IS [NOT] NULL. They say whether the condition is true; false and NULL are the same to a filter. One thread.
 */
import { compareContents } from '../../json/text.js';
import type { ComparisonOperator, Expression } from '../algebra/expression.js';
import type { SqlType } from '../types/sql-type.js';
import { type SqlValue, Timestamp } from '../types/values.js';
import { acceptsOrder, FLIPPED, maskOf } from './comparison-mask.js';
import { compareValues } from './compile-compare.js';
import type { FieldExtractor } from './field-extractor.js';
import { isoMicros } from './iso-moment.js';
import { decodeNumber } from './json-decoder.js';
import { decodeText } from './json-text.js';

const QUOTE = 0x22;
const MINUS = 0x2d;
const NINE = 0x39;
const BACKSLASH = 0x5c;
const LOWER_F = 0x66;
const LOWER_N = 0x6e;
const LOWER_T = 0x74;

export type BytePredicate = (extractor: FieldExtractor) => boolean;

/** The span of a slot; undefined when the slot is no member, or its type is one that values are cast to. */
export type SpanOf = (slot: number) => { readonly span: number; readonly type: SqlType } | undefined;

/** Undefined when the condition is not of these shapes. `constantOf` gives the value of a constant expression. */
export function compileBytePredicate(
  condition: Expression,
  spanOf: SpanOf,
  constantOf: (expression: Expression) => SqlValue | undefined,
): BytePredicate | undefined {
  if (condition.kind === 'isNull' && condition.arg.kind === 'slot') {
    const found = spanOf(condition.arg.index);
    if (found === undefined || found.type !== 'any') return undefined;
    return nullPredicate(found.span, condition.negated);
  }
  if (condition.kind !== 'compare') return undefined;
  const { left, right, operator } = condition;
  if (left.kind === 'slot') return comparison(left, operator, constantOf(right), spanOf);
  if (right.kind === 'slot') return comparison(right, FLIPPED[operator], constantOf(left), spanOf);
  return undefined;
}

function comparison(
  slot: Expression & { kind: 'slot' },
  operator: ComparisonOperator,
  constant: SqlValue | undefined,
  spanOf: SpanOf,
): BytePredicate | undefined {
  const found = spanOf(slot.index);
  if (found === undefined || found.type !== 'any') return undefined;
  if (typeof constant === 'string') return textPredicate(found.span, operator, constant);
  if (typeof constant === 'number' && !Number.isNaN(constant)) {
    return numberPredicate(found.span, operator, constant);
  }
  if (typeof constant === 'boolean') return booleanPredicate(found.span, operator, constant);
  if (constant instanceof Timestamp) return momentPredicate(found.span, operator, constant);
  return undefined;
}

function nullPredicate(span: number, negated: boolean): BytePredicate {
  return ({ bytes, starts }) => {
    const start = starts[span];
    return (start < 0 || bytes[start] === LOWER_N) !== negated;
  };
}

function textPredicate(span: number, operator: ComparisonOperator, constant: string): BytePredicate {
  const utf8 = new TextEncoder().encode(constant);
  if (operator === '=' || operator === '<>') {
    const wanted = operator === '=';
    return ({ bytes, starts, ends }) => {
      const start = starts[span];
      if (start < 0 || bytes[start] !== QUOTE) return false;
      return isSameText(bytes, start + 1, ends[span] - 1, utf8, constant) === wanted;
    };
  }
  const mask = maskOf(operator);
  return ({ bytes, starts, ends }) => {
    const start = starts[span];
    if (start < 0 || bytes[start] !== QUOTE) return false;
    return acceptsOrder(mask, compareContents(bytes, start + 1, ends[span] - 1, utf8));
  };
}

function isSameText(
  bytes: Uint8Array,
  start: number,
  end: number,
  utf8: Uint8Array,
  constant: string,
): boolean {
  const length = utf8.length;
  // With an escape the contents are longer than the text.
  if (end - start < length) return false;
  if (end - start === length) {
    let same = 0;
    while (same < length && bytes[start + same] === utf8[same]) same++;
    // A constant with a backslash may look like an escape.
    if (same < length) return false;
    return !constant.includes('\\') || decodeText(bytes, start, end) === constant;
  }
  for (let at = start; at < end; at++) {
    if (bytes[at] === BACKSLASH) return decodeText(bytes, start, end) === constant;
  }
  return false;
}

function numberPredicate(span: number, operator: ComparisonOperator, constant: number): BytePredicate {
  const mask = maskOf(operator);
  return ({ bytes, starts, ends }) => {
    const start = starts[span];
    if (start < 0) return false;
    const first = bytes[start];
    // Of the bytes that a value may begin with, only a quote is below a minus sign and letters are above the digits.
    if (first < MINUS || first > NINE) return false;
    const value = decodeNumber(bytes, start, ends[span]);
    return acceptsOrder(mask, value < constant ? -1 : value > constant ? 1 : 0);
  };
}

/** A text is compared as a moment; one in the usual form without being made a string. */
function momentPredicate(span: number, operator: ComparisonOperator, constant: Timestamp): BytePredicate {
  const mask = maskOf(operator);
  const { micros } = constant;
  return ({ bytes, starts, ends }) => {
    const start = starts[span];
    if (start < 0 || bytes[start] !== QUOTE) return false;
    const end = ends[span] - 1;
    const moment = isoMicros(bytes, start + 1, end);
    if (!Number.isNaN(moment)) return acceptsOrder(mask, moment < micros ? -1 : moment > micros ? 1 : 0);
    return compareValues(decodeText(bytes, start + 1, end), constant, mask) === true;
  };
}

function booleanPredicate(span: number, operator: ComparisonOperator, constant: boolean): BytePredicate {
  const mask = maskOf(operator);
  return ({ bytes, starts }) => {
    const start = starts[span];
    if (start < 0) return false;
    const first = bytes[start];
    if (first !== LOWER_T && first !== LOWER_F) return false;
    return acceptsOrder(mask, Number(first === LOWER_T) - Number(constant));
  };
}
