/**
 * Checks the entries of a shard across all its tables, in one merge of their runs: that a newer version is never below an
 * older one, that keys belong to this shard, documents are what their keys say, and what the statistics must be. Reads
 * only; allocates nothing per entry. One thread.
 */
import { hashKey, shardOfHash } from '../base/hash.js';
import { compareBytes, ENTRY_DOCUMENT, ENTRY_EXPIRED, ENTRY_TOMBSTONE } from '../iter/entry-cursor.js';
import { MergingCursor } from '../iter/merging-cursor.js';
import type { TableInfo } from '../manifest/table-info.js';
import type { CollectionFigures } from '../manifest/version-edit.js';
import type { ByteProgress } from './byte-progress.js';
import { DocumentCheck } from './check-document.js';
import { tablePath } from './check-table.js';
import { collectionLabel, type KnownCollections } from './collections.js';
import type { FindingList } from './findings.js';
import type { ShardPlace } from './shard-place.js';
import { TableRuns } from './table-runs.js';

export interface EntryCheckOptions {
  readonly place: ShardPlace;
  readonly shards: number;
  /** Newest first. Tables of a run are disjoint and in key order. */
  readonly runs: readonly (readonly TableInfo[])[];
  /** False when nobody knows which run is newer. */
  readonly runsAreOrdered: boolean;
  /** No version may have a higher seqno; Infinity if that is not known. */
  readonly seqnoMax: number;
  /** Database time that the manifest has reached, seconds; no husk expired later. */
  readonly databaseSeconds: number;
  readonly collections: KnownCollections;
  /** Check this collection alone. */
  readonly only?: number;
  readonly findings: FindingList;
  readonly progress: ByteProgress;
}

export interface EntryCheckResult {
  readonly entries: number;
  /** Documents as the statistics count them: newest versions, expired ones included until their deletion arrives. */
  readonly figures: readonly CollectionFigures[];
}

/** Throws DbError CORRUPT_TABLE or IO when a table cannot be read: give it only tables that were found whole. */
export function checkEntries(options: EntryCheckOptions): EntryCheckResult {
  const tableRuns = new TableRuns(options.place, ({ sizeBytes }) => options.progress.add(sizeBytes));
  const cursors = options.runs.map((tables) => tableRuns.cursor(tables));
  if (cursors.length === 0) return { entries: 0, figures: [] };
  const merge = new MergingCursor(cursors);
  try {
    return new EntryCheck(options, merge).run();
  } finally {
    merge.close();
    tableRuns.close();
  }
}

class EntryCheck {
  private readonly document = new DocumentCheck();
  private readonly counts = new Map<number, { documents: number; bytes: number }>();
  private key = new Uint8Array(1024);
  private keyLength = 0;
  private collection = -1;
  /** Run in which the version before was found; that of an older version must not be newer. */
  private newestRun = 0;
  private entries = 0;

  constructor(
    private readonly options: EntryCheckOptions,
    private readonly merge: MergingCursor,
  ) {}

  run(): EntryCheckResult {
    const { merge } = this;
    const { only } = this.options;
    if (only === undefined) merge.seekToFirst();
    else merge.seek(only, this.key, 0, 0);
    for (; merge.isValid && (only === undefined || merge.collection === only); merge.next()) this.entry();
    const figures = [...this.counts].map(([collection, count]) => ({ collection, ...count }));
    return { entries: this.entries, figures };
  }

  private entry(): void {
    const { merge, options } = this;
    this.entries++;
    if (this.isCurrentKey()) {
      if (options.runsAreOrdered && merge.sourceIndex < this.newestRun)
        this.refuse('an older version is in a newer run than a newer version of its key');
    } else this.startKey();
    this.newestRun = merge.sourceIndex;
    if (merge.seqno > options.seqnoMax)
      this.refuse(`seqno ${merge.seqno} is above the last one of the shard, ${options.seqnoMax}`);
    this.checkKind();
  }

  private checkKind(): void {
    const { merge, options } = this;
    switch (merge.kind) {
      case ENTRY_DOCUMENT: {
        const problem = this.document.problemOf(merge);
        if (problem !== undefined) this.refuse(problem);
        return;
      }
      case ENTRY_EXPIRED:
        if (merge.expiresAt === 0) this.refuse('a husk of an expired document has no expiry');
        else if (merge.expiresAt > options.databaseSeconds)
          this.warn(`the text of a document was dropped before it expired, at ${merge.expiresAt}`);
        return;
      case ENTRY_TOMBSTONE:
        if (merge.expiresAt !== 0) this.warn('a deletion has an expiry');
        return;
      default:
        this.refuse(`unknown kind of entry ${merge.kind}`);
    }
  }

  private startKey(): void {
    const { merge, options } = this;
    const { collection, key, keyOffset, keyLength } = merge;
    if (collection !== this.collection) this.checkCollection(collection);
    if (keyLength > this.key.length) this.key = new Uint8Array(2 * keyLength);
    for (let i = 0; i < keyLength; i++) this.key[i] = key[keyOffset + i];
    this.keyLength = keyLength;
    this.collection = collection;
    const shard = shardOfHash(hashKey(collection, key, keyOffset, keyLength), options.shards);
    if (shard !== options.place.shard) this.refuse(`the key belongs to shard ${shard}`);
    if (merge.kind === ENTRY_TOMBSTONE) return;
    const count = this.countOf(collection);
    count.documents++;
    count.bytes += merge.originalLength;
  }

  private checkCollection(collection: number): void {
    const { collections } = this.options;
    if (collection === 0 || collection >= collections.nextId)
      this.refuse(`collection ${collection} was never in the catalog`);
  }

  private countOf(collection: number): { documents: number; bytes: number } {
    let count = this.counts.get(collection);
    if (count === undefined) {
      count = { documents: 0, bytes: 0 };
      this.counts.set(collection, count);
    }
    return count;
  }

  private isCurrentKey(): boolean {
    const { collection, key, keyOffset, keyLength } = this.merge;
    return (
      collection === this.collection &&
      compareBytes(key, keyOffset, keyLength, this.key, 0, this.keyLength) === 0
    );
  }

  private refuse(reason: string): void {
    this.report('error', reason);
  }

  private warn(reason: string): void {
    this.report('warning', reason);
  }

  private report(severity: 'error' | 'warning', reason: string): void {
    const { findings, collections } = this.options;
    const { merge } = this;
    const { collection, key, keyOffset, keyLength } = merge;
    const text = JSON.stringify(Buffer.from(key.subarray(keyOffset, keyOffset + keyLength)).toString('utf8'));
    const file = this.fileOf(merge.sourceIndex, collection, key, keyOffset, keyLength);
    const label = collectionLabel(collections, collection);
    findings.add(severity, file, null, `key ${text}, seqno ${merge.seqno}: ${reason}`, label);
  }

  /** The table of the run that holds the key. */
  private fileOf(run: number, collection: number, key: Uint8Array, offset: number, length: number): string {
    const { runs, place } = this.options;
    const table = runs[run].find(
      ({ largest }) =>
        largest.collection > collection ||
        (largest.collection === collection &&
          compareBytes(largest.key, 0, largest.key.length, key, offset, length) >= 0),
    );
    return table === undefined ? place.tableDirectory : tablePath(place, table.fileNumber);
  }
}
