/**
 * catalog.json: format, reader and writer.
 *
 *   {"format_version":4,"next_id":4,
 *    "collections":[{"id":1,"name":"users","created_at":"2026-...","ttl_seconds":null}],
 *    "indexes":[{"id":3,"name":"users_city","collection_id":1,"columns":[{"path":["city"],"descending":false,"nulls_first":false}],
 *                "include":[],"unique":false,"state":"valid","created_at":"2026-..."}]}
 *
 * A collection may also have a "schema" (schema-record.ts). An index may also have "where" (SQL text), "concurrently" and "replaces" (of one under construction); a column with an
 * "expression" (SQL text) has an empty path. Version 3 had no schemas, version 2 no indexes, version 1 no
 * ttl_seconds either: they are read as if there were none, and written as version 4 with the next change. Pure.
 */
import { z } from 'zod';
import { asCollectionId, type CollectionId } from '../base/brand.js';
import { DbError } from '../base/errors.js';
import { TTL_UNSET } from '../base/expiry.js';
import { TTL_SECONDS_MAX } from '../base/limits.js';
import type { IndexDefinition } from '../indexes/definition.js';
import { INDEX_COLUMNS_MAX } from '../indexes/key-format.js';
import type { CollectionSchema } from './collection-schema.js';
import { recordOfSchema, schemaOfRecord, schemaRecord } from './schema-record.js';

export interface Collection {
  readonly id: CollectionId;
  readonly name: string;
  readonly createdAt: string;
  /** Default time to live of documents written to it, in seconds; TTL_UNSET (base/expiry.ts) = none. */
  readonly ttlSeconds: number;
  /** Absent: any document will do. */
  readonly schema?: CollectionSchema;
}

export interface CatalogContents {
  readonly nextId: number;
  readonly collections: readonly Collection[];
  readonly indexes: readonly IndexDefinition[];
}

const FORMAT_VERSION = 4;

const number = z.int().min(1);
const collectionV1 = z.strictObject({ id: number, name: z.string().min(1), created_at: z.string() });
const collectionV2 = collectionV1.extend({ ttl_seconds: z.int().min(1).max(TTL_SECONDS_MAX).nullable() });
const collectionV4 = collectionV2.extend({ schema: schemaRecord.optional() });
const path = z.array(z.string());
const column = z.strictObject({
  path,
  expression: z.string().optional(),
  descending: z.boolean(),
  nulls_first: z.boolean(),
});
const index = z.strictObject({
  id: number,
  name: z.string().min(1),
  collection_id: number,
  columns: z.array(column).min(1).max(INDEX_COLUMNS_MAX),
  include: z.array(path),
  where: z.string().optional(),
  unique: z.boolean(),
  state: z.enum(['building', 'valid', 'invalid']),
  created_at: z.string(),
  concurrently: z.boolean().optional(),
  replaces: number.optional(),
});
const fileV1 = z.strictObject({
  format_version: z.literal(1),
  next_id: number,
  collections: z.array(collectionV1),
});
const fileV2 = z.strictObject({
  format_version: z.literal(2),
  next_id: number,
  collections: z.array(collectionV2),
});
const fileV3 = fileV2.extend({ format_version: z.literal(3), indexes: z.array(index) });
const fileV4 = fileV3.extend({
  format_version: z.literal(FORMAT_VERSION),
  collections: z.array(collectionV4),
});
type CatalogFile = z.infer<typeof fileV4>;
const file = z.discriminatedUnion('format_version', [
  fileV1.transform(
    (old): CatalogFile => ({
      ...old,
      format_version: FORMAT_VERSION,
      collections: old.collections.map((collection) => ({ ...collection, ttl_seconds: null })),
      indexes: [],
    }),
  ),
  fileV2.transform((old): CatalogFile => ({ ...old, format_version: FORMAT_VERSION, indexes: [] })),
  fileV3.transform((old): CatalogFile => ({ ...old, format_version: FORMAT_VERSION })),
  fileV4,
]);

export function encodeCatalog({ nextId, collections, indexes }: CatalogContents): Uint8Array {
  const contents: CatalogFile = {
    format_version: FORMAT_VERSION,
    next_id: nextId,
    collections: collections.map(({ id, name, createdAt, ttlSeconds, schema }) => ({
      id,
      name,
      created_at: createdAt,
      ttl_seconds: ttlSeconds === TTL_UNSET ? null : ttlSeconds,
      ...(schema && { schema: recordOfSchema(schema) }),
    })),
    indexes: indexes.map(indexRecord),
  };
  return new TextEncoder().encode(`${JSON.stringify(contents, null, 1)}\n`);
}

function indexRecord(definition: IndexDefinition): CatalogFile['indexes'][number] {
  const { id, name, collectionId, columns, include, where, unique, state, createdAt } = definition;
  const { concurrently, replaces } = definition;
  return {
    id,
    name,
    collection_id: collectionId,
    columns: columns.map(({ path, expression, descending, nullsFirst }) => ({
      path: [...path],
      ...(expression === undefined ? {} : { expression }),
      descending,
      nulls_first: nullsFirst,
    })),
    include: include.map((each) => [...each]),
    ...(where === undefined ? {} : { where }),
    unique,
    state,
    created_at: createdAt,
    ...(concurrently === undefined ? {} : { concurrently }),
    ...(replaces === undefined ? {} : { replaces }),
  };
}

/** Throws DbError('CORRUPT_CATALOG') when the bytes cannot be understood. */
export function decodeCatalog(bytes: Uint8Array): CatalogContents {
  const { next_id, collections, indexes } = parse(bytes);
  const ids = new Set<number>();
  const claim = (what: string, id: number): void => {
    if (id >= next_id || ids.has(id)) throw corrupt(`${what} is inconsistent`);
    ids.add(id);
  };
  const byId = new Map<number, Collection>();
  const names = new Set<string>();
  for (const { id, name, created_at, ttl_seconds, schema } of collections) {
    claim(`collection ${JSON.stringify(name)}`, id);
    if (names.has(name)) throw corrupt(`collection ${JSON.stringify(name)} is inconsistent`);
    names.add(name);
    byId.set(id, {
      id: asCollectionId(id),
      name,
      createdAt: created_at,
      ttlSeconds: ttl_seconds ?? TTL_UNSET,
      ...(schema && { schema: schemaOfRecord(schema) }),
    });
  }
  const definitions = indexes.map((record) => {
    claim(`index ${JSON.stringify(record.name)}`, record.id);
    const collection = byId.get(record.collection_id);
    if (collection === undefined) throw corrupt(`index ${JSON.stringify(record.name)} has no collection`);
    return definitionOf(record, collection);
  });
  requireOneOfEachName(definitions);
  return { nextId: next_id, collections: [...byId.values()], indexes: definitions };
}

function definitionOf(record: CatalogFile['indexes'][number], collection: Collection): IndexDefinition {
  const { created_at, collection_id, columns, ...rest } = record;
  return {
    ...rest,
    collection: collection.name,
    collectionId: collection_id,
    columns: columns.map(({ nulls_first, ...each }) => ({ ...each, nullsFirst: nulls_first })),
    createdAt: created_at,
  };
}

/** One under construction may have the name of the one whose place it takes. */
function requireOneOfEachName(definitions: readonly IndexDefinition[]): void {
  const names = new Set<string>();
  for (const { name, replaces } of definitions) {
    if (replaces !== undefined) {
      const replaced = definitions.find(({ id }) => id === replaces);
      if (replaced?.name !== name || replaced.replaces !== undefined)
        throw corrupt(`index ${JSON.stringify(name)} replaces another one`);
      continue;
    }
    if (names.has(name)) throw corrupt(`index ${JSON.stringify(name)} is inconsistent`);
    names.add(name);
  }
}

function parse(bytes: Uint8Array): CatalogFile {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw corrupt((error as Error).message);
  }
  const result = file.safeParse(value);
  if (!result.success) throw corrupt(z.prettifyError(result.error));
  return result.data;
}

function corrupt(reason: string): DbError {
  return new DbError('CORRUPT_CATALOG', `catalog.json cannot be read: ${reason}`, { file: 'catalog.json' });
}
