/**
 * Indexes in the planner's terms: what each column holds, as a key that conditions of a scan can be compared with, and what
 * the predicate says. Made once per picture of a table.
 */
import type { IndexDefinition } from '../../indexes/definition.js';
import type { TableView } from '../catalog-view.js';
import { conjunctsOf, type structuralKey } from './expression-walk.js';
import { isKeyPath, samePath } from './facts.js';
import { normalise } from './normalise.js';
import type { PredicatePart } from './partial-index.js';
import { isNeutral, keyOf, memberKey, type Scan, sargsOf } from './sargs.js';
import type { PlannerSupport, StandaloneExpression } from './support.js';

export interface ShapedColumn {
  readonly key: string;
  readonly descending: boolean;
  readonly nullsFirst: boolean;
}

export interface IndexShape {
  readonly definition: IndexDefinition;
  readonly columns: readonly ShapedColumn[];
  readonly predicate: readonly PredicatePart[];
  /** Whether a member can be had from the entry itself. */
  holds(path: readonly string[]): boolean;
}

const shapesByTable = new WeakMap<TableView, readonly IndexShape[]>();

/** Of the indexes that may be read. */
export function indexShapes(table: TableView, support: PlannerSupport): readonly IndexShape[] {
  const known = shapesByTable.get(table);
  if (known !== undefined) return known;
  const shapes = table.indexes
    .filter(({ state }) => state === 'valid')
    .flatMap((definition) => shapeOf(definition, table, support) ?? []);
  shapesByTable.set(table, shapes);
  return shapes;
}

/** Undefined when its text cannot be bound any more: then the index serves nobody. */
function shapeOf(
  definition: IndexDefinition,
  table: TableView,
  support: PlannerSupport,
): IndexShape | undefined {
  // Its entries are made without the declarations, which may change: only those count that make no difference.
  const declared = table.columns.filter(({ type }) => isNeutral(type));
  const bind = (sql: string): StandaloneExpression => support.bindStandalone(sql, declared);
  try {
    const columns = definition.columns.map(({ path, expression, descending, nullsFirst }) => ({
      key: expression === undefined ? memberKey(path) : expressionKey(bind(expression), support),
      descending,
      nullsFirst,
    }));
    const predicate = definition.where === undefined ? [] : predicateParts(bind(definition.where), support);
    const holds = (path: readonly string[]): boolean =>
      isKeyPath(path) ||
      definition.include.some((included) => samePath(included, path)) ||
      definition.columns.some((column) => column.expression === undefined && samePath(column.path, path));
    return { definition, columns, predicate, holds };
  } catch {
    return undefined;
  }
}

function scanOf({ fields }: StandaloneExpression): Scan {
  return { kind: 'scan', collection: '', alias: '', fields, columns: fields.map(({ id }) => id) };
}

function expressionKey(standalone: StandaloneExpression, support: PlannerSupport): string {
  return keyOf(normalise(standalone.expression, support), scanOf(standalone));
}

function predicateParts(standalone: StandaloneExpression, support: PlannerSupport): PredicatePart[] {
  const scan = scanOf(standalone);
  const conjuncts = conjunctsOf(normalise(standalone.expression, support));
  return conjuncts.map((conjunct) => predicatePart(conjunct, scan, support));
}

export function predicatePart(
  conjunct: Parameters<typeof structuralKey>[0],
  scan: Scan,
  support: PlannerSupport,
): PredicatePart {
  return { key: keyOf(conjunct, scan), sarg: sargsOf([conjunct], scan, support)[0] };
}
