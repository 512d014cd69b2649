/** The catalog of a restore: that of the stream where the plan says so, else that of the backup. Main thread of a command. */

import { createHash } from 'node:crypto';
import { damaged } from '../../backup/damaged.js';
import { type Chain, holderOf } from '../../backup/manifest/chain.js';
import { decodeObject } from '../../backup/object/object-reader.js';
import type { RestorePlan } from '../../backup/restore/restore-plan.js';
import type { ObjectStore } from '../../backup/store/object-store.js';
import { DbError } from '../../base/errors.js';
import { decodeCatalog } from '../../catalog/catalog-file.js';
import { selectCollections } from '../backup/select-collections.js';

/** Far above what 4096 collections with schemas and indexes take: an object that goes on and on must not take all memory. */
const CATALOG_BYTES_MAX = 256 * 1024 * 1024;

export interface RestoredCatalog {
  /** catalog.json; empty when there was none. */
  readonly bytes: Uint8Array;
  /** Numbers of what is wanted; undefined: everything. */
  readonly numbers: ReadonlySet<number> | undefined;
}

export interface CatalogOptions {
  readonly key?: Uint8Array;
  readonly signal?: AbortSignal;
  /** Names that were asked for; undefined: all that the backup holds. */
  readonly collections: readonly string[] | undefined;
}

/** Throws NOT_FOUND for a collection that is not there, CORRUPT_BACKUP, BACKUP_KEY, and what the stores throw. */
export async function restoredCatalog(plan: RestorePlan, options: CatalogOptions): Promise<RestoredCatalog> {
  const { manifest, store } = plan.chain[0];
  const { collections: asked } = options;
  requireHeld(manifest.collections, asked, store.url);
  const bytes = await readCatalog(plan, options);
  const names = asked ?? namesLeft(manifest.collections, bytes);
  if (names === undefined) return { bytes, numbers: undefined };
  const selected = selectCollections(names).select(bytes);
  return { bytes: selected.catalog, numbers: new Set(selected.numbers) };
}

/** Of a backup of some collections: those that were not dropped up to the seqno. */
function namesLeft(held: readonly string[] | null, bytes: Uint8Array): readonly string[] | undefined {
  if (held === null) return undefined;
  const there = new Set(bytes.length === 0 ? [] : decodeCatalog(bytes).collections.map(({ name }) => name));
  return held.filter((name) => there.has(name));
}

async function readCatalog(plan: RestorePlan, options: CatalogOptions): Promise<Uint8Array> {
  const { chain, stream, catalog } = plan;
  if (catalog !== undefined && stream !== undefined) return readObject(stream.store, catalog, options);
  return catalogOfBackup(chain, options);
}

async function catalogOfBackup(chain: Chain, options: CatalogOptions): Promise<Uint8Array> {
  const file = chain[0].manifest.files.find(({ path }) => path === 'catalog.json');
  if (file === undefined) return new Uint8Array(0);
  const { store } = holderOf(chain, file);
  const bytes = await readObject(store, file.object, options);
  if (createHash('sha256').update(bytes).digest('hex') === file.sha256) return bytes;
  throw damaged(`${store.url}/${file.object}`, 'it does not hold the catalog that was backed up');
}

async function readObject(
  store: ObjectStore,
  object: string,
  { key, signal }: CatalogOptions,
): Promise<Uint8Array> {
  const name = `${store.url}/${object}`;
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of decodeObject(store.get(object, { signal }), { name, ...(key && { key }) })) {
    length += part.length;
    if (length > CATALOG_BYTES_MAX)
      throw damaged(name, `a catalog of more than ${CATALOG_BYTES_MAX} bytes cannot be`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function requireHeld(
  held: readonly string[] | null,
  asked: readonly string[] | undefined,
  url: string,
): void {
  if (held === null || asked === undefined) return;
  const missing = asked.find((name) => !held.includes(name));
  if (missing === undefined) return;
  throw new DbError(
    'NOT_FOUND',
    `${url} is a backup of ${held.join(', ')} only: it does not have ${JSON.stringify(missing)}`,
    { collection: missing },
  );
}
