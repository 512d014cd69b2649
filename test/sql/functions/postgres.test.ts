import test from 'ava';
import { DbError } from '../../../src/base/errors.js';

import { castValue } from '../../../src/sql/types/cast.js';
import { testSeed } from '../../support/random.js';
import { evaluate, loadEvaluator } from './evaluate.js';
import { EXPRESSIONS } from './expressions.js';
import { KNOWN_DIFFERENCES } from './known-differences.js';
import { isPostgresInstalled, type Postgres, startPostgres } from './postgres.js';
import { randomExpressions } from './random-expressions.js';

/** SEED=n explores; this one is what every change must keep. */
const SEED_OF_CI = 117927993;

/** numeric is a double here: numbers are compared by twelve digits, wherever they stand in the text. */
const NUMBER = /(?<![\w.])-?\d+\.?\d*(?:e[+-]?\d+)?(?![\w.])/g;
const rounded = (text: string): string =>
  text.replace(NUMBER, (number) =>
    /[.e]/.test(number) ? String(Number(Number(number).toPrecision(12))) : number,
  );

function resultOf(expression: string): string | null {
  try {
    const { type, value } = evaluate(expression);
    return castValue(value, 'text', undefined, { from: type }) as string | null;
  } catch (error) {
    if (error instanceof DbError) return `!${error.details?.['sqlstate'] ?? error.code}`;
    return `?${(error as Error).message}`;
  }
}

/** What differs, as text for people. */
function differences(postgres: Postgres, expressions: readonly string[]): string[] {
  const expected = postgres.ask(expressions);
  return expressions.flatMap((expression, index) => {
    const actual = resultOf(expression);
    const wanted = expected[index];
    const isSame =
      actual === wanted || (actual !== null && wanted !== null && rounded(actual) === rounded(wanted));
    // An error is an error: which code it has is checked in the other tests.
    const bothFail = actual?.startsWith('!') === true && wanted?.startsWith('!') === true;
    if (isSame || bothFail || KNOWN_DIFFERENCES.has(expression)) return [];
    return [`${expression}\n  PostgreSQL: ${wanted}\n  here:       ${actual}`];
  });
}

const RANDOM_EXPRESSIONS = Number(process.env['LUMA_RANDOM_EXPRESSIONS'] ?? 3000);

test('functions and casts give what PostgreSQL 15 gives', async (t) => {
  if (!isPostgresInstalled()) {
    t.log('skipped: PostgreSQL 15 is not installed');
    t.pass();
    return;
  }
  await loadEvaluator();
  const postgres = startPostgres();
  t.teardown(() => postgres.stop());
  const seed = testSeed(SEED_OF_CI);
  t.log(`${EXPRESSIONS.length} expressions, ${RANDOM_EXPRESSIONS} random ones with seed ${seed}`);
  t.deepEqual(differences(postgres, EXPRESSIONS), []);
  t.deepEqual(differences(postgres, randomExpressions(seed, RANDOM_EXPRESSIONS)), []);
});
