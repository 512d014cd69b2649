/**
 * How the entries of indexes are made in this process: the one place that decides it, for shards, the main thread (which asks
 * here whether a definition can be maintained at all) and offline tools. Members are read by the storage itself; whoever
 * compiles SQL expressions and conditions adds them here. Any thread.
 */
import type { IndexDefinition } from '../indexes/definition.js';
import { type ExtractorFactory, pathExtractor } from '../indexes/extractor.js';
import { IndexInUse } from '../indexes/index-entry.js';

/** Throws the DbError that says why a definition cannot be maintained. */
export const extractorOf: ExtractorFactory = (definition) => pathExtractor(definition);

/** Those of the definitions that are maintained. */
export function indexesInUse(definitions: readonly IndexDefinition[]): IndexInUse[] {
  return definitions
    .filter(({ state }) => state !== 'invalid')
    .map((definition) => new IndexInUse(definition, extractorOf(definition)));
}
