/** All functions, by name for the binder and by id for the executor. Tables are built on first use, one set per thread. */
import type { SqlType } from '../types/sql-type.js';
import { AGGREGATES_BASIC } from './aggregates-basic.js';
import { AGGREGATES_COLLECT } from './aggregates-collect.js';
import { AGGREGATES_STATISTICS } from './aggregates-statistics.js';
import { ANY_OPERATORS } from './any-operators.js';
import { ARITHMETIC } from './arithmetic.js';
import { ARRAYS } from './arrays.js';
import type {
  AggregateDefinition,
  FunctionDefinition,
  TableFunctionDefinition,
  WindowDefinition,
} from './definition.js';
import { FORMATTING } from './formatting.js';
import { JSON_FUNCTIONS } from './json-functions.js';
import { LIKE } from './like.js';
import { MATH } from './math.js';
import { REGEX_FUNCTIONS } from './regex-functions.js';
import { type Resolution, resolve, type Signature } from './resolve.js';
import { withSmallIntegers } from './small-integers.js';
import { SYSTEM_FUNCTIONS } from './system-functions.js';
import * as tables from './table-functions.js';
import { TEXT_BASIC } from './text-basic.js';
import { TIME_FUNCTIONS } from './time-functions.js';
import { TIME_OPERATORS } from './time-operators.js';
import { WINDOW_FUNCTIONS } from './windows.js';

const SCALARS: readonly (readonly FunctionDefinition[])[] = [
  ARITHMETIC,
  ANY_OPERATORS,
  MATH,
  TEXT_BASIC.map((definition) => (definition.name === 'to_hex' ? definition : withSmallIntegers(definition))),
  LIKE,
  REGEX_FUNCTIONS.map(withSmallIntegers),
  FORMATTING,
  TIME_OPERATORS.map(withSmallIntegers),
  TIME_FUNCTIONS.map(withSmallIntegers),
  JSON_FUNCTIONS.map(withSmallIntegers),
  ARRAYS.map(withSmallIntegers),
  SYSTEM_FUNCTIONS,
];
const AGGREGATES: readonly (readonly AggregateDefinition[])[] = [
  AGGREGATES_BASIC,
  AGGREGATES_STATISTICS,
  AGGREGATES_COLLECT,
];
const WINDOWS: readonly (readonly WindowDefinition[])[] = [WINDOW_FUNCTIONS];
const TABLE_FUNCTIONS: readonly (readonly TableFunctionDefinition[])[] = [tables.TABLE_FUNCTIONS];

interface Named extends Signature {
  readonly id: string;
  readonly name: string;
}

class Table<D extends Named> {
  private byName: Map<string, D[]> | undefined;
  private byId: Map<string, D> | undefined;

  constructor(private readonly groups: readonly (readonly D[])[]) {}

  named(name: string): readonly D[] {
    if (this.byName === undefined) {
      this.byName = new Map();
      for (const definition of this.groups.flat()) {
        const overloads = this.byName.get(definition.name);
        if (overloads === undefined) this.byName.set(definition.name, [definition]);
        else overloads.push(definition);
      }
    }
    return this.byName.get(name) ?? [];
  }

  withId(id: string): D | undefined {
    this.byId ??= new Map(this.groups.flat().map((definition) => [definition.id, definition]));
    return this.byId.get(id);
  }

  names(): string[] {
    return [...new Set(this.groups.flat().map(({ name }) => name))];
  }
}

const scalars = new Table(SCALARS);
const aggregates = new Table(AGGREGATES);
const windows = new Table(WINDOWS);
const tableFunctions = new Table(TABLE_FUNCTIONS);

/** Puts the result type of a polymorphic definition into it. */
function typed<D extends Named & { returns: SqlType; returnsFor?: (types: readonly SqlType[]) => SqlType }>(
  resolution: Resolution<D> | undefined,
): Resolution<D> | undefined {
  const returns = resolution?.definition.returnsFor?.(resolution.casts);
  if (resolution === undefined || returns === undefined) return resolution;
  return { casts: resolution.casts, definition: { ...resolution.definition, returns } };
}

export function resolveScalar(
  name: string,
  types: readonly SqlType[],
): Resolution<FunctionDefinition> | undefined {
  return typed(resolve(scalars.named(name), types));
}

/** `left` undefined: a prefix operator. */
export function resolveOperator(
  symbol: string,
  left: SqlType | undefined,
  right: SqlType,
): Resolution<FunctionDefinition> | undefined {
  return resolveScalar(symbol, left === undefined ? [right] : [left, right]);
}

/** For ordered-set aggregates the direct arguments' types, then those of WITHIN GROUP's. */
export function resolveAggregate(
  name: string,
  types: readonly SqlType[],
): Resolution<AggregateDefinition> | undefined {
  return typed(resolve(aggregates.named(name), types));
}

export function resolveWindow(
  name: string,
  types: readonly SqlType[],
): Resolution<WindowDefinition> | undefined {
  return typed(resolve(windows.named(name), types));
}

export function resolveTableFunction(
  name: string,
  types: readonly SqlType[],
): Resolution<TableFunctionDefinition> | undefined {
  const resolution = resolve(tableFunctions.named(name), types);
  const columns = resolution?.definition.columnsFor?.(resolution.casts);
  if (resolution === undefined || columns === undefined) return resolution;
  return { casts: resolution.casts, definition: { ...resolution.definition, columns } };
}

export const scalarById = (id: string): FunctionDefinition | undefined => scalars.withId(id);
export const aggregateById = (id: string): AggregateDefinition | undefined => aggregates.withId(id);
export const windowById = (id: string): WindowDefinition | undefined => windows.withId(id);
export const tableFunctionById = (id: string): TableFunctionDefinition | undefined =>
  tableFunctions.withId(id);

/** Names of all kinds of functions, for "did you mean"; operators are not among them. */
export function functionNames(): string[] {
  const all = [scalars, aggregates, windows, tableFunctions].flatMap((table) => table.names());
  return [...new Set(all)].filter((name) => /^[a-z]/.test(name)).sort();
}
