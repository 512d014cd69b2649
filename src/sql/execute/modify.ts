/**
 * INSERT, UPDATE and DELETE: takes the rows of the input, writes in batches and gives what RETURNING asks for. A statement is
 * atomic for each document, not as a whole.
 */
import type { PhysicalPlan } from '../algebra/physical.js';
import type { Row } from '../types/values.js';
import { buildDeletion } from './delete-rows.js';
import { compileEvaluators } from './expressions.js';
import { buildInsertion } from './insert-rows.js';
import { MemoryAccount } from './memory-budget.js';
import type { Compilation, Emit, Operator } from './operator.js';
import { TargetReader } from './target-reader.js';
import { buildUpdate } from './update-rows.js';
import type { Modifier, ModifyContext } from './write-batch.js';

type Modify = PhysicalPlan & { kind: 'modify' };

export function buildModify(plan: Modify, compilation: Compilation): Operator {
  const { environment, ticker, statistics } = compilation;
  const { writer } = environment;
  if (writer === undefined) throw new Error('the plan writes, but there is no writer');
  const input = compilation.build(plan.input, undefined, compilation);
  const returning = compileEvaluators(plan.returning, compilation);
  const target = returning.length === 0 ? undefined : new TargetReader(plan.target, compilation);
  return {
    run(emit) {
      const account = new MemoryAccount(environment.budget);
      let goesOn = true;
      const give: Emit = (row) => {
        // Who wants no more rows still wants the writes.
        if (goesOn) goesOn = emit(returning.map((evaluate) => evaluate(row)));
        return goesOn;
      };
      const done = (row: Row | undefined): void => {
        statistics.rowsAffected++;
        if (row !== undefined) give(row);
      };
      const memoryLimitBytes = environment.budget.limitBytes;
      const context: ModifyContext = { writer, account, memoryLimitBytes, target, done };
      const modifier = modifierFor(plan, context, compilation);
      try {
        input.run((row) => {
          ticker.tick();
          modifier.add(row);
          return true;
        });
        modifier.flush();
        return goesOn;
      } finally {
        account.close();
      }
    },
  };
}

function modifierFor(plan: Modify, context: ModifyContext, compilation: Compilation): Modifier {
  const { modification } = plan;
  switch (modification.kind) {
    case 'insert':
      return buildInsertion({ modification, target: plan.target }, context, compilation);
    case 'update':
      return buildUpdate({ modification, input: plan.input }, context, compilation);
    default:
      return buildDeletion({ modification, input: plan.input }, context, compilation);
  }
}
