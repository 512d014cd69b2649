/**
 * WITH: rows of a definition are made when they are first read, and kept for whoever reads them next. A recursive one is made
 * round by round, and only as far as somebody reads: `LIMIT` ends a recursion that has no end of its own. With UNION rows
 * that were there already do not come again, so cycles end; with UNION ALL the memory budget ends them.
 */
import type { PhysicalCte, PhysicalPlan } from '../algebra/physical.js';
import { SLOT_BYTES } from '../types/value-bytes.js';
import type { Row } from '../types/values.js';
import { compilePredicate } from './expressions.js';
import { HASH_ENTRY_BYTES, MemoryAccount } from './memory-budget.js';
import { countersOf } from './node-counters.js';
import type { Compilation, CteTable, Demand, Emit, Operator } from './operator.js';
import { keyBytes, keyOfValues, type RowKey } from './row-key.js';
import { emitRows, RowStore } from './row-store.js';

export function buildWith(
  plan: PhysicalPlan & { kind: 'with' },
  demand: Demand,
  outside: Compilation,
): Operator {
  const ctes = new Map(outside.ctes);
  const compilation: Compilation = { ...outside, ctes };
  const tables: KeptTable[] = [];
  for (const definition of plan.definitions) {
    const table = new KeptTable(definition, compilation);
    tables.push(table);
    ctes.set(definition.cte, table);
  }
  const input = compilation.build(plan.input, demand, compilation);
  return {
    run(emit) {
      const account = new MemoryAccount(compilation.environment.budget);
      for (const table of tables) table.begin(account);
      try {
        const goesOn = input.run(emit);
        // A definition that writes is carried out whether or not anybody reads what it returns.
        for (const table of tables) if (table.writes) table.finish();
        return goesOn;
      } finally {
        for (const table of tables) table.end();
        account.close();
      }
    },
    complete: input.complete,
  };
}

/** What a recursive definition reads of itself: the rows of the last round. */
class WorkingTable implements CteTable {
  generation = 0;
  private rows: readonly Row[] = [];

  constructor(private readonly compilation: Compilation) {}

  get count(): number {
    return this.rows.length;
  }

  replace(rows: readonly Row[]): void {
    this.rows = rows;
    this.generation++;
  }

  scan(emit: Emit): boolean {
    return emitRows(this.rows, emit, this.compilation.ticker);
  }
}

class KeptTable implements CteTable {
  generation = 0;
  readonly writes: boolean;
  private readonly working: WorkingTable;
  private readonly start: Operator;
  private readonly step: Operator | undefined;
  private readonly all: boolean;
  private store: RowStore | undefined;
  private account: MemoryAccount | undefined;
  private seen: Set<RowKey> | undefined;
  private round = 0;
  /** Where the rows of the last round begin. */
  private roundStart = 0;
  private isDone = false;

  constructor(
    { cte, plan, recursive }: PhysicalCte,
    private readonly compilation: Compilation,
  ) {
    this.working = new WorkingTable(compilation);
    this.writes = hasModification(plan);
    // Definitions see those before them: the map holds no others yet, and later ones must not come in.
    const before: Compilation = { ...compilation, ctes: new Map(compilation.ctes) };
    this.start = compilation.build(plan, undefined, before);
    this.all = recursive?.all ?? true;
    if (recursive === undefined) return;
    const inside: Compilation = { ...before, ctes: new Map(before.ctes).set(cte, this.working) };
    this.step = compilation.build(recursive.plan, undefined, inside);
  }

  begin(account: MemoryAccount): void {
    this.generation++;
    this.account = account;
    this.store = new RowStore(account);
    this.seen = this.all ? undefined : new Set();
    this.round = 0;
    this.roundStart = 0;
    this.isDone = false;
  }

  end(): void {
    this.store = undefined;
    this.seen = undefined;
    this.working.replace([]);
  }

  finish(): void {
    while (!this.isDone) this.makeRound();
  }

  scan(emit: Emit): boolean {
    const { store } = this;
    if (store === undefined) throw new Error('a CTE is read while its WITH is not running');
    for (let place = 0; ; ) {
      for (; place < store.rows.length; place++) {
        this.compilation.ticker.tick();
        if (!emit(store.rows[place])) return false;
      }
      if (this.isDone) return true;
      this.makeRound();
    }
  }

  private makeRound(): void {
    const { store, step, working } = this;
    if (store === undefined) return;
    const before = store.rows.length;
    if (this.round++ === 0) {
      this.add(this.start, store);
      this.isDone = step === undefined;
      return;
    }
    if (step === undefined) return;
    this.account?.release(working.count * SLOT_BYTES);
    working.replace([]);
    this.account?.charge((before - this.roundStart) * SLOT_BYTES);
    working.replace(store.rows.slice(this.roundStart, before));
    const isRoundEmpty = this.roundStart === before;
    this.roundStart = before;
    if (!isRoundEmpty) this.add(step, store);
    this.isDone = store.rows.length === before;
  }

  private add(operator: Operator, store: RowStore): void {
    const { seen, compilation, account } = this;
    operator.run((row) => {
      compilation.ticker.tick();
      if (seen !== undefined) {
        const key = keyOfValues(row);
        if (seen.has(key)) return true;
        account?.charge(HASH_ENTRY_BYTES + keyBytes(key, row));
        seen.add(key);
      }
      store.push(row.slice());
      return true;
    });
  }
}

function hasModification(plan: PhysicalPlan): boolean {
  if (plan.kind === 'modify') return true;
  const inputs = [
    'input' in plan ? plan.input : undefined,
    'left' in plan ? plan.left : undefined,
    'right' in plan ? plan.right : undefined,
  ];
  return inputs.some((input) => input !== undefined && hasModification(input));
}

export function buildCteScan(plan: PhysicalPlan & { kind: 'cteScan' }, compilation: Compilation): Operator {
  const table = compilation.ctes.get(plan.cte);
  if (table === undefined) throw new Error(`the plan reads CTE ${plan.name} where it is not defined`);
  if (plan.filter === undefined) return { run: (emit) => table.scan(emit) };
  const accepts = compilePredicate(plan.filter, compilation);
  const counters = countersOf(plan, compilation);
  return {
    run: (emit) =>
      table.scan((row) => {
        if (accepts(row)) return emit(row);
        if (counters !== undefined) counters.rowsRemovedByFilter++;
        return true;
      }),
  };
}
