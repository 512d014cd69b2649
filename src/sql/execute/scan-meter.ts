/**
 * What a scan counts: always the rows it read, and for EXPLAIN ANALYZE also rows, time and blocks of each shard. One scan.
 */
import type { PhysicalPlan } from '../algebra/physical.js';
import type { NodeCounters, ShardCounters } from '../explain/counters.js';
import { countersOf } from './node-counters.js';
import type { Compilation } from './operator.js';
import type { ScanCounters } from './source.js';

export class ScanMeter {
  /** Of the current run. */
  scanned = 0;
  passed = 0;
  private readonly node: NodeCounters | undefined;
  /** By shard; handed to the source, which adds to it. */
  readonly shards: ScanCounters[] | undefined;
  /** The same for documents that entries of an index lead to: their blocks count, and the entries as rows. */
  readonly behindEntries: ScanCounters[] | undefined;

  constructor(
    plan: PhysicalPlan,
    private readonly compilation: Compilation,
  ) {
    this.node = countersOf(plan, compilation);
    if (this.node === undefined) return;
    const { shards } = compilation.environment.source;
    const none = (): ScanCounters => ({ rows: 0, blocksHit: 0, blocksRead: 0 });
    this.shards = Array.from({ length: shards }, none);
    this.behindEntries = Array.from({ length: shards }, none);
  }

  begin(): void {
    this.scanned = 0;
    this.passed = 0;
  }

  /** `micros`: what the run took without the operators above. */
  end(micros = 0): void {
    this.compilation.statistics.rowsScanned += this.scanned;
    const { node, shards, behindEntries } = this;
    if (node === undefined || shards === undefined || behindEntries === undefined) return;
    node.rowsRemovedByFilter += this.scanned - this.passed;
    node.shards ??= shards.map((_, shard) => ({ shard, rows: 0, micros: 0, blocksHit: 0, blocksRead: 0 }));
    const total = shards.reduce((sum, { rows }) => sum + rows, 0);
    for (const [shard, counters] of shards.entries()) {
      const into = shardOf(node.shards, shard);
      into.rows += counters.rows;
      into.blocksHit += counters.blocksHit + behindEntries[shard].blocksHit;
      into.blocksRead += counters.blocksRead + behindEntries[shard].blocksRead;
      // A merged scan reads all shards at once: its time is shared out by what each of them gave.
      into.micros += total === 0 ? 0 : (micros * counters.rows) / total;
      for (const counted of [counters, behindEntries[shard]]) {
        counted.rows = 0;
        counted.blocksHit = 0;
        counted.blocksRead = 0;
      }
    }
  }

  removedByRecheck(): void {
    if (this.node !== undefined) this.node.rowsRemovedByRecheck++;
  }

  heapFetch(): void {
    if (this.node !== undefined) this.node.heapFetches++;
  }

  now(): number {
    return this.compilation.environment.counters?.micros() ?? 0;
  }

  get isTimed(): boolean {
    return this.node !== undefined;
  }
}

function shardOf(shards: ShardCounters[], shard: number): ShardCounters {
  const known = shards.find((counters) => counters.shard === shard);
  if (known !== undefined) return known;
  const made = { shard, rows: 0, micros: 0, blocksHit: 0, blocksRead: 0 };
  shards.push(made);
  return made;
}
