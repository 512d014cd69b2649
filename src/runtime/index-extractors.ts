/**
 * How the entries of indexes are made in this process: the one place that decides it, for shards, the main thread (which asks
 * here whether a definition can be maintained at all) and offline tools. Members are read by the storage itself, expressions
 * and conditions are compiled SQL: that is loaded only where an index has some. Any thread.
 */
import { DbError } from '../base/errors.js';
import type { IndexDefinition } from '../indexes/definition.js';
import { type ExtractorFactory, hasExpressions, pathExtractor } from '../indexes/extractor.js';
import { IndexInUse } from '../indexes/index-entry.js';

type Shape = Pick<IndexDefinition, 'columns' | 'where'>;

/** Loaded once per thread. */
let sql: typeof import('./sql-extractor.js') | undefined;

/** Whether loadExtractors() has something to do. */
export function extractorsAreMissing(definitions: readonly Shape[]): boolean {
  return sql === undefined && definitions.some(hasExpressions);
}

/**
 * To be awaited before anything else here sees these definitions. `parser`: also where their SQL has not been bound, on the main
 * thread and in tools.
 */
export async function loadExtractors(
  definitions: readonly Shape[],
  { parser }: { readonly parser: boolean },
): Promise<void> {
  if (!definitions.some(hasExpressions)) return;
  sql ??= await import('./sql-extractor.js');
  if (parser) await sql.loadBinder();
}

/** A definition with its SQL bound, if it has any: as shards get it. One that cannot be bound is maintained by nobody. */
export function withBoundSql(definition: IndexDefinition): IndexDefinition {
  if (definition.state === 'invalid' || !hasExpressions(definition)) return definition;
  try {
    return loaded().bindIndex(definition);
  } catch (error) {
    if (!(error instanceof DbError)) throw error;
    return { ...definition, state: 'invalid' };
  }
}

/** Throws the DbError that says why a definition cannot be maintained. */
export const extractorOf: ExtractorFactory = (definition) =>
  hasExpressions(definition) ? loaded().sqlExtractor(definition) : pathExtractor(definition);

/** Those of the definitions that are maintained. */
export function indexesInUse(definitions: readonly IndexDefinition[]): IndexInUse[] {
  return definitions
    .filter(({ state }) => state !== 'invalid')
    .map((definition) => new IndexInUse(definition, extractorOf(definition)));
}

function loaded(): NonNullable<typeof sql> {
  if (sql === undefined) throw new DbError('INTERNAL', 'the SQL of indexes has not been loaded');
  return sql;
}
