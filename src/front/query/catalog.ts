/** What SQL knows of the database on one front: the front's copy of the catalog and the statistics that the main thread sends. */
import type { CatalogView, SystemTableView, TableView } from '../../sql/catalog-view.js';
import { NO_STATISTICS, SnapshotStatistics } from '../../sql/plan/statistics-snapshot.js';
import { systemTable } from '../../sql/system/tables.js';
import type { CollectionRegistry } from '../collections.js';
import type { FrontSettings } from '../front-context.js';

const NO_SCHEMA = { columns: [], checks: [] };

export class FrontCatalog implements CatalogView {
  /** Set anew as a whole. */
  statistics = new SnapshotStatistics(NO_STATISTICS);

  constructor(
    private readonly collections: CollectionRegistry,
    private readonly settings: Pick<FrontSettings, 'autoCreateCollections'>,
  ) {}

  get autoCreateCollections(): boolean {
    return this.settings.autoCreateCollections;
  }

  /** Changes whenever something does that a bound statement depends on. */
  get version(): number {
    return this.collections.version;
  }

  table(name: string): TableView | undefined {
    const info = this.collections.info(name);
    if (info === undefined) return undefined;
    const { id, indexes, schema = NO_SCHEMA } = info;
    return { name, id, columns: schema.columns, checks: schema.checks, indexes };
  }

  systemTable(name: string): SystemTableView | undefined {
    return systemTable(name);
  }

  tableNames(): readonly string[] {
    return this.collections.names();
  }
}
