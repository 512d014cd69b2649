/**
 * Makes a document out of a record: validates its text and settles its `_id`. The id is the document's own, or the
 * value of the member that --id-field names, or made of the import's id and the record's line, so that the same record
 * of the same import has the same id however often it is sent. One owner; not re-entrant.
 */

import { DOCUMENT_BYTES_MAX, KEY_BYTES_MAX } from '../base/limits.js';
import type { ByteSink } from '../json/byte-sink.js';
import { describeFault, JsonFault } from '../json/fault.js';
import { findPath, Span } from '../json/members.js';
import { DocumentScan, scanDocument } from '../json/scan.js';
import { decodeString, decodeText } from '../json/text.js';
import { splicedSizeMax, spliceId } from '../json/with-id.js';
import { type Fault, fault } from './record.js';

/** Lines are padded so that keys are in the order of the input. */
const LINE_DIGITS = 10;
const INTEGER = /^-?(?:0|[1-9]\d*)$/;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;

export class DocumentIntake {
  /** Of the last document that was accepted. */
  id = '';
  private readonly scan = new DocumentScan();
  private readonly span = new Span();
  private readonly idPath: readonly Uint8Array[] | undefined;
  private readonly encoder = new TextEncoder();

  constructor(
    private readonly importId: string,
    readonly idField: string | undefined,
  ) {
    this.idPath = idField?.split('.').map((name) => this.encoder.encode(name));
  }

  /** Appends the document on one line to `out` and sets `id`; or says why it is none, and changes nothing. */
  accept(text: Uint8Array, line: number, out: ByteSink): Fault | undefined {
    const { scan } = this;
    if (scanDocument(text, 0, text.length, scan) !== JsonFault.NONE) {
      const code = scan.fault === JsonFault.BAD_UTF8 ? 'INVALID_UTF8' : 'INVALID_JSON';
      return fault(code, `${describeFault(scan.fault)} at byte ${scan.faultOffset}`);
    }
    const idFault = this.settleId(text, line);
    if (idFault !== undefined) return idFault;
    const from = out.length;
    if (scan.idStart >= 0) out.append(text, scan.objectStart, scan.objectEnd);
    else this.splice(text, out);
    const size = out.length - from;
    if (size > DOCUMENT_BYTES_MAX) {
      out.length = from;
      return fault(
        'RECORD_TOO_LARGE',
        `the document has ${size} bytes; at most ${DOCUMENT_BYTES_MAX} are stored`,
      );
    }
    keepOnOneLine(out.bytes.subarray(from, out.length));
    return undefined;
  }

  private settleId(text: Uint8Array, line: number): Fault | undefined {
    const { scan } = this;
    const own = scan.idStart < 0 ? undefined : decodeString(text, scan.idStart, scan.idEnd);
    const named = this.idPath === undefined ? undefined : this.namedId(text, this.idPath);
    if (named !== undefined && typeof named !== 'string') return named;
    if (own !== undefined && named !== undefined && own !== named) {
      return fault(
        'BAD_ID',
        `_id is ${JSON.stringify(own)}, and ${this.idField} says ${JSON.stringify(named)}`,
      );
    }
    const id = own ?? named ?? `${this.importId}-${String(line).padStart(LINE_DIGITS, '0')}`;
    if (id === '' || id.length > KEY_BYTES_MAX || Buffer.byteLength(id) > KEY_BYTES_MAX) {
      return fault('BAD_ID', `an _id has 1 to ${KEY_BYTES_MAX} bytes`);
    }
    this.id = id;
    return undefined;
  }

  private namedId(text: Uint8Array, path: readonly Uint8Array[]): string | Fault {
    const { span, scan } = this;
    if (!findPath(text, scan.objectStart, scan.objectEnd, path, span)) {
      return fault('BAD_ID', `the document has no ${this.idField}`);
    }
    if (text[span.start] === 0x22) return decodeString(text, span.start + 1, span.end - 1);
    const written = span.end - span.start > KEY_BYTES_MAX ? '' : decodeText(text, span.start, span.end);
    if (INTEGER.test(written)) return written;
    return fault('BAD_ID', `${this.idField} is neither a text nor a whole number`);
  }

  private splice(text: Uint8Array, out: ByteSink): void {
    const { scan } = this;
    const idUtf8 = this.encoder.encode(this.id);
    out.reserve(splicedSizeMax(scan.objectEnd - scan.objectStart, idUtf8.length));
    spliceId(text, scan, idUtf8, idUtf8.length, out);
  }
}

/** Ends of line in JSON stand between tokens only, where a blank means the same. */
export function keepOnOneLine(document: Uint8Array): void {
  for (let at = document.indexOf(LF); at >= 0; at = document.indexOf(LF, at + 1)) {
    document[at] = SPACE;
    if (at > 0 && document[at - 1] === CR) document[at - 1] = SPACE;
  }
}
