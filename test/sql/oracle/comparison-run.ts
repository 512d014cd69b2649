/** Generates queries and compares what PostgreSQL and different plans of LumaDB give. All from one seed. */
import pg from 'pg';
import { createPrng } from '../../../src/base/prng.js';
import type { MemoryDatabase } from '../support/memory-database.js';
import { Choices } from './choices.js';
import { randomCollections } from './documents.js';
import { render } from './fragment.js';
import { DEFAULT_PLAN, lumaDatabase, lumaOutcome, PLAN_VARIANTS } from './luma.js';
import type { Postgres } from './postgres.js';
import { type Query, QueryMaker } from './queries.js';
import { isSameOutcome, type Outcome, plainRows } from './results.js';

export interface RunOptions {
  readonly seed: number;
  readonly queries: number;
  /** Absent: plans of LumaDB are compared with each other only. */
  readonly postgres?: Postgres;
  /** How many other plans each query is run with. */
  readonly variants: number;
  /** Only this one is run; the others are generated only. */
  readonly onlyQuery?: number;
  /** Differences after which it ends. */
  readonly differencesMax: number;
}

export interface RunSummary {
  compared: number;
  /** Of those, how many failed in both. */
  errors: number;
  rows: number;
  readonly differences: string[];
}

/** Queries over the same documents. */
const QUERIES_PER_ROUND = 100;
const ROWS_SHOWN_MAX = 30;
/** PostgreSQL cannot do it: says nothing about LumaDB. */
const POSTGRES_REFUSALS = ['0A000', '57014', '54001'];

export async function compareRandomQueries(options: RunOptions): Promise<RunSummary> {
  const summary: RunSummary = { compared: 0, errors: 0, rows: 0, differences: [] };
  for (let first = 0; first < options.queries; first += QUERIES_PER_ROUND) {
    const isWanted =
      options.onlyQuery === undefined ||
      Math.floor(options.onlyQuery / QUERIES_PER_ROUND) * QUERIES_PER_ROUND === first;
    if (isWanted) await compareRound(options, first, summary);
    if (summary.differences.length >= options.differencesMax) break;
  }
  return summary;
}

/** Every query has its own, so that one can be repeated alone. */
const choicesFor = (seed: number, number: number): Choices =>
  new Choices(createPrng((Math.imul(seed, 0x9e3779b1) + Math.imul(number, 0x85ebca6b)) | 0));

async function compareRound(options: RunOptions, first: number, summary: RunSummary): Promise<void> {
  const { postgres, onlyQuery } = options;
  const collections = randomCollections(choicesFor(options.seed, -1 - first), 'docs');
  const database = lumaDatabase(collections);
  for (const { name, documents } of collections) await postgres?.load(name, documents);
  for (let number = first; number < Math.min(first + QUERIES_PER_ROUND, options.queries); number++) {
    if (onlyQuery !== undefined && onlyQuery !== number) continue;
    const choices = choicesFor(options.seed, number);
    const query = new QueryMaker(choices, collections).statement();
    const variants = choices.many(options.variants, () => choices.pick(PLAN_VARIANTS));
    const difference = await compareQuery(query, database, variants, postgres, summary);
    if (difference !== undefined)
      summary.differences.push(`seed ${options.seed}, query ${number}: ${difference}`);
    if (summary.differences.length >= options.differencesMax) break;
  }
  for (const { name } of collections) await postgres?.drop(name);
}

async function compareQuery(
  query: Query,
  database: MemoryDatabase,
  variants: readonly (typeof PLAN_VARIANTS)[number][],
  postgres: Postgres | undefined,
  summary: RunSummary,
): Promise<string | undefined> {
  const texts = { luma: render(query.fragment, 'luma'), postgres: render(query.fragment, 'postgres') };
  const outcome = safeOutcome(database, texts.luma, DEFAULT_PLAN);
  if (typeof outcome === 'string') return `${outcome}\nLumaDB:     ${texts.luma}`;
  summary.compared++;
  if ('rows' in outcome) summary.rows += outcome.rows.length;
  else summary.errors++;
  for (const variant of variants) {
    const other = safeOutcome(database, texts.luma, variant);
    if (typeof other === 'string') return `plan "${variant.name}": ${other}\nLumaDB:     ${texts.luma}`;
    if (isSameOutcome(outcome, other, query.isOrdered)) continue;
    return `the plan "${variant.name}" gives something else\nLumaDB:     ${texts.luma}\n${shown('default', outcome)}\n${shown(variant.name, other)}`;
  }
  if (postgres === undefined) return undefined;
  const expected = await postgresOutcome(postgres, texts.postgres);
  if ('sqlstate' in expected && POSTGRES_REFUSALS.includes(expected.sqlstate)) return undefined;
  if (isSameOutcome(outcome, expected, query.isOrdered)) return undefined;
  const both = `LumaDB:     ${texts.luma}\nPostgreSQL: ${texts.postgres}`;
  return `PostgreSQL gives something else\n${both}\n${shown('LumaDB', outcome)}\n${shown('PostgreSQL', expected)}`;
}

/** A text for an error that no query may lead to. */
function safeOutcome(...[database, text, variant]: Parameters<typeof lumaOutcome>): Outcome | string {
  try {
    return lumaOutcome(database, text, variant);
  } catch (error) {
    return `unexpected error: ${error instanceof Error ? error.stack : String(error)}`;
  }
}

async function postgresOutcome(postgres: Postgres, text: string): Promise<Outcome> {
  try {
    return { rows: plainRows(await postgres.query(text)) };
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error;
    return { sqlstate: error.code ?? '', message: error.message };
  }
}

function shown(name: string, outcome: Outcome): string {
  if (!('rows' in outcome)) return `${name}: error ${outcome.sqlstate} ${outcome.message}`;
  const text = (row: unknown): string =>
    `  ${JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? String(value) : value))}`;
  const rows = outcome.rows.slice(0, ROWS_SHOWN_MAX).map(text);
  return [`${name}: ${outcome.rows.length} rows`, ...rows].join('\n');
}
