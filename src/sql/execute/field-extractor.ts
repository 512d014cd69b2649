/**
 * Finds the wanted members of documents in one pass over their text and remembers where their values are; nothing is decoded
 * here. The text was validated when it was written. When a member repeats, the last one counts. One thread.
 */
import { skipSpace } from '../../json/members.js';
import { ObjectLayout } from './object-layout.js';

const OPEN_BRACE = 0x7b;
const NO_BYTES = new Uint8Array(0);

export class FieldExtractor {
  /** Of path i: its value is bytes[starts[i], ends[i]); starts[i] is negative when it is missing. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** Of the last document. */
  bytes: Uint8Array = NO_BYTES;
  private readonly layout = new ObjectLayout();

  /** `paths` are different from each other and not empty. */
  constructor(paths: readonly (readonly string[])[]) {
    this.starts = new Int32Array(paths.length);
    this.ends = new Int32Array(paths.length);
    for (const [field, path] of paths.entries()) this.layout.add(path, field);
  }

  /** bytes[offset, …) is the text of a document. */
  locate(bytes: Uint8Array, offset: number): void {
    const { starts } = this;
    for (let i = 0; i < starts.length; i++) starts[i] = -1;
    this.bytes = bytes;
    const start = bytes[offset] === OPEN_BRACE ? offset : skipSpace(bytes, offset);
    if (bytes[start] === OPEN_BRACE) this.layout.locate(bytes, start, this);
  }
}
