/**
 * The executor over documents in memory, per document scanned: what extraction, filters, groups and joins cost beside the
 * storage. Plans are made by hand, as the planner makes them.
 */
import type { Expression } from '../src/sql/algebra/expression.js';
import type { AggregateCall, FieldAccess, PhysicalPlan } from '../src/sql/algebra/physical.js';
import type { ExecutionEnvironment } from '../src/sql/execute/environment.js';
import { executeQuery } from '../src/sql/execute/execute.js';
import { MemoryBudget } from '../src/sql/execute/memory-budget.js';
import type { DocumentPlace, DocumentSource } from '../src/sql/execute/source.js';

const DOCUMENTS = 20_000;
const USERS = 1000;
const ORDERS_ID = 1;
const USERS_ID = 2;
const BUDGET_BYTES = 1024 * 1024 * 1024;
const STATUSES = ['pending', 'shipped', 'delivered', 'cancelled', 'returned'];
const COUNTRIES = ['de', 'fr', 'it', 'us'];

function order(i: number): string {
  return JSON.stringify({
    _id: `order-${String(i).padStart(8, '0')}`,
    user_id: `user-${(i * 7919) % USERS}`,
    status: STATUSES[(i * 31) % STATUSES.length],
    amount: ((i * 7907) % 100_000) / 100,
    quantity: (i * 13) % 50,
    created_at: `2024-0${1 + (i % 9)}-11T10:20:30.000Z`,
    note: `some text that is about this long ${i}`,
  });
}

const user = (i: number): string =>
  JSON.stringify({ _id: `user-${i}`, name: `Name ${i}`, country: COUNTRIES[i % COUNTRIES.length] });

/** Texts one after the other in shared memory, as in a block or a memtable. */
function places(count: number, textOf: (i: number) => string): DocumentPlace[] {
  const texts = Array.from({ length: count }, (_, i) => Buffer.from(textOf(i)));
  const bytes = new Uint8Array(new SharedArrayBuffer(texts.reduce((sum, { length }) => sum + length, 0)));
  let offset = 0;
  return texts.map((text) => {
    bytes.set(text, offset);
    const place = { bytes, offset, length: text.length, seqno: 1 };
    offset += text.length;
    return place;
  });
}

function memorySource(): DocumentSource {
  const byId = new Map([
    [ORDERS_ID, places(DOCUMENTS, order)],
    [USERS_ID, places(USERS, user)],
  ]);
  const noKey = new Uint8Array(0);
  return {
    shards: 1,
    scan(collectionId, _partition, _backward, visit) {
      for (const place of byId.get(collectionId) ?? []) if (!visit(place, noKey, 0, 0)) return;
    },
    get: () => undefined,
    getByKey: () => undefined,
    partitions: () => [{ shard: -1 }],
  };
}

const ESTIMATE = { startupCost: 0, totalCost: 0, rows: 0, width: 0 };
let nextId = 0;

const node = (width: number, body: object): PhysicalPlan =>
  ({ id: nextId++, estimate: ESTIMATE, width, ...body }) as unknown as PhysicalPlan;
const member = (name: string): FieldAccess => ({
  source: { kind: 'member', path: [name] },
  type: 'any',
  name,
});
const slot = (index: number): Expression => ({ kind: 'slot', type: 'any', index, name: '' });
const compare = (operator: '=' | '<' | '>', index: number, value: string | number): Expression => ({
  kind: 'compare',
  type: 'bool',
  operator,
  left: slot(index),
  right: { kind: 'const', type: typeof value === 'string' ? 'text' : 'numeric', value },
});
const call = (id: string, args: readonly Expression[] = []): AggregateCall => ({
  function: id,
  type: 'any',
  args,
  distinct: false,
  orderBy: [],
});
const count = call('count()');
const average = (index: number): AggregateCall =>
  call('avg(numeric)', [{ kind: 'cast', type: 'numeric', arg: slot(index) }]);

function scan(fields: readonly FieldAccess[], filter?: Expression, collectionId = ORDERS_ID): PhysicalPlan {
  const table = { collection: 'c', collectionId, alias: 'c' };
  return node(fields.length, { kind: 'seqScan', table, fields, filter, ordered: false, backward: false });
}

function aggregate(
  input: PhysicalPlan,
  groupBy: readonly Expression[],
  aggregates: readonly AggregateCall[],
) {
  const width = groupBy.length + aggregates.length;
  return node(width, { kind: 'aggregate', input, groupBy, aggregates, mode: 'single', sorted: false });
}

function plans(): Record<string, PhysicalPlan> {
  const whole: FieldAccess = { source: { kind: 'document' }, type: 'jsonb', name: 'c' };
  const join = node(4, {
    kind: 'hashJoin',
    join: 'inner',
    left: scan([member('user_id'), member('amount')]),
    right: scan([member('_id'), member('country')], undefined, USERS_ID),
    leftKeys: [slot(0)],
    rightKeys: [slot(0)],
  });
  const keys = [{ expression: slot(1), descending: true, nullsFirst: true }];
  return {
    'count where number > constant': aggregate(scan([member('amount')], compare('>', 0, 500)), [], [count]),
    'count where text = constant': aggregate(
      scan([member('status')], compare('=', 0, 'shipped')),
      [],
      [count],
    ),
    'avg group by text': aggregate(scan([member('status'), member('amount')]), [slot(0)], [average(1)]),
    'top 10 documents': node(2, {
      kind: 'topN',
      input: scan([whole, member('amount')]),
      keys,
      limit: { kind: 'const', type: 'int8', value: 10 },
    }),
    'sort by number': node(2, { kind: 'sort', input: scan([member('_id'), member('amount')]), keys }),
    'hash join, avg group by': aggregate(join, [slot(3)], [average(1)]),
  };
}

export function sqlBenchmarks() {
  const source = memorySource();
  const environment = (): ExecutionEnvironment => ({
    source,
    systemRows: { rows: () => [] },
    evaluation: { nowMicros: 0, clockMicros: () => 0, random: () => 0, uuid: () => '' },
    params: [],
    budget: new MemoryBudget(BUDGET_BYTES),
    cancel: { isCancelled: () => 'no' },
  });
  return Object.entries(plans()).map(([name, root]) => ({
    name: `sql: ${name}`,
    operationsPerCall: DOCUMENTS,
    fn: () => {
      const prepared = { root, columns: [], parameterTypes: [], nodeCount: nextId, collections: [] };
      executeQuery(prepared, environment(), () => true);
    },
  }));
}
