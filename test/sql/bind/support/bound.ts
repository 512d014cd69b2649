/** Binds statements in tests, and checks every plan that comes out. */
import { DbError } from '../../../../src/base/errors.js';
import type { BoundQuery, BoundStatement } from '../../../../src/sql/algebra/statement.js';
import { bindStatement } from '../../../../src/sql/bind/bind.js';
import { parseStatement } from '../../../../src/sql/parse/parse.js';
import { testCatalog } from './catalog.js';
import { printPlan } from './print.js';
import { validateLogicalPlan } from './validate.js';

export function bound(sql: string): BoundStatement {
  const statement = bindStatement(parseStatement(sql), testCatalog());
  const query = statement.kind === 'explain' ? statement.query : statement;
  if (query.kind === 'query') {
    const faults = validateLogicalPlan(query.plan);
    const missing = query.output.filter(({ id }) => !query.plan.columns.includes(id));
    if (faults.length > 0 || missing.length > 0)
      throw new Error(
        `${sql}\n${faults.join('\n')}\nmissing ${missing.map(({ name }) => name)}\n${printPlan(query.plan)}`,
      );
  }
  return statement;
}

export function query(sql: string): BoundQuery {
  const statement = bound(sql);
  if (statement.kind !== 'query') throw new Error(`${statement.kind} is no query`);
  return statement;
}

export const plan = (sql: string): string => printPlan(query(sql).plan);
export const names = (sql: string): string[] => query(sql).output.map(({ name }) => name);

export interface Refusal {
  readonly state: unknown;
  readonly position: unknown;
  readonly message: string;
}

/** The error of a statement that must not bind. */
export function refusal(sql: string, catalog = testCatalog()): Refusal {
  try {
    bindStatement(parseStatement(sql), catalog);
  } catch (error) {
    if (!(error instanceof DbError)) throw error;
    return { state: error.details?.sqlstate, position: error.details?.position, message: error.message };
  }
  throw new Error(`bound: ${sql}`);
}
