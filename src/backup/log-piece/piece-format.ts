/**
 * A piece of the log of one shard, as backups and the WAL stream keep it: the batches of an interval of seqnos, each as it was
 * appended, without the positions and the padding of segments. It is stored in an object (object/object-format.ts), which checks
 * the bytes as they are stored. Integers are little-endian; everything begins at a multiple of 8.
 *
 *   piece := header record* end
 *
 *   header, 64 bytes
 *     0   8  magic "LDBLOG01"
 *     8   4  shard
 *    12   4  0
 *    16   8  after: nothing up to this seqno is in here
 *    24  32  chain of the piece before it; zeros in the first one
 *    56   4  0
 *    60   4  CRC-32 of bytes 0 to 59
 *
 *   record
 *     0   4  1
 *     4   4  payload length
 *     8   4  CRC-32 of all that follows, padding included
 *    12   4  operation count
 *    16   8  first seqno
 *    24   8  wall clock, ms since 1970
 *    32   8  epoch
 *    40   n  payload: a write batch (docs/formats/batch.md), and zeros up to a multiple of 8
 *
 *   end, 72 bytes
 *     0   4  2
 *     4   4  0
 *     8   4  CRC-32 of bytes 12 to 71
 *    12   4  0
 *    16   8  through: every operation of the shard behind `after` and up to this seqno is in here
 *    24   8  count of records
 *    32   8  wall clock of the last record, 0 without one
 *    40  32  chain: SHA-256 of bytes 0 to 55 of the header, of bytes 12 to the end of each record, of bytes 16 to 39 of this
 *
 * The chain makes a row of pieces: one that was left out, exchanged or taken from another log does not fit its neighbours.
 */
import type { Seqno } from '../../base/brand.js';

export const PIECE_MAGIC = 'LDBLOG01';
export const PIECE_HEADER_BYTES = 64;
export const PIECE_HEADER_HASHED_BYTES = 56;
export const PIECE_HEADER_CHECKED_BYTES = 60;
export const RECORD_HEADER_BYTES = 40;
export const RECORD_CHECKED_FROM = 12;
export const PIECE_END_BYTES = 72;
export const END_HASHED_FROM = 16;
export const END_HASHED_TO = 40;
export const CHAIN_BYTES = 32;
export const MARKER_RECORD = 1;
export const MARKER_END = 2;
export const NO_CHAIN: Uint8Array = new Uint8Array(CHAIN_BYTES);

/** One batch of the log. */
export interface PieceRecord {
  readonly firstSeqno: Seqno;
  readonly operationCount: number;
  readonly wallClockMs: number;
  readonly epoch: number;
  readonly payload: Uint8Array;
}

export interface PieceStart {
  readonly shard: number;
  readonly after: number;
  readonly previousChain: Uint8Array;
}

export interface PieceEnd {
  readonly through: number;
  readonly records: number;
  readonly lastWallClockMs: number;
  readonly chain: Uint8Array;
}

export const paddedLength = (bytes: number): number => Math.ceil(bytes / 8) * 8;
