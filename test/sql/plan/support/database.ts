/** A catalog with statistics, described in a few words. */
import type { IndexColumn, IndexDefinition } from '../../../../src/indexes/definition.js';
import type { ColumnDeclaration } from '../../../../src/sql/algebra/statement.js';
import type {
  CatalogView,
  FieldStatistics,
  StatisticsView,
  TableView,
} from '../../../../src/sql/catalog-view.js';

export interface IndexWords {
  /** `total desc`, `address.city`, `(lower(email))`. */
  readonly on: readonly string[];
  readonly include?: readonly string[];
  readonly where?: string;
  readonly unique?: boolean;
  readonly state?: IndexDefinition['state'];
}

export interface TableWords {
  readonly documents?: number;
  /** Mean, of a document. */
  readonly documentBytes?: number;
  readonly columns?: readonly ColumnDeclaration[];
  readonly indexes?: Readonly<Record<string, IndexWords>>;
  readonly fields?: Readonly<Record<string, Partial<FieldStatistics>>>;
}

export interface TestDatabase {
  readonly catalog: CatalogView;
  readonly statistics: StatisticsView;
}

export function database(tables: Readonly<Record<string, TableWords>>): TestDatabase {
  const views = new Map<string, TableView>();
  const words = new Map<number, TableWords>();
  let nextId = 1;
  for (const [name, table] of Object.entries(tables)) {
    const id = nextId++;
    words.set(id, table);
    const indexes = Object.entries(table.indexes ?? {}).map(([index, own]) =>
      definition(nextId++, index, name, id, own),
    );
    views.set(name, { name, id, columns: table.columns ?? [], checks: [], indexes });
  }
  return { catalog: catalogOf(views), statistics: statisticsOf(words) };
}

function definition(
  id: number,
  name: string,
  collection: string,
  collectionId: number,
  words: IndexWords,
): IndexDefinition {
  return {
    id,
    name,
    collection,
    collectionId,
    columns: words.on.map(indexColumn),
    include: (words.include ?? []).map((path) => path.split('.')),
    where: words.where,
    unique: words.unique ?? false,
    state: words.state ?? 'valid',
    createdAt: '2024-01-01T00:00:00Z',
  };
}

function indexColumn(words: string): IndexColumn {
  const descending = words.endsWith(' desc');
  const name = words.replace(/ desc$/, '');
  const order = { descending, nullsFirst: descending };
  return name.startsWith('(')
    ? { path: [], expression: name.slice(1, -1), ...order }
    : { path: name.split('.'), ...order };
}

function catalogOf(views: ReadonlyMap<string, TableView>): CatalogView {
  return {
    table: (name) => views.get(name),
    systemTable: () => undefined,
    tableNames: () => [...views.keys()],
    autoCreateCollections: true,
  };
}

function statisticsOf(words: ReadonlyMap<number, TableWords>): StatisticsView {
  return {
    table: (id) => {
      const table = words.get(id);
      if (table?.documents === undefined) return undefined;
      return { documents: table.documents, bytes: table.documents * (table.documentBytes ?? 128) };
    },
    field: (id, path) => {
      const field = words.get(id)?.fields?.[path.join('.')];
      if (field === undefined) return undefined;
      return { nullFraction: 0, distinct: 200, common: [], numberBounds: [], textBounds: [], ...field };
    },
    index: () => undefined,
  };
}
