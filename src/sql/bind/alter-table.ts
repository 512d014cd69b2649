/** ALTER TABLE: one action for each command. */
import type { AlterTableCmd, AlterTableStmt } from '@pgsql/types';
import type { AlterTableAction, ColumnDeclaration, DefinitionStatement } from '../algebra/statement.js';
import type { TableView } from '../catalog-view.js';
import { sqlError, UNDEFINED_COLUMN } from '../errors.js';
import { bodyOf } from '../parse/nodes.js';
import type { StatementContext } from './context.js';
import { bindColumnDefinition, Checks, unsupportedConstraint } from './create-table.js';
import { defaultText } from './definition-expressions.js';
import { notSupported, syntaxError } from './errors.js';
import { didYouMean } from './nearest.js';
import { collectionName, unknownTable } from './tables.js';
import { typeOfName } from './type-name.js';

export function bindAlterTable(context: StatementContext, statement: AlterTableStmt): DefinitionStatement {
  const range = statement.relation ?? {};
  if (statement.objtype !== 'OBJECT_TABLE')
    throw notSupported(`ALTER ${(statement.objtype ?? '').replace('OBJECT_', '')}`, range.location);
  const name = collectionName(range);
  const ifExists = statement.missing_ok ?? false;
  const known = context.catalog.table(name);
  if (known === undefined && !ifExists) throw unknownTable(context, name, range.location);
  const table: TableView = known ?? { name, id: 0, columns: [], checks: [], indexes: [] };
  const columns = [...table.columns];
  const place: Place = { context, table, columns, isKnown: known !== undefined, location: range.location };
  const actions = (statement.cmds ?? []).flatMap((node) =>
    bindAction(place, bodyOf(node, 'AlterTableCmd') ?? {}),
  );
  return { kind: 'alterTable', name, ifExists, actions };
}

interface Place {
  readonly context: StatementContext;
  readonly table: TableView;
  /** As they are after the commands so far. */
  readonly columns: ColumnDeclaration[];
  readonly isKnown: boolean;
  readonly location?: number;
}

function bindAction(place: Place, command: AlterTableCmd): readonly AlterTableAction[] {
  const { context, columns, location } = place;
  const { name = '' } = command;
  const definition = bodyOf(command.def, 'ColumnDef');
  const ifExists = command.missing_ok ?? false;
  switch (command.subtype) {
    case 'AT_AddColumn':
      return addColumn(place, command);
    case 'AT_DropColumn': {
      if (name === '_id') throw notSupported('dropping "_id"', location);
      if (!ifExists) declared(place, name);
      const at = columns.findIndex((column) => column.name === name);
      if (at >= 0) columns.splice(at, 1);
      return [{ kind: 'dropColumn', name, ifExists }];
    }
    case 'AT_SetNotNull':
      declared(place, name);
      return [{ kind: 'setNotNull', name }];
    case 'AT_DropNotNull':
      if (name === '_id') throw notSupported('NULL in "_id"', location);
      declared(place, name);
      return [{ kind: 'dropNotNull', name }];
    case 'AT_ColumnDefault': {
      const column = declared(place, name);
      if (command.def === undefined) return [{ kind: 'dropDefault', name }];
      const text = defaultText(context, command.def, column?.type ?? 'any', column?.modifiers);
      return [{ kind: 'setDefault', name, default: text }];
    }
    case 'AT_AlterColumnType': {
      declared(place, name);
      if (definition?.typeName === undefined) throw syntaxError('a type is missing', location);
      if (name === '_id') throw notSupported('another type for "_id"', definition.location);
      if (definition.raw_default !== undefined)
        throw notSupported('USING in ALTER COLUMN TYPE', definition.location);
      const { type, modifiers } = typeOfName(definition.typeName);
      return [
        modifiers === undefined
          ? { kind: 'setType', name, type }
          : { kind: 'setType', name, type, modifiers },
      ];
    }
    case 'AT_AddConstraint': {
      const constraint = bodyOf(command.def, 'Constraint') ?? {};
      if (constraint.contype !== 'CONSTR_CHECK') throw unsupportedConstraint(constraint);
      const checks = checksOf(place);
      checks.add(constraint);
      return checks.all.map((check) => ({ kind: 'addCheck', check }));
    }
    case 'AT_DropConstraint':
      if (!ifExists && place.isKnown && !place.table.checks.some((check) => check.name === name))
        throw sqlError(
          '42704',
          `constraint "${name}" of relation "${place.table.name}" does not exist`,
          location,
        );
      return [{ kind: 'dropConstraint', name, ifExists }];
    default:
      throw notSupported(`ALTER TABLE … ${wordsOf(command.subtype)}`, location);
  }
}

/** AT_EnableTrig → ENABLE TRIG: near enough to what was written. */
const wordsOf = (subtype = ''): string =>
  subtype
    .replace(/^AT_/, '')
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .toUpperCase();

const checksOf = ({ context, table, columns }: Place): Checks =>
  new Checks(
    context,
    { name: table.name, columns },
    table.checks.map(({ name }) => name),
  );

function addColumn(place: Place, command: AlterTableCmd): readonly AlterTableAction[] {
  const { context, table, columns, location } = place;
  const definition = bodyOf(command.def, 'ColumnDef');
  if (definition === undefined) throw syntaxError('a column definition is missing', location);
  const column = bindColumnDefinition(context, definition);
  const ifNotExists = command.missing_ok ?? false;
  const exists = columns.some(({ name }) => name === column.name);
  if (exists && !ifNotExists)
    throw sqlError(
      '42701',
      `column "${column.name}" of relation "${table.name}" already exists`,
      definition.location,
    );
  if (!exists) columns.push(column);
  const checks = checksOf(place);
  if (!exists) checks.addOfColumn(definition);
  const added = checks.all.map((check): AlterTableAction => ({ kind: 'addCheck', check }));
  return [{ kind: 'addColumn', column, ifNotExists }, ...added];
}

function declared({ table, columns, isKnown, location }: Place, name: string): ColumnDeclaration | undefined {
  const column = columns.find((candidate) => candidate.name === name);
  if (column !== undefined || !isKnown) return column;
  const hint = didYouMean(
    name,
    columns.map((candidate) => candidate.name),
  );
  const message = `column "${name}" of relation "${table.name}" is not declared${hint}`;
  throw sqlError(UNDEFINED_COLUMN, message, location);
}
