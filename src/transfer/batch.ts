/** Documents that are sent in one request, and what became of them. Filled by the importer, settled by the sender. */
import { BULK_BYTES_MAX } from '../base/limits.js';
import { ByteSink } from '../json/byte-sink.js';
import type { Place } from './record.js';
import type { Reject } from './reject-file.js';

const LF = 0x0a;
const BODY_BYTES_INITIAL = 256 * 1024;

export class Batch {
  /** Documents, one a line. */
  readonly body = new ByteSink(BODY_BYTES_INITIAL, BULK_BYTES_MAX);
  /** Document i is body.bytes[starts[i], ends[i]). */
  readonly starts: number[] = [];
  readonly ends: number[] = [];
  readonly ids: string[] = [];
  readonly places: Place[] = [];
  /** Records that are rejected, of readers at first, then also of the server. */
  readonly rejects: Reject[] = [];
  written = 0;
  /** Of these, those that were there already, as they are: written by an earlier attempt. */
  found = 0;
  private readonly known = new Set<string>();

  constructor(
    /** Where the record after the last one begins. */
    public next: Place,
  ) {}

  get count(): number {
    return this.ids.length;
  }

  get bodyBytes(): number {
    return this.body.length;
  }

  /** Records that were read into it. */
  get records(): number {
    return this.count + this.rejectsRead;
  }

  private rejectsRead = 0;

  has(id: string): boolean {
    return this.known.has(id);
  }

  /** The document that was appended to the body from `start` on. */
  addDocument(id: string, start: number, at: Place): void {
    this.ids.push(id);
    this.known.add(id);
    this.starts.push(start);
    this.ends.push(this.body.length);
    this.places.push(at);
    this.body.appendByte(LF);
  }

  addReject(reject: Reject): void {
    this.rejects.push(reject);
    this.rejectsRead++;
  }

  document(index: number): Uint8Array {
    return this.body.bytes.subarray(this.starts[index], this.ends[index]);
  }

  /** The lines of these documents alone. */
  bodyOf(indexes: readonly number[]): Uint8Array {
    if (indexes.length === this.count) return this.body.bytes.subarray(0, this.body.length);
    return Buffer.concat(
      indexes.map((index) => this.body.bytes.subarray(this.starts[index], this.ends[index] + 1)),
    );
  }
}
