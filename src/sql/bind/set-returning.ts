/** A function that gives rows in a select list: becomes a lateral join, whose column takes the place of the call. */
import type { BoundExpression } from '../algebra/expression.js';
import { sqlError } from '../errors.js';
import { resolveTableFunction } from '../functions/registry.js';
import { coerce } from './coerce.js';
import type { Clause, StatementContext } from './context.js';
import { notSupported } from './errors.js';
import type { Scope } from './scope.js';
import { unknownFunction } from './unknown-function.js';

export function bindSetReturning(
  context: StatementContext,
  name: string,
  args: readonly BoundExpression[],
  scope: Scope,
  clause: Clause,
  location?: number,
): BoundExpression {
  if (!clause.setReturning)
    throw sqlError('0A000', `set-returning functions are not allowed in ${clause.name}`, location);
  if (scope.setReturning.length > 0)
    throw notSupported(
      'a second set-returning function in one select list: write it in FROM; this',
      location,
    );
  const types = args.map(({ type }) => type);
  const resolved = resolveTableFunction(name, types);
  if (resolved === undefined) throw unknownFunction(name, types, location);
  const { id, columns } = resolved.definition;
  if (columns.length !== 1)
    throw notSupported(
      `${name}, which gives several columns, in a select list: write it in FROM; this`,
      location,
    );
  const coerced = args.map((arg, place) => coerce(context, arg, resolved.casts[place] ?? 'any'));
  const column = context.columnId();
  scope.setReturning.push({ function: id, args: coerced, column, columns: [column], name });
  return context.placed({ kind: 'column', type: columns[0].type, id: column, name }, location);
}
