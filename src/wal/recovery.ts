/**
 * Replays the log of one shard at start-up, and judges what it finds: a torn tail is dropped quietly (but reported),
 * damage to data that had been synced is loud. Writes nothing, except copies into `quarantine/` when salvaging.
 * Shard thread, before its writer exists. The rules are in format.ts and docs/adr/0003.
 */
import {
  asEpoch,
  asSegmentNumber,
  asSeqno,
  type SegmentNumber,
  type Seqno,
  type ShardId,
} from '../base/brand.js';
import { DbError } from '../base/errors.js';
import { freePath, parentOf } from '../vfs/transfer.js';
import type { Vfs, VfsFile } from '../vfs/vfs.js';
import { asSegmentOffset, type WalRecord } from './commit-log.js';
import { SEGMENT_HEADER_BYTES } from './format.js';
import { type LogOrder, SegmentReader, type Verdict } from './reader.js';
import type { RecoveryReport, WalContinuation, WalDamage } from './recovery-report.js';
import { releasedOperations } from './released.js';
import { segmentName } from './segment-names.js';
import { type SurveyedSegment, surveyWal, type WalSurvey } from './survey.js';

export interface RecoverWalOptions {
  readonly vfs: Vfs;
  readonly directory: string;
  readonly shard: ShardId;
  /**
   * Operations below this seqno are in SSTables: records that hold nothing else are not delivered, segments that hold
   * nothing else are not even read, and may be missing. Absent: everything there is, with no claim that the log
   * reaches back to the beginning.
   */
  readonly fromSeqno?: Seqno;
  /**
   * At damage to synced data: throw CORRUPT_WAL; or keep a copy in quarantine/ and go on with what is good behind it;
   * or go on like that and write nothing, for tools that only look.
   */
  readonly onDamage: 'stop' | 'salvage' | 'report';
  /** The payload is a view, valid until this returns. Before a CORRUPT_WAL the good records in front are delivered. */
  readonly onRecord: (record: WalRecord) => void;
  readonly onProgress?: (bytesDone: number, bytesTotal: number) => void;
}

export function recoverWal(options: RecoverWalOptions): RecoveryReport {
  return new Recovery(options).run();
}

const PROGRESS_STEP_BYTES = 1024 * 1024;
const MISSING = 'the segment is missing';

/** A segment that will be read, and what the segment after it says about it. */
interface Planned {
  readonly segment: SurveyedSegment;
  /** Exact end of the good records, if a later header knows it. */
  readonly exactEnd: number | undefined;
}

/** A damage entry whose next good record has not been seen yet. */
type OpenDamage = { -readonly [Key in keyof WalDamage]: WalDamage[Key] };

class Recovery {
  private readonly options: RecoverWalOptions;
  private readonly survey: WalSurvey;
  private readonly reader = new SegmentReader();
  private readonly order: LogOrder = { lastSeqno: 0, lastEpoch: 0 };
  private readonly lastSeqnoOf = new Map<SegmentNumber, number>();
  private readonly damage: OpenDamage[] = [];
  private openDamage: OpenDamage[] = [];
  private readonly quarantined: string[] = [];
  private readonly copied = new Set<SegmentNumber>();
  private planned: readonly Planned[] = [];
  private records = 0;
  private bytesDone = 0;
  private bytesTotal = 0;
  private bytesReported = 0;
  private tornTailBytes: number | undefined;
  private tornTailRecords = 0;
  /** End of the last good record in the segment being read, and what its records say was synced. */
  private end = SEGMENT_HEADER_BYTES;
  private durableEnd = SEGMENT_HEADER_BYTES;

  constructor(options: RecoverWalOptions) {
    this.options = options;
    this.survey = surveyWal(options.vfs, options.directory, options.shard);
  }

  run(): RecoveryReport {
    const chain = this.withoutBlankEnd();
    const skipped = firstNeeded(chain, this.options.fromSeqno);
    const needed = chain.slice(skipped);
    const first = needed[0];
    for (const { number } of chain.slice(0, skipped)) {
      this.lastSeqnoOf.set(number, (first?.header?.firstSeqno ?? 0) - 1);
    }
    this.planned = needed.map((segment, index) => ({
      segment,
      exactEnd: exactEndOf(segment, needed[index + 1]),
    }));
    this.bytesTotal = needed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    this.requireBeginning(chain);
    this.planned.forEach((plan, index) => {
      this.replaySegment(plan, index);
    });
    return this.report(chain);
  }

  /**
   * The segments that count. A last one with a blank header never held a record, because headers are synced before
   * the first record is written; the writer will reuse its number.
   */
  private withoutBlankEnd(): readonly SurveyedSegment[] {
    const { segments } = this.survey;
    const last = segments.at(-1);
    if (last === undefined || !last.blank) return segments;
    return this.goodRecordsOf({ segment: last, exactEnd: undefined }) > 0 ? segments : segments.slice(0, -1);
  }

  /** Segments in front of the first one, or all of them, may be gone only if all they held is in SSTables. */
  private requireBeginning(chain: readonly SurveyedSegment[]): void {
    const { fromSeqno, vfs, directory, shard } = this.options;
    if (fromSeqno === undefined) return;
    const survey = { ...this.survey, segments: chain };
    const released = releasedOperations(vfs, directory, shard, survey);
    this.order.lastSeqno = chain.length === 0 ? Math.max(0, fromSeqno - 1) : 0;
    if (released.seqno < fromSeqno) return;
    this.order.lastSeqno = Math.max(0, fromSeqno - 1);
    this.damaged(this.pathOf(asSegmentNumber(released.segment)), 0, 0, MISSING, this.goodRecordsFrom(0));
    // What comes next is above all that was let go, whatever has become of it.
    if (chain.length === 0) this.order.lastSeqno = released.seqno;
  }

  private replaySegment(plan: Planned, index: number): void {
    const { segment, exactEnd } = plan;
    const bytesBefore = this.bytesDone;
    this.checkPlace(segment, index);
    this.end = SEGMENT_HEADER_BYTES;
    this.durableEnd = SEGMENT_HEADER_BYTES;
    if (!segment.foreign) {
      if (segment.header !== undefined) {
        this.order.lastEpoch = Math.max(this.order.lastEpoch, segment.header.epoch);
        // Also where records were lost: nothing in this segment is older than its header says.
        this.order.lastSeqno = Math.max(this.order.lastSeqno, segment.header.firstSeqno - 1);
      }
      this.withFile(segment, (file) => {
        this.reader.attach(file, segment.number, Math.min(segment.sizeBytes, exactEnd ?? segment.sizeBytes));
        this.replayRecords(plan, index, bytesBefore);
      });
      this.lastSeqnoOf.set(segment.number, this.order.lastSeqno);
    }
    this.bytesDone = bytesBefore + segment.sizeBytes;
    this.progress(this.bytesDone, true);
  }

  private replayRecords(plan: Planned, index: number, bytesBefore: number): void {
    const { exactEnd } = plan;
    let offset: number | undefined = SEGMENT_HEADER_BYTES;
    while (offset !== undefined && (exactEnd === undefined || offset < exactEnd)) {
      const verdict = this.reader.inspect(offset, this.order);
      if (verdict !== 'valid') {
        offset = this.afterInvalid(plan, index, offset, verdict);
        continue;
      }
      this.deliver(offset);
      offset += this.reader.span;
      this.end = offset;
      this.progress(bytesBefore + offset, false);
    }
  }

  private deliver(offset: number): void {
    const { reader, order } = this;
    order.lastSeqno = reader.lastSeqno;
    order.lastEpoch = reader.epoch;
    this.durableEnd = Math.max(this.durableEnd, reader.durableEnd);
    if (this.openDamage.length > 0) {
      for (const entry of this.openDamage) entry.seqnoAfter = asSeqno(reader.firstSeqno);
      this.openDamage = [];
    }
    if (this.options.fromSeqno !== undefined && reader.lastSeqno < this.options.fromSeqno) return;
    this.records++;
    this.options.onRecord(reader.record(offset));
  }

  /** Torn tail or damage? Returns where to go on, or undefined if this segment has nothing more to give. */
  private afterInvalid(plan: Planned, index: number, offset: number, verdict: Verdict): number | undefined {
    const { segment, exactEnd } = plan;
    const behind = this.reader.lookBehind(offset, this.order);
    const wasSynced =
      exactEnd !== undefined ||
      behind.durableEndMax > offset ||
      // Whole and checksummed, so no crash made it; a newer program did, and it may have been acknowledged.
      verdict === 'fields of an unknown version' ||
      // The damage already reported for the header says that nothing vouches for the order of what follows.
      (segment.header === undefined && behind.count > 0);
    if (!wasSynced) {
      const torn = Math.max(behind.endOffset - offset, this.reader.torsoBytes(offset));
      if (torn > 0) this.tornTailBytes = (this.tornTailBytes ?? 0) + torn;
      this.tornTailRecords += behind.count;
      return undefined;
    }
    const resume = behind.firstOffset ?? exactEnd ?? segment.sizeBytes;
    this.damaged(
      segment.path,
      offset,
      resume - offset,
      verdict,
      behind.count + this.goodRecordsFrom(index + 1),
    );
    this.quarantine(segment);
    return behind.firstOffset;
  }

  /** Header damage, misplaced files and gaps in the numbering. */
  private checkPlace(segment: SurveyedSegment, index: number): void {
    if (segment.header === undefined) {
      const reason = segment.problem ?? 'the segment header is blank';
      this.damaged(segment.path, 0, SEGMENT_HEADER_BYTES, reason, this.goodRecordsFrom(index));
      this.quarantine(segment);
      return;
    }
    const before = this.planned[index - 1]?.segment;
    const { previousSegment } = segment.header;
    if (before === undefined || previousSegment === before.number) return;
    if (previousSegment > before.number) {
      this.damaged(this.pathOf(previousSegment), 0, 0, MISSING, this.goodRecordsFrom(index));
    } else {
      const reason = `segment ${segment.number} says that it follows segment ${previousSegment}`;
      this.damaged(segment.path, 0, 0, reason, this.goodRecordsFrom(index));
    }
  }

  /** Reports damage: throws in mode stop, takes a note in the others. */
  private damaged(
    file: string,
    offset: number,
    length: number,
    reason: string,
    goodRecordsAfter: number,
  ): void {
    const seqnoBefore = asSeqno(this.order.lastSeqno);
    if (this.options.onDamage !== 'stop') {
      const entry = { file, offset, length, reason, goodRecordsAfter, seqnoBefore, seqnoAfter: undefined };
      this.damage.push(entry);
      this.openDamage.push(entry);
      return;
    }
    throw new DbError(
      'CORRUPT_WAL',
      `the WAL of shard ${this.options.shard} is damaged: ${file} at offset ${offset}: ${reason} ` +
        `(last good seqno ${seqnoBefore}, ${goodRecordsAfter} good records behind the damage)`,
      { file, offset, length, reason, goodRecordsAfter, seqnoBefore },
    );
  }

  /** Good records in the planned segments from `index` on. Called only at damage: it reads them all. */
  private goodRecordsFrom(index: number): number {
    return this.planned.slice(index).reduce((sum, plan) => sum + this.goodRecordsOf(plan), 0);
  }

  private goodRecordsOf({ segment, exactEnd }: Planned): number {
    if (segment.foreign) return 0;
    const reader = new SegmentReader();
    return this.withFile(segment, (file) => {
      reader.attach(file, segment.number, Math.min(segment.sizeBytes, exactEnd ?? segment.sizeBytes));
      return reader.recordsFrom(SEGMENT_HEADER_BYTES, this.order).count;
    });
  }

  private quarantine(segment: SurveyedSegment): void {
    const { vfs, directory, shard, onDamage } = this.options;
    if (onDamage === 'report') return;
    if (this.copied.has(segment.number)) return;
    this.copied.add(segment.number);
    const quarantineDirectory = `${parentOf(directory)}/quarantine`;
    const name = `${quarantineDirectory}/shard-${shard}-${segmentName(segment.number)}`;
    const bytes = vfs.readFile(segment.path);
    // An earlier salvage may have made the same copy. Another file of the name is never taken for it.
    const made = freePath(vfs, name);
    const earlier = earlierCopies(name, made).find((path) => Buffer.compare(vfs.readFile(path), bytes) === 0);
    if (earlier === undefined) {
      vfs.makeDirectory(quarantineDirectory);
      vfs.writeFileAtomic(made, bytes);
    }
    this.quarantined.push(earlier ?? made);
  }

  private withFile<T>(segment: SurveyedSegment, use: (file: VfsFile) => T): T {
    const file = this.options.vfs.open(segment.path, 'read');
    try {
      return use(file);
    } finally {
      file.close();
    }
  }

  private pathOf(number: SegmentNumber): string {
    return `${this.options.directory}/${segmentName(number)}`;
  }

  private progress(bytesDone: number, segmentFinished: boolean): void {
    if (!segmentFinished && bytesDone - this.bytesReported < PROGRESS_STEP_BYTES) return;
    this.bytesReported = bytesDone;
    this.options.onProgress?.(bytesDone, this.bytesTotal);
  }

  private report(chain: readonly SurveyedSegment[]): RecoveryReport {
    return {
      lastSeqno: asSeqno(this.order.lastSeqno),
      lastEpoch: asEpoch(this.order.lastEpoch),
      continuation: this.continuation(chain),
      records: this.records,
      bytes: this.bytesDone,
      tornTailBytes: this.tornTailBytes,
      tornTailRecords: this.tornTailRecords,
      damage: this.damage,
      unknownFiles: this.survey.unknownFiles,
      quarantined: this.quarantined,
    };
  }

  private continuation(chain: readonly SurveyedSegment[]): WalContinuation {
    const last = chain.at(-1);
    const blank = this.survey.segments[chain.length];
    const lastSeqno = asSeqno(this.order.lastSeqno);
    return {
      nextSegment: blank?.number ?? asSegmentNumber(this.survey.highestNumber + 1),
      previousSegment: last?.number ?? asSegmentNumber(0),
      previousEnd: asSegmentOffset(last === undefined ? 0 : this.end),
      previousDurableEnd: asSegmentOffset(last === undefined ? 0 : this.durableEnd),
      lastSeqno,
      lastEpoch: asEpoch(this.order.lastEpoch),
      segments: chain.map(({ number, sizeBytes }) => ({
        number,
        sizeBytes,
        lastSeqno: asSeqno(this.lastSeqnoOf.get(number) ?? lastSeqno),
      })),
    };
  }
}

/** Names in use for copies of one segment, when `free` is what freePath() gave for `name`. */
function earlierCopies(name: string, free: string): string[] {
  if (free === name) return [];
  const count = Number(free.slice(name.length + 1));
  return [name, ...Array.from({ length: count - 1 }, (_, i) => `${name}.${i + 1}`)];
}

/** Index of the first segment that can hold an operation at or above `fromSeqno`. */
function firstNeeded(chain: readonly SurveyedSegment[], fromSeqno: Seqno | undefined): number {
  if (fromSeqno === undefined) return 0;
  const index = chain.findLastIndex(({ header }) => header !== undefined && header.firstSeqno <= fromSeqno);
  return Math.max(0, index);
}

function exactEndOf(segment: SurveyedSegment, next: SurveyedSegment | undefined): number | undefined {
  return next?.header?.previousSegment === segment.number ? next.header.previousEnd : undefined;
}
