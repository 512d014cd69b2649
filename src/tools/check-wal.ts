/**
 * Checks the write-ahead log of one shard: that it reaches back to what is not in tables, that every record that was
 * synced is whole, and that its operations belong to this shard. A torn tail is what a crash leaves and no finding. Reads
 * only. Beside a running server only segments that are finished are looked at.
 */
import { shardOfHash } from '../base/hash.js';
import { alignedBatch, WriteBatchView } from '../batch/write-batch-view.js';
import { OperationKind } from '../generated/lumadb/schema/operation-kind.js';
import { isIoError } from '../vfs/io-error.js';
import type { WalRecord } from '../wal/commit-log.js';
import { SEGMENT_HEADER_BYTES } from '../wal/format.js';
import { SegmentReader } from '../wal/reader.js';
import { recoverWal } from '../wal/recovery.js';
import { releasedOperations } from '../wal/released.js';
import { segmentName } from '../wal/segment-names.js';
import { type SurveyedSegment, surveyWal } from '../wal/survey.js';
import type { ByteProgress } from './byte-progress.js';
import { indexNumbered, isDropped, type KnownCollections } from './collections.js';
import type { FindingList } from './findings.js';
import { EntryIds } from './index-agreement.js';
import type { ShardPlace } from './shard-place.js';

export interface WalCheckOptions {
  readonly place: ShardPlace;
  readonly shards: number;
  readonly collections: KnownCollections;
  /** All operations up to it are in tables; undefined when no manifest can be read. */
  readonly flushedSeqno: number | undefined;
  readonly isLive: boolean;
  readonly findings: FindingList;
  readonly progress: ByteProgress;
}

export interface WalCheckResult {
  readonly records: number;
  readonly bytes: number;
  /** 0 if the log holds none, or if it was not read to its end. */
  readonly lastSeqno: number;
}

export function checkWal(options: WalCheckOptions): WalCheckResult {
  return options.isLive ? checkFinishedSegments(options) : checkWholeLog(options);
}

/** Bytes of the segments in a log, for a progress bar. */
export function walBytes({ vfs, walDirectory, shard }: ShardPlace): number {
  return surveyWal(vfs, walDirectory, shard).segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

function checkWholeLog(options: WalCheckOptions): WalCheckResult {
  const { place, findings, progress, flushedSeqno } = options;
  const { vfs, walDirectory, shard } = place;
  checkBeginning(options);
  const batches = new BatchCheck(options);
  let told = 0;
  const report = recoverWal({
    vfs,
    directory: walDirectory,
    shard,
    onDamage: 'report',
    onRecord: (record) => batches.record(record),
    onProgress: (done) => {
      progress.add(done - told);
      told = done;
    },
  });
  for (const { file, offset, reason, length, goodRecordsAfter, seqnoBefore, seqnoAfter } of report.damage) {
    const isFlushed =
      flushedSeqno !== undefined && seqnoAfter !== undefined && seqnoAfter <= flushedSeqno + 1;
    const lost = `operations between seqno ${seqnoBefore} and ${seqnoAfter ?? 'the end of the log'}`;
    const reach = isFlushed ? `${lost}, all of which are in tables` : `${lost} may be lost`;
    findings.add(
      isFlushed ? 'warning' : 'error',
      file,
      offset,
      `${reason}: ${length} bytes, ${goodRecordsAfter} good records behind; ${reach}`,
    );
  }
  for (const name of report.unknownFiles)
    findings.warning(`${walDirectory}/${name}`, null, 'an unknown file; it is left alone');
  return { records: report.records, bytes: report.bytes, lastSeqno: report.lastSeqno };
}

/** Segments in front of the first one may be gone only if all they held is in tables. */
function checkBeginning({ place, flushedSeqno, findings }: WalCheckOptions): void {
  const { vfs, walDirectory, shard } = place;
  if (flushedSeqno === undefined) return;
  const { seqno, segment } = releasedOperations(vfs, walDirectory, shard);
  if (seqno <= flushedSeqno) return;
  findings.error(
    walDirectory,
    null,
    `the log begins behind seqno ${seqno}, tables end at ${flushedSeqno}: segment ${segment} is missing`,
  );
}

function checkFinishedSegments(options: WalCheckOptions): WalCheckResult {
  const { place, findings, progress } = options;
  const { segments } = surveyWal(place.vfs, place.walDirectory, place.shard);
  let records = 0;
  let bytes = 0;
  for (let index = 0; index + 1 < segments.length; index++) {
    const segment = segments[index];
    const next = segments[index + 1].header;
    if (next?.previousSegment !== segment.number) continue;
    try {
      records += checkFinished(options, segment, next.previousEnd);
      bytes += next.previousEnd;
    } catch (error) {
      // Released since the directory was listed.
      if (!isIoError(error, 'ENOENT')) findings.failure(error, segment.path);
    }
    progress.add(segment.sizeBytes);
  }
  return { records, bytes, lastSeqno: 0 };
}

/** Every record up to the exact end that the next segment knows. Returns how many there are. */
function checkFinished(options: WalCheckOptions, segment: SurveyedSegment, end: number): number {
  const { place, findings } = options;
  const { header } = segment;
  if (header === undefined) {
    if (place.vfs.exists(segment.path))
      findings.error(segment.path, 0, segment.problem ?? 'the segment header is blank');
    return 0;
  }
  const reader = new SegmentReader();
  const batches = new BatchCheck(options);
  const order = { lastSeqno: header.firstSeqno - 1, lastEpoch: header.epoch as number };
  const file = place.vfs.open(segment.path, 'read');
  try {
    reader.attach(file, segment.number, end);
    for (let offset = SEGMENT_HEADER_BYTES; offset < end; offset += reader.span) {
      const verdict = reader.inspect(offset, order);
      if (verdict !== 'valid') {
        // A segment that was recycled under our eyes has another name by now.
        if (place.vfs.exists(segment.path)) findings.error(segment.path, offset, verdict);
        return batches.records;
      }
      order.lastSeqno = reader.lastSeqno;
      order.lastEpoch = reader.epoch;
      batches.record(reader.record(offset));
    }
    return batches.records;
  } finally {
    file.close();
  }
}

/** Looks into the batches: the checksums say that nothing changed, this that it was ours to begin with. */
class BatchCheck {
  private readonly view = new WriteBatchView();
  records = 0;

  constructor(private readonly options: WalCheckOptions) {}

  record({ payload, position, operationCount, firstSeqno }: WalRecord): void {
    this.records++;
    // A record without operations only marks an epoch.
    if (operationCount === 0) return;
    const problem = this.problemOf(payload, operationCount);
    if (problem === undefined) return;
    const file = `${this.options.place.walDirectory}/${segmentName(position.segment)}`;
    this.options.findings.error(file, position.offset, `record of seqno ${firstSeqno}: ${problem}`);
  }

  private problemOf(payload: Uint8Array, operationCount: number): string | undefined {
    const { place } = this.options;
    try {
      const batch = this.view.open(alignedBatch(payload));
      if (batch.count !== operationCount)
        return `${batch.count} operations in the batch, ${operationCount} in the header`;
      for (let i = 0; i < batch.count; i++) {
        const shard = this.shardOf(batch, i);
        if (shard !== place.shard) return `operation ${i} belongs to shard ${shard}`;
      }
      return undefined;
    } catch (error) {
      return `its batch cannot be read: ${error instanceof Error ? error.message : String(error)}`;
    }
  }

  /** An entry of an index, which the sweeper collects, is in the shard of its document. */
  private shardOf(batch: WriteBatchView, operation: number): number {
    const { shards, place, collections } = this.options;
    const collection = batch.collection(operation);
    const index = indexNumbered(collections, collection);
    if (index !== undefined) {
      const keyStart = batch.keyStart(operation);
      const keyLength = batch.keyEnd(operation) - keyStart;
      const hash = new EntryIds(index).routingHash(batch.keys, keyStart, keyLength);
      return hash === undefined ? -1 : shardOfHash(hash, shards);
    }
    // Of a dropped number nobody knows what it was.
    const isUnknown = batch.kind(operation) === OperationKind.Expire && isDropped(collections, collection);
    return isUnknown ? place.shard : shardOfHash(batch.keyHash(operation), shards);
  }
}
