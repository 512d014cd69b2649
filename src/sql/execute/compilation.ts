/** Begins an execution: what all operators and expressions of it share. */
import { buildPlan } from './build-plan.js';
import type { ExecutionEnvironment } from './environment.js';
import type { Compilation } from './operator.js';
import { Ticker } from './ticker.js';

export function newCompilation(environment: ExecutionEnvironment): Compilation {
  return {
    environment,
    statistics: { rowsScanned: 0, rowsAffected: 0 },
    ticker: new Ticker(environment.cancel),
    frame: { values: [] },
    ctes: new Map(),
    constants: new Map(),
    build: buildPlan,
  };
}
