/** Which parts of a database belong to some collections: their numbers, those of their indexes, and a catalog of them alone. */
import type { CollectionSelection } from '../../backup/create/create-backup.js';
import { DbError } from '../../base/errors.js';
import { decodeCatalog, encodeCatalog } from '../../catalog/catalog-file.js';

export function selectCollections(names: readonly string[]): CollectionSelection {
  return { names, select: (catalog) => select(catalog, names) };
}

/** Numbers stay as they are, also the next one: the others have had theirs. */
function select(bytes: Uint8Array, names: readonly string[]): ReturnType<CollectionSelection['select']> {
  const { nextId, collections, indexes } =
    bytes.length === 0 ? { nextId: 1, collections: [], indexes: [] } : decodeCatalog(bytes);
  const chosen = names.map((name) => {
    const collection = collections.find((each) => each.name === name);
    if (collection !== undefined) return collection;
    throw new DbError('NOT_FOUND', `collection ${JSON.stringify(name)} does not exist`);
  });
  const ids = new Set<number>(chosen.map(({ id }) => id));
  const theirs = indexes.filter(({ collectionId }) => ids.has(collectionId));
  return {
    numbers: [...ids, ...theirs.map(({ id }) => id)],
    catalog: encodeCatalog({ nextId, collections: chosen, indexes: theirs }),
  };
}
