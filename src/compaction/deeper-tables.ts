/**
 * What an output of a compaction has below itself. Keys are asked in ascending order, so each list is walked once, as
 * in LevelDB's Compaction class (IsBaseLevelForKey, ShouldStopBefore). One thread, one job.
 */
import type { Entry } from '../iter/entry-cursor.js';
import { compareBoundToKey } from '../manifest/key-order.js';
import type { DeeperTable } from './job-types.js';

/** Whether any deeper level can hold a key. */
export class BaseLevel {
  private readonly positions: Int32Array;

  /** `deeper`: per level below the output, tables in key order. */
  constructor(private readonly deeper: ReadonlyArray<readonly DeeperTable[]>) {
    this.positions = new Int32Array(deeper.length);
  }

  /** True when no deeper table covers the entry's key. Keys must not go backwards from call to call. */
  isBaseFor({ collection, key, keyOffset, keyLength }: Entry): boolean {
    for (let level = 0; level < this.deeper.length; level++) {
      const tables = this.deeper[level];
      let at = this.positions[level];
      while (
        at < tables.length &&
        compareBoundToKey(tables[at].largest, collection, key, keyOffset, keyLength) < 0
      )
        at++;
      this.positions[level] = at;
      const isCovered =
        at < tables.length &&
        compareBoundToKey(tables[at].smallest, collection, key, keyOffset, keyLength) <= 0;
      if (isCovered) return false;
    }
    return true;
  }
}

/** How much of the next level the table being written lies over. */
export class GrandparentOverlap {
  private position = 0;
  private overlapBytes = 0;
  private hasEntries = false;

  constructor(
    private readonly grandparents: readonly DeeperTable[],
    private readonly bytesMax: number,
  ) {}

  /**
   * To be asked once per key, ascending: true when the table being written should end before it. The answer true begins
   * a new table.
   */
  endsBefore({ collection, key, keyOffset, keyLength }: Entry): boolean {
    const { grandparents } = this;
    while (this.position < grandparents.length) {
      const { largest, sizeBytes } = grandparents[this.position];
      if (compareBoundToKey(largest, collection, key, keyOffset, keyLength) >= 0) break;
      if (this.hasEntries) this.overlapBytes += sizeBytes;
      this.position++;
    }
    this.hasEntries = true;
    if (this.overlapBytes <= this.bytesMax) return false;
    this.startTable();
    return true;
  }

  /** The table ended for another reason. */
  startTable(): void {
    this.overlapBytes = 0;
  }
}
