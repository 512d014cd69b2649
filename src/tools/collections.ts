/** What tools know of the catalog: which numbers there are and were, of collections and indexes, and what they are called. */
import type { IndexDefinition } from '../indexes/definition.js';
import { type ExtractorFactory, pathExtractor } from '../indexes/extractor.js';
import { IndexInUse } from '../indexes/index-entry.js';

export interface KnownCollections {
  /** Names of collections by number. */
  readonly names: ReadonlyMap<number, string>;
  /** Above every number that a collection or an index ever had. */
  readonly nextId: number;
  /** Secondary indexes of every state; none if absent. */
  readonly indexes?: readonly IndexDefinition[];
  /** How entries are made; absent: of members alone. */
  readonly extractorOf?: ExtractorFactory;
}

/** True for what was dropped: its documents or entries may still be on disk, and nobody can ask for them. */
export function isDropped(known: KnownCollections, collection: number): boolean {
  return (
    collection < known.nextId &&
    !known.names.has(collection) &&
    indexNumbered(known, collection) === undefined
  );
}

/** Numbers of all that was dropped, ascending. */
export function droppedCollections(known: KnownCollections): number[] {
  const dropped: number[] = [];
  for (let id = 1; id < known.nextId; id++) if (isDropped(known, id)) dropped.push(id);
  return dropped;
}

/** The name, `index <name>`, or `#<number>` for what has none. */
export function collectionLabel(known: KnownCollections, collection: number): string {
  const name = known.names.get(collection);
  if (name !== undefined) return name;
  const index = indexNumbered(known, collection);
  return index === undefined ? `#${collection}` : `index ${index.name}`;
}

export function indexNumbered({ indexes = [] }: KnownCollections, id: number): IndexDefinition | undefined {
  return indexes.find((index) => index.id === id);
}

/** The indexes that have to agree with the documents. Others are as an ended build has left them. */
export function validIndexes({ indexes = [], extractorOf = pathExtractor }: KnownCollections): IndexInUse[] {
  return indexes
    .filter(({ state }) => state === 'valid')
    .map((definition) => new IndexInUse(definition, extractorOf(definition)));
}
