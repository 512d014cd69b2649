/**
 * Reads a ResponseFrame on the client's side. open() verifies the whole frame: a server is trusted with data, not with
 * the client's memory. Reusable; valid until the next open() or until the frame's memory changes. A frame at a
 * multiple of 4 in its ArrayBuffer is read in place, so its values may be kept for as long as that buffer is.
 */
import { fromWords } from '../base/bytes.js';
import type { DbError } from '../base/errors.js';
import { FrameAligner, findBadEnd, findInexact, malformed, malformedTable } from './frame-columns.js';
import { TableVerifier } from './verify.js';

const FRAME = 'response frame';
const STATUS_MIN = 100;
const STATUS_MAX = 599;
const NO_BYTES = new Uint8Array(0);
const NO_WORDS = new Uint32Array(0);

/** Field ids of schemas/frame.fbs. */
const IDS = 0;
const STATUSES = 1;
const SEQS = 2;
const VALUE_ENDS = 3;
const VALUES = 4;

const FIELDS = [
  { id: IDS, name: 'ids', type: '[uint32]' },
  { id: STATUSES, name: 'statuses', type: '[uint16]' },
  { id: SEQS, name: 'seqs', type: '[uint64]' },
  { id: VALUE_ENDS, name: 'value_ends', type: '[uint32]' },
  { id: VALUES, name: 'values', type: '[uint8]' },
] as const;

export class ResponseFrameView {
  private readonly verifier = new TableVerifier(FIELDS);
  private readonly aligner = new FrameAligner();
  /** The frame (or its aligned copy): valueStart and valueEnd are offsets in it. */
  bytes: Uint8Array = NO_BYTES;
  /** Answers in the frame. */
  count = 0;
  private words: Uint32Array = NO_WORDS;
  private idsAt = 0;
  private statusesAt = 0;
  private seqsAt = 0;
  private valueEndsAt = 0;
  private valuesAt = 0;

  /** Points the view at a frame; the error, if any, names the field and the byte. The view is empty after an error. */
  open(bytes: Uint8Array): DbError | undefined {
    this.count = 0;
    const fault = this.verifier.verify(bytes);
    if (fault !== undefined) return malformedTable(FRAME, fault);
    const { starts, lengths } = this.verifier;
    this.bytes = this.aligner.align(bytes);
    this.words = new Uint32Array(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length >>> 2);
    this.idsAt = starts[IDS] >>> 2;
    this.statusesAt = starts[STATUSES];
    this.seqsAt = starts[SEQS] >>> 2;
    this.valueEndsAt = lengths[VALUE_ENDS] === 0 ? 0 : starts[VALUE_ENDS] >>> 2;
    this.valuesAt = starts[VALUES];
    const bad = this.check(lengths[IDS]);
    if (bad === undefined) this.count = lengths[IDS];
    return bad;
  }

  id(index: number): number {
    return this.words[this.idsAt + index];
  }
  status(index: number): number {
    const at = this.statusesAt + 2 * index;
    return this.bytes[at] | (this.bytes[at + 1] << 8);
  }
  seqno(index: number): number {
    const at = this.seqsAt + 2 * index;
    return fromWords(this.words[at], this.words[at + 1]);
  }
  valueStart(index: number): number {
    return index === 0 || this.valueEndsAt === 0
      ? this.valuesAt
      : this.valuesAt + this.words[this.valueEndsAt + index - 1];
  }
  valueEnd(index: number): number {
    return this.valueEndsAt === 0 ? this.valuesAt : this.valuesAt + this.words[this.valueEndsAt + index];
  }

  private check(count: number): DbError | undefined {
    const { lengths } = this.verifier;
    if (lengths[STATUSES] !== count) return this.badLength(STATUSES, count);
    if (lengths[SEQS] !== count) return this.badLength(SEQS, count);
    if (this.valueEndsAt !== 0 && lengths[VALUE_ENDS] !== count) return this.badLength(VALUE_ENDS, count);
    for (let i = 0; i < count; i++) {
      const status = this.status(i);
      if (status < STATUS_MIN || status > STATUS_MAX)
        return this.badElement(STATUSES, i, 2, `status ${status}`);
    }
    const badSeqno = findInexact(this.words, this.seqsAt, count);
    if (badSeqno >= 0) return this.badElement(SEQS, badSeqno, 8, 'seqno above 2^53 - 1');
    const badEnd = findBadEnd(this.words, this.valueEndsAt, lengths[VALUE_ENDS], lengths[VALUES]);
    return badEnd < 0 ? undefined : this.badElement(VALUE_ENDS, badEnd, 4, 'end is out of order');
  }

  private badLength(field: number, expected: number): DbError {
    const { starts, lengths } = this.verifier;
    const reason = `${lengths[field]} elements instead of ${expected}`;
    return malformed(FRAME, FIELDS[field].name, starts[field], reason);
  }

  private badElement(field: number, index: number, elementBytes: number, reason: string): DbError {
    const offset = this.verifier.starts[field] + index * elementBytes;
    return malformed(FRAME, FIELDS[field].name, offset, `answer ${index}: ${reason}`);
  }
}
