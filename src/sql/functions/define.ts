/**
 * Short ways to write definitions down. Implementations take values of the JavaScript types that the SQL types promise:
 * arguments have been cast when they are called. Pure.
 */
import { arrayOf, elementType, isArrayType, type ScalarType, type SqlType } from '../types/sql-type.js';
import type { SqlValue } from '../types/values.js';
import type { EvaluationContext, FunctionDefinition } from './definition.js';

export type ScalarOptions = Partial<
  Pick<
    FunctionDefinition,
    'strict' | 'volatility' | 'variadic' | 'returnsFor' | 'commonArguments' | 'membersOnly'
  >
>;

export const functionId = (name: string, parameters: readonly SqlType[]): string =>
  `${name}(${parameters.join(',')})`;

/** Any number of arguments. */
export function many(
  name: string,
  parameters: readonly SqlType[],
  returns: SqlType,
  evaluate: (args: readonly SqlValue[], context: EvaluationContext) => SqlValue,
  options: ScalarOptions = {},
): FunctionDefinition {
  return {
    id: functionId(name, parameters),
    name,
    parameters,
    variadic: false,
    returns,
    strict: true,
    volatility: 'immutable',
    evaluate,
    ...options,
  };
}

export function one<A extends SqlValue>(
  name: string,
  parameter: SqlType,
  returns: SqlType,
  evaluate: (a: A, context: EvaluationContext) => SqlValue,
  options: ScalarOptions = {},
): FunctionDefinition {
  return {
    ...many(name, [parameter], returns, (args, context) => evaluate(args[0] as A, context), options),
    evaluate1: evaluate as FunctionDefinition['evaluate1'],
  };
}

export function two<A extends SqlValue, B extends SqlValue = A>(
  name: string,
  parameters: readonly [SqlType, SqlType],
  returns: SqlType,
  evaluate: (a: A, b: B, context: EvaluationContext) => SqlValue,
  options: ScalarOptions = {},
): FunctionDefinition {
  return {
    ...many(
      name,
      parameters,
      returns,
      (args, context) => evaluate(args[0] as A, args[1] as B, context),
      options,
    ),
    evaluate2: evaluate as FunctionDefinition['evaluate2'],
  };
}

export function three<A extends SqlValue, B extends SqlValue = A, C extends SqlValue = B>(
  name: string,
  parameters: readonly [SqlType, SqlType, SqlType],
  returns: SqlType,
  evaluate: (a: A, b: B, c: C, context: EvaluationContext) => SqlValue,
  options: ScalarOptions = {},
): FunctionDefinition {
  return many(
    name,
    parameters,
    returns,
    (args, context) => evaluate(args[0] as A, args[1] as B, args[2] as C, context),
    options,
  );
}

/** The same function under other names. */
export function aliases(definition: FunctionDefinition, ...names: string[]): FunctionDefinition[] {
  return [
    definition,
    ...names.map((name) => ({ ...definition, name, id: functionId(name, definition.parameters) })),
  ];
}

/** Result types of polymorphic functions. */
export const sameAsFirst = (types: readonly SqlType[]): SqlType =>
  types[0] === 'unknown' ? 'text' : types[0];

/** Of an array its elements' type; of a document's member anything. */
export const elementOf = (type: SqlType): SqlType => (isArrayType(type) ? elementType(type) : 'any');

/** There are no arrays of arrays: they are multidimensional and keep their type. */
export const arrayTypeOf = (type: SqlType): SqlType =>
  isArrayType(type) ? type : arrayOf(type === 'unknown' ? 'text' : (type as ScalarType));
