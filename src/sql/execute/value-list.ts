/**
 * Values that others are looked for in: the list of an IN, the rows of an IN subquery. Strings, numbers and booleans are
 * found in a set; values that may equal something of another class (times, 64-bit integers, JSON) are compared one by
 * one. One thread.
 */
import type { SqlValue } from '../types/values.js';
import { maskOf } from './comparison-mask.js';
import { compareValues } from './compile-compare.js';

const EQUAL = maskOf('=');

const isPlain = (value: SqlValue): value is string | number | boolean =>
  typeof value === 'string' ||
  (typeof value === 'number' && !Number.isNaN(value)) ||
  typeof value === 'boolean';

export class ValueList {
  private readonly plain = new Set<SqlValue>();
  private readonly kinds = new Set<string>();
  private readonly others: SqlValue[] = [];
  private hasNull = false;

  constructor(values: Iterable<SqlValue> = []) {
    for (const value of values) this.add(value);
  }

  /** False when it was there already. */
  add(value: SqlValue): boolean {
    if (value === null) {
      if (this.hasNull) return false;
      this.hasNull = true;
      return true;
    }
    if (isPlain(value)) {
      this.kinds.add(typeof value);
      if (this.plain.has(value)) return false;
      this.plain.add(value);
      return true;
    }
    this.others.push(value);
    return true;
  }

  get isEmpty(): boolean {
    return this.plain.size === 0 && this.others.length === 0 && !this.hasNull;
  }

  /** As SQL's IN: NULL when it is not there but one of the values is NULL or does not compare with it. */
  contains(value: SqlValue): boolean | null {
    if (this.isEmpty) return false;
    if (value === null) return null;
    if (!isPlain(value)) {
      const inOthers = this.search(value, this.others);
      if (inOthers === true) return true;
      const inPlain = this.search(value, this.plain);
      return inPlain === false ? inOthers : inPlain;
    }
    if (this.plain.has(value)) return true;
    const found = this.others.length === 0 ? false : this.search(value, this.others);
    if (found === true) return true;
    const isMixed = this.kinds.size > 1 || (this.kinds.size === 1 && !this.kinds.has(typeof value));
    return isMixed || this.hasNull ? null : found;
  }

  private search(value: SqlValue, values: Iterable<SqlValue>): boolean | null {
    let result: boolean | null = this.hasNull ? null : false;
    for (const other of values) {
      const isEqual = compareValues(value, other, EQUAL);
      if (isEqual === true) return true;
      if (isEqual === null) result = null;
    }
    return result;
  }
}
