/**
 * Which versions of a key a flush or compaction keeps. Pure; the one place where data is thrown away.
 *
 * The rule: what the newest reader and every registered snapshot see stays the same.
 *
 * - A version is seen by the snapshots from its own seqno up to, not including, that of the next newer version. The
 *   newest version is always kept: later readers see it. An older one is kept while a snapshot falls into its span.
 * - A tombstone may go when nothing older can come to light: no snapshot is below it (so all older versions in the
 *   inputs go as well) and no deeper table can hold the key (`isBaseLevel`). The same holds for an expired document
 *   that is not the newest version.
 * - Readers of every snapshot compare expiry with the database time of their read, which never goes back. A document
 *   that has expired is therefore invisible for all of them, and its text is dropped whatever the snapshots are. The
 *   husk (ENTRY_EXPIRED: key, seqno, expiry, length) hides older versions like a tombstone. The newest version's husk
 *   stays even on the base level: the sweeper's deletion, which corrects the counts, finds it by its seqno.
 * - Everything of a dropped collection goes: numbers of collections are not reused, so nobody can ask for it.
 *
 * Snapshots that are registered while a job runs are at or above all seqnos of its inputs, since these were visible
 * before the job began. They see the newest versions, which stay.
 */
import { assert } from '../base/assert.js';
import { hasExpired } from '../base/database-clock.js';
import { ENTRY_DOCUMENT, ENTRY_EXPIRED, ENTRY_TOMBSTONE } from '../iter/entry-cursor.js';

/** Nobody sees it. */
export const RETAIN_NOT = 0;
/** Copy it as it is. */
export const RETAIN = 1;
/** Write it as ENTRY_EXPIRED, without its value. */
export const RETAIN_HUSK = 2;
export type Retention = typeof RETAIN_NOT | typeof RETAIN | typeof RETAIN_HUSK;

/** What is the newest version of a key has nothing newer. */
export const NOTHING_NEWER = Number.POSITIVE_INFINITY;

export class RetentionRules {
  /** Seqnos of registered snapshots, ascending, each once. */
  private readonly snapshots: readonly number[];
  private readonly droppedCollections: ReadonlySet<number>;

  constructor(
    snapshots: readonly number[],
    private readonly nowSeconds: number,
    droppedCollections: readonly number[],
  ) {
    this.snapshots = [...new Set(snapshots)].sort((a, b) => a - b);
    this.droppedCollections = new Set(droppedCollections);
  }

  isDropped(collection: number): boolean {
    return this.droppedCollections.has(collection);
  }

  /** Whether `retain` needs to know `isBaseLevel`: finding it out costs comparisons, and most entries are documents. */
  dependsOnLevel(kind: number, expiresAt: number): boolean {
    return kind !== ENTRY_DOCUMENT || hasExpired(expiresAt, this.nowSeconds);
  }

  /**
   * The fate of one version. `newerSeqno`: of the next newer version of the key in the inputs, kept or not, or
   * NOTHING_NEWER. `isBaseLevel`: no table below the output can hold the key.
   */
  retain(
    seqno: number,
    newerSeqno: number,
    kind: number,
    expiresAt: number,
    isBaseLevel: boolean,
  ): Retention {
    assert(seqno < newerSeqno, () => `version ${seqno} is not older than ${newerSeqno}`);
    const isNewest = newerSeqno === NOTHING_NEWER;
    if (!isNewest && !this.isSeen(seqno, newerSeqno)) return RETAIN_NOT;
    if (kind === ENTRY_TOMBSTONE) return isBaseLevel && this.hidesNothing(seqno) ? RETAIN_NOT : RETAIN;
    if (kind !== ENTRY_EXPIRED && !hasExpired(expiresAt, this.nowSeconds)) return RETAIN;
    return !isNewest && isBaseLevel && this.hidesNothing(seqno) ? RETAIN_NOT : RETAIN_HUSK;
  }

  /** True when a snapshot falls into [seqno, newerSeqno). */
  private isSeen(seqno: number, newerSeqno: number): boolean {
    const { snapshots } = this;
    let low = 0;
    let high = snapshots.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (snapshots[middle] < seqno) low = middle + 1;
      else high = middle;
    }
    return low < snapshots.length && snapshots[low] < newerSeqno;
  }

  /** True when no snapshot sees a version older than this one. */
  private hidesNothing(seqno: number): boolean {
    return this.snapshots.length === 0 || this.snapshots[0] >= seqno;
  }
}
