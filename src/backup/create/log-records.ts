/** The batches of one shard in the segments of a checkpoint. Any thread. */
import { asSegmentNumber } from '../../base/brand.js';
import { DbError } from '../../base/errors.js';
import type { Vfs } from '../../vfs/vfs.js';
import { asSegmentOffset, type WalRecord } from '../../wal/commit-log.js';
import { SEGMENT_HEADER_BYTES, seqnosTaken } from '../../wal/format.js';
import { readLog } from '../../wal/reader.js';
import type { LogRange } from './encode-job.js';

export interface LogRecordsOptions {
  readonly vfs: Vfs;
  /** Of the segments. */
  readonly directory: string;
  readonly range: LogRange | null;
  /** Batches up to it are left out. */
  readonly after: number;
  /** Batches behind it are left out. */
  readonly through: number;
}

/** In order; a payload is a view that is valid until the next one. Throws CORRUPT_WAL, NOT_FOUND and IO. */
export function* logRecords(options: LogRecordsOptions): Generator<WalRecord, void, void> {
  const { vfs, directory, range, after, through } = options;
  if (range === null || after >= through) return;
  const from = {
    segment: asSegmentNumber(range.first_segment),
    offset: asSegmentOffset(SEGMENT_HEADER_BYTES),
  };
  const until = {
    segment: asSegmentNumber(range.last_segment),
    offset: asSegmentOffset(range.end_offset),
  };
  for (const record of readLog({ vfs, directory, from, until })) {
    const last = record.firstSeqno + seqnosTaken(record.operationCount) - 1;
    if (last <= after) continue;
    if (record.firstSeqno > through) return;
    // A batch is of one seqno or another, never of two backups: a cut one would be applied by halves.
    if (record.firstSeqno <= after || last > through) throw cut(directory, record.firstSeqno, last, options);
    yield record;
  }
}

function cut(directory: string, first: number, last: number, { after, through }: LogRecordsOptions): DbError {
  return new DbError(
    'CORRUPT_WAL',
    `${directory}: the batch of seqnos ${first} to ${last} lies across an end of the interval from ${after} to ${through}`,
    { file: directory, offset: 0, reason: 'a batch across the end of an interval' },
  );
}
