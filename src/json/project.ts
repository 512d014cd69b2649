/**
 * Projection: a document reduced to named fields, values copied byte for byte. Reads valid text (scan.ts), writes
 * valid JSON no longer than the document. Any thread, not re-entrant.
 *
 * A path goes through objects by name and through arrays element by element: `items.price` keeps the array `items`
 * with the `price` of each of its objects, and drops elements that are neither objects nor arrays. (Filters are
 * different: there an index picks one element.) A path that meets another value before its end keeps nothing. `_id`
 * is always kept. Fields are written in the order in which they were asked for, `_id` first.
 */
import { assert } from '../base/assert.js';
import { DbError } from '../base/errors.js';
import type { ByteSink } from './byte-sink.js';
import { ElementCursor, MemberCursor, skipSpace } from './members.js';
import { keyEquals } from './text.js';

/** Most fields in one projection: each member of a document is compared with each. */
export const PROJECTION_FIELDS_MAX = 100;
/** Longest path of a field, in names: each level passes over its values once more. */
export const PROJECTION_DEPTH_MAX = 32;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const ID_KEY = new TextEncoder().encode('_id');
const ABSENT = -1;

/** One name on the way to the wanted fields, and where the object being read has it. */
class Branch {
  /** What to keep of the value: these branches, or all of it when null. */
  branches: Branch[] | null = null;
  keyStart = 0;
  keyEnd = 0;
  valueStart = ABSENT;
  valueEnd = 0;

  constructor(readonly keyUtf8: Uint8Array) {}
}

type FieldPaths = readonly (readonly Uint8Array[])[];

/** A request projects many documents by the same array of fields: its tree is built once. */
const treeByFields = new WeakMap<FieldPaths, Branch[]>();
const cursor = new MemberCursor();

/**
 * Appends the object in bytes[start, end) reduced to `fields`, each a path of unescaped UTF-8 names, to `out`. Do not
 * change `fields` after the first call. Throws DbError('VALIDATION') beyond the limits.
 */
export function projectFields(
  bytes: Uint8Array,
  start: number,
  end: number,
  fields: FieldPaths,
  out: ByteSink,
): void {
  let tree = treeByFields.get(fields);
  if (tree === undefined) {
    tree = buildTree(fields);
    treeByFields.set(fields, tree);
  }
  const at = skipSpace(bytes, start);
  assert(at < end && bytes[at] === OPEN_BRACE, 'only an object can be projected');
  projectObject(bytes, at, tree, out);
}

function buildTree(fields: FieldPaths): Branch[] {
  if (fields.length > PROJECTION_FIELDS_MAX) {
    throw new DbError('VALIDATION', `a projection names at most ${PROJECTION_FIELDS_MAX} fields`, {
      limit: PROJECTION_FIELDS_MAX,
      count: fields.length,
    });
  }
  const root = [new Branch(ID_KEY)];
  for (const path of fields) {
    assert(path.length > 0, 'a projected field has no name');
    if (path.length > PROJECTION_DEPTH_MAX) {
      throw new DbError('VALIDATION', `a projected field has at most ${PROJECTION_DEPTH_MAX} names`, {
        limit: PROJECTION_DEPTH_MAX,
        count: path.length,
      });
    }
    let branches = root;
    for (let index = 0; index < path.length; index++) {
      const isLast = index === path.length - 1;
      let branch = branches.find((known) => Buffer.compare(known.keyUtf8, path[index]) === 0);
      if (branch === undefined) {
        branch = new Branch(path[index]);
        branches.push(branch);
        if (!isLast) branch.branches = [];
      }
      // The whole of a field wins over its parts, whichever was named first.
      if (isLast) branch.branches = null;
      if (branch.branches === null) break;
      branches = branch.branches;
    }
  }
  return root;
}

function projectObject(bytes: Uint8Array, start: number, branches: Branch[], out: ByteSink): void {
  for (const branch of branches) branch.valueStart = ABSENT;
  cursor.reset(bytes, start);
  while (cursor.next()) {
    for (const branch of branches) {
      if (!keyEquals(bytes, cursor.keyStart, cursor.keyEnd, cursor.keyHasEscapes, branch.keyUtf8)) continue;
      branch.keyStart = cursor.keyStart;
      branch.keyEnd = cursor.keyEnd;
      branch.valueStart = cursor.valueStart;
      branch.valueEnd = cursor.valueEnd;
      break;
    }
  }
  out.appendByte(OPEN_BRACE);
  let isFirst = true;
  for (const branch of branches) {
    if (branch.valueStart === ABSENT) continue;
    if (branch.branches !== null && !isContainer(bytes[branch.valueStart])) continue;
    if (!isFirst) out.appendByte(COMMA);
    isFirst = false;
    out.appendByte(QUOTE);
    out.append(bytes, branch.keyStart, branch.keyEnd);
    out.appendByte(QUOTE);
    out.appendByte(COLON);
    if (branch.branches === null) out.append(bytes, branch.valueStart, branch.valueEnd);
    else projectContainer(bytes, branch.valueStart, branch.branches, out);
  }
  out.appendByte(CLOSE_BRACE);
}

function projectContainer(bytes: Uint8Array, start: number, branches: Branch[], out: ByteSink): void {
  if (bytes[start] === OPEN_BRACE) {
    projectObject(bytes, start, branches, out);
    return;
  }
  const elements = new ElementCursor();
  elements.reset(bytes, start);
  out.appendByte(OPEN_BRACKET);
  let isFirst = true;
  while (elements.next()) {
    if (!isContainer(bytes[elements.valueStart])) continue;
    if (!isFirst) out.appendByte(COMMA);
    isFirst = false;
    projectContainer(bytes, elements.valueStart, branches, out);
  }
  out.appendByte(CLOSE_BRACKET);
}

function isContainer(byte: number): boolean {
  return byte === OPEN_BRACE || byte === OPEN_BRACKET;
}
