/** What both frame views share: the error they answer with, aligned bytes, and the checks on columns. */
import { DbError } from '../base/errors.js';
import type { VerifyFault } from './verify.js';

/** A scratch buffer that grew beyond this for one huge frame is given back with the next one. */
const SCRATCH_BYTES_KEPT = 1024 * 1024;
/** Largest upper word of a 64-bit value that a JavaScript number holds exactly. */
const EXACT_HIGH_WORD_MAX = 0x1f_ffff;

export function malformed(frame: string, field: string, offset: number, reason: string): DbError {
  const where = field === '' ? frame : `${frame}.${field}`;
  return new DbError('MALFORMED_FRAME', `${where}: ${reason} (at byte ${offset})`, { field, offset });
}

export function malformedTable(frame: string, fault: VerifyFault): DbError {
  return malformed(frame, fault.field, fault.offset, fault.reason);
}

/** Moves frames to a multiple of 4 when they are not there: a Uint32Array over them needs it. */
export class FrameAligner {
  private scratch = new Uint8Array(0);

  align(bytes: Uint8Array): Uint8Array {
    if ((bytes.byteOffset & 3) === 0) return bytes;
    const isOversized = this.scratch.length > SCRATCH_BYTES_KEPT && bytes.length <= SCRATCH_BYTES_KEPT;
    if (bytes.length > this.scratch.length || isOversized) this.scratch = new Uint8Array(bytes.length);
    this.scratch.set(bytes);
    return this.scratch.subarray(0, bytes.length);
  }
}

/** Index of the first end that is below its predecessor or above `limit`; -1 when all are in order. */
export function findBadEnd(words: Uint32Array, first: number, count: number, limit: number): number {
  let previous = 0;
  for (let i = 0; i < count; i++) {
    const end = words[first + i];
    if (end < previous || end > limit) return i;
    previous = end;
  }
  return -1;
}

/** Index of the first 64-bit value above 2^53 - 1; -1 when all are exact as numbers. */
export function findInexact(words: Uint32Array, first: number, count: number): number {
  for (let i = 0; i < count; i++) if (words[first + 2 * i + 1] > EXACT_HIGH_WORD_MAX) return i;
  return -1;
}

/** Index of the first byte outside [min, max]; -1 when there is none. */
export function findOutside(
  bytes: Uint8Array,
  first: number,
  count: number,
  min: number,
  max: number,
): number {
  for (let i = 0; i < count; i++) {
    const value = bytes[first + i];
    if (value < min || value > max) return i;
  }
  return -1;
}
