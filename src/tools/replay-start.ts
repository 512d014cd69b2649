/**
 * From where on a log is replayed when no manifest says so, only the tables. Reads only; any thread.
 *
 * What is in a table must not be applied once more: a condition, an insert or an all-or-nothing batch would be judged by
 * what came after it, and refuse what was acknowledged or accept what was refused. So the log goes on behind the
 * newest seqno of the tables: a flush takes whole batches, the oldest first, and every flush before it is in tables too.
 *
 * The exception is a flush of several tables that a crash stopped while they got their names. Those that have one already
 * are only part of what their seqnos promise, and the others still have temporary names. If the log holds all of
 * them, the named ones are left out and the log says it again.
 */
import { DbError } from '../base/errors.js';
import { NO_BLOCK_CACHE } from '../cache/block-cache.js';
import { compareBounds } from '../manifest/key-order.js';
import { listDirectory } from '../manifest/manifest-survey.js';
import type { TableInfo } from '../manifest/table-info.js';
import { classifyTableName, temporaryTableName } from '../sst/table-names.js';
import { TableReader } from '../sst/table-reader.js';
import { seqnosTaken } from '../wal/format.js';
import { recoverWal } from '../wal/recovery.js';
import { releasedOperations } from '../wal/released.js';
import { surveyWal } from '../wal/survey.js';
import { manifestPlace, type ShardPlace } from './shard-place.js';

/** The part of a ShardPlace that is looked at. */
export type ReplayPlace = Pick<ShardPlace, 'vfs' | 'shard' | 'tableDirectory' | 'walDirectory'>;

/** What of a table tells which operations it holds. */
type Contents = Pick<TableInfo, 'fileNumber' | 'smallest' | 'largest' | 'minSeqno' | 'maxSeqno'>;

/**
 * The seqno up to which nothing is replayed, when tables hold operations up to `tablesSeqno`. Further on than that if the
 * log begins later (segments go when their operations are in tables) or if it is in the middle of a batch.
 */
export function flushedThrough({ vfs, walDirectory, shard }: ReplayPlace, tablesSeqno: number): number {
  const first = surveyWal(vfs, walDirectory, shard).segments.find(({ header }) => header !== undefined);
  const released = releasedOperations(vfs, walDirectory, shard).seqno;
  let flushedSeqno = Math.max(tablesSeqno, (first?.header?.firstSeqno ?? 1) - 1, released);
  recoverWal({
    vfs,
    directory: walDirectory,
    shard,
    onDamage: 'report',
    onRecord: ({ firstSeqno, operationCount }) => {
      const lastSeqno = firstSeqno + seqnosTaken(operationCount) - 1;
      if (firstSeqno <= flushedSeqno && lastSeqno > flushedSeqno) flushedSeqno = lastSeqno;
    },
  });
  return flushedSeqno;
}

/** The tables of a flush that a crash left half named; empty if there is none, or if the log does not hold all of it. */
export function halfNamedFlush<T extends Contents>(place: ReplayPlace, tables: readonly T[]): readonly T[] {
  const temporaries = readableTemporaries(place);
  const byNumber = new Map(tables.map((table) => [table.fileNumber, table]));
  for (const temporary of temporaries) {
    const named: T[] = [];
    let number = temporary.fileNumber - 1;
    for (let table = byNumber.get(number); table !== undefined; table = byNumber.get(--number)) {
      named.unshift(table);
      const group = [...named, ...successors(temporary, temporaries)];
      // Keys tell the tables of a flush from those of a compaction, which lie beside the tables they were made of.
      if (!isOneRun(group)) break;
      const from = Math.min(...group.map(({ minSeqno }) => minSeqno));
      const others = tables.filter((other) => !named.includes(other));
      // Only the newest flush can have been cut short.
      if (others.some(({ maxSeqno }) => maxSeqno >= from)) continue;
      const to = Math.max(...group.map(({ maxSeqno }) => maxSeqno));
      return logHolds(place, from, to) ? named : [];
    }
  }
  return [];
}

/** The table and those whose numbers follow its own without a gap. */
function successors(first: Contents, sorted: readonly Contents[]): Contents[] {
  const start = sorted.indexOf(first);
  return sorted.slice(start).filter(({ fileNumber }, index) => fileNumber === first.fileNumber + index);
}

function isOneRun(tables: readonly Contents[]): boolean {
  return tables.every(({ smallest }, i) => i === 0 || compareBounds(tables[i - 1].largest, smallest) < 0);
}

/** Finished tables that have no name yet, by number. One that was being written cannot be opened, and says nothing. */
function readableTemporaries(place: ReplayPlace): Contents[] {
  const { vfs, shard, tableDirectory } = place;
  const found: Contents[] = [];
  for (const name of listDirectory(manifestPlace(place)).incomplete) {
    const classified = classifyTableName(name);
    if (classified.kind !== 'temporary') continue;
    const { fileNumber } = classified;
    const path = `${tableDirectory}/${temporaryTableName(fileNumber)}`;
    try {
      const reader = TableReader.open({ vfs, path, shard, fileNumber, cache: NO_BLOCK_CACHE });
      reader.close();
      found.push({ ...reader.properties, fileNumber });
    } catch (error) {
      if (!(error instanceof DbError) || error.code !== 'CORRUPT_TABLE') throw error;
    }
  }
  return found.sort((a, b) => a.fileNumber - b.fileNumber);
}

/** Whether every operation from one seqno to another, both included, is in the log, undamaged. */
function logHolds({ vfs, walDirectory, shard }: ReplayPlace, from: number, to: number): boolean {
  const [first] = surveyWal(vfs, walDirectory, shard).segments;
  if (first?.header === undefined || first.header.firstSeqno > from) return false;
  const report = recoverWal({ vfs, directory: walDirectory, shard, onDamage: 'report', onRecord: () => {} });
  return report.damage.length === 0 && report.lastSeqno >= to;
}
