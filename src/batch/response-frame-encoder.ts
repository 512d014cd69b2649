/**
 * Builds ResponseFrames (schemas/frame.fbs) on the server's side. Reusable, one per socket or front: nothing is
 * allocated per answer. Values are copied when they are added: they may lie in shared memory that changes later.
 */
import { Builder } from 'flatbuffers';
import { ResponseFrame } from '../generated/lumadb/schema/response-frame.js';
import { ByteColumn, createColumn, WordColumn } from './columns.js';

const INITIAL_ANSWERS = 256;
const INITIAL_BYTES = 64 * 1024;
/** A builder that grew beyond this for one huge frame is replaced afterwards. */
const BUILDER_BYTES_KEPT = 8 * 1024 * 1024;

export class ResponseFrameEncoder {
  private builder = new Builder(INITIAL_BYTES);
  private readonly ids = new WordColumn(INITIAL_ANSWERS);
  /** Two bytes an element. */
  private readonly statuses = new ByteColumn(INITIAL_ANSWERS * 2);
  private readonly seqs = new WordColumn(INITIAL_ANSWERS * 2);
  private readonly valueEnds = new WordColumn(INITIAL_ANSWERS);
  private readonly values = new ByteColumn(INITIAL_BYTES);

  /** Answers added since the last reset. */
  get count(): number {
    return this.ids.length;
  }

  /** Bytes of values added since the last reset: the caller finishes a frame before this passes its limit. */
  get byteSize(): number {
    return this.values.length;
  }

  /**
   * Adds one answer. `status` is an HTTP status, `seqno` the version read or written (0 = none); `bytes` in
   * [start, end) is the document, or the JSON error body for a status of 400 and above.
   */
  add(id: number, status: number, seqno: number, bytes?: Uint8Array, start = 0, end?: number): void {
    this.ids.push(id);
    const { statuses } = this;
    statuses.reserve(2);
    statuses.bytes[statuses.length++] = status & 0xff;
    statuses.bytes[statuses.length++] = status >>> 8;
    this.seqs.pushUint64(seqno);
    if (bytes !== undefined) {
      this.values.append(bytes, start, end ?? bytes.length);
      // The column starts empty: the first answer with a value fills in "none" for those before it.
      while (this.valueEnds.length < this.ids.length - 1) this.valueEnds.push(0);
      this.valueEnds.push(this.values.length);
    } else if (this.valueEnds.length > 0) {
      this.valueEnds.push(this.values.length);
    }
  }

  /** Finishes the frame. The result is a view that stays valid until the next call of finish() or reset(). */
  finish(): Uint8Array {
    const builder = this.builder;
    builder.clear();
    const hasValues = this.valueEnds.length > 0;
    const ids = this.ids.create(builder, 4);
    const statuses = createColumn(builder, this.statuses.bytes, this.statuses.length, 2);
    const seqs = this.seqs.create(builder, 8);
    const valueEnds = hasValues ? this.valueEnds.create(builder, 4) : 0;
    const values = hasValues ? this.values.create(builder) : 0;
    ResponseFrame.startResponseFrame(builder);
    ResponseFrame.addIds(builder, ids);
    ResponseFrame.addStatuses(builder, statuses);
    ResponseFrame.addSeqs(builder, seqs);
    // The builder leaves out fields whose offset is 0.
    ResponseFrame.addValueEnds(builder, valueEnds);
    ResponseFrame.addValues(builder, values);
    builder.finish(ResponseFrame.endResponseFrame(builder));
    return builder.asUint8Array();
  }

  /** Forgets all answers; gives memory back after a huge frame. */
  reset(): void {
    this.ids.reset();
    this.statuses.reset();
    this.seqs.reset();
    this.valueEnds.reset();
    this.values.reset();
    if (this.builder.dataBuffer().capacity() > BUILDER_BYTES_KEPT) this.builder = new Builder(INITIAL_BYTES);
  }
}
