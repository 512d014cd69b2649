/** What readers make of a text, cut into pieces of any size. */
import { ByteSink } from '../../src/json/byte-sink.js';
import { DocumentIntake } from '../../src/transfer/document-intake.js';
import type { RecordStream } from '../../src/transfer/record.js';

export interface Seen {
  readonly line: number;
  readonly offset: number;
  /** Text of the document, or the code of the fault. */
  readonly document?: string;
  readonly code?: string;
  readonly raw: string;
}

export async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
}

/** Everything that a reader gives, copied while it is valid, and that places join up. */
export async function collect(records: RecordStream): Promise<Seen[]> {
  const seen: Seen[] = [];
  let behind = 0;
  for await (const some of records) {
    for (const { at, next, document, fault, raw } of some) {
      if (at.offset < behind)
        throw new Error(`record at ${at.offset} begins before the end of the last, ${behind}`);
      behind = next.offset;
      const text = document === undefined ? {} : { document: Buffer.from(document).toString() };
      const code = fault === undefined ? {} : { code: fault.code };
      seen.push({ line: at.line, offset: at.offset, ...text, ...code, raw: Buffer.from(raw).toString() });
    }
  }
  return seen;
}

/** The documents that an import would send, and the codes of what it would reject. */
export async function intake(
  records: RecordStream,
  idField?: string,
): Promise<(string | { code: string })[]> {
  const desk = new DocumentIntake('test', idField);
  const sink = new ByteSink(1024, 64 * 1024 * 1024);
  const taken: (string | { code: string })[] = [];
  for await (const some of records) {
    for (const record of some) {
      sink.reset();
      const fault =
        record.document === undefined ? record.fault : desk.accept(record.document, record.at.line, sink);
      taken.push(
        fault === undefined
          ? Buffer.from(sink.bytes.subarray(0, sink.length)).toString()
          : { code: fault.code },
      );
    }
  }
  return taken;
}
