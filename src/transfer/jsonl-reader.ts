/**
 * JSON Lines: one document a line, in the text of the input. Lines end with LF or CRLF; blank ones are counted and
 * passed over; a byte order mark before the first is ignored. Whether a line is a valid document is judged later
 * (document-intake.ts). A line longer than RECORD_BYTES_MAX is rejected without being kept.
 */
import { byteOrderMarkLength } from './byte-order-mark.js';
import { ByteQueue } from './byte-queue.js';
import {
  fault,
  type InputRecord,
  type Place,
  RECORD_BYTES_MAX,
  REJECTED_BYTES_MAX,
  type RecordStream,
} from './record.js';

const LF = 0x0a;

/** `start` is where `chunks` begin in the input. */
export async function* readJsonLines(
  chunks: AsyncIterable<Uint8Array>,
  start: Place,
  recordBytesMax = RECORD_BYTES_MAX,
): RecordStream {
  const lines = new LineReader(start, recordBytesMax);
  for await (const chunk of chunks) {
    const records = lines.take(chunk);
    if (records.length > 0) yield records;
  }
  const last = lines.finish();
  if (last !== undefined) yield [last];
}

class LineReader {
  private readonly queue = new ByteQueue();
  private line: number;
  /** Offset in the input of the line that begins at queue.start. */
  private offset: number;
  /** Up to here there is no end of line. */
  private scanned = 0;
  /** Bytes of the current line that were too many to keep. */
  private dropped = 0;
  private head: Uint8Array | undefined;

  constructor(
    start: Place,
    private readonly bytesMax: number,
  ) {
    this.line = start.line;
    this.offset = start.offset;
  }

  take(chunk: Uint8Array): InputRecord[] {
    const { queue } = this;
    const scannedLength = this.scanned - queue.start;
    queue.append(chunk);
    let from = queue.start + scannedLength;
    const records: InputRecord[] = [];
    const read = queue.bytes.subarray(0, queue.end);
    for (;;) {
      const found = read.indexOf(LF, from);
      if (found < 0) break;
      this.endLine(found, 1, records);
      from = found + 1;
    }
    if (queue.length > this.bytesMax) this.drop();
    this.scanned = queue.end;
    return records;
  }

  /** The last line, if no end of line follows it. */
  finish(): InputRecord | undefined {
    const records: InputRecord[] = [];
    if (this.queue.length > 0 || this.head !== undefined) this.endLine(this.queue.end, 0, records);
    return records[0];
  }

  private endLine(end: number, newlineBytes: number, records: InputRecord[]): void {
    const { queue } = this;
    const { bytes } = queue;
    const at = { line: this.line, offset: this.offset };
    const next = {
      line: this.line + 1,
      offset: this.offset + this.dropped + (end - queue.start) + newlineBytes,
    };
    const from = at.offset === 0 ? queue.start + byteOrderMarkLength(bytes, queue.start, end) : queue.start;
    const raw = bytes.subarray(from, end > from && bytes[end - 1] === 0x0d ? end - 1 : end);
    if (this.head !== undefined || raw.length > this.bytesMax) {
      const message = `the line has ${next.offset - at.offset} bytes; at most ${this.bytesMax} are read`;
      const kept = this.head ?? raw.subarray(0, REJECTED_BYTES_MAX);
      records.push({ at, next, document: undefined, fault: fault('RECORD_TOO_LARGE', message), raw: kept });
    } else if (!isBlank(raw)) records.push({ at, next, document: raw, fault: undefined, raw });
    this.line = next.line;
    this.offset = next.offset;
    this.dropped = 0;
    this.head = undefined;
    queue.consumeTo(Math.min(end + newlineBytes, queue.end));
  }

  private drop(): void {
    const { queue } = this;
    this.head ??= Buffer.from(
      queue.bytes.subarray(queue.start, Math.min(queue.end, queue.start + REJECTED_BYTES_MAX)),
    );
    this.dropped += queue.length;
    queue.consumeTo(queue.end);
  }
}

function isBlank(text: Uint8Array): boolean {
  for (const byte of text) if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d) return false;
  return true;
}
