/**
 * Statements that this front has compiled, by their text: parsed, bound, and, where the front may run them itself, planned. A
 * bounded cache; an entry is good until the catalog changes. Front thread only.
 */
import type { Session } from '../../auth/session.js';
import type { PreparedQuery } from '../../sql/algebra/physical.js';
import type { BoundQuery, BoundStatement } from '../../sql/algebra/statement.js';
import { bindStatement } from '../../sql/bind/bind.js';
import { parseStatement, queryPattern } from '../../sql/parse/parse.js';
import { DEFAULT_PLANNER_OPTIONS } from '../../sql/plan/options.js';
import { planQuery } from '../../sql/plan/plan.js';
import { shortPlan } from '../../sql/plan/short-plan.js';
import { systemTablesRead } from '../../sql/system/tables-read.js';
import { AllowedCatalog } from './allowed-catalog.js';
import type { FrontCatalog } from './catalog.js';

const ENTRIES_MAX = 1000;
/** Longer texts are hardly sent again, and would make the cache large. */
const CACHED_TEXT_LENGTH_MAX = 16 * 1024;
/** All texts together: what is compiled is some hundred times as large. */
const TEXTS_LENGTH_MAX = 1024 * 1024;

export interface CompiledStatement {
  readonly bound: BoundStatement;
  /** The text with its constants taken out. */
  readonly pattern: string;
  readonly systemTables: readonly string[];
  /** Set when the front may run it itself. */
  readonly short: PreparedQuery | undefined;
  readonly catalogVersion: number;
}

export class StatementCache {
  private readonly entries = new Map<string, CompiledStatement>();
  private textsLength = 0;
  private statistics: unknown;

  constructor(private readonly catalog: FrontCatalog) {}

  /** Throws DbError QUERY for a statement that is wrong. Whether `session` may ask it is another question, to be asked of each. */
  compile(sql: string, session: Session): CompiledStatement {
    // New statistics may make other plans better, also worse for a front to run.
    if (this.statistics !== this.catalog.statistics) {
      this.entries.clear();
      this.textsLength = 0;
    }
    this.statistics = this.catalog.statistics;
    const known = this.entries.get(sql);
    if (known?.catalogVersion === this.catalog.version) return known;
    const compiled = this.make(sql, session);
    if (sql.length <= CACHED_TEXT_LENGTH_MAX) this.keep(sql, compiled);
    return compiled;
  }

  private make(sql: string, session: Session): CompiledStatement {
    const allowed = new AllowedCatalog(this.catalog, session);
    try {
      return this.compiled(sql, allowed);
    } catch (error) {
      throw allowed.faultToShow(error);
    }
  }

  private compiled(sql: string, allowed: AllowedCatalog): CompiledStatement {
    const { catalog } = this;
    const catalogVersion = catalog.version;
    const bound = bindStatement(parseStatement(sql), allowed, {});
    const query = queryOf(bound);
    return {
      bound,
      pattern: queryPattern(sql),
      systemTables: query === undefined ? [] : systemTablesRead(query.plan),
      short: bound.kind === 'query' ? this.shortPlanOf(bound) : undefined,
      catalogVersion,
    };
  }

  private shortPlanOf(query: BoundQuery): PreparedQuery | undefined {
    if (query.writes.length > 0) return undefined;
    const prepared = planQuery(query, this.catalog, this.catalog.statistics, DEFAULT_PLANNER_OPTIONS);
    return shortPlan(prepared) ? prepared : undefined;
  }

  private keep(sql: string, compiled: CompiledStatement): void {
    this.forget(sql);
    this.entries.set(sql, compiled);
    this.textsLength += sql.length;
    while (this.entries.size > ENTRIES_MAX || this.textsLength > TEXTS_LENGTH_MAX) {
      const [oldest] = this.entries.keys();
      this.forget(oldest);
    }
  }

  private forget(sql: string): void {
    if (this.entries.delete(sql)) this.textsLength -= sql.length;
  }
}

/** The query in a statement: itself, or what is explained; undefined for statements that define things. */
export function queryOf(bound: BoundStatement): BoundQuery | undefined {
  if (bound.kind === 'query') return bound;
  return bound.kind === 'explain' ? bound.query : undefined;
}
