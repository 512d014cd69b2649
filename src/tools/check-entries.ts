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
import {
  collectionLabel,
  indexNumbered,
  isDropped,
  type KnownCollections,
  validIndexes,
} from './collections.js';
import type { FindingList } from './findings.js';
import { EntryIds, IndexAgreement } from './index-agreement.js';
import { reportDifferences } from './index-differences.js';
import type { ShardPlace } from './shard-place.js';
import { fileHolding, TableRuns } from './table-runs.js';

const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

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
  /** What has expired at this second of database time need not have its index entries any more, nor be gone itself. */
  readonly expiredSeconds: number;
  /** Check this collection alone. */
  readonly only?: number;
  readonly findings: FindingList;
  readonly progress: ByteProgress;
}

export interface EntryCheckResult {
  readonly entries: number;
  /** Documents as the statistics count them: newest versions, expired ones included until their deletion arrives. */
  readonly figures: readonly CollectionFigures[];
  /** Numbers of valid indexes whose entries are not those of the documents; not looked for when one collection is checked. */
  readonly wrongIndexes: readonly number[];
}

/** Throws DbError CORRUPT_TABLE or IO when a table cannot be read: give it only tables that were found whole. */
export function checkEntries(options: EntryCheckOptions): EntryCheckResult {
  const tableRuns = new TableRuns(options.place, ({ sizeBytes }) => options.progress.add(sizeBytes));
  const cursors = options.runs.map((tables) => tableRuns.cursor(tables));
  if (cursors.length === 0) return { entries: 0, figures: [], wrongIndexes: [] };
  const merge = new MergingCursor(cursors);
  const agreement = new IndexAgreement(
    options.only === undefined ? validIndexes(options.collections) : [],
    options.expiredSeconds,
  );
  const checked = checkMerge(options, merge, tableRuns, agreement);
  const wrong = agreement.disagreeing();
  for (const index of wrong) reportDifferences(index, options);
  return { ...checked, wrongIndexes: wrong.map(({ id }) => id) };
}

function checkMerge(
  options: EntryCheckOptions,
  merge: MergingCursor,
  tableRuns: TableRuns,
  agreement: IndexAgreement,
): Omit<EntryCheckResult, 'wrongIndexes'> {
  try {
    return new EntryCheck(options, merge, agreement).run();
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
  private isNewest = false;
  /** Nobody knows whether it was a collection or an index, and what stands in its values. */
  private isDropped = false;
  /** When the collection is an index. */
  private entryIds: EntryIds | undefined;

  constructor(
    private readonly options: EntryCheckOptions,
    private readonly merge: MergingCursor,
    private readonly agreement: IndexAgreement,
  ) {}

  run(): Omit<EntryCheckResult, 'wrongIndexes'> {
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
    this.isNewest = false;
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
        if (this.isDropped) return;
        const problem = this.entryIds === undefined ? this.document.problemOf(merge) : this.valueProblem();
        if (problem !== undefined) this.refuse(problem);
        // Text that is none cannot be looked into.
        else if (this.isNewest) this.agreement.look(merge);
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

  /** Of an entry of an index. */
  private valueProblem(): string | undefined {
    const { value, valueOffset, valueLength } = this.merge;
    const isArray =
      value[valueOffset] === OPEN_BRACKET && value[valueOffset + valueLength - 1] === CLOSE_BRACKET;
    return valueLength === 0 || (valueLength > 1 && isArray) ? undefined : 'its value is no array of members';
  }

  private startKey(): void {
    const { merge } = this;
    const { collection, key, keyOffset, keyLength } = merge;
    if (collection !== this.collection) this.checkCollection(collection);
    if (keyLength > this.key.length) this.key = new Uint8Array(2 * keyLength);
    for (let i = 0; i < keyLength; i++) this.key[i] = key[keyOffset + i];
    this.keyLength = keyLength;
    this.collection = collection;
    if (!this.isDropped) this.checkShard();
    this.isNewest = true;
    if (merge.kind === ENTRY_TOMBSTONE) return;
    const count = this.countOf(collection);
    count.documents++;
    // Of entries of an index the keys count as well.
    count.bytes += merge.originalLength + (this.entryIds === undefined ? 0 : keyLength);
  }

  private checkShard(): void {
    const { options } = this;
    const { collection, key, keyOffset, keyLength } = this.merge;
    const hash =
      this.entryIds === undefined
        ? hashKey(collection, key, keyOffset, keyLength)
        : this.entryIds.routingHash(key, keyOffset, keyLength);
    if (hash === undefined) this.refuse('it is no key of its index');
    else {
      const shard = shardOfHash(hash, options.shards);
      if (shard !== options.place.shard) this.refuse(`the key belongs to shard ${shard}`);
    }
  }

  private checkCollection(collection: number): void {
    const { collections } = this.options;
    const index = indexNumbered(collections, collection);
    this.entryIds = index === undefined ? undefined : new EntryIds(index);
    this.isDropped = isDropped(collections, collection);
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
    const { merge, options } = this;
    const { findings, collections } = options;
    const { collection, key, keyOffset, keyLength } = merge;
    const text = JSON.stringify(Buffer.from(key.subarray(keyOffset, keyOffset + keyLength)).toString('utf8'));
    const run = options.runs[merge.sourceIndex];
    const file = fileHolding(options.place, run, collection, key, keyOffset, keyLength);
    const label = collectionLabel(collections, collection);
    findings.add(severity, file, null, `key ${text}, seqno ${merge.seqno}: ${reason}`, label);
  }
}
