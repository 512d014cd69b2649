/**
 * The race argument of write-stamps.ts, checked over every interleaving of a writer and two readers: the real stamps and
 * the real row cache between a memtable and a table that are one variable each.
 */
import test from 'ava';
import { RowCache } from '../../src/cache/row-cache.js';
import { createRowCache, ROW_CACHE_BYTES_MIN } from '../../src/cache/row-format.js';
import { createWriteStamps, WriteStamps } from '../../src/cache/write-stamps.js';
import { utf8 } from '../support/text.js';

const KEY = utf8('k');
const HASH = 12345;
const OLD = 1;
const NEW = 2;
const NONE = 0;

/** Which steps are done as write-stamps.ts says, and which are not. */
interface Protocol {
  /** R3 loads the stamp again, or takes the one of R1. */
  readonly getWith: 'now' | 'before';
  /** R5 inserts with the stamp of R1, or with one loaded then. */
  readonly insertWith: 'before' | 'now';
  /** R4 comes after R2, or before. */
  readonly tablesReadAfterMemtables: boolean;
  /** W2 comes second, or last, after the memtable has been unlinked. */
  readonly bumpIs: 'second' | 'last';
}

const RIGHT: Protocol = {
  getWith: 'now',
  insertWith: 'before',
  tablesReadAfterMemtables: true,
  bumpIs: 'second',
};

class Reader {
  private before = 0;
  private tables = NONE;
  private isOver = false;
  /** The version that must at least be answered: what was acknowledged, or seen by others, when this one began. */
  private owed = NONE;
  readonly steps: ReadonlyArray<() => void>;

  constructor(
    private readonly world: World,
    private readonly protocol: Protocol,
  ) {
    const list = (): void => {
      if (!this.isOver) this.tables = world.table;
    };
    const first = (): void => {
      this.isOver = false;
      this.owed = world.known;
      this.before = world.stamps.load(HASH);
    };
    const memtable = (): void => {
      if (world.memtable !== NONE) this.answer(world.memtable);
    };
    const rowCache = (): void => {
      if (this.isOver) return;
      const stamp = this.protocol.getWith === 'now' ? world.stamps.load(HASH) : this.before;
      if (world.rows.get(HASH, 1, KEY, 0, 1, stamp)) this.answer(world.rows.seqno);
    };
    const tables = (): void => {
      if (this.isOver) return;
      const stamp = this.protocol.insertWith === 'before' ? this.before : world.stamps.load(HASH);
      world.rows.insert(HASH, 1, KEY, 0, 1, stamp, this.tables, 0, KEY, 0, 1);
      this.answer(this.tables);
    };
    this.steps = protocol.tablesReadAfterMemtables
      ? [first, memtable, rowCache, list, tables]
      : [first, list, memtable, rowCache, tables];
  }

  private answer(version: number): void {
    this.isOver = true;
    if (version < this.owed) this.world.isStale = true;
    if (version > this.world.known) this.world.known = version;
  }
}

class World {
  readonly stamps = new WriteStamps(createWriteStamps(2));
  readonly rows = new RowCache(createRowCache(ROW_CACHE_BYTES_MIN));
  memtable = NONE;
  table = OLD;
  /** Newest version that was acknowledged or answered. */
  known = OLD;
  isStale = false;

  constructor(private readonly isCached: boolean) {}

  reset(): void {
    this.memtable = NONE;
    this.table = OLD;
    this.known = OLD;
    this.isStale = false;
    this.rows.clear();
    if (this.isCached) this.rows.insert(HASH, 1, KEY, 0, 1, this.stamps.load(HASH), OLD, 0, KEY, 0, 1);
  }
}

function writerSteps(world: World, { bumpIs }: Protocol): ReadonlyArray<() => void> {
  const publish = (): void => {
    world.memtable = NEW;
  };
  const bump = (): void => world.stamps.bump(HASH);
  const acknowledge = (): void => {
    world.known = NEW;
  };
  const publishTable = (): void => {
    world.table = NEW;
  };
  const unlink = (): void => {
    world.memtable = NONE;
  };
  switch (bumpIs) {
    case 'second':
      return [publish, bump, acknowledge, publishTable, unlink];
    case 'last':
      return [publish, acknowledge, publishTable, unlink, bump];
  }
}

/** Runs every interleaving of the given threads' steps; returns how many there were, and how many had a stale answer. */
function runAll(protocol: Protocol, isCached: boolean): { runs: number; stale: number } {
  const world = new World(isCached);
  const threads = [
    writerSteps(world, protocol),
    new Reader(world, protocol).steps,
    new Reader(world, protocol).steps,
  ];
  const total = threads.reduce((sum, steps) => sum + steps.length, 0);
  const next = threads.map(() => 0);
  const order: Array<() => void> = [];
  let runs = 0;
  let stale = 0;
  const visit = (): void => {
    if (order.length === total) {
      world.reset();
      for (const step of order) step();
      runs++;
      if (world.isStale) stale++;
      return;
    }
    for (const [i, steps] of threads.entries()) {
      if (next[i] === steps.length) continue;
      order.push(steps[next[i]++]);
      visit();
      order.pop();
      next[i]--;
    }
  };
  visit();
  return { runs, stale };
}

/** 15! / (5! 5! 5!) */
const INTERLEAVINGS = 756_756;

for (const isCached of [false, true]) {
  const start = isCached ? 'with the old row cached' : 'with an empty row cache';
  test(`no interleaving of a write and two reads answers an old version, ${start}`, (t) => {
    t.deepEqual(runAll(RIGHT, isCached), { runs: INTERLEAVINGS, stale: 0 });
  });
}

const WRONG: ReadonlyArray<[string, Partial<Protocol>]> = [
  ['a row found under the stamp from before the memtables', { getWith: 'before' }],
  ['a row inserted under a stamp from after the memtables', { insertWith: 'now' }],
  ['tables listed before the memtables', { tablesReadAfterMemtables: false }],
  ['a bump after the acknowledgement and the unlinking', { bumpIs: 'last' }],
];
for (const [what, change] of WRONG) {
  test(`the check has teeth: ${what} can be stale`, (t) => {
    // Old rows come from the cache as it was, or from an insert in the middle of the write: each fault needs one of them.
    const starts = [true, false].map((isCached) => runAll({ ...RIGHT, ...change }, isCached));
    t.log(starts.map(({ runs, stale }) => `${stale} of ${runs} interleavings`).join(', '));
    t.true(starts.some(({ stale }) => stale > 0));
  });
}
