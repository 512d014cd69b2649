/** Statements that define things: indexes and collections. Each is done when every thread knows. Main thread only. */
import { unreachable } from '../../base/assert.js';
import { DbError } from '../../base/errors.js';
import { TTL_UNSET } from '../../base/expiry.js';
import type { DefinitionStatement } from '../../sql/algebra/statement.js';
import { sqlError, UNDEFINED_OBJECT, UNDEFINED_TABLE } from '../../sql/errors.js';
import type { CollectionControl } from '../collection-control.js';
import type { IndexControl } from '../index-control.js';
import { loadExtractors } from '../index-extractors.js';

type Of<K extends DefinitionStatement['kind']> = DefinitionStatement & { readonly kind: K };

export interface DefinitionControlOptions {
  readonly collections: Pick<CollectionControl, 'create' | 'alter' | 'drop' | 'truncate'>;
  readonly indexes: Pick<IndexControl, 'create' | 'drop'>;
  readonly hasCollection: (name: string) => boolean;
  readonly hasIndex: (name: string) => boolean;
}

const DUPLICATE_TABLE = '42P07';

export class DefinitionControl {
  constructor(private readonly options: DefinitionControlOptions) {}

  /** Returns the command tag. Throws the DbError that is the answer. */
  async define(statement: DefinitionStatement): Promise<{ readonly command: string }> {
    switch (statement.kind) {
      case 'createTable':
        await this.createTable(statement);
        return { command: 'CREATE TABLE' };
      case 'dropTable':
        await this.dropTables(statement);
        return { command: 'DROP TABLE' };
      case 'alterTable':
        await this.alterTable(statement);
        return { command: 'ALTER TABLE' };
      case 'truncate':
        for (const name of statement.names) this.requireCollection(name);
        for (const name of statement.names) await this.options.collections.truncate(name);
        return { command: 'TRUNCATE TABLE' };
      case 'createIndex':
        await this.createIndex(statement);
        return { command: 'CREATE INDEX' };
      case 'dropIndex':
        await this.dropIndexes(statement);
        return { command: 'DROP INDEX' };
      default:
        return unreachable(statement);
    }
  }

  private async createTable({ name, ifNotExists, columns, checks }: Of<'createTable'>): Promise<void> {
    const { hasCollection, collections } = this.options;
    if (hasCollection(name) && ifNotExists) return;
    try {
      await collections.create(name, !ifNotExists, TTL_UNSET, { columns, checks });
    } catch (error) {
      const isTaken =
        error instanceof DbError && error.code === 'CONFLICT' && error.details?.['field'] === 'name';
      if (!isTaken) throw error;
      throw sqlError(DUPLICATE_TABLE, `relation ${JSON.stringify(name)} already exists`);
    }
  }

  private async alterTable({ name, ifExists, actions }: Of<'alterTable'>): Promise<void> {
    if (ifExists && !this.options.hasCollection(name)) return;
    this.requireCollection(name);
    await this.options.collections.alter(name, actions);
  }

  private async dropTables({ names, ifExists }: Of<'dropTable'>): Promise<void> {
    // All or none, as far as can be told beforehand.
    if (!ifExists) for (const name of names) this.requireCollection(name);
    for (const name of names) if (this.options.hasCollection(name)) await this.options.collections.drop(name);
  }

  private async createIndex(statement: Of<'createIndex'>): Promise<void> {
    const { table, ifNotExists, columns, include, where, unique, concurrently } = statement;
    this.requireCollection(table);
    const name = statement.name === '' ? this.freeName(statement) : statement.name;
    if (this.options.hasIndex(name)) {
      if (ifNotExists) return;
      throw sqlError(DUPLICATE_TABLE, `relation ${JSON.stringify(name)} already exists`);
    }
    const index = {
      name,
      collection: table,
      columns,
      include,
      ...(where === undefined ? {} : { where }),
      unique,
      concurrently,
    };
    await loadExtractors([index], { parser: true });
    const { built } = await this.options.indexes.create(index);
    await built;
  }

  private async dropIndexes({ names, ifExists }: Of<'dropIndex'>): Promise<void> {
    const { hasIndex, indexes } = this.options;
    const missing = names.find((name) => !hasIndex(name));
    if (missing !== undefined && !ifExists)
      throw sqlError(UNDEFINED_OBJECT, `index ${JSON.stringify(missing)} does not exist`);
    for (const name of names) if (hasIndex(name)) await indexes.drop(name);
  }

  /** As PostgreSQL names what has no name: orders_user_id_created_at_idx, with a number where that is taken. */
  private freeName({ table, columns }: Of<'createIndex'>): string {
    const parts = columns.map(({ path }) => (path.length === 0 ? 'expr' : path.join('_')));
    const name = `${table}_${parts.join('_')}_idx`;
    for (let number = 0; ; number++) {
      const candidate = number === 0 ? name : `${name}${number}`;
      if (!this.options.hasIndex(candidate)) return candidate;
    }
  }

  private requireCollection(name: string): void {
    if (!this.options.hasCollection(name))
      throw sqlError(UNDEFINED_TABLE, `relation ${JSON.stringify(name)} does not exist`);
  }
}
