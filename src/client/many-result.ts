/** The columnar answer of getMany and putMany: entry i belongs to key i. No object per key. */
import { errorFromAnswer, LumaDbError } from './error.js';
import type { JsonObject } from './types.js';

const utf8 = new TextDecoder();

export class ManyResult {
  /** HTTP status per key. 0 is never seen once the result has been delivered. */
  readonly statuses: Uint16Array;
  /** Version read or written per key; 0 where there is none. */
  readonly seqnos: Float64Array;
  /** The response frames that hold the values. A value keeps its whole frame alive. */
  private readonly frames: Uint8Array[] = [];
  private readonly frameOf: Uint32Array;
  private readonly starts: Uint32Array;
  private readonly ends: Uint32Array;

  constructor(readonly count: number) {
    this.statuses = new Uint16Array(count);
    this.seqnos = new Float64Array(count);
    this.frameOf = new Uint32Array(count);
    this.starts = new Uint32Array(count);
    this.ends = new Uint32Array(count);
  }

  /** True when every status is below 400. */
  get isAllOk(): boolean {
    return this.statuses.every((status) => status < 400);
  }

  /** The bytes of the answer to key `index`: the document, or the error's body. A view: copy it to keep it alone. */
  value(index: number): Uint8Array | undefined {
    if (this.ends[index] === this.starts[index]) return undefined;
    return this.frames[this.frameOf[index]].subarray(this.starts[index], this.ends[index]);
  }

  /** The document of key `index`; undefined when there is none; throws the error of a status that is neither. */
  document<T = JsonObject>(index: number): T | undefined {
    const status = this.statuses[index];
    if (status === 404) return undefined;
    const error = this.error(index);
    if (error !== undefined) throw error;
    const value = this.value(index);
    return value === undefined ? undefined : (JSON.parse(utf8.decode(value)) as T);
  }

  error(index: number): LumaDbError | undefined {
    const status = this.statuses[index];
    if (status < 400) return undefined;
    const value = this.value(index);
    return value === undefined
      ? new LumaDbError(errorFromAnswer(status, '').code, `status ${status}`, { status })
      : errorFromAnswer(status, utf8.decode(value));
  }

  /** For the client: the next answers point into `bytes`; returns the frame's number. */
  addFrame(bytes: Uint8Array): number {
    if (this.frames[this.frames.length - 1] === bytes) return this.frames.length - 1;
    return this.frames.push(bytes) - 1;
  }

  /** For the client: fills in an answer; false when key `index` has one already. */
  fill(index: number, status: number, seqno: number, frame: number, start: number, end: number): boolean {
    if (this.statuses[index] !== 0) return false;
    this.statuses[index] = status;
    this.seqnos[index] = seqno;
    this.frameOf[index] = frame;
    this.starts[index] = start;
    this.ends[index] = end;
    return true;
  }

  /** For the client: forgets the answer to key `index`, which is asked for again. */
  forget(index: number): void {
    this.statuses[index] = 0;
  }
}
