/** The result of a point lookup: a reusable entry that lookups fill. Its views belong to whoever filled it. */
import { ENTRY_DOCUMENT, type Entry } from './entry-cursor.js';

const NO_BYTES = new Uint8Array(0);

export class FoundEntry implements Entry {
  collection = 0;
  key: Uint8Array = NO_BYTES;
  keyOffset = 0;
  keyLength = 0;
  seqno = 0;
  kind = ENTRY_DOCUMENT;
  expiresAt = 0;
  value: Uint8Array = NO_BYTES;
  valueOffset = 0;
  valueLength = 0;
  originalLength = 0;
}
