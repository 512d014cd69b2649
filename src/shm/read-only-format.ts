/**
 * Whether this process takes writes, and why not: one block in a SharedArrayBuffer that every thread can read. The main
 * thread alone writes it. Lives in memory only and is never stored.
 *
 * Layout (int32 words; offsets in bytes)
 *
 *   offset  size  field     written by  read by  how
 *   0       4     state     main        all      Atomics; one of READ_ONLY_*
 *   4       4     sequence  main        all      Atomics; odd while state, length and text are being changed
 *   8       4     length    main        all      Atomics; bytes of text in use
 *   12      1024  text      main        all      Atomics, by words; the reason, UTF-8
 *
 * A thread that only asks whether it may write loads `state` and nothing else. One that wants the reason as well reads
 * state and text between two loads of the same even `sequence` (publish() in read-only-writer.ts pairs with snapshot()
 * in read-only-reader.ts). All accesses are atomic: this block changes a few times in a server's life, and is read in
 * full only to refuse a write.
 */

/** All writes are taken. */
export const READ_ONLY_OFF = 0;
/** The disk is nearly full: deletes are taken, nothing else. */
export const READ_ONLY_DISK = 1;
/** No write is taken: an operator said so, or a recovery left something that must be looked at first. */
export const READ_ONLY_ALL = 2;
export type ReadOnlyWord = typeof READ_ONLY_OFF | typeof READ_ONLY_DISK | typeof READ_ONLY_ALL;

export const READ_ONLY_STATE = 0 >> 2;
export const READ_ONLY_SEQUENCE = 4 >> 2;
export const READ_ONLY_LENGTH = 8 >> 2;
export const READ_ONLY_TEXT = 12 >> 2;
/** A longer reason is cut at a character. */
export const READ_ONLY_TEXT_BYTES_MAX = 1024;

export function createReadOnlyBlock(): SharedArrayBuffer {
  return new SharedArrayBuffer(READ_ONLY_TEXT * 4 + READ_ONLY_TEXT_BYTES_MAX);
}
