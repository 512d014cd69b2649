/**
 * Columns of a table made of documents: the members that the first of them have, in the order in which they are first
 * seen, `_id` first; or the fields that were asked for. Finding the value of each column in a document.
 */
import { findPath, MemberCursor, Span } from '../json/members.js';
import { decodeString } from '../json/text.js';

export const ID_COLUMN = '_id';
export const ABSENT = -1;

/** Adds the names of a document's members to `names`, in their order. */
export function collectNames(document: Uint8Array, names: Set<string>): void {
  const cursor = new MemberCursor();
  cursor.reset(document, 0);
  while (cursor.next()) names.add(decodeString(document, cursor.keyStart, cursor.keyEnd));
}

/** `_id` first, and once, whatever was asked for. */
export function withId(names: Iterable<string>): string[] {
  return [...new Set([ID_COLUMN, ...names])];
}

/** Where the columns' values are in one document after the other. Reused; not re-entrant. */
export class ColumnValues {
  /** The text of column i is document[starts[i], ends[i]); ABSENT when the document has none. */
  readonly starts: number[];
  readonly ends: number[];
  private readonly indexes: ReadonlyMap<string, number>;
  private readonly paths: ReadonlyArray<readonly Uint8Array[]>;
  private readonly cursor = new MemberCursor();
  private readonly span = new Span();

  /** `areFields`: the names are dotted paths that were asked for, and other members are no concern. */
  constructor(
    readonly names: readonly string[],
    private readonly areFields: boolean,
  ) {
    const encoder = new TextEncoder();
    this.starts = names.map(() => ABSENT);
    this.ends = names.map(() => ABSENT);
    this.indexes = new Map(names.map((name, index) => [name, index]));
    this.paths = names.map((name) => name.split('.').map((part) => encoder.encode(part)));
  }

  /** The name of a member that is no column, or undefined when all have been found a place. */
  read(document: Uint8Array): string | undefined {
    if (this.areFields) {
      this.readPaths(document);
      return undefined;
    }
    this.starts.fill(ABSENT);
    this.cursor.reset(document, 0);
    while (this.cursor.next()) {
      const name = decodeString(document, this.cursor.keyStart, this.cursor.keyEnd);
      const index = this.indexes.get(name);
      if (index === undefined) return name;
      // A member that repeats counts with its last value.
      this.starts[index] = this.cursor.valueStart;
      this.ends[index] = this.cursor.valueEnd;
    }
    return undefined;
  }

  private readPaths(document: Uint8Array): void {
    for (let index = 0; index < this.paths.length; index++) {
      const isFound = findPath(document, 0, document.length, this.paths[index], this.span);
      this.starts[index] = isFound ? this.span.start : ABSENT;
      this.ends[index] = this.span.end;
    }
  }
}
