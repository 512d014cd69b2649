/** The schemas of collections in this process: what checks documents is SQL, which is loaded where some collection has one. */
import { SCHEMA_COLUMNS_MAX } from '../base/limits.js';
import type { Collection } from '../catalog/catalog-file.js';
import type { CollectionSchema } from '../catalog/collection-schema.js';
import type { DocumentCheck } from '../engine/document-gate.js';
import { INVALID_OBJECT_DEFINITION, sqlError } from '../sql/errors.js';
import { loadParser } from '../sql/parse/parse.js';
import type { BoundSchema } from './bound-schema.js';

const TOO_MANY_COLUMNS = '54011';

/** Loaded once per thread. */
let checker: typeof import('./schema-check.js') | undefined;

export const schemasAreMissing = (schemas: readonly unknown[]): boolean =>
  checker === undefined && schemas.length > 0;

/** On threads that check. */
export async function loadChecker(schemas: readonly unknown[]): Promise<void> {
  if (schemas.length > 0) checker ??= await import('./schema-check.js');
}

/** On the main thread, which binds. */
export async function loadSchemaBinder(): Promise<void> {
  checker ??= await import('./schema-check.js');
  await loadParser();
}

/** Of those that have one, as shards get them. The binder must be loaded if any has. */
export function boundSchemas(collections: readonly Collection[]): BoundSchema[] {
  return collections.filter(({ schema }) => schema !== undefined).map((each) => loaded().bindSchema(each));
}

/** Throws the DbError of what is wrong with a schema. */
export function requireCheckable(collection: string, schema: CollectionSchema): void {
  if (Math.max(schema.columns.length, schema.checks.length) > SCHEMA_COLUMNS_MAX) {
    const message = `a collection can declare ${SCHEMA_COLUMNS_MAX} columns and as many CHECK constraints at most`;
    throw sqlError(TOO_MANY_COLUMNS, message);
  }
  const bound = loaded().bindSchema({ id: 0, name: collection, schema });
  if (bound.broken !== undefined) throw sqlError(INVALID_OBJECT_DEFINITION, bound.broken);
  loaded().compileSchema(bound);
}

/** By collection: of one with two schemas, both. */
export function compiledSchemas(schemas: readonly BoundSchema[]): ReadonlyMap<number, DocumentCheck> {
  const checks = new Map<number, DocumentCheck>();
  for (const schema of schemas) {
    const check = loaded().compileSchema(schema);
    const other = checks.get(schema.collectionId);
    checks.set(schema.collectionId, other === undefined ? check : both(other, check));
  }
  return checks;
}

const both =
  (first: DocumentCheck, second: DocumentCheck): DocumentCheck =>
  (bytes, start, end) =>
    first(bytes, start, end) ?? second(bytes, start, end);

function loaded(): NonNullable<typeof checker> {
  if (checker === undefined) throw new Error('what checks documents has not been loaded');
  return checker;
}
