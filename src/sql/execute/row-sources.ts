/** Rows that do not come from collections: VALUES, system tables, functions in FROM. */
import type { PhysicalPlan } from '../algebra/physical.js';
import { tableFunctionById } from '../functions/registry.js';
import type { Row } from '../types/values.js';
import { compileEvaluators, compilePredicate } from './expressions.js';
import { countersOf } from './node-counters.js';
import type { Compilation, Operator } from './operator.js';
import { ScanMeter } from './scan-meter.js';

const NO_ROW: Row = [];

export function buildValues(plan: PhysicalPlan & { kind: 'values' }, compilation: Compilation): Operator {
  const rows = plan.rows.map((row) => compileEvaluators(row, compilation));
  const { ticker } = compilation;
  return {
    run(emit) {
      for (const evaluators of rows) {
        ticker.tick();
        if (!emit(evaluators.map((evaluate) => evaluate(NO_ROW)))) return false;
      }
      return true;
    },
  };
}

export function buildSystemScan(
  plan: PhysicalPlan & { kind: 'systemScan' },
  compilation: Compilation,
): Operator {
  const { fields } = plan;
  const accepts = plan.filter === undefined ? undefined : compilePredicate(plan.filter, compilation);
  const meter = new ScanMeter(plan, compilation);
  return {
    run(emit) {
      const row: Row = new Array(fields.length).fill(null);
      meter.begin();
      try {
        for (const found of compilation.environment.systemRows.rows(plan.table)) {
          compilation.ticker.tick();
          meter.scanned++;
          for (let i = 0; i < fields.length; i++) row[i] = found[fields[i]] ?? null;
          if (accepts?.(row) === false) continue;
          meter.passed++;
          if (!emit(row)) return false;
        }
        return true;
      } finally {
        meter.end();
      }
    },
  };
}

export function buildFunctionScan(
  plan: PhysicalPlan & { kind: 'functionScan' },
  compilation: Compilation,
): Operator {
  const definition = tableFunctionById(plan.function);
  if (definition === undefined) throw new Error(`the plan calls ${plan.function}, which does not exist`);
  const args = compileEvaluators(plan.args, compilation);
  const accepts = plan.filter === undefined ? undefined : compilePredicate(plan.filter, compilation);
  const counters = countersOf(plan, compilation);
  const { ticker, environment } = compilation;
  return {
    run(emit) {
      const values = args.map((evaluate) => evaluate(NO_ROW));
      let ordinal = 0;
      let goesOn = true;
      definition.evaluate(
        values,
        (found) => {
          ticker.tick();
          ordinal++;
          const row = plan.ordinality ? [...found, ordinal] : found;
          if (accepts?.(row) === false) {
            if (counters !== undefined) counters.rowsRemovedByFilter++;
            return true;
          }
          goesOn = emit(row);
          return goesOn;
        },
        environment.evaluation,
      );
      return goesOn;
    },
  };
}
