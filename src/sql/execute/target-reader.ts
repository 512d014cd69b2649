/** Reads the fields of a document that is there as text: for RETURNING, ON CONFLICT, and checks before a write is repeated. */
import type { FieldAccess } from '../algebra/physical.js';
import type { Row } from '../types/values.js';
import { DocumentReader } from './document-reader.js';
import type { Compilation } from './operator.js';
import type { DocumentPlace } from './source.js';

export class TargetReader {
  private readonly reader: DocumentReader;

  constructor(fields: readonly FieldAccess[], compilation: Compilation) {
    this.reader = new DocumentReader(fields, [], undefined, compilation);
  }

  /** A new row. */
  read(place: DocumentPlace): Row {
    this.reader.accept(place);
    return this.reader.row.slice();
  }

  readText(text: string, seqno: number): Row {
    return this.read(placeOf(text, seqno));
  }
}

export function placeOf(text: string, seqno: number): DocumentPlace {
  const bytes = Buffer.from(text);
  return { bytes, offset: 0, length: bytes.length, seqno };
}
