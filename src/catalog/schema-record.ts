/**
 * A collection's schema in catalog.json (catalog-file.ts):
 *
 *   "schema":{"columns":[{"name":"price","type":"numeric","modifiers":[10,2],"not_null":true,"default":"0"}],
 *             "checks":[{"name":"goods_price_check","expression":"price >= 0"}]}
 *
 * `default` and `expression` are SQL text; `modifiers` and `default` may be absent. Pure.
 */
import { z } from 'zod';
import type { SqlType } from '../sql/types/sql-type.js';
import type { CollectionSchema } from './collection-schema.js';

const SCALARS = 'bool|int8|float8|numeric|text|timestamptz|timestamp|date|time|interval|jsonb';

export const schemaRecord = z.strictObject({
  columns: z.array(
    z.strictObject({
      name: z.string().min(1),
      type: z.string().regex(new RegExp(`^(?:${SCALARS})(?:\\[\\])?$`)),
      modifiers: z.array(z.int()).optional(),
      not_null: z.boolean(),
      default: z.string().optional(),
    }),
  ),
  checks: z.array(z.strictObject({ name: z.string().min(1), expression: z.string().min(1) })),
});

export type SchemaRecord = z.infer<typeof schemaRecord>;

export function recordOfSchema({ columns, checks }: CollectionSchema): SchemaRecord {
  return {
    columns: columns.map(({ name, type, modifiers, notNull, default: value }) => ({
      name,
      type,
      ...(modifiers && { modifiers: [...modifiers] }),
      not_null: notNull,
      ...(value !== undefined && { default: value }),
    })),
    checks: checks.map(({ name, expression }) => ({ name, expression })),
  };
}

export function schemaOfRecord({ columns, checks }: SchemaRecord): CollectionSchema {
  return {
    columns: columns.map(({ name, type, modifiers, not_null, default: value }) => ({
      name,
      type: type as SqlType, // the pattern has seen to it
      ...(modifiers && { modifiers }),
      notNull: not_null,
      ...(value !== undefined && { default: value }),
      primaryKey: name === '_id',
    })),
    checks,
  };
}
