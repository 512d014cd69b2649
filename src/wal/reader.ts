/**
 * Reads records of one segment: is there a valid record at this offset, and what lies behind an invalid one. Keeps no
 * opinion about what an invalid record means (recovery.ts has it). Any thread; one reader per thread.
 */
import { asEpoch, asMillis, asSeqno, type SegmentNumber } from '../base/brand.js';
import { DbError } from '../base/errors.js';
import type { Vfs, VfsFile } from '../vfs/vfs.js';
import { asSegmentOffset, type WalPosition, type WalRecord } from './commit-log.js';
import {
  RECORD_ALIGNMENT,
  RECORD_COUNT_AT,
  RECORD_DURABLE_END_AT,
  RECORD_EPOCH_AT,
  RECORD_FLAGS_AT,
  RECORD_HEADER_BYTES,
  RECORD_LENGTH_AT,
  RECORD_SEGMENT_AT,
  RECORD_SEQNO_AT,
  RECORD_WALL_AT,
  readU64,
  recordChecksumMatches,
  recordSpan,
  SEGMENT_HEADER_BYTES,
  segmentWord,
  seqnosTaken,
} from './format.js';
import { classifyName, segmentName } from './segment-names.js';
import { readSegmentHeader } from './segments.js';
import { FileWindow } from './window.js';

/** Why no valid record starts at an offset. */
export type Verdict =
  | 'valid'
  /** The segment ends within the record header. */
  | 'end of segment'
  /** Not a record of this segment: zeros, stale recycled bytes, or garbage. */
  | 'no record of this segment'
  | 'length beyond the segment'
  | 'checksum mismatch'
  /** Stale: the crc is right, the order is not. */
  | 'epoch goes backwards'
  | 'seqno goes backwards'
  /** The crc is right, but this version never writes such a record. */
  | 'fields of an unknown version';

/** The order that records must keep; carried from segment to segment. */
export interface LogOrder {
  /** Last seqno taken by the records so far; 0 before the first. */
  lastSeqno: number;
  lastEpoch: number;
}

/** What is known about the records behind an invalid one. */
export interface RecordsBehind {
  readonly count: number;
  /** Where the first of them starts, or undefined. */
  readonly firstOffset: number | undefined;
  /** Where the last of them ends, 0 if there is none. */
  readonly endOffset: number;
  /** The highest durable end that any of them witnesses. */
  readonly durableEndMax: number;
}

export class SegmentReader {
  /** The record that `inspect` found valid last. */
  payloadLength = 0;
  operationCount = 0;
  epoch = 0;
  firstSeqno = 0;
  wallClockMs = 0;
  durableEnd = 0;

  private readonly window = new FileWindow();
  private payloadAt = 0;
  private number = 0 as SegmentNumber;
  private word = 0;
  private end = 0;

  /** Goes on with another segment, of which bytes at `end` and above are not to be looked at. */
  attach(file: VfsFile, number: SegmentNumber, end: number): void {
    this.window.attach(file, end);
    this.number = number;
    this.word = segmentWord(number);
    this.end = end;
  }

  /** Is there a valid record at `offset` that may follow `order`? If so its fields are set. Does not change `order`. */
  inspect(offset: number, order: LogOrder): Verdict {
    let at = this.window.load(offset, RECORD_HEADER_BYTES);
    if (at < 0) return 'end of segment';
    if (this.window.view.getUint32(at + RECORD_SEGMENT_AT, true) !== this.word)
      return 'no record of this segment';
    const length = this.window.view.getUint32(at + RECORD_LENGTH_AT, true);
    if (offset + RECORD_HEADER_BYTES + length > this.end) return 'length beyond the segment';
    at = this.window.load(offset, RECORD_HEADER_BYTES + length);
    if (at < 0) return 'length beyond the segment';
    const view = this.window.view;
    if (!recordChecksumMatches(this.window.bytes, view, at, length)) return 'checksum mismatch';
    if (!hasKnownFields(view, at, offset)) return 'fields of an unknown version';
    this.epoch = readU64(view, at + RECORD_EPOCH_AT);
    this.firstSeqno = readU64(view, at + RECORD_SEQNO_AT);
    if (this.epoch < order.lastEpoch) return 'epoch goes backwards';
    if (this.firstSeqno <= order.lastSeqno) return 'seqno goes backwards';
    this.payloadLength = length;
    this.payloadAt = at + RECORD_HEADER_BYTES;
    this.operationCount = view.getUint32(at + RECORD_COUNT_AT, true);
    this.wallClockMs = readU64(view, at + RECORD_WALL_AT);
    this.durableEnd = readU64(view, at + RECORD_DURABLE_END_AT);
    return 'valid';
  }

  /** Last seqno of the record found. */
  get lastSeqno(): number {
    return this.firstSeqno + seqnosTaken(this.operationCount) - 1;
  }

  /** Bytes the record found takes in the file. */
  get span(): number {
    return recordSpan(this.payloadLength);
  }

  /** The record found, as handed to the outside. Its payload is a view, valid until the next call of this reader. */
  record(offset: number): WalRecord {
    return {
      payload: this.window.bytes.subarray(this.payloadAt, this.payloadAt + this.payloadLength),
      firstSeqno: asSeqno(this.firstSeqno),
      operationCount: this.operationCount,
      epoch: asEpoch(this.epoch),
      wallClockMs: asMillis(this.wallClockMs),
      position: { segment: this.number, offset: asSegmentOffset(offset) },
    };
  }

  /**
   * Looks for valid records behind the invalid one at `offset`. The place where that record says it ends is tried
   * first: bytes inside its payload that happen to look like records must not be taken for some.
   */
  lookBehind(offset: number, order: LogOrder): RecordsBehind {
    return this.collect(
      this.declaredEnd(offset, order) ?? this.nextCandidate(offset + RECORD_ALIGNMENT),
      order,
    );
  }

  /** The same from `offset` on, including a record that starts there. */
  recordsFrom(offset: number, order: LogOrder): RecordsBehind {
    return this.collect(this.nextCandidate(offset), order);
  }

  private collect(from: number, order: LogOrder): RecordsBehind {
    const seen: LogOrder = { ...order };
    let count = 0;
    let firstOffset: number | undefined;
    let endOffset = 0;
    let durableEndMax = 0;
    let at = from;
    while (at < this.end) {
      if (this.inspect(at, seen) === 'valid') {
        count++;
        firstOffset ??= at;
        seen.lastSeqno = this.lastSeqno;
        seen.lastEpoch = this.epoch;
        durableEndMax = Math.max(durableEndMax, this.durableEnd);
        at += this.span;
        endOffset = at;
      } else {
        at = this.nextCandidate(at + RECORD_ALIGNMENT);
      }
    }
    return { count, firstOffset, endOffset, durableEndMax };
  }

  /**
   * Bytes from `offset` on that show that a write was under way there; 0 if nothing tells them from unused space
   * (a recycled segment is never empty, so "not zero" says nothing).
   */
  torsoBytes(offset: number): number {
    const rest = this.end - offset;
    if (rest < RECORD_HEADER_BYTES) {
      const at = this.window.load(offset, rest);
      const cutOff = at >= 0 && this.window.bytes.subarray(at, at + rest).some((byte) => byte !== 0);
      return cutOff ? rest : 0;
    }
    const at = this.window.load(offset, RECORD_HEADER_BYTES);
    if (at < 0 || this.window.view.getUint32(at + RECORD_SEGMENT_AT, true) !== this.word) return 0;
    return Math.min(rest, recordSpan(this.window.view.getUint32(at + RECORD_LENGTH_AT, true) % 2 ** 30));
  }

  /** Where the broken record at `offset` says the next one starts, if a valid record does start there. */
  private declaredEnd(offset: number, order: LogOrder): number | undefined {
    const at = this.window.load(offset, RECORD_HEADER_BYTES);
    if (at < 0 || this.window.view.getUint32(at + RECORD_SEGMENT_AT, true) !== this.word) return undefined;
    const length = this.window.view.getUint32(at + RECORD_LENGTH_AT, true);
    if (offset + RECORD_HEADER_BYTES + length > this.end) return undefined;
    const next = offset + recordSpan(length);
    return this.inspect(next, order) === 'valid' ? next : undefined;
  }

  /** The first offset at or after `from` where a record of this segment could start, by its fixed fields alone. */
  private nextCandidate(from: number): number {
    let offset = from;
    while (offset + RECORD_HEADER_BYTES <= this.end) {
      const start = offset;
      const whole = this.window.available(start) - RECORD_HEADER_BYTES;
      if (whole < 0) {
        // The loaded part ends within this header: load the header itself, which moves the window.
        if (this.window.load(offset, RECORD_HEADER_BYTES) < 0) return this.end;
        continue;
      }
      const at = this.window.load(start, RECORD_HEADER_BYTES);
      const view = this.window.view;
      for (; offset - start <= whole; offset += RECORD_ALIGNMENT) {
        const index = at + offset - start;
        if (view.getUint32(index + RECORD_SEGMENT_AT, true) !== this.word) continue;
        // Cheap and strict, so that ordinary payload bytes seldom get as far as a checksum.
        if (hasKnownFields(view, index, offset)) return offset;
      }
    }
    return this.end;
  }
}

/** The fields whose values this version restricts. `offset` is where the record starts in its segment. */
function hasKnownFields(view: DataView, at: number, offset: number): boolean {
  if (readU64(view, at + RECORD_FLAGS_AT) !== 0) return false;
  const durableEnd = readU64(view, at + RECORD_DURABLE_END_AT);
  if (durableEnd < SEGMENT_HEADER_BYTES || durableEnd > offset) return false;
  return (
    readU64(view, at + RECORD_EPOCH_AT) <= Number.MAX_SAFE_INTEGER &&
    readU64(view, at + RECORD_SEQNO_AT) <= Number.MAX_SAFE_INTEGER &&
    readU64(view, at + RECORD_WALL_AT) <= Number.MAX_SAFE_INTEGER
  );
}

export interface ReadLogOptions {
  readonly vfs: Vfs;
  readonly directory: string;
  /** The first record delivered starts here. */
  readonly from: WalPosition;
  /** Where reading ends; must be a record boundary. */
  readonly until: WalPosition;
}

/**
 * Records between two positions, in order, across segments. Throws DbError('NOT_FOUND') if the log no longer reaches
 * back to `from`, and CORRUPT_WAL at the first record that is not valid: below `until` every one must be.
 */
export function* readLog({ vfs, directory, from, until }: ReadLogOptions): Generator<WalRecord, void, void> {
  const reader = new SegmentReader();
  const order: LogOrder = { lastSeqno: 0, lastEpoch: 0 };
  let offset: number = from.offset;
  for (const number of segmentsBetween(vfs, directory, from, until)) {
    const end = number === until.segment ? until.offset : endOfSegment(vfs, directory, number);
    const path = `${directory}/${segmentName(number)}`;
    const file = vfs.open(path, 'read');
    try {
      reader.attach(file, number, end);
      while (offset < end) {
        const verdict = reader.inspect(offset, order);
        if (verdict !== 'valid') throw corrupt(path, offset, verdict);
        order.lastSeqno = reader.lastSeqno;
        order.lastEpoch = reader.epoch;
        const next = offset + reader.span;
        yield reader.record(offset);
        offset = next;
      }
    } finally {
      file.close();
    }
    offset = SEGMENT_HEADER_BYTES;
  }
}

function segmentsBetween(
  vfs: Vfs,
  directory: string,
  from: WalPosition,
  until: WalPosition,
): SegmentNumber[] {
  const numbers: SegmentNumber[] = [];
  for (const name of vfs.list(directory)) {
    const classified = classifyName(name);
    if (classified.kind !== 'segment') continue;
    if (classified.number >= from.segment && classified.number <= until.segment)
      numbers.push(classified.number);
  }
  if (numbers[0] !== from.segment && from.segment <= until.segment) {
    throw new DbError('NOT_FOUND', `the WAL in ${directory} no longer has segment ${from.segment}`, {
      segment: from.segment,
      directory,
    });
  }
  return numbers;
}

/** Only the segment after it knows where a finished segment ends. */
function endOfSegment(vfs: Vfs, directory: string, number: SegmentNumber): number {
  const next = `${directory}/${segmentName((number + 1) as SegmentNumber)}`;
  const decoded = readSegmentHeader(vfs, next);
  if (decoded.kind === 'valid' && decoded.header.previousSegment === number)
    return decoded.header.previousEnd;
  throw corrupt(next, 0, 'the segment header does not say where the segment before it ends');
}

function corrupt(file: string, offset: number, reason: string): DbError {
  return new DbError('CORRUPT_WAL', `${file} at offset ${offset}: ${reason}`, { file, offset, reason });
}
