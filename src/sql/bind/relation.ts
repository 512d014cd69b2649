/**
 * One relation of a FROM clause: names to columns. A collection is open: a name that is not declared is a member of its
 * documents, and is added to what the scan reads when somebody first asks for it. Other relations are closed, but for derived
 * ones that pass a document of `*` on.
 */
import type { BoundExpression, ColumnId } from '../algebra/expression.js';
import type { FieldSource, LogicalPlan, ScanField } from '../algebra/logical.js';
import type { SystemTableView, TableView } from '../catalog-view.js';
import { AMBIGUOUS_COLUMN, sqlError, UNDEFINED_COLUMN } from '../errors.js';
import { isArrayType, type SqlType } from '../types/sql-type.js';
import type { StatementContext } from './context.js';
import { typeError } from './errors.js';
import { didYouMean } from './nearest.js';
import type { Scope } from './scope.js';

export interface StarColumn {
  readonly name: string;
  readonly expression: BoundExpression;
  readonly spread: boolean;
}

export interface Relation {
  readonly alias: string;
  readonly schema?: string;
  /** Whether names that are not declared are members of a document. */
  readonly isOpen: boolean;
  /** EXCLUDED: seen only with its name in front. */
  readonly qualifiedOnly: boolean;
  hasColumn(name: string): boolean;
  columnNames(): readonly string[];
  column(names: readonly string[], location?: number): BoundExpression;
  whole(): BoundExpression;
  star(): readonly StarColumn[];
}

const column = (id: ColumnId, type: SqlType, name: string): BoundExpression => ({
  kind: 'column',
  type,
  id,
  name,
});

/** A path below a column; scalars have no members. */
export function below(
  arg: BoundExpression,
  path: readonly (string | number)[],
  location?: number,
): BoundExpression {
  if (path.length === 0) return arg;
  const { type } = arg;
  const isInArray = isArrayType(type) && typeof path[0] === 'number';
  if (type !== 'any' && type !== 'jsonb' && type !== 'unknown' && type !== 'record' && !isInArray)
    throw typeError(`a value of type ${type} has no member "${path[0]}"`, location);
  if (arg.kind === 'path') return { ...arg, type: 'any', path: [...arg.path, ...path] };
  return { kind: 'path', type: 'any', arg, path };
}

/** Documents of a collection; also the pseudo relations of writes (EXCLUDED, what RETURNING reads). */
export class CollectionRelation implements Relation {
  readonly isOpen = true;
  readonly fields: ScanField[] = [];
  private readonly byKey = new Map<string, ScanField>();

  constructor(
    private readonly context: StatementContext,
    private readonly scope: Scope,
    readonly table: TableView,
    readonly alias: string,
    readonly qualifiedOnly = false,
  ) {}

  scan(): LogicalPlan {
    return { kind: 'scan', collection: this.table.name, alias: this.alias, fields: this.fields, columns: [] };
  }

  hasColumn(name: string): boolean {
    return this.table.columns.some((declared) => declared.name === name);
  }

  columnNames(): readonly string[] {
    return this.table.columns.map(({ name }) => name);
  }

  column(names: readonly string[], location?: number): BoundExpression {
    const declared = this.declaredType(names[0]);
    if (names.length > 1 && declared !== undefined && declared !== 'jsonb' && declared !== 'any')
      return below(this.column([names[0]]), names.slice(1), location);
    const field = this.field(
      { kind: 'member', path: names },
      names.length === 1 ? (declared ?? 'any') : 'any',
    );
    return this.context.placed(column(field.id, field.type, field.name), location);
  }

  whole(): BoundExpression {
    const field = this.field({ kind: 'document' }, 'jsonb');
    return column(field.id, field.type, this.alias);
  }

  seqno(): ColumnId {
    return this.field({ kind: 'seqno' }, 'int8').id;
  }

  /** Declared columns first; the document has their members again, and whoever spreads it leaves those out. */
  star(): readonly StarColumn[] {
    const declared = this.table.columns.map(({ name }) => ({
      name,
      expression: this.column([name]),
      spread: false,
    }));
    return [...declared, { name: this.alias, expression: this.whole(), spread: true }];
  }

  private declaredType(name: string): SqlType | undefined {
    if (name === '_id') return 'text';
    return this.table.columns.find((declared) => declared.name === name)?.type;
  }

  private field(source: FieldSource, type: SqlType): ScanField {
    const key = JSON.stringify(source);
    const known = this.byKey.get(key);
    if (known !== undefined) return known;
    const name = source.kind === 'member' ? source.path[source.path.length - 1] : source.kind;
    const field: ScanField = { id: this.context.columnId(this.scope), source, type, name };
    this.byKey.set(key, field);
    this.fields.push(field);
    return field;
  }
}

/** A system table: a scan of the columns that are used. */
export class SystemRelation implements Relation {
  readonly isOpen = false;
  readonly qualifiedOnly = false;
  readonly schema = 'system';
  private readonly fields: { id: ColumnId; name: string; type: SqlType }[] = [];

  constructor(
    private readonly context: StatementContext,
    private readonly scope: Scope,
    private readonly table: SystemTableView,
    readonly alias: string,
  ) {}

  scan(): LogicalPlan {
    return {
      kind: 'systemScan',
      table: this.table.name,
      alias: this.alias,
      fields: this.fields,
      columns: [],
    };
  }

  hasColumn(name: string): boolean {
    return this.table.columns.some((declared) => declared.name === name);
  }

  columnNames(): readonly string[] {
    return this.table.columns.map(({ name }) => name);
  }

  column([name, ...path]: readonly string[], location?: number): BoundExpression {
    const declared = this.table.columns.find((candidate) => candidate.name === name);
    if (declared === undefined) throw unknownColumn(this, name, location);
    let field = this.fields.find((candidate) => candidate.name === name);
    if (field === undefined) {
      field = { id: this.context.columnId(this.scope), name, type: declared.type };
      this.fields.push(field);
    }
    const found = this.context.placed(column(field.id, field.type, name), location);
    return below(found, path, location);
  }

  whole(): BoundExpression {
    return record(this);
  }

  star(): readonly StarColumn[] {
    return this.columnNames().map((name) => ({ name, expression: this.column([name]), spread: false }));
  }
}

export interface DerivedColumn {
  readonly id: ColumnId;
  readonly name: string;
  readonly type: SqlType;
  readonly spread: boolean;
}

/** A subquery, CTE, VALUES or function in FROM. */
export class DerivedRelation implements Relation {
  readonly qualifiedOnly = false;
  readonly isOpen: boolean;

  constructor(
    private readonly context: StatementContext,
    scope: Scope,
    readonly alias: string,
    private readonly columns: readonly DerivedColumn[],
  ) {
    for (const { id } of columns) context.owners.set(id, scope);
    this.isOpen = columns.some(({ spread }) => spread);
  }

  hasColumn(name: string): boolean {
    return this.columns.some((candidate) => !candidate.spread && candidate.name === name);
  }

  columnNames(): readonly string[] {
    return this.columns.filter(({ spread }) => !spread).map(({ name }) => name);
  }

  column(names: readonly string[], location?: number): BoundExpression {
    const [name, ...path] = names;
    const named = this.columns.filter((candidate) => !candidate.spread && candidate.name === name);
    if (named.length > 1)
      throw sqlError(AMBIGUOUS_COLUMN, `column reference "${this.alias}.${name}" is ambiguous`, location);
    if (named.length === 1) return below(this.reference(named[0], location), path, location);
    const documents = this.columns.filter(({ spread }) => spread);
    if (documents.length === 0) throw unknownColumn(this, name, location);
    if (documents.length > 1) {
      const message = `column reference "${this.alias}.${name}" is ambiguous: "${this.alias}" has the documents of several collections; name the column inside of it`;
      throw sqlError(AMBIGUOUS_COLUMN, message, location);
    }
    const member = below(this.reference(documents[0], location), names, location);
    return this.context.placed(member, location);
  }

  /** The document where there is nothing else; a column that is alone stands for its row, as a function's result does. */
  whole(): BoundExpression {
    return this.columns.length === 1 ? this.reference(this.columns[0]) : record(this);
  }

  star(): readonly StarColumn[] {
    return this.columns.map((each) => ({
      name: each.name,
      expression: this.reference(each),
      spread: each.spread,
    }));
  }

  private reference({ id, type, name }: DerivedColumn, location?: number): BoundExpression {
    return this.context.placed(column(id, type, name), location);
  }
}

function record(relation: Relation): BoundExpression {
  const columns = relation.star();
  const items = columns.map(({ expression }) => expression);
  return { kind: 'row', type: 'record', items, names: columns.map(({ name }) => name) };
}

const unknownColumn = (relation: Relation, name: string, location?: number): Error =>
  sqlError(
    UNDEFINED_COLUMN,
    `column ${relation.alias}.${name} does not exist${didYouMean(name, relation.columnNames())}`,
    location,
  );
