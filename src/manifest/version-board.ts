/**
 * The version board: the current Version of a shard in shared memory, for all threads that read tables themselves. One
 * publisher (version-publisher.ts, shard thread), any number of subscribers (version-subscriber.ts), no locks.
 *
 * Three SharedArrayBuffers: a head, and two halves that are written in turn, so that the last version stays readable
 * while the next is being written, even if the publisher dies in the middle. The halves are growable: they reserve
 * their capacity in address space and take memory as versions need it. In shared memory only; may change with every build.
 *
 * Head (little endian, int32 words):
 *
 *   offset field      written by  how
 *   0      SEQUENCE   publisher   Atomics; versions published so far, mod 2^32. The last is in half SEQUENCE & 1; 0 = none
 *
 * Half:
 *
 *   0      LENGTH     publisher   bytes of the tables
 *   4      CRC        publisher   crc32 of bytes [8, 16 + LENGTH)
 *   8      NUMBER     publisher   version number, 2 words, low first
 *   16     TABLES     publisher   (length u32 | table)*, a table as in version-edit.ts, in no particular order
 *
 * Publication: the half is complete before SEQUENCE is stored (publishVersion, pairs with observeSequence). A subscriber
 * copies the half out and then looks at SEQUENCE again: while it is the same, the publisher has not begun to write
 * this half anew. The stores between are plain, and the memory model lets a processor move a plain load past a later
 * atomic one; the checksum is what makes the copy certain.
 */
import { assert } from '../base/assert.js';

export const HEAD_SEQUENCE = 0 >> 2;
export const HEAD_BYTES = 64;

export const HALF_LENGTH_AT = 0;
export const HALF_CRC_AT = 4;
export const HALF_CRC_FROM = 8;
export const HALF_NUMBER_AT = 8;
export const HALF_TABLES_AT = 16;

/** Where the fields that place a table stand in its encoding (version-edit.ts). */
export const TABLE_FILE_NUMBER_AT = 0;
export const TABLE_LEVEL_AT = 4;
export const TABLE_RUN_AT = 5;
export const TABLE_PREFIX_BYTES = 4;

/** Address space of each half. 100,000 tables with long keys and several collections each fit. */
export const VERSION_BOARD_BYTES_DEFAULT = 256 * 1024 * 1024;
const HALF_BYTES_INITIAL = 16 * 1024;

/** Can be given to any thread. */
export interface VersionBoard {
  readonly head: SharedArrayBuffer;
  readonly halves: readonly [SharedArrayBuffer, SharedArrayBuffer];
}

/** `capacityBytes`: what an encoded version may take. Address space only, until it is used. */
export function createVersionBoard(capacityBytes = VERSION_BOARD_BYTES_DEFAULT): VersionBoard {
  assert(capacityBytes >= HALF_TABLES_AT, 'a version board holds at least an empty version');
  const half = (): SharedArrayBuffer =>
    new SharedArrayBuffer(Math.min(HALF_BYTES_INITIAL, capacityBytes), { maxByteLength: capacityBytes });
  return { head: new SharedArrayBuffer(HEAD_BYTES), halves: [half(), half()] };
}
