/**
 * What must hold for the text of a stored document: it is one valid JSON object, and its `_id` is the key it is stored
 * under. The same scanner decides as on the way in. Reusable; one thread; allocates only for a refusal.
 */
import type { Entry } from '../iter/entry-cursor.js';
import { compareBytes } from '../iter/entry-cursor.js';
import { DocumentScan, scanDocument } from '../json/scan.js';
import { idBytes } from '../json/with-id.js';

export class DocumentCheck {
  private readonly scan = new DocumentScan();
  private readonly id = new Uint8Array(64 * 1024);

  /** Why the entry's value is not the document of its key; undefined if it is. */
  problemOf({ key, keyOffset, keyLength, value, valueOffset, valueLength }: Entry): string | undefined {
    const { scan, id } = this;
    const fault = scanDocument(value, valueOffset, valueOffset + valueLength, scan);
    if (fault !== 0) return `its text is no valid document (fault ${fault} at byte ${scan.faultOffset})`;
    if (scan.idStart < 0) return 'its text has no _id';
    const length = idBytes(value, scan, id);
    if (length < 0 || compareBytes(id, 0, length, key, keyOffset, keyLength) !== 0)
      return 'the _id in its text is not its key';
    return undefined;
  }
}
