/** RETURNING: expressions over the document as it is after the write, or was before a DELETE. */
import type { Node, ReturningClause } from '@pgsql/types';
import type { ComputedColumn, OutputColumn } from '../algebra/logical.js';
import { bodyOf } from '../parse/nodes.js';
import { decided } from './coerce.js';
import { RETURNING, type StatementContext } from './context.js';
import { notSupported } from './errors.js';
import type { Scope } from './scope.js';
import { bindTargets } from './targets.js';

export interface BoundReturning {
  readonly returning: readonly ComputedColumn[];
  readonly output: readonly OutputColumn[];
}

export function bindReturning(
  context: StatementContext,
  written: ReturningClause | undefined,
  scope: Scope,
): BoundReturning {
  const option = bodyOf(written?.options?.[0], 'ReturningOption');
  if (option !== undefined) throw notSupported('RETURNING WITH (OLD AS …, NEW AS …)', option.location);
  const nodes: readonly Node[] = written?.exprs ?? [];
  const targets = bindTargets(context, nodes, scope, RETURNING);
  const returning = targets.map(({ name, expression }) => ({
    id: context.columnId(),
    name,
    expression: decided(expression),
  }));
  const output = returning.map(({ id, name, expression }, place) => ({
    id,
    name,
    type: expression.type,
    spread: targets[place].spread,
  }));
  return { returning, output };
}
