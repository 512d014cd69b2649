/**
 * What a reader sees of an ordered source: of each key the newest version at or below the reader's seqno, if that is a
 * document that has not expired. Over a key range, forward and backward, with the work counted so that a caller can
 * stop in the middle of a long stretch of deleted keys and go on later. One thread; allocates nothing per key.
 *
 *   const cursor = new VisibleCursor(source, keyRange({ collection }), seqno, nowSeconds);
 *   while (cursor.next() === STEP_DOCUMENT) use(cursor.entry);
 */
import { copyBytes } from '../base/bytes.js';
import { hasExpired } from '../base/database-clock.js';
import { compareBytes, ENTRY_DOCUMENT, type Entry, type EntryCursor } from './entry-cursor.js';
import type { KeyRange } from './key-range.js';

/** The range has no more documents in this direction. */
export const STEP_END = 0;
/** `entry` is the next document. */
export const STEP_DOCUMENT = 1;
/** As many entries were examined as the caller allowed; call again to go on. `entry` means nothing. */
export const STEP_BUDGET = 2;
export type Step = typeof STEP_END | typeof STEP_DOCUMENT | typeof STEP_BUDGET;

/** Old versions of a key that are stepped over one by one before a seek is cheaper (as RocksDB does, also 8). */
const SKIPPED_VERSIONS_MAX = 8;

const BEFORE_FIRST = 0;
/** The source stands on a version of the current key, or on the first entry behind it. */
const AT_KEY = 1;
const AFTER_LAST = 2;
const UNPOSITIONED = 3;

export class VisibleCursor {
  private place: number = UNPOSITIONED;
  /** Copy of the key examined last, with room for the zero byte that makes it its own successor. */
  private currentKey = new Uint8Array(64);
  private currentLength = 0;

  /** Entries of the source looked at since construction: what a slice of work is measured by. */
  entriesExamined = 0;

  /**
   * Owns `source`. `seqno`: Number.MAX_SAFE_INTEGER reads the newest. `nowSeconds`: database time, fixed for the life of
   * the cursor so that one scan has one idea of what has expired.
   */
  constructor(
    private readonly source: EntryCursor,
    private readonly range: KeyRange,
    private readonly seqno: number,
    private readonly nowSeconds: number,
  ) {}

  /** The document that next() or previous() went to; its views are valid until the next move. */
  get entry(): Entry {
    return this.source;
  }

  /**
   * To the next document. Stops with STEP_BUDGET between two keys once this call has examined `entriesMax` entries;
   * at least one key is examined, so repeated calls always get on.
   */
  next(entriesMax = Number.POSITIVE_INFINITY): Step {
    if (this.range.isEmpty || this.place === AFTER_LAST) return STEP_END;
    const { source, range } = this;
    const examinedMax = this.entriesExamined + entriesMax;
    if (this.place === AT_KEY) this.skipCurrentKey();
    else source.seek(range.collection, range.lower, 0, range.lower.length);
    for (;;) {
      if (!source.isValid || !this.isBelowUpper()) {
        this.place = AFTER_LAST;
        return STEP_END;
      }
      this.takeKey();
      if (this.toVisibleVersion()) return STEP_DOCUMENT;
      if (this.entriesExamined >= examinedMax) return STEP_BUDGET;
      this.skipCurrentKey();
    }
  }

  /** To the document before; the mirror image of next(). The first call goes to the last document of the range. */
  previous(entriesMax = Number.POSITIVE_INFINITY): Step {
    if (this.range.isEmpty || this.place === BEFORE_FIRST) return STEP_END;
    const { source, range } = this;
    const examinedMax = this.entriesExamined + entriesMax;
    if (this.place === AT_KEY) source.seekBefore(range.collection, this.currentKey, 0, this.currentLength);
    else source.seekBefore(range.upperCollection, range.upper, 0, range.upper.length);
    for (;;) {
      if (!source.isValid || !this.isAboveLower()) {
        this.place = BEFORE_FIRST;
        return STEP_END;
      }
      this.takeKey();
      if (this.toVisibleVersion()) return STEP_DOCUMENT;
      if (this.entriesExamined >= examinedMax) return STEP_BUDGET;
      source.seekBefore(range.collection, this.currentKey, 0, this.currentLength);
    }
  }

  /**
   * A copy of the key up to which everything has been examined: a new cursor may continue behind it (or before it, going
   * backward). Undefined before the first step and at the ends. Allocates.
   */
  examinedKey(): Uint8Array | undefined {
    return this.place === AT_KEY ? this.currentKey.slice(0, this.currentLength) : undefined;
  }

  close(): void {
    this.place = AFTER_LAST;
    this.source.close();
  }

  /** Makes the source's key the current one. */
  private takeKey(): void {
    const { key, keyOffset, keyLength } = this.source;
    if (this.currentKey.length <= keyLength) this.currentKey = new Uint8Array(2 * keyLength + 1);
    copyBytes(key, keyOffset, this.currentKey, 0, keyLength);
    this.currentLength = keyLength;
    this.place = AT_KEY;
    this.entriesExamined++;
  }

  /** From the newest version of the current key to the one this reader sees. False: it sees no document. */
  private toVisibleVersion(): boolean {
    const { source } = this;
    while (source.seqno > this.seqno) {
      source.next();
      if (!source.isValid || !this.isAtCurrentKey()) return false;
      this.entriesExamined++;
    }
    return source.kind === ENTRY_DOCUMENT && !hasExpired(source.expiresAt, this.nowSeconds);
  }

  /** To the first entry behind the current key. */
  private skipCurrentKey(): void {
    const { source } = this;
    for (let skipped = 0; source.isValid && this.isAtCurrentKey(); skipped++) {
      if (skipped > 0) this.entriesExamined++; // the first was counted when it was found
      if (skipped === SKIPPED_VERSIONS_MAX) {
        this.currentKey[this.currentLength] = 0;
        source.seek(this.range.collection, this.currentKey, 0, this.currentLength + 1);
        return;
      }
      source.next();
    }
  }

  private isAtCurrentKey(): boolean {
    const { source } = this;
    return (
      source.collection === this.range.collection &&
      compareBytes(source.key, source.keyOffset, source.keyLength, this.currentKey, 0, this.currentLength) ===
        0
    );
  }

  private isBelowUpper(): boolean {
    const { source, range } = this;
    if (source.collection !== range.upperCollection) return source.collection < range.upperCollection;
    const { upper } = range;
    return compareBytes(source.key, source.keyOffset, source.keyLength, upper, 0, upper.length) < 0;
  }

  private isAboveLower(): boolean {
    const { source, range } = this;
    if (source.collection !== range.collection) return source.collection > range.collection;
    const { lower } = range;
    return compareBytes(source.key, source.keyOffset, source.keyLength, lower, 0, lower.length) >= 0;
  }
}
