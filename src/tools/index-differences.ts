/**
 * Which entries of an index are missing and which are stray, as findings. For an index that is known to disagree with its
 * documents (index-agreement.ts): reads the shard's tables several times, a part of the hashes each, so that memory stays
 * bounded. One thread.
 */
import type { IndexInUse } from '../indexes/index-entry.js';
import { ENTRY_DOCUMENT } from '../iter/entry-cursor.js';
import type { TableInfo } from '../manifest/table-info.js';
import { DocumentCheck } from './check-document.js';
import { collectionLabel, type KnownCollections } from './collections.js';
import type { FindingList } from './findings.js';
import { EntryHasher, EntryIds } from './index-agreement.js';
import { forEachNewest, type NewestEntry } from './newest-versions.js';
import type { ShardPlace } from './shard-place.js';
import { fileHolding, TableRuns } from './table-runs.js';

/** Hashes held at a time. */
const HASHES_MAX = 1_000_000;
/** Missing and stray entries that are named. */
const NAMED_MAX = 1000;

export interface IndexDifferencesOptions {
  readonly place: ShardPlace;
  readonly runs: readonly (readonly TableInfo[])[];
  readonly collections: KnownCollections;
  readonly expiredSeconds: number;
  readonly findings: FindingList;
}

/** Throws CORRUPT_TABLE or IO when a table cannot be read. */
export function reportDifferences(index: IndexInUse, options: IndexDifferencesOptions): void {
  const { missing, stray } = differences(index, options);
  const ids = new EntryIds(index.definition);
  const label = collectionLabel(options.collections, index.id);
  let current: NewestEntry | undefined;
  const hasher = new EntryHasher([index], options.expiredSeconds, (_index, hash, isExpected) => {
    if (current === undefined || !(isExpected ? missing : stray).has(hash)) return;
    const { key, keyOffset, keyLength, collection, seqno, sourceIndex } = current;
    const run = options.runs[sourceIndex];
    const file = fileHolding(options.place, run, collection, key, keyOffset, keyLength);
    const idStart = isExpected ? keyOffset : (ids.idStart(key, keyOffset, keyLength) ?? keyOffset);
    const id = JSON.stringify(Buffer.from(key.subarray(idStart, keyOffset + keyLength)).toString('utf8'));
    const reason = isExpected
      ? `key ${id}, seqno ${seqno}: the index has no such entry of this document`
      : `entry of ${id}, seqno ${seqno}, key ${Buffer.from(key.subarray(keyOffset, keyOffset + keyLength)).toString('hex')}: no document has it`;
    options.findings.error(file, null, reason, label);
  });
  scan(index, options, (entry) => {
    current = entry;
    hasher.look(entry);
  });
}

function differences(
  index: IndexInUse,
  options: IndexDifferencesOptions,
): { readonly missing: ReadonlySet<number>; readonly stray: ReadonlySet<number> } {
  const missing = new Set<number>();
  const stray = new Set<number>();
  const entries = options.runs.flat().reduce((sum, table) => sum + table.entries, 0);
  const parts = Math.max(1, Math.ceil(entries / HASHES_MAX));
  for (let part = 0; part < parts && missing.size + stray.size < NAMED_MAX; part++) {
    // The number of an index is above that of its collection, so all documents come before the first entry.
    const open = new Set<number>();
    const hasher = new EntryHasher([index], options.expiredSeconds, (_index, hash, isExpected) => {
      if (hash % parts !== part) return;
      if (isExpected) open.add(hash);
      else if (!open.delete(hash) && stray.size < NAMED_MAX) stray.add(hash);
    });
    scan(index, options, (entry) => hasher.look(entry));
    for (const hash of open) if (missing.size < NAMED_MAX) missing.add(hash);
  }
  return { missing, stray };
}

function scan(
  { definition: { collectionId } }: IndexInUse,
  { place, runs }: IndexDifferencesOptions,
  use: (entry: NewestEntry) => void,
): void {
  const tableRuns = new TableRuns(place);
  const document = new DocumentCheck();
  try {
    forEachNewest(
      runs.map((run) => tableRuns.cursor(run)),
      (entry) => {
        // Text that is none cannot be looked into; it has its own finding.
        const isDocument = entry.collection === collectionId && entry.kind === ENTRY_DOCUMENT;
        if (!isDocument || document.problemOf(entry) === undefined) use(entry);
      },
    );
  } finally {
    tableRuns.close();
  }
}
