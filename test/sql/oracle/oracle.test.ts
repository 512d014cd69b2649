import test from 'ava';

import { loadParser } from '../../../src/sql/parse/parse.js';
import { testSeed } from '../../support/random.js';
import { compareRandomQueries } from './comparison-run.js';
import { missingPostgres, Postgres } from './postgres.js';

/** New seeds find new differences (see docs/sql.md): SEED=n explores, this one is what every change must keep. */
const SEED_OF_CI = 7;

const number = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise);

const seed = testSeed(SEED_OF_CI);
const queries = number('ORACLE_QUERIES', 300);
const onlyQuery = process.env['QUERY'] === undefined ? undefined : number('QUERY', 0);
const DIFFERENCES_MAX = 5;
const MINUTES_MAX = 60;

test.before(loadParser);

test.serial('random queries give what PostgreSQL gives, whatever plan is taken', async (t) => {
  t.timeout(MINUTES_MAX * 60_000);
  const missing = missingPostgres();
  if (missing !== undefined)
    t.log(`SKIPPED: PostgreSQL (plans are compared with each other only): ${missing}`);
  const postgres = missing === undefined ? await Postgres.start() : undefined;
  try {
    t.log(`SEED=${seed} ORACLE_QUERIES=${queries}`);
    const options = { seed, queries, variants: 2, differencesMax: DIFFERENCES_MAX };
    const optional = { ...(postgres && { postgres }), ...(onlyQuery !== undefined && { onlyQuery }) };
    const summary = await compareRandomQueries({ ...options, ...optional });
    for (const difference of summary.differences) t.log(difference);
    t.log(`${summary.compared} queries with ${summary.rows} rows; ${summary.errors} failed in both`);
    t.is(summary.differences.length, 0);
    // A generator whose queries fail compares nothing.
    if (onlyQuery === undefined) t.true(summary.errors <= summary.compared / 20);
  } finally {
    await postgres?.stop();
  }
});
