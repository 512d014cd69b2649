/**
 * CREATE TABLE: a collection with a schema that its documents are checked against. The primary key is always `_id`, which is
 * text: PRIMARY KEY may say so of a column of that name, and of no other.
 */
import type { ColumnDef, Constraint, CreateStmt, Node } from '@pgsql/types';
import { COLLECTION_NAME_LENGTH_MAX } from '../../base/limits.js';
import type { CheckConstraint, ColumnDeclaration, DefinitionStatement } from '../algebra/statement.js';
import { sqlError } from '../errors.js';
import { bodyOf, kindOf, locationOf, stringsOf } from '../parse/nodes.js';
import type { StatementContext } from './context.js';
import { checkText, defaultText, type TableInMaking } from './definition-expressions.js';
import { notSupported, syntaxError } from './errors.js';
import { collectionName } from './tables.js';
import { typeOfName } from './type-name.js';

const INVALID_TABLE_DEFINITION = '42P16';

export function bindCreateTable(context: StatementContext, statement: CreateStmt): DefinitionStatement {
  const range = statement.relation ?? {};
  const name = collectionName(range);
  if (name.length > COLLECTION_NAME_LENGTH_MAX)
    throw sqlError(
      '42622',
      `the name has more than ${COLLECTION_NAME_LENGTH_MAX} characters`,
      range.location,
    );
  if (range.relpersistence === 't') throw notSupported('a temporary table', range.location);
  if (range.relpersistence === 'u') throw notSupported('an unlogged table', range.location);
  if (statement.inhRelations !== undefined) throw notSupported('INHERITS and PARTITION OF', range.location);
  if (statement.partspec !== undefined) throw notSupported('PARTITION BY', range.location);
  if (statement.ofTypename !== undefined) throw notSupported('OF a type', range.location);
  if (statement.options !== undefined) throw notSupported('WITH (storage parameters)', range.location);
  const elements = statement.tableElts ?? [];
  const definitions = elements.flatMap((node) => bodyOf(node, 'ColumnDef') ?? []);
  const columns = definitions.map((definition) => bindColumnDefinition(context, definition));
  refuseDuplicates(columns, definitions);
  const table: TableInMaking = { name, columns };
  const checks = new Checks(context, table);
  for (const definition of definitions) checks.addOfColumn(definition);
  for (const node of elements) {
    if (bodyOf(node, 'ColumnDef') !== undefined) continue;
    const constraint = bodyOf(node, 'Constraint');
    if (constraint === undefined)
      throw notSupported(kindOf(node) === 'TableLikeClause' ? 'LIKE' : kindOf(node), locationOf(node));
    if (constraint.contype === 'CONSTR_CHECK') checks.add(constraint);
    else if (constraint.contype === 'CONSTR_PRIMARY')
      checkPrimaryKey(stringsOf(constraint.keys), constraint.location);
    else throw unsupportedConstraint(constraint);
  }
  const ifNotExists = statement.if_not_exists ?? false;
  return { kind: 'createTable', name, ifNotExists, columns, checks: checks.all };
}

function refuseDuplicates(columns: readonly ColumnDeclaration[], definitions: readonly ColumnDef[]): void {
  const place = columns.findIndex(({ name }, at) => columns.findIndex((other) => other.name === name) < at);
  if (place >= 0)
    throw sqlError(
      '42701',
      `column "${columns[place].name}" specified more than once`,
      definitions[place].location,
    );
}

function checkPrimaryKey(names: readonly string[], location?: number): void {
  if (names.length === 1 && names[0] === '_id') return;
  throw notSupported(
    `PRIMARY KEY on anything but "_id" (the key of every document; a CREATE UNIQUE INDEX keeps other columns unique)`,
    location,
  );
}

/** Without its CHECKs, which may look at columns that come later. */
export function bindColumnDefinition(context: StatementContext, definition: ColumnDef): ColumnDeclaration {
  const { colname: name = '', typeName, location } = definition;
  if (typeName === undefined) throw syntaxError(`column "${name}" needs a type`, location);
  const { type, modifiers } = typeOfName(typeName);
  const isKey = name === '_id';
  if (isKey && type !== 'text')
    throw sqlError(INVALID_TABLE_DEFINITION, 'column "_id" must be of type text', location);
  if (definition.collClause !== undefined) throw notSupported('COLLATE in a column definition', location);
  let notNull = isKey;
  let written: Node | undefined;
  for (const node of definition.constraints ?? []) {
    const constraint = bodyOf(node, 'Constraint') ?? {};
    switch (constraint.contype) {
      case 'CONSTR_NOTNULL':
        notNull = true;
        break;
      case 'CONSTR_NULL':
      case 'CONSTR_CHECK':
        break;
      case 'CONSTR_DEFAULT':
        written = constraint.raw_expr;
        break;
      case 'CONSTR_PRIMARY':
        checkPrimaryKey([name], constraint.location);
        break;
      default:
        throw unsupportedConstraint(constraint);
    }
  }
  const value = written && defaultText(context, written, type, modifiers);
  const declared = { name, type, notNull, primaryKey: isKey };
  return { ...declared, ...(modifiers && { modifiers }), ...(value !== undefined && { default: value }) };
}

const CONSTRAINTS: Readonly<Record<string, string>> = {
  CONSTR_UNIQUE: 'UNIQUE as a constraint (use CREATE UNIQUE INDEX)',
  CONSTR_FOREIGN: 'a foreign key',
  CONSTR_EXCLUSION: 'EXCLUDE',
  CONSTR_IDENTITY: 'an identity column',
  CONSTR_GENERATED: 'a generated column',
};

export const unsupportedConstraint = ({ contype, location }: Constraint): Error =>
  notSupported(CONSTRAINTS[contype ?? ''] ?? 'this kind of constraint', location);

/** CHECK constraints, each with a name of its own. */
export class Checks {
  readonly all: CheckConstraint[] = [];

  constructor(
    private readonly context: StatementContext,
    private readonly table: TableInMaking,
    private readonly taken: readonly string[] = [],
  ) {}

  add(constraint: Constraint, column?: string): void {
    const { conname, raw_expr: expression, location } = constraint;
    if (expression === undefined) throw syntaxError('CHECK needs an expression', location);
    if (constraint.is_no_inherit) throw notSupported('NO INHERIT', location);
    if (constraint.skip_validation) throw notSupported('NOT VALID', location);
    const name = conname ?? this.freeName(column);
    if (this.isTaken(name)) throw sqlError('42710', `constraint "${name}" already exists`, location);
    this.all.push({ name, expression: checkText(this.context, expression, this.table) });
  }

  addOfColumn({ colname, constraints }: ColumnDef): void {
    for (const node of constraints ?? []) {
      const constraint = bodyOf(node, 'Constraint');
      if (constraint?.contype === 'CONSTR_CHECK') this.add(constraint, colname);
    }
  }

  private isTaken(name: string): boolean {
    return this.taken.includes(name) || this.all.some((check) => check.name === name);
  }

  private freeName(column: string | undefined): string {
    const base = column === undefined ? `${this.table.name}_check` : `${this.table.name}_${column}_check`;
    let name = base;
    for (let number = 1; this.isTaken(name); number++) name = `${base}${number}`;
    return name;
  }
}
