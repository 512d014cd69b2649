/**
 * The log of one shard as the engine sees it: batches in order, each with a position. The embedded log is a
 * directory of segment files (writer.ts); in a cluster the same batches go to a replicated log behind this interface.
 */
import type { Brand, Epoch, Millis, SegmentNumber, Seqno } from '../base/brand.js';
import type { DbError } from '../base/errors.js';

/** Bytes from the start of a segment file. */
export type SegmentOffset = Brand<number, 'SegmentOffset'>;
export const asSegmentOffset = (value: number): SegmentOffset => value as SegmentOffset;

/** Where a record starts. Positions of one log are ordered by segment, then offset. */
export interface WalPosition {
  readonly segment: SegmentNumber;
  readonly offset: SegmentOffset;
}

/** Negative if `a` is before `b`, 0 if they are the same place. */
export function comparePositions(a: WalPosition, b: WalPosition): number {
  return a.segment === b.segment ? a.offset - b.offset : a.segment - b.segment;
}

/** What the shard says about a batch it appends. */
export interface RecordInfo {
  /** Seqno of the batch's first operation; the others follow without gaps. Above every seqno appended before. */
  readonly firstSeqno: Seqno;
  /** Seqnos the batch takes. 0 is allowed for a record that only marks an epoch; it still takes one seqno. */
  readonly operationCount: number;
  /** A label for people and point-in-time restore. Never an order. */
  readonly wallClockMs: Millis;
}

export interface WalRecord extends RecordInfo {
  /** The batch as it was appended. A view into a reused buffer: valid until the next record is asked for. */
  readonly payload: Uint8Array;
  readonly epoch: Epoch;
  readonly position: WalPosition;
}

export interface CommitLog {
  /**
   * Makes sure that a batch of this size can be appended. Call before `append`: it throws DbError('IO', … ENOSPC …)
   * when there is no space, leaves everything as it was, and succeeds again once there is space.
   */
  ensureRoom(payloadBytes: number): void;
  /** Takes the batch into the current group. It is neither written nor durable yet. */
  append(batch: Uint8Array, info: RecordInfo): WalPosition;
  /** Hands the group to the operating system: it survives the death of the process. */
  write(): void;
  /** Makes all that was written durable: it survives a power cut. Batches still staged are not included. */
  sync(): void;
  /** Durable records from `from` on, in order. */
  read(from: WalPosition): Iterable<WalRecord>;
  /** Why this log takes no more writes, if that is so. */
  poisonedBy(): DbError | undefined;
  close(): void;
}
