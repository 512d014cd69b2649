/** CURRENT_TIMESTAMP and its like, which are words and no calls. */
import type { SQLValueFunction } from '@pgsql/types';
import type { BoundExpression } from '../algebra/expression.js';
import type { SqlType } from '../types/sql-type.js';
import { scalarCall } from './calls.js';
import type { StatementContext } from './context.js';
import { notSupported } from './errors.js';

const CLOCKS: Readonly<Record<string, SqlType>> = {
  CURRENT_TIMESTAMP: 'timestamptz',
  LOCALTIMESTAMP: 'timestamp',
  CURRENT_DATE: 'date',
  CURRENT_TIME: 'time',
  LOCALTIME: 'time',
};

export function bindValueFunction(context: StatementContext, node: SQLValueFunction): BoundExpression {
  const { location } = node;
  const word = (node.op ?? '').replace('SVFOP_', '');
  const withPrecision = word.endsWith('_N');
  const name = withPrecision ? word.slice(0, -2) : word;
  const type = Object.hasOwn(CLOCKS, name) ? CLOCKS[name] : undefined;
  if (type === undefined) throw notSupported(name.replaceAll('_', ' '), location);
  const now = scalarCall(context, 'now', [], location);
  const modifiers = withPrecision ? [node.typmod ?? 0] : undefined;
  if (type === 'timestamptz' && modifiers === undefined) return now;
  const cast: BoundExpression = { kind: 'cast', type, arg: now };
  return context.placed(modifiers === undefined ? cast : { ...cast, modifiers }, location);
}
