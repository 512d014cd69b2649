/** What tools know of the catalog: which collection numbers there are, which there were, and what they are called. */

export interface KnownCollections {
  /** Names by number. */
  readonly names: ReadonlyMap<number, string>;
  /** Above every number that a collection ever had. */
  readonly nextId: number;
}

/** True for a collection that was dropped: its documents may still be on disk, and nobody can ask for them. */
export function isDropped({ names, nextId }: KnownCollections, collection: number): boolean {
  return collection < nextId && !names.has(collection);
}

/** Numbers of all dropped collections, ascending. */
export function droppedCollections(known: KnownCollections): number[] {
  const dropped: number[] = [];
  for (let id = 1; id < known.nextId; id++) if (!known.names.has(id)) dropped.push(id);
  return dropped;
}

/** The name, or `#<number>` for a collection that has none. */
export function collectionLabel({ names }: KnownCollections, collection: number): string {
  return names.get(collection) ?? `#${collection}`;
}
