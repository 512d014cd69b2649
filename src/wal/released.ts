/**
 * What a log says about the operations it has let go: they were in tables, durably, or their segments would be here still.
 * A manifest that knows of fewer has lost edits. Reads only; any thread.
 */
import { asSegmentNumber, type SegmentNumber, type ShardId } from '../base/brand.js';
import type { Vfs } from '../vfs/vfs.js';
import { SEGMENT_HEADER_BYTES } from './format.js';
import { type LogOrder, SegmentReader } from './reader.js';
import { recycledName } from './segment-names.js';
import { readSegmentHeader } from './segments.js';
import { surveyWal, type WalSurvey } from './survey.js';

export interface ReleasedOperations {
  /** All operations of this shard up to it were in tables once. 0 when the log lets nothing be known. */
  readonly seqno: number;
  /** The segment that was let go last; 0 if none ever was, as far as this log knows. */
  readonly segment: SegmentNumber | 0;
}

export function releasedOperations(
  vfs: Vfs,
  directory: string,
  shard: ShardId,
  { segments, highestNumber }: WalSurvey = surveyWal(vfs, directory, shard),
): ReleasedOperations {
  const first = segments.find(({ blank }) => !blank);
  if (first !== undefined) {
    if (first.header === undefined) return { seqno: 0, segment: 0 };
    return { seqno: first.header.firstSeqno - 1, segment: first.header.previousSegment };
  }
  if (highestNumber === 0) return { seqno: 0, segment: 0 };
  const segment = asSegmentNumber(highestNumber);
  const path = `${directory}/${recycledName(segment)}`;
  return vfs.exists(path)
    ? { seqno: lastSeqnoIn(vfs, path, segment, shard), segment }
    : { seqno: 0, segment: 0 };
}

/** Of a segment that was released: its records are in the file until the next segment takes its space. */
function lastSeqnoIn(vfs: Vfs, path: string, number: SegmentNumber, shard: ShardId): number {
  const decoded = readSegmentHeader(vfs, path);
  // With another number in it the file was about to become that segment, which then never had a record.
  if (decoded.kind !== 'valid' || decoded.header.number !== number || decoded.header.shard !== shard)
    return 0;
  const order: LogOrder = { lastSeqno: decoded.header.firstSeqno - 1, lastEpoch: decoded.header.epoch };
  const file = vfs.open(path, 'read');
  try {
    const reader = new SegmentReader();
    reader.attach(file, number, file.size());
    let offset = SEGMENT_HEADER_BYTES;
    while (reader.inspect(offset, order) === 'valid') {
      order.lastSeqno = reader.lastSeqno;
      order.lastEpoch = reader.epoch;
      offset += reader.span;
    }
    return order.lastSeqno;
  } finally {
    file.close();
  }
}
