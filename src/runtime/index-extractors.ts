/**
 * How the entries of indexes are made in this process: the one place that decides it, for shards, the main thread (which asks
 * here whether a definition can be maintained at all) and offline tools. Members are read by the storage itself, expressions
 * and conditions are compiled SQL. Any thread.
 */
import type { IndexDefinition } from '../indexes/definition.js';
import { type ExtractorFactory, hasExpressions, pathExtractor } from '../indexes/extractor.js';
import { IndexInUse } from '../indexes/index-entry.js';
import { type BoundIndex, bindIndex, sqlExtractor } from './sql-extractor.js';

/** A definition with its SQL bound, if it has any: as shards get it. Needs the parser. Throws DbError. */
export function withBoundSql(definition: IndexDefinition): IndexDefinition {
  return hasExpressions(definition) ? bindIndex(definition) : definition;
}

/** Throws the DbError that says why a definition cannot be maintained. Needs the parser where withBoundSql() has not been called. */
export const extractorOf: ExtractorFactory = (definition) => {
  if (!hasExpressions(definition)) return pathExtractor(definition);
  return sqlExtractor(isBound(definition) ? definition : bindIndex(definition));
};

/** Those of the definitions that are maintained. */
export function indexesInUse(definitions: readonly IndexDefinition[]): IndexInUse[] {
  return definitions
    .filter(({ state }) => state !== 'invalid')
    .map((definition) => new IndexInUse(definition, extractorOf(definition)));
}

function isBound(definition: IndexDefinition): definition is BoundIndex {
  return 'boundColumns' in definition;
}
