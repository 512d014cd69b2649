/**
 * JSON merge patch (RFC 7396) on text. Numbers, strings and untouched values are copied byte for byte, so 64-bit
 * integers survive. A pure function of its two texts: replaying the WAL and replicas run it again and must get the
 * same bytes, so a change of its output is a change of the WAL format. Both texts are valid (scan.ts). Any thread.
 *
 * Output: members of the target first, in its order, then the patch's new ones in its order; no whitespace between
 * members; a key that repeats in an object that takes part in the merge appears once, with its last value. Objects
 * that are copied whole stay as they are. Every container of the output stands at the depth it had in one of the
 * inputs, so the output is no deeper than the deeper input and recursion is bounded by JSON_DEPTH_MAX.
 */
import type { ByteSink } from './byte-sink.js';
import { ContainerEnds } from './container-ends.js';
import { MemberTable } from './member-table.js';
import { skipSpace, skipValue } from './members.js';

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const LOWER_N = 0x6e;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const ABSENT = -1;
/** Shorter texts are merged without remembering where their containers end. */
const LARGE_TEXT_BYTES_MIN = 4096;

/**
 * The most bytes that mergePatch appends, 0 target bytes standing for no target. It is the plain sum: each member of
 * the output is copied from one input or merged from both under one key, each costs at most one comma, which it also
 * cost in its input, and the pair of braces that two inputs bring pays for the comma between their parts.
 */
export function mergedSizeMax(targetBytes: number, patchBytes: number): number {
  return targetBytes + patchBytes;
}

/**
 * Appends the result of applying patch[patchStart, patchEnd) to target[targetStart, targetEnd) to `out`; `target` is
 * undefined when there is none. A patch that is not an object replaces the target. `null` members of the patch
 * delete; elsewhere (inside arrays) null is a value. `_id` is not special: the caller compares the patch's `_id`,
 * which scanDocument reports, with the document's.
 */
export function mergePatch(
  target: Uint8Array | undefined,
  targetStart: number,
  targetEnd: number,
  patch: Uint8Array,
  patchStart: number,
  patchEnd: number,
  out: ByteSink,
): void {
  const patchAt = skipSpace(patch, patchStart);
  if (patch[patchAt] !== OPEN_BRACE) {
    out.append(patch, patchAt, Math.min(skipValue(patch, patchAt), patchEnd));
    return;
  }
  const hasTarget = target !== undefined && targetStart < targetEnd;
  const targetTable = hasTarget
    ? readObject(target, skipSpace(target, targetStart), endsFor(targetEnd - targetStart))
    : new MemberTable(patch, ABSENT, null);
  mergeObjects(targetTable, readObject(patch, patchAt, endsFor(patchEnd - patchStart)), out);
}

function endsFor(textBytes: number): ContainerEnds | null {
  return textBytes < LARGE_TEXT_BYTES_MIN ? null : new ContainerEnds();
}

/** The members of the value at `at`; none when it is not an object or when `at` is ABSENT. */
function readObject(bytes: Uint8Array, at: number, ends: ContainerEnds | null): MemberTable {
  return new MemberTable(bytes, at !== ABSENT && bytes[at] === OPEN_BRACE ? at : ABSENT, ends);
}

/** Merges one member of the patch into the value at `targetAt`, which may be ABSENT. */
function mergeMember(
  target: MemberTable,
  targetAt: number,
  patch: MemberTable,
  index: number,
  out: ByteSink,
): void {
  const at = patch.valueStart[index];
  if (patch.bytes[at] !== OPEN_BRACE) out.append(patch.bytes, at, patch.valueEnd[index]);
  else {
    const inner = readObject(target.bytes, targetAt, target.ends);
    mergeObjects(inner, readObject(patch.bytes, at, patch.ends), out);
  }
}

function mergeObjects(target: MemberTable, patch: MemberTable, out: ByteSink): void {
  const isMatched = new Uint8Array(patch.count);
  out.appendByte(OPEN_BRACE);
  let isFirst = true;
  for (let index = 0; index < target.count; index++) {
    const match = patch.find(
      target.bytes,
      target.keyStart[index],
      target.keyEnd[index],
      target.keyHasEscapes[index],
    );
    if (match >= 0) {
      isMatched[match] = 1;
      if (isNull(patch, match)) continue;
    }
    appendKey(target, index, isFirst, out);
    isFirst = false;
    if (match < 0) out.append(target.bytes, target.valueStart[index], target.valueEnd[index]);
    else mergeMember(target, target.valueStart[index], patch, match, out);
  }
  for (let index = 0; index < patch.count; index++) {
    if (isMatched[index] === 1 || isNull(patch, index)) continue;
    appendKey(patch, index, isFirst, out);
    isFirst = false;
    mergeMember(target, ABSENT, patch, index, out);
  }
  out.appendByte(CLOSE_BRACE);
}

function isNull(table: MemberTable, index: number): boolean {
  return table.bytes[table.valueStart[index]] === LOWER_N;
}

function appendKey(table: MemberTable, index: number, isFirst: boolean, out: ByteSink): void {
  if (!isFirst) out.appendByte(COMMA);
  out.appendByte(QUOTE);
  out.append(table.bytes, table.keyStart[index], table.keyEnd[index]);
  out.appendByte(QUOTE);
  out.appendByte(COLON);
}
