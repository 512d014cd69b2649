/** An expired document without its text: shows another entry as ENTRY_EXPIRED. Reused from entry to entry. */
import { ENTRY_EXPIRED, type Entry } from '../iter/entry-cursor.js';

const NO_VALUE = new Uint8Array(0);

export class Husk implements Entry {
  collection = 0;
  key: Uint8Array = NO_VALUE;
  keyOffset = 0;
  keyLength = 0;
  seqno = 0;
  readonly kind = ENTRY_EXPIRED;
  expiresAt = 0;
  readonly value = NO_VALUE;
  readonly valueOffset = 0;
  readonly valueLength = 0;
  originalLength = 0;

  /** Valid until the entry's cursor moves. */
  of(entry: Entry): Husk {
    this.collection = entry.collection;
    this.key = entry.key;
    this.keyOffset = entry.keyOffset;
    this.keyLength = entry.keyLength;
    this.seqno = entry.seqno;
    this.expiresAt = entry.expiresAt;
    this.originalLength = entry.originalLength;
    return this;
  }
}
