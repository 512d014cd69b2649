/**
 * The catalog as one session may know it, for binding a statement of it. What a binder says of a fault names collections and columns;
 * of those that the session may neither read nor write it must not hear, not even that they exist. Front thread only.
 */
import type { Session } from '../../auth/session.js';
import { fromWireError } from '../../base/errors.js';
import type { CatalogView, SystemTableView, TableView } from '../../sql/catalog-view.js';
import { refusal } from '../access.js';

export class AllowedCatalog implements CatalogView {
  /** The first collection asked for that the session may not know. */
  private hidden: string | undefined;

  constructor(
    private readonly catalog: CatalogView,
    private readonly session: Session,
  ) {}

  get autoCreateCollections(): boolean {
    return this.catalog.autoCreateCollections;
  }

  /** Told all the same: what a statement that binds needs is asked afterwards (permissions.ts), by its kind. */
  table(name: string): TableView | undefined {
    if (!this.isKnown(name)) this.hidden ??= name;
    return this.catalog.table(name);
  }

  systemTable(name: string): SystemTableView | undefined {
    return this.catalog.systemTable(name);
  }

  tableNames(): readonly string[] {
    return this.catalog.tableNames().filter((name) => this.isKnown(name));
  }

  /** What to say instead of a fault that was found in binding. */
  faultToShow(fault: unknown): unknown {
    const refused = this.hidden === undefined ? undefined : refusal(this.session, 'read', this.hidden);
    return refused === undefined ? fault : fromWireError(refused);
  }

  private isKnown(name: string): boolean {
    return this.session.allows('read', name) || this.session.allows('write', name);
  }
}
