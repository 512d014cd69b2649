/** JSON Lines: a document a line in the text in which it is stored, or the fields of it that were asked for. */
import { ByteSink } from '../json/byte-sink.js';
import { projectFields } from '../json/project.js';
import { BLOCK_BYTES, BLOCK_BYTES_MAX, type FormatWriter } from './format-writer.js';

const LF = 0x0a;

export class JsonlWriter implements FormatWriter {
  private readonly sink = new ByteSink(BLOCK_BYTES, BLOCK_BYTES_MAX);
  private readonly fields: ReadonlyArray<readonly Uint8Array[]> | undefined;

  /** `fields`: dotted paths, as in lists. */
  constructor(fields: readonly string[] | undefined) {
    const encoder = new TextEncoder();
    this.fields = fields?.map((field) => field.split('.').map((name) => encoder.encode(name)));
  }

  get isBlockFull(): boolean {
    return this.sink.length >= BLOCK_BYTES;
  }

  add(document: Buffer): undefined {
    if (this.fields === undefined) this.sink.append(document, 0, document.length);
    else projectFields(document, 0, document.length, this.fields, this.sink);
    this.sink.appendByte(LF);
  }

  takeBlock(): Uint8Array {
    const block = this.sink.bytes.slice(0, this.sink.length);
    this.sink.reset();
    return block;
  }

  end(): Uint8Array {
    return this.takeBlock();
  }

  memento(): undefined {}
}
