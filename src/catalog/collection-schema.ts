/** What a collection demands of its documents, and how ALTER TABLE changes it. Members that it does not name are free. Pure. */
import { unreachable } from '../base/assert.js';
import type { AlterTableAction, CheckConstraint, ColumnDeclaration } from '../sql/algebra/statement.js';
import { sqlError, UNDEFINED_COLUMN, UNDEFINED_OBJECT } from '../sql/errors.js';

export interface CollectionSchema {
  readonly columns: readonly ColumnDeclaration[];
  readonly checks: readonly CheckConstraint[];
}

const DUPLICATE_COLUMN = '42701';
const DUPLICATE_OBJECT = '42710';

/** Undefined for one that demands nothing: `_id` is text and there in every collection. */
export function schemaOf(schema: CollectionSchema): CollectionSchema | undefined {
  const isEmpty = schema.checks.length === 0 && schema.columns.every(({ name }) => name === '_id');
  return isEmpty ? undefined : schema;
}

/**
 * Whether documents that were fine before may not be so after these. Dropping a column is among them: a CHECK that names it reads
 * the member as any other from then on.
 */
export function tightens(actions: readonly AlterTableAction[]): boolean {
  return actions.some(({ kind }) => /^(?:addColumn|dropColumn|setNotNull|setType|addCheck)$/.test(kind));
}

/** The schema after the actions, in turn. Throws sqlError: the statement may have been bound against an older schema. */
export function alteredSchema(
  table: string,
  schema: CollectionSchema,
  actions: readonly AlterTableAction[],
): CollectionSchema {
  return actions.reduce((before, action) => altered(table, before, action), schema);
}

function altered(table: string, schema: CollectionSchema, action: AlterTableAction): CollectionSchema {
  const { columns, checks } = schema;
  switch (action.kind) {
    case 'addColumn': {
      const { column, ifNotExists } = action;
      if (!columns.some(({ name }) => name === column.name))
        return { ...schema, columns: [...columns, column] };
      if (ifNotExists) return schema;
      const message = `column "${column.name}" of relation "${table}" already exists`;
      throw sqlError(DUPLICATE_COLUMN, message);
    }
    case 'dropColumn':
      if (action.ifExists && !columns.some(({ name }) => name === action.name)) return schema;
      requireColumn(table, schema, action.name);
      return { ...schema, columns: columns.filter(({ name }) => name !== action.name) };
    case 'setNotNull':
      return changed(table, schema, action.name, (column) => ({ ...column, notNull: true }));
    case 'dropNotNull':
      return changed(table, schema, action.name, (column) => ({ ...column, notNull: false }));
    case 'setDefault':
      return changed(table, schema, action.name, (column) => ({ ...column, default: action.default }));
    case 'dropDefault':
      return changed(table, schema, action.name, ({ default: _, ...column }) => column);
    case 'setType':
      return changed(table, schema, action.name, ({ modifiers: _, ...column }) => ({
        ...column,
        type: action.type,
        ...(action.modifiers && { modifiers: action.modifiers }),
      }));
    case 'addCheck': {
      const { check } = action;
      if (!checks.some(({ name }) => name === check.name)) return { ...schema, checks: [...checks, check] };
      const message = `constraint "${check.name}" for relation "${table}" already exists`;
      throw sqlError(DUPLICATE_OBJECT, message);
    }
    case 'dropConstraint': {
      const left = checks.filter(({ name }) => name !== action.name);
      if (left.length < checks.length || action.ifExists) return { ...schema, checks: left };
      const message = `constraint "${action.name}" of relation "${table}" does not exist`;
      throw sqlError(UNDEFINED_OBJECT, message);
    }
    default:
      return unreachable(action);
  }
}

function changed(
  table: string,
  schema: CollectionSchema,
  name: string,
  change: (column: ColumnDeclaration) => ColumnDeclaration,
): CollectionSchema {
  requireColumn(table, schema, name);
  const columns = schema.columns.map((column) => (column.name === name ? change(column) : column));
  return { ...schema, columns };
}

function requireColumn(table: string, { columns }: CollectionSchema, name: string): void {
  if (columns.some((column) => column.name === name)) return;
  throw sqlError(UNDEFINED_COLUMN, `column "${name}" of relation "${table}" is not declared`);
}
