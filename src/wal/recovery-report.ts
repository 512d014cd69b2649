/** What recovery tells the engine and the operator, and what the writer needs to go on. Types only. */
import type { Epoch, SegmentNumber, Seqno } from '../base/brand.js';
import type { SegmentOffset } from './commit-log.js';

export interface WalDamage {
  readonly file: string;
  readonly offset: number;
  /** Bytes that could not be used, from `offset` on. */
  readonly length: number;
  readonly reason: string;
  /** Valid records behind the damage, in this segment and later ones. */
  readonly goodRecordsAfter: number;
  /** Operations with seqnos between these two, both exclusive, may be lost. Other shards have some of them. */
  readonly seqnoBefore: Seqno;
  /** Absent if no good record follows. */
  readonly seqnoAfter: Seqno | undefined;
}

/** Where and how the writer goes on. It never writes into a segment of an earlier run. */
export interface WalContinuation {
  /** Number of the segment that the writer opens when it has something to write. */
  readonly nextSegment: SegmentNumber;
  /** Last segment with a header, 0 if there is none. */
  readonly previousSegment: SegmentNumber;
  /** Where its good records end. */
  readonly previousEnd: SegmentOffset;
  /** Bytes of the previous segment from here to previousEnd are readable, but nothing says that they were synced. */
  readonly previousDurableEnd: SegmentOffset;
  readonly lastSeqno: Seqno;
  readonly lastEpoch: Epoch;
  /** Segments of the log, by number, with the last seqno each can hold. For WalWriter.releaseThrough. */
  readonly segments: readonly RetainedSegment[];
}

export interface RetainedSegment {
  readonly number: SegmentNumber;
  /** Of its file. */
  readonly sizeBytes: number;
  readonly lastSeqno: Seqno;
}

export interface RecoveryReport {
  /** 0 if the log holds none. */
  readonly lastSeqno: Seqno;
  readonly lastEpoch: Epoch;
  readonly continuation: WalContinuation;
  /** Records delivered. */
  readonly records: number;
  /** Bytes of segments read. */
  readonly bytes: number;
  /** Absent if the log ends cleanly. Bytes of the dropped tail, as far as they can be told from unused space. */
  readonly tornTailBytes: number | undefined;
  /** Whole records in the dropped tail, behind a hole. None of them was ever acknowledged as durable. */
  readonly tornTailRecords: number;
  readonly damage: readonly WalDamage[];
  readonly unknownFiles: readonly string[];
  /** Paths of the copies made of damaged segments. */
  readonly quarantined: readonly string[];
}
