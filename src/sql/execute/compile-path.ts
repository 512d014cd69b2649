/** Members and elements of values: `a.b`, `tags[1]`. What is missing is NULL. One thread. */
import { findPath, Span } from '../../json/members.js';
import type { Expression } from '../algebra/expression.js';
import { Json, SqlRecord, type SqlValue } from '../types/values.js';
import type { ExpressionCompiler } from './expressions.js';
import { decodeValue } from './json-decoder.js';
import type { Evaluator } from './operator.js';

const utf8 = new TextEncoder();

export function compilePath(
  { arg, path }: Expression & { kind: 'path' },
  compiler: ExpressionCompiler,
): Evaluator {
  const evaluate = compiler.compile(arg);
  const segments = path.map((step) => utf8.encode(String(step)));
  const span = new Span();
  return (row) => {
    let value = evaluate(row);
    for (let depth = 0; depth < path.length; depth++) {
      if (value instanceof Json) {
        const bytes = utf8.encode(value.text);
        if (!findPath(bytes, 0, bytes.length, segments.slice(depth), span)) return null;
        return decodeValue(bytes, span.start, span.end);
      }
      value = step(value, path[depth]);
      if (value === null) return null;
    }
    return value;
  };
}

function step(value: SqlValue, key: string | number): SqlValue {
  if (value instanceof SqlRecord) {
    const place = typeof key === 'number' ? key : value.names.indexOf(key);
    return value.values[place] ?? null;
  }
  if (Array.isArray(value) && typeof key === 'number') return (value as readonly SqlValue[])[key] ?? null;
  return null;
}
