/**
 * Runs statements in a thread of its own, so that the test can see one that hangs or ends the thread. Says which statement comes
 * next, then how it ended when that was no good; at the end, how much the heap has grown.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parentPort, workerData } from 'node:worker_threads';
import { DbError } from '../../../src/base/errors.js';
import { createPrng } from '../../../src/base/prng.js';
import type { BoundQuery } from '../../../src/sql/algebra/statement.js';
import { bindStatement } from '../../../src/sql/bind/bind.js';
import { executeQuery } from '../../../src/sql/execute/execute.js';
import { MemoryBudget } from '../../../src/sql/execute/memory-budget.js';
import { TableResult } from '../../../src/sql/execute/result-json.js';
import { explainJson, explainText } from '../../../src/sql/explain/explain.js';
import { fingerprint, loadParser, parseStatement, queryPattern } from '../../../src/sql/parse/parse.js';
import { DEFAULT_PLANNER_OPTIONS } from '../../../src/sql/plan/options.js';
import { planQuery } from '../../../src/sql/plan/plan.js';
import { castValue } from '../../../src/sql/types/cast.js';
import type { SqlValue } from '../../../src/sql/types/values.js';
import { Choices } from '../oracle/choices.js';
import { randomCollections } from '../oracle/documents.js';
import { render } from '../oracle/fragment.js';
import { lumaDatabase } from '../oracle/luma.js';
import { QueryMaker } from '../oracle/queries.js';
import type { MemoryDatabase } from '../support/memory-database.js';
import { environmentOf } from '../support/plan-builder.js';
import { HARD_STATEMENTS } from './corpus.js';
import type { FuzzMessage, FuzzTask } from './fuzz-messages.js';
import { StatementMutator } from './mutations.js';

const TIMEOUT_MS = 700;
const MEMORY_BYTES = 32 * 1024 * 1024;
const RESULT_BYTES_MAX = 8 * 1024 * 1024;
const WARM_UP_STATEMENTS = 300;
const STATEMENTS_PER_DATABASE = 500;
const EXPLAIN_ALL = {
  analyze: false,
  verbose: true,
  costs: true,
  timing: true,
  buffers: true,
  summary: true,
} as const;

const { seed, statements, only } = workerData as FuzzTask;
const choices = new Choices(createPrng(seed));
const say = (message: FuzzMessage): void => parentPort?.postMessage(message);

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function heapBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

function freshDatabase(): { database: MemoryDatabase; mutator: StatementMutator } {
  const collections = randomCollections(choices, 'docs');
  const maker = new QueryMaker(choices, collections);
  const mutator = new StatementMutator(choices, () => render(maker.statement().fragment, 'luma'));
  return { database: lumaDatabase(collections), mutator };
}

/** True when it gave rows. */
function run(database: MemoryDatabase, text: string): boolean {
  const parsed = parseStatement(text);
  queryPattern(text);
  fingerprint(text);
  const bound = bindStatement(parsed, database);
  if (bound.kind === 'explain') return runQuery(database, bound.query);
  if (bound.kind === 'query') return runQuery(database, bound);
  return true;
}

const PARAMETERS: readonly SqlValue[] = [null, 1, 0, -5, '3', 'apple', '', true, 9007199254740993n, 2.5];

function runQuery(database: MemoryDatabase, bound: BoundQuery): boolean {
  if (bound.createsCollection !== undefined) return true;
  const prepared = planQuery(bound, database, database, DEFAULT_PLANNER_OPTIONS);
  explainText(prepared, undefined, { ...EXPLAIN_ALL, format: 'text' });
  explainJson(prepared, undefined, { ...EXPLAIN_ALL, format: 'json' });
  const params = prepared.parameterTypes.map((type) => castValue(choices.pick(PARAMETERS), type));
  const deadline = performance.now() + TIMEOUT_MS;
  const environment = environmentOf(database, {
    params,
    budget: new MemoryBudget(MEMORY_BYTES),
    cancel: { isCancelled: () => (performance.now() > deadline ? 'timeout' : 'no') },
  });
  let bytes = 0;
  const result = new TableResult(prepared.columns, (chunk) => (bytes += chunk.length), {
    waitingBytesMax: RESULT_BYTES_MAX,
  });
  executeQuery(prepared, environment, (row) => {
    result.add(row);
    return bytes < RESULT_BYTES_MAX;
  });
  result.end();
  return true;
}

function tryStatement(database: MemoryDatabase, text: string): 'rows' | 'error' | { failure: string } {
  try {
    run(database, text);
    return 'rows';
  } catch (error) {
    if (error instanceof DbError && (error.code === 'QUERY' || error.code === 'TIMEOUT')) return 'error';
    return { failure: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

await loadParser();
let { database, mutator } = freshDatabase();
let heapAtStart = heapBytes();
let withRows = 0;
for (let number = 0; number < statements; number++) {
  if (number % STATEMENTS_PER_DATABASE === 0) ({ database, mutator } = freshDatabase());
  if (number === WARM_UP_STATEMENTS) heapAtStart = heapBytes();
  // The hard ones first: their order says nothing, and all of them are always run.
  const text = number < HARD_STATEMENTS.length ? HARD_STATEMENTS[number] : mutator.next();
  if (only !== undefined && number !== only) continue;
  say({ kind: 'next', number, text });
  const outcome = tryStatement(database, text);
  if (outcome === 'rows') withRows++;
  else if (outcome !== 'error') say({ kind: 'failed', number, text, failure: outcome.failure });
}
say({ kind: 'done', withRows, heapGrowthBytes: heapBytes() - heapAtStart });
