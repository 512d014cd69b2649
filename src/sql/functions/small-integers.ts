/**
 * Functions that take counts and places: their implementations calculate with doubles. PostgreSQL declares them for 4-byte
 * integers; here an integer that a double cannot hold, which comes as a bigint, is refused before it gets to them. Pure.
 */
import { NUMERIC_VALUE_OUT_OF_RANGE, sqlError } from '../errors.js';
import type { SqlValue } from '../types/values.js';
import type { FunctionDefinition } from './definition.js';

function check(value: SqlValue): void {
  if (typeof value === 'bigint') throw sqlError(NUMERIC_VALUE_OUT_OF_RANGE, `integer out of range: ${value}`);
}

/** Checks the arguments in the places of int8 parameters; other functions stay as they are. */
export function withSmallIntegers(definition: FunctionDefinition): FunctionDefinition {
  const places = definition.parameters.flatMap((type, place) => (type === 'int8' ? [place] : []));
  if (places.length === 0) return definition;
  const { evaluate, evaluate1, evaluate2 } = definition;
  const [inFirst, inSecond] = [places.includes(0), places.includes(1)];
  return {
    ...definition,
    evaluate: (args, context) => {
      for (const place of places) check(args[place]);
      return evaluate(args, context);
    },
    ...(evaluate1 && {
      evaluate1: (a, context) => {
        check(a);
        return evaluate1(a, context);
      },
    }),
    ...(evaluate2 && {
      evaluate2: (a, b, context) => {
        if (inFirst) check(a);
        if (inSecond) check(b);
        return evaluate2(a, b, context);
      },
    }),
  };
}
