/**
 * What the picker decides on, and what it answers. Plain data; the shard thread fills the one and acts on the other.
 */
import type { KeyBound, TableInfo } from '../manifest/table-info.js';
import type { Version } from '../manifest/version.js';
import type { CompactionCursor } from '../manifest/version-edit.js';

export interface PickerOptions {
  /** Sorted runs in level 0 from which on it is compacted. */
  readonly l0RunsTrigger: number;
  /** Size up to which level 1 may grow, in bytes. */
  readonly levelBaseBytes: number;
  /** How much larger than its upper neighbour each deeper level may be. */
  readonly levelMultiplier: number;
  /**
   * Bytes of input files a job should have at most. A job that cannot be made smaller (one table and what it overlaps
   * one level below) is allowed all the same.
   */
  readonly maxJobBytes: number;
  /** Share of tombstones among a table's entries, 0 to 1, from which on it is compacted however small its level is. */
  readonly tombstoneShare: number;
  /**
   * A table is rewritten to drop expired documents when the first of them expired this long ago, and as long after it
   * was written. A table does not say how many have expired, nor whether the first is a husk already: this bounds how
   * often it is rewritten for nothing.
   */
  readonly expiredGraceSeconds: number;
}

export interface PickerState {
  readonly version: Version;
  /** File numbers of tables that running jobs read. */
  readonly busy: ReadonlySet<number>;
  /** Where the next compaction of a level starts: behind these places. */
  readonly cursors: readonly CompactionCursor[];
  /** Database time. */
  readonly nowSeconds: number;
  /** Database time at which a table was written, by file number, as far as it was since the shard was opened. */
  readonly writtenAtSeconds: ReadonlyMap<number, number>;
  /** Database time at which the shard was opened: older tables count as written then. */
  readonly openedAtSeconds: number;
  /** Collections and indexes of which nothing is kept any more. */
  readonly dropped: ReadonlySet<number>;
  /** Seqno of the oldest registered snapshot; undefined when there is none. */
  readonly oldestSnapshot: number | undefined;
  readonly options: PickerOptions;
}

export type CompactionReason = 'l0-runs' | 'level-size' | 'dropped' | 'tombstones' | 'expired' | 'manual';

/** Tables of one sorted run, in key order. */
export interface InputRun {
  readonly level: number;
  /** As in TableInfo.run. */
  readonly run: number;
  readonly tables: readonly TableInfo[];
}

export interface CompactionChoice {
  /** `merge`: read the inputs and write new tables. `move`: the one input table changes its level, no byte is copied. */
  readonly kind: 'merge' | 'move';
  readonly reason: CompactionReason;
  /** Newest run first; none is empty. */
  readonly inputs: readonly InputRun[];
  readonly outputLevel: number;
  /** Keys that the outputs can have, both inclusive. */
  readonly smallest: KeyBound;
  readonly largest: KeyBound;
  /** Bytes of the input files. */
  readonly inputBytes: number;
  /** To remember when the choice is carried out; absent where there is no order to keep. */
  readonly cursor?: CompactionCursor;
}

export function inputTables({ inputs }: CompactionChoice): TableInfo[] {
  return inputs.flatMap(({ tables }) => tables);
}
