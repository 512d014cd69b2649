/**
 * The inner loop of flush and compaction: takes entries from an ordered source, keeps those that the retention rules
 * keep, and puts them into tables. Works in slices. Allocates nothing per entry. One thread.
 */
import { copyBytes } from '../base/bytes.js';
import { compareBytes, ENTRY_DOCUMENT, ENTRY_TOMBSTONE, type EntryCursor } from '../iter/entry-cursor.js';
import type { BaseLevel, GrandparentOverlap } from './deeper-tables.js';
import { Husk } from './husk.js';
import type { TableSeries } from './table-series.js';
import { NOTHING_NEWER, RETAIN, RETAIN_NOT, type RetentionRules } from './version-retention.js';

export interface CopyCounts {
  entriesRead: number;
  droppedVersions: number;
  droppedTombstones: number;
  strippedExpired: number;
}

export class VersionCopier {
  readonly counts: CopyCounts = {
    entriesRead: 0,
    droppedVersions: 0,
    droppedTombstones: 0,
    strippedExpired: 0,
  };
  private readonly husk = new Husk();
  private currentKey = new Uint8Array(1024);
  private currentLength = -1;
  private currentCollection = -1;
  private isDropped = false;
  /** Seqno of the version before, if it was one of the same key. */
  private newerSeqno = NOTHING_NEWER;
  /** No version of the current key has been written yet: a table may end here. */
  private mayCut = false;

  /** `baseLevel` undefined: older versions may be anywhere, as under a flush. `source` is positioned. */
  constructor(
    private readonly source: EntryCursor,
    private readonly rules: RetentionRules,
    private readonly baseLevel: BaseLevel | undefined,
    private readonly grandparents: GrandparentOverlap | undefined,
    private readonly output: TableSeries,
  ) {}

  /**
   * Works through up to `entriesMax` entries of the source, and no further than the one with which keys and values come
   * to `bytesMax`. False when the source has ended.
   */
  copy(entriesMax: number, bytesMax: number): boolean {
    const { source } = this;
    let bytes = 0;
    for (let count = 0; count < entriesMax && bytes < bytesMax; count++) {
      if (!source.isValid) return false;
      // Before the entry is gone: the next one may be in another block.
      bytes += source.keyLength + source.valueLength;
      this.copyEntry();
      source.next();
    }
    return source.isValid;
  }

  private copyEntry(): void {
    const { source, rules, counts } = this;
    counts.entriesRead++;
    if (!this.isCurrentKey()) this.startKey();
    const { seqno, kind, expiresAt } = source;
    const isBase = rules.dependsOnLevel(kind, expiresAt) && this.baseLevel?.isBaseFor(source) === true;
    const fate = this.isDropped ? RETAIN_NOT : rules.retain(seqno, this.newerSeqno, kind, expiresAt, isBase);
    this.newerSeqno = seqno;
    if (fate === RETAIN_NOT) {
      if (kind === ENTRY_TOMBSTONE) counts.droppedTombstones++;
      else counts.droppedVersions++;
      return;
    }
    if (this.mayCut) this.cutIfDue();
    if (fate === RETAIN) {
      this.output.add(source);
      return;
    }
    if (kind === ENTRY_DOCUMENT) counts.strippedExpired++;
    this.output.add(this.husk.of(source));
  }

  private cutIfDue(): void {
    this.mayCut = false;
    const { grandparents, output, source } = this;
    if (grandparents?.endsBefore(source) === true) {
      output.cut();
    } else if (output.isFull) {
      output.cut();
      grandparents?.startTable();
    }
  }

  private isCurrentKey(): boolean {
    const { collection, key, keyOffset, keyLength } = this.source;
    return (
      collection === this.currentCollection &&
      compareBytes(key, keyOffset, keyLength, this.currentKey, 0, this.currentLength) === 0
    );
  }

  private startKey(): void {
    const { collection, key, keyOffset, keyLength } = this.source;
    if (this.currentKey.length < keyLength) this.currentKey = new Uint8Array(2 * keyLength);
    copyBytes(key, keyOffset, this.currentKey, 0, keyLength);
    this.currentLength = keyLength;
    if (collection !== this.currentCollection) this.isDropped = this.rules.isDropped(collection);
    this.currentCollection = collection;
    this.newerSeqno = NOTHING_NEWER;
    this.mayCut = true;
  }
}
