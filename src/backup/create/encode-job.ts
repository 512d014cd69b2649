/**
 * What is to become an object of a backup, and what its bytes turn out to be. Jobs are plain data: another thread can do them.
 * The work itself is encode.ts.
 */
import type { CodecName } from '../../sst/codec.js';

/** A file that does not change. */
export interface FileSource {
  readonly kind: 'file';
  /** Where it is now. */
  readonly path: string;
  readonly sizeBytes: number;
}

export interface BytesSource {
  readonly kind: 'bytes';
  readonly bytes: Uint8Array;
}

/** The batches of one shard behind `after` and up to `through`, as a piece (log-piece/). */
export interface LogSource {
  readonly kind: 'log';
  readonly shard: number;
  /** Of the segments. */
  readonly directory: string;
  /** Where they are in the segments, and batches in front and behind; null when there is no segment. */
  readonly range: LogRange | null;
  readonly after: number;
  readonly through: number;
  readonly previousChain: Uint8Array;
}

/** As in checkpoint.json. */
export interface LogRange {
  readonly first_segment: number;
  readonly last_segment: number;
  readonly end_offset: number;
}

export type EncodeSource = FileSource | BytesSource | LogSource;

export interface EncodeJob {
  readonly source: EncodeSource;
  readonly compression: CodecName;
  readonly key?: Uint8Array;
}

export interface EncodedFacts {
  readonly rawBytes: number;
  /** Of the raw bytes; hexadecimal. */
  readonly sha256: string;
  /** Of a log. */
  readonly piece?: { readonly records: number; readonly lastWallClockMs: number; readonly chain: string };
}

/** An object while it is made. */
export interface Encoding {
  /** To be read once. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** When all chunks were read. */
  facts(): EncodedFacts;
}

/** Makes objects, some at a time. */
export interface Encoder {
  /** How many it can make at a time; more wait for each other. */
  readonly lanes: number;
  /** `onRaw` is told of raw bytes as they are read. */
  encode(job: EncodeJob, onRaw: (bytes: number) => void): Encoding;
  close(): Promise<void>;
}
