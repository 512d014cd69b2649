/**
 * Ordered scans over all shards at one snapshot, for one thread. Implements the router's DocumentScanner.
 *
 * A scan runs in slices. Each slice pins what the shards have now, builds its cursors anew behind the key where the last
 * one stopped, and lets go of everything: between slices only the snapshot's seqno is held, which makes flushes and
 * compactions keep the versions that it sees. So a long scan holds back neither writers nor memtables nor files.
 */
import type { DatabaseClock } from '../base/database-clock.js';
import { DbError } from '../base/errors.js';
import type { ShardReader } from '../engine/shard-reader.js';
import type { EntryCursor } from '../iter/entry-cursor.js';
import { keyRange } from '../iter/key-range.js';
import { MergingCursor } from '../iter/merging-cursor.js';
import { STEP_BUDGET, STEP_DOCUMENT, VisibleCursor } from '../iter/visible-cursor.js';
import type {
  DocumentScanner,
  ScanBudget,
  ScannedDocument,
  ScanRange,
  ScanSlice,
  ScanSnapshot,
} from '../router/document-reader.js';
import { type HeldSnapshot, type SeqnoBoard, SNAPSHOTS_PER_READER } from '../shm/seqno-board.js';

/** A group commit takes a millisecond or a few; a disk that hangs, longer. */
const WAIT_MS = 1;
const WAITS_MAX = 5000;

export class ShardScanner implements DocumentScanner {
  /** By shard; undefined while a shard is down. */
  private readonly readers: Array<ShardReader | undefined>;

  constructor(
    shards: number,
    private readonly board: SeqnoBoard,
    private readonly readerIndex: number,
    private readonly clock: DatabaseClock,
  ) {
    this.readers = new Array(shards).fill(undefined);
  }

  async snapshot(): Promise<ScanSnapshot> {
    const held = await this.hold();
    const release = (): void => this.board.release(held);
    for (let waits = 0; !this.board.isSettled(held.seqno); waits++) {
      if (waits === WAITS_MAX) {
        release();
        throw new DbError('SHARD_UNAVAILABLE', 'a shard has not finished its writes in time for a snapshot');
      }
      await pause(WAIT_MS);
    }
    return { seqno: held.seqno, release };
  }

  /** Waits for other scans to end when there are too many. */
  private async hold(): Promise<HeldSnapshot> {
    for (let waits = 0; waits < WAITS_MAX; waits++) {
      const held = this.board.hold(this.readerIndex);
      if (held !== undefined) return held;
      await pause(WAIT_MS);
    }
    const message = `${SNAPSHOTS_PER_READER} scans are under way in this front already`;
    throw new DbError('OVERLOADED', message, { limit: SNAPSHOTS_PER_READER });
  }

  setReader(shard: number, reader: ShardReader | undefined): void {
    this.readers[shard] = reader;
  }

  scan(
    collection: number,
    range: ScanRange,
    slice: ScanSlice,
    visit: (document: ScannedDocument) => boolean,
  ): Uint8Array | undefined {
    const { seqno, fillCache } = slice;
    const readers = this.readers.filter((reader) => reader !== undefined);
    const sources: EntryCursor[] = [];
    for (const reader of readers) reader.enter();
    try {
      for (const reader of readers) sources.push(...reader.cursors(fillCache));
      const keys = keyRange({ collection, from: range.from, to: range.to });
      const cursor = new VisibleCursor(new MergingCursor(sources), keys, seqno, this.clock.nowSeconds());
      return walk(cursor, range.backward, slice.budget, visit);
    } finally {
      for (const source of sources) source.close();
      for (const reader of readers) reader.leave();
    }
  }
}

/** Returns the key to go on behind, or undefined at the end of the range. */
function walk(
  cursor: VisibleCursor,
  backward: boolean,
  budget: ScanBudget,
  visit: (document: ScannedDocument) => boolean,
): Uint8Array | undefined {
  const document = new DocumentView(cursor);
  let bytes = 0;
  for (;;) {
    const entriesLeft = budget.keys - cursor.entriesExamined;
    if (entriesLeft <= 0 || bytes >= budget.bytes) return cursor.examinedKey();
    const step = backward ? cursor.previous(entriesLeft) : cursor.next(entriesLeft);
    if (step === STEP_BUDGET) return cursor.examinedKey();
    if (step !== STEP_DOCUMENT) return undefined;
    bytes += document.length;
    if (!visit(document)) return cursor.examinedKey();
  }
}

/** The document that a cursor stands on. One object for all documents of a slice. */
class DocumentView implements ScannedDocument {
  constructor(private readonly cursor: VisibleCursor) {}

  get bytes(): Uint8Array {
    return this.cursor.entry.value;
  }
  get offset(): number {
    return this.cursor.entry.valueOffset;
  }
  get length(): number {
    return this.cursor.entry.valueLength;
  }
  get seqno(): number {
    return this.cursor.entry.seqno;
  }
  key(): Uint8Array {
    const { key, keyOffset, keyLength } = this.cursor.entry;
    return key.slice(keyOffset, keyOffset + keyLength);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
