/** Samples a collection for the planner's statistics: documents from all over it, and of those what values their members have. */

import { parseValue } from '../../json/text.js';
import { DEFAULT_STATISTICS_OPTIONS, FieldSample } from '../../sql/plan/statistics.js';
import { type CollectionStatistics, fieldKey } from '../../sql/plan/statistics-snapshot.js';
import { holdSnapshot } from './hold-snapshot.js';
import { SnapshotSource } from './snapshot-source.js';
import type { StatementRunOptions } from './statement-run.js';

/** Documents that are looked at, in so many places of the collection. */
const SAMPLED_DOCUMENTS_MAX = 10_000;
const PLACES = 100;
/** All of them together: the thread could serve clients meanwhile. */
const SAMPLED_BYTES_MAX = 256 * 1024 * 1024;
/** A larger document is left out. */
const DOCUMENT_BYTES_MAX = 256 * 1024;
/** Members that statistics are kept of; documents may have any number. */
const FIELDS_MAX = 200;
const DEPTH_MAX = 3;

export function analyzeCollection(
  options: StatementRunOptions,
  collectionId: number,
  documents: number,
): CollectionStatistics['fields'] {
  const { board, readerIndex, readers, blocks, databaseClock } = options;
  const random = options.evaluation(0).random;
  const samples = new Map<string, FieldSample>();
  const held = holdSnapshot(board, readerIndex);
  let sampled = 0;
  try {
    const source = new SnapshotSource({
      readers,
      seqno: held.seqno,
      nowSeconds: databaseClock.nowSeconds(),
      fillCache: false,
      detached: true,
      blocks,
    });
    const parts = source.partitions(collectionId, PLACES);
    const perPart = Math.ceil(SAMPLED_DOCUMENTS_MAX / parts.length);
    const bytesPerPart = SAMPLED_BYTES_MAX / parts.length;
    for (const part of parts) {
      let left = perPart;
      let bytesLeft = bytesPerPart;
      source.scan(collectionId, part, false, ({ bytes, offset, length }) => {
        bytesLeft -= length;
        if (length <= DOCUMENT_BYTES_MAX) {
          addMembers(parseValue(bytes, offset, offset + length), [], samples, random);
          sampled++;
        }
        return --left > 0 && bytesLeft > 0;
      });
    }
  } finally {
    board.release(held);
  }
  return Object.fromEntries(
    [...samples].map(([path, sample]) => [path, sample.statistics(sampled, Math.max(documents, sampled))]),
  );
}

function addMembers(
  document: unknown,
  path: readonly string[],
  samples: Map<string, FieldSample>,
  random: () => number,
): void {
  for (const [name, value] of Object.entries(document as Readonly<Record<string, unknown>>)) {
    if (value === null) continue;
    const memberPath = [...path, name];
    const sample = sampleOf(fieldKey(memberPath), samples, random);
    if (typeof value === 'object') {
      sample?.addContainer();
      if (!Array.isArray(value) && memberPath.length < DEPTH_MAX)
        addMembers(value, memberPath, samples, random);
    } else sample?.add(value as string | number | boolean); // what JSON has beside objects and null
  }
}

function sampleOf(
  key: string,
  samples: Map<string, FieldSample>,
  random: () => number,
): FieldSample | undefined {
  let sample = samples.get(key);
  if (sample === undefined && samples.size < FIELDS_MAX) {
    sample = new FieldSample(DEFAULT_STATISTICS_OPTIONS, random);
    samples.set(key, sample);
  }
  return sample;
}
