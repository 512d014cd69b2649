/**
 * The distinct members of one object of valid JSON text, as offsets: each key once, where it stood first, with the
 * value it was given last. Looks keys up by comparison while they are few and by a Map beyond that, so that reading
 * and merging stay linear. Any thread.
 */
import type { ContainerEnds } from './container-ends.js';
import { MemberCursor } from './members.js';
import { decodeString, sameKey } from './text.js';

/** Objects with more members than this get a Map: below it, comparing lengths first is faster. */
const LINEAR_MEMBERS_MAX = 16;

const cursor = new MemberCursor();

export class MemberTable {
  readonly keyStart: number[] = [];
  readonly keyEnd: number[] = [];
  readonly keyHasEscapes: boolean[] = [];
  readonly valueStart: number[] = [];
  readonly valueEnd: number[] = [];
  private byKey: Map<string, number> | undefined;

  /** Reads the object whose `{` is at `start`; a negative `start` makes an empty table. */
  constructor(
    readonly bytes: Uint8Array,
    start: number,
    readonly ends: ContainerEnds | null,
  ) {
    if (start < 0) return;
    cursor.reset(bytes, start, ends);
    while (cursor.next()) {
      const known = this.find(bytes, cursor.keyStart, cursor.keyEnd, cursor.keyHasEscapes);
      if (known < 0) this.add(cursor);
      else {
        this.valueStart[known] = cursor.valueStart;
        this.valueEnd[known] = cursor.valueEnd;
      }
    }
  }

  get count(): number {
    return this.keyStart.length;
  }

  /** The index of the member whose key spells the same string as bytes[keyStart, keyEnd), or -1. */
  find(bytes: Uint8Array, keyStart: number, keyEnd: number, keyHasEscapes: boolean): number {
    if (this.byKey !== undefined) return this.byKey.get(decodeString(bytes, keyStart, keyEnd)) ?? -1;
    for (let index = 0; index < this.keyStart.length; index++) {
      const isSame = sameKey(
        this.bytes,
        this.keyStart[index],
        this.keyEnd[index],
        this.keyHasEscapes[index],
        bytes,
        keyStart,
        keyEnd,
        keyHasEscapes,
      );
      if (isSame) return index;
    }
    return -1;
  }

  private add(member: MemberCursor): void {
    this.keyStart.push(member.keyStart);
    this.keyEnd.push(member.keyEnd);
    this.keyHasEscapes.push(member.keyHasEscapes);
    this.valueStart.push(member.valueStart);
    this.valueEnd.push(member.valueEnd);
    if (this.byKey !== undefined) this.index(this.byKey, this.count - 1);
    else if (this.count > LINEAR_MEMBERS_MAX) {
      this.byKey = new Map();
      for (let member = 0; member < this.count; member++) this.index(this.byKey, member);
    }
  }

  private index(byKey: Map<string, number>, member: number): void {
    byKey.set(decodeString(this.bytes, this.keyStart[member], this.keyEnd[member]), member);
  }
}
