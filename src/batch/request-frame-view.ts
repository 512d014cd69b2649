/**
 * Reads a RequestFrame on the server's side. open() verifies the whole frame before anything uses it: after it has
 * returned undefined, every accessor with an index below `count` is safe and every range lies inside `bytes`.
 * Reusable, one per front thread; valid until the next open() or until the frame's memory changes.
 *
 * Not checked here, because they fail one request and not the frame: the length and UTF-8 of keys, JSON, whether a
 * collection's name is allowed, a time to live beyond the limits, and a value where the operation has none (it is ignored).
 */
import { fromWords } from '../base/bytes.js';
import type { DbError } from '../base/errors.js';
import { TTL_UNSET } from '../base/expiry.js';
import { BULK_OPERATIONS_MAX, COLLECTION_NAME_LENGTH_MAX } from '../base/limits.js';
import { ConditionKind } from '../generated/lumadb/schema/condition-kind.js';
import { Durability } from '../generated/lumadb/schema/durability.js';
import { RequestOp } from '../generated/lumadb/schema/request-op.js';
import {
  FrameAligner,
  findBadEnd,
  findInexact,
  findOutside,
  malformed,
  malformedTable,
} from './frame-columns.js';
import { stringLength, stringStart, TableVerifier } from './verify.js';

const FRAME = 'request frame';
/** UTF-8 takes at most three bytes per UTF-16 unit. */
const NAME_BYTES_MAX = COLLECTION_NAME_LENGTH_MAX * 3;
const NO_BYTES = new Uint8Array(0);
const NO_WORDS = new Uint32Array(0);

/** Field ids of schemas/frame.fbs. */
const COLLECTIONS = 0;
const IDS = 1;
const OPS = 2;
const COLLECTION_OF = 3;
const KEY_ENDS = 4;
const KEYS = 5;
const VALUE_ENDS = 6;
const VALUES = 7;
const DURABILITY = 8;
const CONDITIONS = 9;
const EXPECTED_SEQS = 10;
const OPERATION_IDS = 11;
const TTLS = 12;

const FIELDS = [
  { id: COLLECTIONS, name: 'collections', type: '[string]' },
  { id: IDS, name: 'ids', type: '[uint32]' },
  { id: OPS, name: 'ops', type: '[uint8]' },
  { id: COLLECTION_OF, name: 'collection_of', type: '[uint16]' },
  { id: KEY_ENDS, name: 'key_ends', type: '[uint32]' },
  { id: KEYS, name: 'keys', type: '[uint8]' },
  { id: VALUE_ENDS, name: 'value_ends', type: '[uint32]' },
  { id: VALUES, name: 'values', type: '[uint8]' },
  { id: DURABILITY, name: 'durability', type: 'uint8' },
  { id: CONDITIONS, name: 'conditions', type: '[uint8]' },
  { id: EXPECTED_SEQS, name: 'expected_seqs', type: '[uint64]' },
  { id: OPERATION_IDS, name: 'operation_ids', type: '[uint64]' },
  { id: TTLS, name: 'ttls', type: '[uint32]' },
] as const;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class RequestFrameView {
  private readonly verifier = new TableVerifier(FIELDS);
  private readonly aligner = new FrameAligner();
  private readonly names: string[] = [];
  /** The frame (or its aligned copy): keyStart, keyEnd, valueStart and valueEnd are offsets in it. */
  bytes: Uint8Array = NO_BYTES;
  /** Requests in the frame. */
  count = 0;
  /** Collections the frame names; collectionIndex() points into them. */
  collectionCount = 0;
  durability: Durability = Durability.Unspecified;
  hasConditions = false;
  hasOperationIds = false;
  /** The whole frame as words; the columns of words start at these indexes, those of bytes at these offsets. */
  private words: Uint32Array = NO_WORDS;
  private idsAt = 0;
  private opsAt = 0;
  private collectionOfAt = 0;
  private keyEndsAt = 0;
  private keysAt = 0;
  private valueEndsAt = 0;
  private valuesAt = 0;
  private conditionsAt = 0;
  private expectedSeqsAt = 0;
  private operationIdsAt = 0;
  private ttlsAt = 0;

  /** Points the view at a frame; the error, if any, names the field and the byte. The view is empty after an error. */
  open(bytes: Uint8Array): DbError | undefined {
    this.count = 0;
    this.collectionCount = 0;
    const fault = this.verifier.verify(bytes);
    if (fault !== undefined) return malformedTable(FRAME, fault);
    const { starts, lengths } = this.verifier;
    this.bytes = this.aligner.align(bytes);
    this.words = new Uint32Array(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length >>> 2);
    this.idsAt = starts[IDS] >>> 2;
    this.opsAt = starts[OPS];
    // A column that is there but empty counts as absent.
    this.collectionOfAt = lengths[COLLECTION_OF] === 0 ? 0 : starts[COLLECTION_OF];
    this.keyEndsAt = starts[KEY_ENDS] >>> 2;
    this.keysAt = starts[KEYS];
    this.valueEndsAt = lengths[VALUE_ENDS] === 0 ? 0 : starts[VALUE_ENDS] >>> 2;
    this.valuesAt = starts[VALUES];
    this.conditionsAt = starts[CONDITIONS];
    this.expectedSeqsAt = starts[EXPECTED_SEQS] >>> 2;
    this.operationIdsAt = starts[OPERATION_IDS] >>> 2;
    this.ttlsAt = lengths[TTLS] === 0 ? 0 : starts[TTLS] >>> 2;
    this.hasConditions = lengths[CONDITIONS] > 0;
    this.hasOperationIds = lengths[OPERATION_IDS] > 0;
    this.durability = starts[DURABILITY] === 0 ? Durability.Unspecified : this.bytes[starts[DURABILITY]];
    const count = lengths[IDS];
    const bad = this.checkLengths(count) ?? this.checkElements(count) ?? this.checkCollections(count);
    if (bad !== undefined) return bad;
    this.count = count;
    this.collectionCount = lengths[COLLECTIONS];
    return undefined;
  }

  id(index: number): number {
    return this.words[this.idsAt + index];
  }
  op(index: number): RequestOp {
    return this.bytes[this.opsAt + index];
  }
  /** Index for collectionName(). Meaningless for a Ping, which may come in a frame without collections. */
  collectionIndex(index: number): number {
    if (this.collectionOfAt === 0) return 0;
    const at = this.collectionOfAt + 2 * index;
    return this.bytes[at] | (this.bytes[at + 1] << 8);
  }
  /** Name of collection `index` of the frame (not of request `index`). */
  collectionName(index: number): string {
    return this.names[index];
  }
  keyStart(index: number): number {
    return index === 0 ? this.keysAt : this.keysAt + this.words[this.keyEndsAt + index - 1];
  }
  keyEnd(index: number): number {
    return this.keysAt + this.words[this.keyEndsAt + index];
  }
  valueStart(index: number): number {
    return index === 0 || this.valueEndsAt === 0
      ? this.valuesAt
      : this.valuesAt + this.words[this.valueEndsAt + index - 1];
  }
  valueEnd(index: number): number {
    return this.valueEndsAt === 0 ? this.valuesAt : this.valuesAt + this.words[this.valueEndsAt + index];
  }
  condition(index: number): ConditionKind {
    return this.hasConditions ? this.bytes[this.conditionsAt + index] : ConditionKind.None;
  }
  expectedSeqno(index: number): number {
    if (!this.hasConditions) return 0;
    const at = this.expectedSeqsAt + 2 * index;
    return fromWords(this.words[at], this.words[at + 1]);
  }
  /** Word 0..3 of the request's operation id; all four are 0 when it has none. */
  operationIdWord(index: number, word: number): number {
    return this.hasOperationIds ? this.words[this.operationIdsAt + 4 * index + word] : 0;
  }
  /** Seconds to live as the client gave them; not checked against the limits. TTL_UNSET when it gave none. */
  ttlSeconds(index: number): number {
    return this.ttlsAt === 0 ? TTL_UNSET : this.words[this.ttlsAt + index];
  }

  private checkLengths(count: number): DbError | undefined {
    const { lengths } = this.verifier;
    if (count > BULK_OPERATIONS_MAX) {
      return this.bad(IDS, `${count} requests, at most ${BULK_OPERATIONS_MAX} fit in a frame`);
    }
    return (
      this.checkLength(OPS, count) ??
      this.checkLength(KEY_ENDS, count) ??
      this.checkOptionalLength(COLLECTION_OF, count) ??
      this.checkOptionalLength(VALUE_ENDS, count) ??
      this.checkOptionalLength(CONDITIONS, count) ??
      this.checkLength(EXPECTED_SEQS, lengths[CONDITIONS]) ??
      this.checkOptionalLength(OPERATION_IDS, count * 2) ??
      this.checkOptionalLength(TTLS, count)
    );
  }

  private checkLength(field: number, expected: number): DbError | undefined {
    const length = this.verifier.lengths[field];
    return length === expected ? undefined : this.bad(field, `${length} elements instead of ${expected}`);
  }

  private checkOptionalLength(field: number, expected: number): DbError | undefined {
    return this.verifier.lengths[field] === 0 ? undefined : this.checkLength(field, expected);
  }

  private checkElements(count: number): DbError | undefined {
    const { bytes, words } = this;
    const { lengths } = this.verifier;
    const badOp = findOutside(bytes, this.opsAt, count, RequestOp.Get, RequestOp.Ping);
    if (badOp >= 0)
      return this.badElement(OPS, badOp, 1, `operation ${bytes[this.opsAt + badOp]} is unknown`);
    const badKeyEnd = findBadEnd(words, this.keyEndsAt, count, lengths[KEYS]);
    if (badKeyEnd >= 0) {
      return this.badElement(KEY_ENDS, badKeyEnd, 4, `end ${this.end(KEY_ENDS, badKeyEnd)} is out of order`);
    }
    const badValueEnd = findBadEnd(words, this.valueEndsAt, lengths[VALUE_ENDS], lengths[VALUES]);
    if (badValueEnd >= 0) {
      const end = this.end(VALUE_ENDS, badValueEnd);
      return this.badElement(VALUE_ENDS, badValueEnd, 4, `end ${end} is out of order`);
    }
    const conditions = lengths[CONDITIONS];
    const badCondition = findOutside(bytes, this.conditionsAt, conditions, 0, ConditionKind.IfPresent);
    if (badCondition >= 0) return this.badElement(CONDITIONS, badCondition, 1, 'unknown condition');
    const badSeqno = findInexact(words, this.expectedSeqsAt, lengths[EXPECTED_SEQS]);
    if (badSeqno >= 0) return this.badElement(EXPECTED_SEQS, badSeqno, 8, 'seqno above 2^53 - 1');
    if (this.durability > Durability.Os) return this.bad(DURABILITY, `level ${this.durability} is unknown`);
    return undefined;
  }

  private checkCollections(count: number): DbError | undefined {
    const { starts, lengths } = this.verifier;
    const collections = lengths[COLLECTIONS];
    // One string may be pointed at many times: without this bound a small frame could ask for gigabytes of names.
    if (collections > count) return this.bad(COLLECTIONS, `${collections} names for ${count} requests`);
    for (let i = 0; i < collections; i++) {
      const start = stringStart(this.bytes, starts[COLLECTIONS], i);
      const length = stringLength(this.bytes, start);
      if (length > NAME_BYTES_MAX)
        return this.badName(i, `name of ${length} bytes, at most ${NAME_BYTES_MAX}`);
      if (!this.decodeName(i, start, length)) return this.badName(i, 'name is not UTF-8');
    }
    this.names.length = collections;
    if (lengths[COLLECTION_OF] > 0) return this.checkCollectionOf(count, collections);
    if (collections > 0) return undefined;
    const inNone = findOutside(this.bytes, this.opsAt, count, RequestOp.Ping, RequestOp.Ping);
    return inNone < 0 ? undefined : this.bad(COLLECTIONS, `request ${inNone} needs a collection`);
  }

  private checkCollectionOf(count: number, collections: number): DbError | undefined {
    for (let i = 0; i < count; i++) {
      const index = this.collectionIndex(i);
      if (index >= collections && this.op(i) !== RequestOp.Ping) {
        return this.badElement(COLLECTION_OF, i, 2, `collection ${index} of ${collections}`);
      }
    }
    return undefined;
  }

  /** Keeps the string of the frame before when it is the same name: most frames name the same collections. */
  private decodeName(index: number, start: number, length: number): boolean {
    const known = this.names[index];
    if (known !== undefined && isSameAscii(known, this.bytes, start, length)) return true;
    try {
      // A copy: TextDecoder refuses views over shared memory.
      this.names[index] = utf8.decode(this.bytes.slice(start, start + length));
      return true;
    } catch {
      return false;
    }
  }

  private end(field: typeof KEY_ENDS | typeof VALUE_ENDS, index: number): number {
    return this.words[(this.verifier.starts[field] >>> 2) + index];
  }

  private bad(field: number, reason: string): DbError {
    return malformed(FRAME, FIELDS[field].name, this.verifier.starts[field], reason);
  }

  private badElement(field: number, index: number, elementBytes: number, reason: string): DbError {
    const offset = this.verifier.starts[field] + index * elementBytes;
    return malformed(FRAME, FIELDS[field].name, offset, `request ${index}: ${reason}`);
  }

  private badName(index: number, reason: string): DbError {
    const offset = stringStart(this.bytes, this.verifier.starts[COLLECTIONS], index);
    return malformed(FRAME, 'collections', offset, `collection ${index}: ${reason}`);
  }
}

function isSameAscii(text: string, bytes: Uint8Array, start: number, length: number): boolean {
  if (text.length !== length) return false;
  for (let i = 0; i < length; i++) if (text.charCodeAt(i) !== bytes[start + i]) return false;
  return true;
}
