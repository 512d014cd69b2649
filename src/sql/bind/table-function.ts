/** A function in FROM: generate_series, unnest, jsonb_array_elements and their like; any other gives one row. */
import type { FuncCall } from '@pgsql/types';
import type { LogicalPlan, OutputColumn } from '../algebra/logical.js';
import { resolveTableFunction } from '../functions/registry.js';
import { functionName, scalarCall } from './calls.js';
import { coerce, decided } from './coerce.js';
import { FROM, type StatementContext } from './context.js';
import { notSupported } from './errors.js';
import type { Scope } from './scope.js';

export interface BoundTableFunction {
  readonly plan: LogicalPlan;
  readonly alias: string;
  readonly columns: readonly OutputColumn[];
}

export function bindTableFunction(
  context: StatementContext,
  call: FuncCall,
  left: Scope,
  written: string | undefined,
  ordinality: boolean,
): BoundTableFunction {
  const name = functionName(call);
  const alias = written ?? name;
  if (call.over || call.agg_filter || call.agg_order || call.agg_distinct || call.func_variadic)
    throw notSupported('this form of call in FROM', call.location);
  const args = (call.args ?? []).map((arg) => context.expression(arg, left, FROM));
  const types = args.map(({ type }) => type);
  const resolved = resolveTableFunction(name, types);
  if (resolved === undefined) {
    const expression = decided(scalarCall(context, name, args, call.location));
    if (ordinality) throw notSupported('WITH ORDINALITY of a function that gives one value', call.location);
    const id = context.columnId();
    const plan: LogicalPlan = { kind: 'values', rows: [[expression]], columns: [id] };
    return { plan, alias, columns: [{ id, name: alias, type: expression.type, spread: false }] };
  }
  const { definition, casts } = resolved;
  const coerced = args.map((arg, place) => coerce(context, arg, casts[place] ?? 'any'));
  const only = definition.columns.length === 1;
  const columns = definition.columns.map((column): OutputColumn => {
    // A single column without a name of its own is called as the alias: unnest's is, jsonb_array_elements' is "value".
    const named = only && column.name === name ? alias : column.name;
    return { id: context.columnId(), name: named, type: column.type, spread: false };
  });
  if (ordinality) columns.push({ id: context.columnId(), name: 'ordinality', type: 'int8', spread: false });
  const ids = columns.map(({ id }) => id);
  const plan: LogicalPlan = {
    kind: 'functionScan',
    function: definition.id,
    args: coerced,
    alias,
    ordinality,
    columns: ids,
  };
  return { plan, alias, columns };
}
