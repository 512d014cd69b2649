import test from 'ava';
import { StatisticsReader } from '../../src/runtime/query/shared-statistics.js';
import { StatisticsKeeper } from '../../src/runtime/query/statistics-keeper.js';
import type { StatisticsSnapshot } from '../../src/sql/plan/statistics-snapshot.js';

const COLLECTION = 7;
const INDEX = 9;

class Rig {
  documents = 100_000;
  isBusy = false;
  samples = 0;
  readonly published: StatisticsSnapshot[] = [];
  readonly keeper = new StatisticsKeeper({
    pool: {
      isBusy: false,
      analyze: async () => {
        this.samples++;
        return { customer: { nullFraction: 0, distinct: this.samples } };
      },
    },
    figures: async () => [
      { id: COLLECTION, documents: this.documents, bytes: this.documents * 100 },
      { id: INDEX, documents: this.documents, bytes: this.documents * 20 },
    ],
    collectionIds: () => new Set([COLLECTION]),
    publish: async (statistics) => {
      this.published.push(statistics);
    },
    timer: () => () => {},
    warn: (message) => {
      throw new Error(message);
    },
  });

  constructor() {
    const { pool } = this.keeper['options'];
    Object.defineProperty(pool, 'isBusy', { get: () => this.isBusy });
  }
}

test('a collection is sampled although statements run all the time', async (t) => {
  const rig = new Rig();
  rig.isBusy = true;
  await rig.keeper.refresh();
  t.is(rig.samples, 0, 'statements of clients go first');
  await rig.keeper.refresh();
  t.is(rig.samples, 1, 'and not for ever');
});

test('slow growth neither samples again nor tells the fronts; a fifth more does both', async (t) => {
  const rig = new Rig();
  await rig.keeper.refresh();
  t.is(rig.samples, 1);
  const told = rig.published.length;
  rig.documents += 1;
  await rig.keeper.refresh();
  t.is(rig.published.length, told);
  rig.documents = 130_000;
  await rig.keeper.refresh();
  t.is(rig.samples, 2);
  t.true(rig.published.length > told);
  t.is(rig.published.at(-1)?.collections[0].documents, 130_000);
});

test('query threads read the newest statistics, each version once', async (t) => {
  const rig = new Rig();
  const reader = new StatisticsReader();
  const before = reader.of(rig.keeper.shared);
  t.is(before.table(COLLECTION), undefined);
  await rig.keeper.refresh();
  const after = reader.of(rig.keeper.shared);
  t.is(after.table(COLLECTION)?.documents, 100_000);
  t.is(after.index(INDEX)?.entries, 100_000);
  t.is(reader.of(rig.keeper.shared), after);
});
