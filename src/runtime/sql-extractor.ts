/**
 * Extractors for indexes with expressions and conditions: compiled SQL over the text of one document. Binding needs the parser,
 * which shards do not load: the main thread binds and sends the result along with the definition.
 */
import { createPrng } from '../base/prng.js';
import type { IndexDefinition } from '../indexes/definition.js';
import { type IndexExtractor, pathUtf8 } from '../indexes/extractor.js';
import type { KeyEncoder } from '../indexes/key-encoding.js';
import { findPath, Span } from '../json/members.js';
import type { BoundExpression } from '../sql/algebra/expression.js';
import { bindStandalone } from '../sql/bind/standalone.js';
import { FEATURE_NOT_SUPPORTED, INVALID_OBJECT_DEFINITION, sqlError } from '../sql/errors.js';
import { compileDocumentExpression, type DocumentEvaluator } from '../sql/execute/compile.js';
import type { ExecutionEnvironment } from '../sql/execute/environment.js';
import { MemoryBudget } from '../sql/execute/memory-budget.js';
import { NO_STATEMENT } from '../sql/functions/definition.js';
import { scalarById } from '../sql/functions/registry.js';
import { loadParser } from '../sql/parse/parse.js';
import type { StandaloneExpression } from '../sql/plan/support.js';
import { reviveValue } from '../sql/types/values.js';

/** One expression over one document. */
const MEMORY_BYTES_MAX = 64 * 1024 * 1024;

type AddColumn = (bytes: Uint8Array, offset: number, length: number, key: KeyEncoder) => void;

export const loadBinder = loadParser;

/** An index whose SQL has been bound. Plain data. */
export interface BoundIndex extends IndexDefinition {
  /** By column; undefined where that is a member. */
  readonly boundColumns: ReadonlyArray<StandaloneExpression | undefined>;
  readonly boundWhere: StandaloneExpression | undefined;
}

/** Throws DbError QUERY when an expression or the condition is wrong, or not the same for ever. */
export function bindIndex(definition: IndexDefinition): BoundIndex {
  const { columns, where } = definition;
  return {
    ...definition,
    boundColumns: columns.map(({ expression }) => (expression === undefined ? undefined : bound(expression))),
    boundWhere: where === undefined ? undefined : bound(where),
  };
}

/** Binds what has not been bound: that needs the parser. */
export function sqlExtractor(definition: IndexDefinition): IndexExtractor {
  const { columns, boundColumns, boundWhere } = isBound(definition) ? definition : bindIndex(definition);
  const adders = columns.map((column, i): AddColumn => {
    const expression = boundColumns[i];
    if (expression === undefined) return memberAdder(pathUtf8(column.path), column);
    const evaluate = compiled(expression);
    return (bytes, offset, length, key) => {
      key.addValue(valueOrNull(evaluate, bytes, offset, length), column);
    };
  });
  const condition = boundWhere === undefined ? undefined : compiled(boundWhere);
  return {
    addColumns(bytes, offset, length, key) {
      if (condition !== undefined && valueOrNull(condition, bytes, offset, length) !== true) return false;
      for (const add of adders) add(bytes, offset, length, key);
      return true;
    },
  };
}

function isBound(definition: IndexDefinition): definition is BoundIndex {
  return 'boundColumns' in definition;
}

function memberAdder(path: Uint8Array[], order: Parameters<KeyEncoder['addNull']>[0]): AddColumn {
  const span = new Span();
  return (bytes, offset, length, key) => {
    if (findPath(bytes, offset, offset + length, path, span)) key.addJson(bytes, span.start, span.end, order);
    else key.addNull(order);
  };
}

function bound(text: string): StandaloneExpression {
  const standalone = bindStandalone(text);
  requireImmutable(standalone.expression, text);
  return standalone;
}

export function compiled({ expression, fields }: StandaloneExpression): DocumentEvaluator {
  return compileDocumentExpression(revived(expression) as BoundExpression, fields, environment());
}

/** Constants lose their classes between threads. Expressions are plain data: everything in them is looked at. */
function revived(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(revived);
  const node = value as Readonly<Record<string, unknown>>;
  if (node['kind'] === 'const') return { ...node, value: reviveValue(node['value']) };
  return Object.fromEntries(Object.entries(node).map(([key, child]) => [key, revived(child)]));
}

/** What fails for a document is NULL: an index must never keep a document from being written. */
function valueOrNull(evaluate: DocumentEvaluator, bytes: Uint8Array, offset: number, length: number) {
  try {
    return evaluate(bytes, offset, length);
  } catch {
    return null;
  }
}

/** Expressions are plain data: everything in them is looked at. */
function requireImmutable(value: unknown, text: string): void {
  if (typeof value !== 'object' || value === null) return;
  const node = value as Readonly<Record<string, unknown>>;
  if (node['kind'] === 'call' && scalarById(String(node['function']))?.volatility !== 'immutable') {
    const message = `functions in index expression must be marked IMMUTABLE: ${text}`;
    throw sqlError(INVALID_OBJECT_DEFINITION, message);
  }
  if (node['kind'] === 'subquery' || node['kind'] === 'param')
    throw sqlError(
      FEATURE_NOT_SUPPORTED,
      `an index expression can have neither subqueries nor parameters: ${text}`,
    );
  for (const child of Object.values(node)) requireImmutable(child, text);
}

/** Immutable functions of one document need nothing of this. */
function environment(): ExecutionEnvironment {
  const nothing = (): never => {
    throw new Error('an index expression reads nothing but its document');
  };
  return {
    source: { shards: 0, scan: nothing, get: nothing, getByKey: nothing, partitions: nothing },
    systemRows: { rows: nothing },
    evaluation: {
      nowMicros: NO_STATEMENT,
      clockMicros: nothing,
      random: createPrng(0).nextFloat,
      uuid: nothing,
    },
    params: [],
    budget: new MemoryBudget(MEMORY_BYTES_MAX),
    cancel: { isCancelled: () => 'no' },
  };
}
