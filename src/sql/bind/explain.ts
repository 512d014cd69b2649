/** EXPLAIN's options: in parentheses, or the words ANALYZE and VERBOSE. */
import type { DefElem, ExplainStmt } from '@pgsql/types';
import type { ExplainOptions } from '../algebra/statement.js';
import { bodyOf } from '../parse/nodes.js';
import { notSupported, syntaxError } from './errors.js';

const SWITCHES = ['analyze', 'verbose', 'costs', 'timing', 'buffers', 'summary'] as const;
type Switch = (typeof SWITCHES)[number];

export function explainOptions(statement: ExplainStmt): ExplainOptions {
  const set = new Map<Switch, boolean>();
  let format: ExplainOptions['format'] = 'text';
  for (const node of statement.options ?? []) {
    const option = bodyOf(node, 'DefElem') ?? {};
    const name = option.defname ?? '';
    if (name === 'format') format = formatOf(option);
    else if ((SWITCHES as readonly string[]).includes(name)) set.set(name as Switch, truthOf(option));
    else throw notSupported(`the EXPLAIN option ${name.toUpperCase()}`, option.location);
  }
  const analyze = set.get('analyze') ?? false;
  return {
    analyze,
    verbose: set.get('verbose') ?? false,
    costs: set.get('costs') ?? true,
    timing: set.get('timing') ?? analyze,
    buffers: set.get('buffers') ?? false,
    summary: set.get('summary') ?? analyze,
    format,
  };
}

function textOf({ arg }: DefElem): string | undefined {
  const integer = bodyOf(arg, 'Integer');
  if (integer !== undefined) return String(integer.ival ?? 0);
  const boolean = bodyOf(arg, 'Boolean');
  if (boolean !== undefined) return String(boolean.boolval ?? false);
  return bodyOf(arg, 'String')?.sval?.toLowerCase();
}

function formatOf(option: DefElem): ExplainOptions['format'] {
  const format = textOf(option);
  if (format === 'text' || format === 'json') return format;
  throw notSupported(`EXPLAIN's format ${format?.toUpperCase() ?? ''}`, option.location);
}

function truthOf(option: DefElem): boolean {
  const text = option.arg === undefined ? 'true' : textOf(option);
  if (['true', 'on', '1'].includes(text ?? '')) return true;
  if (['false', 'off', '0'].includes(text ?? '')) return false;
  throw syntaxError(`${option.defname} requires a Boolean value`, option.location);
}
