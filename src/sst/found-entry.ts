/** What a point lookup fills in: one object, made once and used again and again. */
import type { Entry } from '../iter/entry-cursor.js';

const NO_BYTES = new Uint8Array(0);

/** What a lookup is after: all of an entry, or everything but its value. */
export type EntryPart = 'entry' | 'version';

/** Key and value are views: the key as the caller gave it, the value valid until the next lookup with that scratch. */
export class FoundEntry implements Entry {
  collection = 0;
  key: Uint8Array = NO_BYTES;
  keyOffset = 0;
  keyLength = 0;
  seqno = 0;
  kind = 0;
  expiresAt = 0;
  value: Uint8Array = NO_BYTES;
  valueOffset = 0;
  valueLength = 0;
  originalLength = 0;

  leaveOutValue(): void {
    this.value = NO_BYTES;
    this.valueOffset = 0;
    this.valueLength = 0;
  }
}
