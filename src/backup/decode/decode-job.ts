/** What is done with the raw bytes of an object of a backup, and who does it. Types only. */
import type { BackedUpFile, BackedUpPiece } from '../manifest/backup-manifest.js';

export type DecodeWork =
  /** Brings the file to its place (restore/place-file.ts). */
  | { readonly kind: 'place'; readonly file: BackedUpFile; readonly path: string }
  /** Checks a table (verify/verify-object.ts). */
  | { readonly kind: 'verify-table'; readonly file: BackedUpFile }
  /** Checks a piece of a log (verify/verify-object.ts). */
  | { readonly kind: 'verify-piece'; readonly piece: BackedUpPiece };

export interface DecodeJob {
  /** Of the object, for messages. */
  readonly name: string;
  /** 32 bytes; needed for objects that are encrypted. */
  readonly key?: Uint8Array;
  readonly work: DecodeWork;
}

/** Does what is to be done with objects, some at a time. */
export interface Decoder {
  /**
   * `stored`: the bytes of the object, read to their end when nothing fails. `onRaw` is told of raw bytes. Throws what decodeObject
   * and the work throw, and what `stored` throws; nothing of the work goes on then.
   */
  run(job: DecodeJob, stored: AsyncIterable<Uint8Array>, onRaw: (bytes: number) => void): Promise<void>;
  close(): Promise<void>;
}
