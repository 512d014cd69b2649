/**
 * From the bytes a client sent to the bytes that are stored: validates the JSON, settles the `_id`, and splices it in
 * where the client left it out. One per front; the result is in its fields until the next call.
 */
import type { WireError } from '../base/errors.js';
import { DOCUMENT_BYTES_MAX } from '../base/limits.js';
import { ByteSink } from '../json/byte-sink.js';
import { describeFault } from '../json/fault.js';
import { DocumentScan, scanDocument } from '../json/scan.js';
import { idBytes, splicedSizeMax, spliceId } from '../json/with-id.js';
import { keyLengthFault } from './path.js';

const SINK_INITIAL_BYTES = 64 * 1024;
/** A sink that one huge document made grow beyond this is replaced afterwards. */
const SINK_BYTES_KEPT = 1024 * 1024;
const SINK_BYTES_MAX = 2 * DOCUMENT_BYTES_MAX;

export class DocumentBody {
  /** The text to store is bytes[start, end). */
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  error: WireError | undefined;
  /** True when the scanned text has a top-level `_id`. */
  hasId = false;
  private readonly scan = new DocumentScan();
  private sink = new ByteSink(SINK_INITIAL_BYTES, SINK_BYTES_MAX);
  private readonly idScratch: Uint8Array;

  /** `keyBytesMax`: size of the longest key, and of the arrays that keys are written to. */
  constructor(keyBytesMax: number) {
    this.idScratch = new Uint8Array(keyBytesMax);
  }

  /** Validates body[start, end) as a JSON object. False: see `error`. */
  read(body: Uint8Array, start: number, end: number): boolean {
    this.error = undefined;
    const fault = scanDocument(body, start, end, this.scan);
    if (fault !== 0) {
      const offset = this.scan.faultOffset;
      return this.fail({
        code: 'MALFORMED_JSON',
        message: `${describeFault(fault)} at byte ${offset}`,
        details: { offset },
      });
    }
    this.hasId = this.scan.idStart >= 0;
    this.bytes = body;
    this.start = this.scan.objectStart;
    this.end = this.scan.objectEnd;
    return this.checkSize();
  }

  /** The document goes under `key`: its own `_id` must be the same, and is added when it is missing. */
  settleId(key: Uint8Array, keyLength: number): boolean {
    if (this.hasId) return this.checkId(key, keyLength);
    this.resetSink();
    const size = this.end - this.start;
    this.sink.reserve(splicedSizeMax(size, keyLength));
    spliceId(this.bytes, this.scan, key, keyLength, this.sink);
    this.bytes = this.sink.bytes;
    this.start = 0;
    this.end = this.sink.length;
    return this.checkSize();
  }

  /** A patch may name the `_id` only as it is. */
  checkId(key: Uint8Array, keyLength: number): boolean {
    if (!this.hasId) return true;
    const length = idBytes(this.bytes, this.scan, this.idScratch);
    if (length === keyLength && sameBytes(this.idScratch, key, length)) return true;
    const message = "the document's _id is not the one in the path, and an _id cannot be changed";
    return this.fail({ code: 'VALIDATION', message, details: { field: '_id' } });
  }

  /** Copies the document's own `_id` to `key`. Returns its length, or -1: see `error`. */
  takeId(key: Uint8Array): number {
    const length = idBytes(this.bytes, this.scan, key);
    const tooLong = this.scan.idEnd - this.scan.idStart;
    this.error = keyLengthFault(length < 0 ? tooLong : length);
    return this.error === undefined ? length : -1;
  }

  private checkSize(): boolean {
    if (this.end - this.start <= DOCUMENT_BYTES_MAX) return true;
    return this.fail({
      code: 'PAYLOAD_TOO_LARGE',
      message: `the document has ${this.end - this.start} bytes, at most ${DOCUMENT_BYTES_MAX} are allowed`,
      details: { limitBytes: DOCUMENT_BYTES_MAX },
    });
  }

  private resetSink(): void {
    if (this.sink.bytes.length > SINK_BYTES_KEPT)
      this.sink = new ByteSink(SINK_INITIAL_BYTES, SINK_BYTES_MAX);
    this.sink.reset();
  }

  private fail(error: WireError): false {
    this.error = error;
    return false;
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array, length: number): boolean {
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return false;
  return true;
}
