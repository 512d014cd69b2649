/** What readers give the importer: records with their place in the input, readable ones and others. No files here. */

/** Where a record begins. */
export interface Place {
  /** From 1; of Parquet the number of the row. */
  readonly line: number;
  /** In the input after decompression; of Parquet the number of the row before this one. */
  readonly offset: number;
}

export const BEGINNING: Place = { line: 1, offset: 0 };

/** The closed list of reasons for which a record is rejected before it is sent. The server's codes come besides. */
export type FaultCode =
  | 'INVALID_JSON'
  | 'INVALID_UTF8'
  | 'INVALID_CSV'
  | 'COLUMN_COUNT'
  | 'BAD_VALUE'
  | 'BAD_ID'
  | 'RECORD_TOO_LARGE';

export interface Fault {
  readonly code: FaultCode;
  readonly message: string;
}

/** Bytes are views that stay as they are until the next records are asked for. */
export interface InputRecord {
  readonly at: Place;
  /** Where the next one begins. */
  readonly next: Place;
  /** What is to become a document, not validated yet; undefined with a fault. */
  readonly document: Uint8Array | undefined;
  readonly fault: Fault | undefined;
  /** As it stands in the input; a record that is too large is cut off. */
  readonly raw: Uint8Array;
}

/** Records of one chunk of input at a time, so that nothing waits for a promise once per record. */
export type RecordStream = AsyncIterable<readonly InputRecord[]>;

export function fault(code: FaultCode, message: string): Fault {
  return { code, message };
}

/** Longest line or CSV record that is looked at, in bytes: the longest document and room for white space. */
export const RECORD_BYTES_MAX = 17 * 1024 * 1024;
/** What of a longer one is kept for the file of rejects. */
export const REJECTED_BYTES_MAX = 64 * 1024;
