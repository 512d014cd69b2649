/**
 * The executor's DocumentSource over the shards of this process at one snapshot, for one thread. Reads in slices, as
 * shard-scanner.ts does: between slices only the snapshot's seqno is held, so a query of hours holds back neither memtables
 * nor files.
 *
 * Documents are visited in place, inside of the pins. A plan that does more than look at a document while it visits it (reads
 * others, writes) needs a `detached` source: that one copies a slice out, lets go, and visits then.
 */
import { DbError } from '../../base/errors.js';
import { hashKey, shardOfHash } from '../../base/hash.js';
import type { ShardReader } from '../../engine/shard-reader.js';
import type { EntryCursor } from '../../iter/entry-cursor.js';
import { keyRange } from '../../iter/key-range.js';
import { MergingCursor } from '../../iter/merging-cursor.js';
import { STEP_BUDGET, STEP_DOCUMENT, VisibleCursor } from '../../iter/visible-cursor.js';
import { FOUND } from '../../memtable/chain-reader.js';
import type {
  DocumentPlace,
  DocumentSource,
  ScanCounters,
  ScanPartition,
  Visit,
} from '../../sql/execute/source.js';
import type { CountingBlockCache } from './counting-block-cache.js';
import { SliceCopy } from './slice-copy.js';

/** Entries of a slice: some milliseconds of work, against some 30 µs for positioning its cursors. */
const SLICE_ENTRIES = 8192;
const SLICE_ENTRIES_DETACHED = 1024;
const SLICE_BYTES = 4 * 1024 * 1024;
const ALL_SHARDS = -1;

export interface SnapshotSourceOptions {
  /** By shard; undefined while a shard is down. */
  readonly readers: ReadonlyArray<ShardReader | undefined>;
  readonly seqno: number;
  /** Database time, the same for the whole query. */
  readonly nowSeconds: number;
  /** Whether blocks that scans read are worth keeping. */
  readonly fillCache: boolean;
  readonly detached: boolean;
  /** Those of `readers`; counted for EXPLAIN. */
  readonly blocks: Pick<CountingBlockCache, 'hits' | 'misses'>;
}

/** Where the visited document is; one object for all. */
class Place implements DocumentPlace {
  bytes: Uint8Array = new Uint8Array(0);
  offset = 0;
  length = 0;
  seqno = 0;
}

interface Slice {
  readonly sources: readonly EntryCursor[];
  /** Shard of each source. */
  readonly shards: readonly number[];
}

export class SnapshotSource implements DocumentSource {
  readonly shards: number;
  private readonly place = new Place();
  private readonly key = new Uint8Array(4 * 1024);
  /** Made when it is needed: most statements of a front read no more than a few documents. */
  private copy: SliceCopy | undefined;

  constructor(private readonly options: SnapshotSourceOptions) {
    this.shards = options.readers.length;
  }

  scan(
    collectionId: number,
    partition: ScanPartition,
    backward: boolean,
    visit: Visit,
    counters?: ScanCounters[],
  ): void {
    let { lower, upper } = partition;
    for (;;) {
      const passed = this.options.detached
        ? this.detachedSlice(collectionId, { ...partition, lower, upper }, backward, visit, counters)
        : this.slice(collectionId, { ...partition, lower, upper }, backward, visit, SLICE_ENTRIES, counters);
      if (passed === undefined) return;
      if (backward) upper = passed;
      else lower = successor(passed);
    }
  }

  get(collectionId: number, id: string, counters?: ScanCounters[]): DocumentPlace | undefined {
    // A UTF-16 unit takes at most three bytes.
    const key = id.length * 3 <= this.key.length ? this.key : new Uint8Array(id.length * 3);
    const { written } = utf8.encodeInto(id, key);
    return this.getByKey(collectionId, key, 0, written, counters);
  }

  getByKey(
    collectionId: number,
    key: Uint8Array,
    keyOffset: number,
    keyLength: number,
    counters?: ScanCounters[],
  ): DocumentPlace | undefined {
    const { seqno, nowSeconds, detached } = this.options;
    const hash = hashKey(collectionId, key, keyOffset, keyLength);
    const shard = shardOfHash(hash, this.shards);
    const reader = this.reader(shard);
    const before = this.blocksBefore();
    // Direct sources are pinned by the scan that is under way, or read one document at a time.
    const isPinned = this.pinned[shard] > 0;
    if (!isPinned) reader.enter();
    try {
      const isFound =
        reader.getAt(hash, collectionId, key, keyOffset, keyLength, seqno, nowSeconds) === FOUND;
      this.count(counters, shard, before, isFound ? 1 : 0);
      if (!isFound) return undefined;
      return this.placeOf(reader, detached || !isPinned);
    } finally {
      if (!isPinned) reader.leave();
    }
  }

  partitions(collectionId: number, count: number): readonly ScanPartition[] {
    const perShard = Math.max(1, Math.ceil(count / this.shards));
    const parts: ScanPartition[] = [];
    for (let shard = 0; shard < this.shards; shard++) {
      const reader = this.reader(shard);
      reader.enter();
      let cuts: Uint8Array[];
      try {
        cuts = reader.sampleKeys(collectionId, perShard - 1);
      } finally {
        reader.leave();
      }
      const bounds = [undefined, ...cuts, undefined];
      for (let i = 0; i + 1 < bounds.length; i++)
        parts.push({ shard, lower: bounds[i], upper: bounds[i + 1] });
    }
    return parts;
  }

  private readonly pinned = new Int32Array(256);

  /** One slice, visited in place. Returns the key to go on behind, or undefined when the range or the visitor ended. */
  private slice(
    collectionId: number,
    partition: ScanPartition,
    backward: boolean,
    visit: Visit,
    entriesMax: number,
    counters: ScanCounters[] | undefined,
  ): Uint8Array | undefined {
    const { shard } = partition;
    const shards = shard === ALL_SHARDS ? [...this.options.readers.keys()] : [shard];
    const readers = shards.map((number) => this.reader(number));
    const before = this.blocksBefore();
    const sources: EntryCursor[] = [];
    const shardOfSource: number[] = [];
    for (const [i, reader] of readers.entries()) {
      if (this.pinned[shards[i]]++ === 0) reader.enter();
    }
    let rows = 0;
    try {
      for (const [i, reader] of readers.entries()) {
        const added = reader.cursors(this.options.fillCache);
        sources.push(...added);
        for (const _ of added) shardOfSource.push(shards[i]);
      }
      const counting = counters !== undefined && shards.length > 1 ? counters : undefined;
      const counted: Visit = (place, key, keyOffset, keyLength) => {
        rows++;
        return visit(place, key, keyOffset, keyLength);
      };
      const merged = { sources, shards: shardOfSource };
      return this.walk(
        collectionId,
        partition,
        backward,
        counters === undefined ? visit : counted,
        entriesMax,
        merged,
        counting,
      );
    } finally {
      for (const source of sources) source.close();
      for (const [i, reader] of readers.entries()) {
        if (--this.pinned[shards[i]] === 0) reader.leave();
      }
      if (counters !== undefined) this.count(counters, shards[0], before, shards.length > 1 ? 0 : rows);
    }
  }

  private walk(
    collectionId: number,
    { lower, upper }: ScanPartition,
    backward: boolean,
    visit: Visit,
    entriesMax: number,
    { sources, shards }: Slice,
    counters: ScanCounters[] | undefined,
  ): Uint8Array | undefined {
    const { seqno, nowSeconds } = this.options;
    const range = keyRange({
      collection: collectionId,
      from: lower && { key: lower, inclusive: true },
      to: upper && { key: upper, inclusive: false },
    });
    const merging = new MergingCursor(sources);
    const cursor = new VisibleCursor(merging, range, seqno, nowSeconds);
    const { place } = this;
    let bytes = 0;
    for (;;) {
      const entriesLeft = entriesMax - cursor.entriesExamined;
      if (entriesLeft <= 0 || bytes >= SLICE_BYTES) return cursor.examinedKey();
      const step = backward ? cursor.previous(entriesLeft) : cursor.next(entriesLeft);
      if (step === STEP_BUDGET) return cursor.examinedKey();
      if (step !== STEP_DOCUMENT) return undefined;
      const { entry } = cursor;
      place.bytes = entry.value;
      place.offset = entry.valueOffset;
      place.length = entry.valueLength;
      place.seqno = entry.seqno;
      bytes += place.length;
      if (counters !== undefined) counters[shards[merging.sourceIndex]].rows++;
      if (!visit(place, entry.key, entry.keyOffset, entry.keyLength)) return undefined;
    }
  }

  /** One slice, copied out before anything of it is visited. */
  private detachedSlice(
    collectionId: number,
    partition: ScanPartition,
    backward: boolean,
    visit: Visit,
    counters: ScanCounters[] | undefined,
  ): Uint8Array | undefined {
    // Nested scans have copies of their own.
    this.copy ??= new SliceCopy();
    const copy = this.copy.isInUse ? new SliceCopy() : this.copy;
    copy.begin();
    try {
      const passed = this.slice(
        collectionId,
        partition,
        backward,
        (place, key, keyOffset, keyLength) => copy.add(place, key, keyOffset, keyLength),
        SLICE_ENTRIES_DETACHED,
        counters,
      );
      const goesOn = copy.visit(visit);
      return goesOn ? passed : undefined;
    } finally {
      copy.end();
    }
  }

  private placeOf(reader: ShardReader, copied: boolean): Place {
    const place = new Place();
    place.bytes = reader.bytes;
    place.offset = reader.valueOffset;
    place.length = reader.valueLength;
    place.seqno = reader.seqno;
    if (copied) {
      place.bytes = reader.bytes.slice(place.offset, place.offset + place.length);
      place.offset = 0;
    }
    return place;
  }

  private reader(shard: number): ShardReader {
    const reader = this.options.readers[shard];
    if (reader === undefined) throw new DbError('SHARD_UNAVAILABLE', `shard ${shard} is down`, { shard });
    return reader;
  }

  private blocksBefore(): { hits: number; misses: number } {
    const { hits, misses } = this.options.blocks;
    return { hits, misses };
  }

  private count(
    counters: ScanCounters[] | undefined,
    shard: number,
    before: { hits: number; misses: number },
    rows: number,
  ): void {
    if (counters === undefined) return;
    const counter = counters[shard];
    const { hits, misses } = this.options.blocks;
    counter.rows += rows;
    counter.blocksHit += hits - before.hits;
    counter.blocksRead += misses - before.misses;
  }
}

const utf8 = new TextEncoder();

/** The first key behind `key`. */
function successor(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return next;
}
