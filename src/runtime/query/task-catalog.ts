/** The catalog as a query thread sees it: what the front has sent along with the statement. */
import type { PoolQuery } from '../../front/query/messages.js';
import type { CatalogView, SystemTableView, TableView } from '../../sql/catalog-view.js';
import { systemTable } from '../../sql/system/tables.js';

export class TaskCatalog implements CatalogView {
  readonly autoCreateCollections: boolean;
  private readonly tables: ReadonlyMap<string, TableView>;

  constructor({ tables, autoCreateCollections }: Pick<PoolQuery, 'tables' | 'autoCreateCollections'>) {
    this.tables = new Map(tables.map((table) => [table.name, table]));
    this.autoCreateCollections = autoCreateCollections;
  }

  table(name: string): TableView | undefined {
    return this.tables.get(name);
  }

  systemTable(name: string): SystemTableView | undefined {
    return systemTable(name);
  }

  tableNames(): readonly string[] {
    return [...this.tables.keys()];
  }
}
