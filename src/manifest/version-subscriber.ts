/**
 * Follows the versions that a shard publishes on its board (version-board.ts has the layout and the protocol). Any thread;
 * one subscriber per thread and shard. What is unchanged between two versions (tables, runs) is the same object.
 */
import { crc32 } from 'node:zlib';
import { assert } from '../base/assert.js';
import { fromWords } from '../base/bytes.js';
import { ByteReader } from './byte-reader.js';
import type { TableInfo } from './table-info.js';
import { type TableChanges, Version } from './version.js';
import {
  HALF_CRC_AT,
  HALF_CRC_FROM,
  HALF_LENGTH_AT,
  HALF_NUMBER_AT,
  HALF_TABLES_AT,
  HEAD_SEQUENCE,
  TABLE_FILE_NUMBER_AT,
  TABLE_LEVEL_AT,
  TABLE_PREFIX_BYTES,
  TABLE_RUN_AT,
  type VersionBoard,
} from './version-board.js';
import { decodeTable } from './version-edit-decoder.js';

/** A copy goes wrong only if two versions are published while it is made. */
const ATTEMPTS_MAX = 10_000;

export class VersionSubscriber {
  private readonly head: Int32Array;
  private seenSequence = 0;
  private current = Version.empty();
  private currentNumber = 0;
  private known = new Map<number, TableInfo>();
  private copy = new Uint8Array(0);

  /** `board` may be empty still: the version is then empty and its number 0. */
  constructor(private readonly board: VersionBoard) {
    this.head = new Int32Array(board.head);
  }

  /** As of the last refresh. */
  get version(): Version {
    return this.current;
  }

  /** The number it was published under; 0 before the first. */
  get versionNumber(): number {
    return this.currentNumber;
  }

  /**
   * Takes over the last version whose publish returned before this call, or a later one; true if that is a new one. One
   * atomic load when nothing has changed. An AssertionError if the board is overwritten faster than it can be copied.
   */
  refresh(): boolean {
    if (Atomics.load(this.head, HEAD_SEQUENCE) === this.seenSequence) return false;
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const sequence = Atomics.load(this.head, HEAD_SEQUENCE); // observeSequence: pairs with publishVersion
      const length = this.copyHalf(sequence & 1);
      if (length < 0 || Atomics.load(this.head, HEAD_SEQUENCE) !== sequence) continue;
      this.takeOver(new DataView(this.copy.buffer), HALF_TABLES_AT + length);
      this.seenSequence = sequence;
      return true;
    }
    assert(false, 'a version board is published faster than it can be read');
  }

  /** Copies one half; returns the length of its tables, or -1 if the copy is torn. */
  private copyHalf(index: number): number {
    const half = new Uint8Array(this.board.halves[index]);
    const length = new DataView(half.buffer).getUint32(HALF_LENGTH_AT, true);
    const end = HALF_TABLES_AT + length;
    if (end > half.length) return -1;
    if (this.copy.length < end) this.copy = new Uint8Array(end * 2);
    this.copy.set(half.subarray(0, end));
    const view = new DataView(this.copy.buffer);
    const isWhole =
      view.getUint32(HALF_LENGTH_AT, true) === length &&
      view.getUint32(HALF_CRC_AT, true) === crc32(this.copy.subarray(HALF_CRC_FROM, end));
    return isWhole ? length : -1;
  }

  private takeOver(view: DataView, end: number): void {
    const known = new Map<number, TableInfo>();
    const changes = this.changesTo(view, end, known);
    this.current = this.current.apply(changes);
    this.known = known;
    this.currentNumber = fromWords(
      view.getUint32(HALF_NUMBER_AT, true),
      view.getUint32(HALF_NUMBER_AT + 4, true),
    );
  }

  /** What leads from the tables known so far to those of the copy. Fills `known` with the latter. */
  private changesTo(view: DataView, end: number, known: Map<number, TableInfo>): TableChanges {
    const addedTables: TableInfo[] = [];
    for (let at = HALF_TABLES_AT; at < end; ) {
      const tableAt = at + TABLE_PREFIX_BYTES;
      const length = view.getUint32(at, true);
      const fileNumber = view.getUint32(tableAt + TABLE_FILE_NUMBER_AT, true);
      let table = this.known.get(fileNumber);
      // A table can move to another level; otherwise it never changes.
      if (
        table === undefined ||
        table.level !== view.getUint8(tableAt + TABLE_LEVEL_AT) ||
        table.run !== view.getUint32(tableAt + TABLE_RUN_AT, true)
      ) {
        const bytes = this.copy.subarray(tableAt, tableAt + length);
        table = decodeTable(new ByteReader(bytes, { file: 'version board', offset: tableAt }));
        addedTables.push(table);
      }
      known.set(fileNumber, table);
      at = tableAt + length;
    }
    const removedTables: number[] = [];
    for (const [fileNumber, table] of this.known)
      if (known.get(fileNumber) !== table) removedTables.push(fileNumber);
    return { addedTables, removedTables };
  }
}
