/** What a write's status means to a client: one place for HTTP and WebSocket. */
import { unreachable } from '../base/assert.js';
import type { WireError } from '../base/errors.js';
import { DOCUMENT_BYTES_MAX } from '../base/limits.js';
import { WriteStatus } from '../generated/lumadb/schema/write-status.js';

/** Undefined when the write was done. `isCreate`: an existing document is a conflict, not a failed precondition. */
export function writeStatusError(status: WriteStatus, isCreate: boolean): WireError | undefined {
  switch (status) {
    case WriteStatus.Created:
    case WriteStatus.Replaced:
    case WriteStatus.Deleted:
    case WriteStatus.Unchanged:
      return undefined;
    case WriteStatus.NotFound:
      return { code: 'NOT_FOUND', message: 'the document does not exist' };
    case WriteStatus.PreconditionFailed:
      return isCreate
        ? { code: 'CONFLICT', message: 'a document with this _id exists already', details: { field: '_id' } }
        : {
            code: 'PRECONDITION_FAILED',
            message: 'the document is not in the state that If-Match or If-None-Match asks for',
          };
    case WriteStatus.OperationIdReused:
      return {
        code: 'CONFLICT',
        message: 'this Idempotency-Key was used for a different request',
        details: { field: 'Idempotency-Key' },
      };
    case WriteStatus.SchemaViolation:
      // The shard's client hands it on as the error that says what is wrong.
      return { code: 'VALIDATION', message: 'the document does not meet the schema of its collection' };
    case WriteStatus.TooLarge:
      return {
        code: 'PAYLOAD_TOO_LARGE',
        message: `the patched document would be longer than ${DOCUMENT_BYTES_MAX} bytes`,
        details: { limitBytes: DOCUMENT_BYTES_MAX },
      };
    case WriteStatus.Aborted:
      return { code: 'PRECONDITION_FAILED', message: 'another operation of the same atomic batch failed' };
    case WriteStatus.Unreadable:
      return {
        code: 'CORRUPT_TABLE',
        message:
          'the stored version of this document cannot be read (see the server log); nothing was changed',
      };
    case WriteStatus.None:
      return { code: 'INTERNAL', message: 'the shard reported no status for this operation' };
    default:
      return unreachable(status);
  }
}
