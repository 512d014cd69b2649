/** Publishes the versions of a shard on its board (version-board.ts has the layout and the protocol). Shard thread only. */
import { crc32 } from 'node:zlib';
import { highWord, lowWord } from '../base/bytes.js';
import { DbError } from '../base/errors.js';
import { ByteWriter } from './byte-writer.js';
import type { TableInfo } from './table-info.js';
import type { Version } from './version.js';
import {
  HALF_CRC_AT,
  HALF_CRC_FROM,
  HALF_LENGTH_AT,
  HALF_NUMBER_AT,
  HALF_TABLES_AT,
  HEAD_SEQUENCE,
  TABLE_PREFIX_BYTES,
  type VersionBoard,
} from './version-board.js';
import { encodeTable } from './version-edit-encoder.js';

/** Share of the board above which no new version should be begun: what is decided already still fits. */
const ROOM_SHARE = 0.9;

export class VersionPublisher {
  private readonly head: Int32Array;
  private readonly encoder = new ByteWriter();
  /** A table is encoded once, however many versions it is in. */
  private readonly encoded = new WeakMap<TableInfo, Uint8Array>();
  private scratch = new Uint8Array(0);

  constructor(private readonly board: VersionBoard) {
    this.head = new Int32Array(board.head);
  }

  /**
   * Call before the edit that leads to `version` is made durable. Throws DbError('OVERLOADED') when the version takes
   * more than nine tenths of the board, with {limit, capacityBytes, neededBytes, tables}: compact, or restart with a larger board.
   */
  requireRoom(version: Version): void {
    this.requireFit(version, this.capacityBytes * ROOM_SHARE);
  }

  /** `versionNumber` grows with every version. Throws DbError('OVERLOADED'), with nothing changed, if it does not fit. */
  publish(version: Version, versionNumber: number): void {
    const length = this.requireFit(version, this.capacityBytes);
    const sequence = (Atomics.load(this.head, HEAD_SEQUENCE) + 1) | 0;
    const bytes = this.encode(version, versionNumber, length);
    const half = this.board.halves[sequence & 1];
    if (half.byteLength < bytes.length) half.grow(Math.min(bytes.length * 2, half.maxByteLength));
    new Uint8Array(half).set(bytes);
    Atomics.store(this.head, HEAD_SEQUENCE, sequence); // publishVersion: pairs with observeSequence in version-subscriber.ts
  }

  private get capacityBytes(): number {
    return this.board.halves[0].maxByteLength;
  }

  /** Bytes of the version's tables. */
  private requireFit(version: Version, limitBytes: number): number {
    let length = 0;
    for (const { tables } of version.runsNewestFirst())
      for (const table of tables) length += TABLE_PREFIX_BYTES + this.bytesOf(table).length;
    const neededBytes = HALF_TABLES_AT + length;
    if (neededBytes <= limitBytes) return length;
    throw new DbError(
      'OVERLOADED',
      `the version board is full: ${version.tableCount} tables need ${neededBytes} bytes, it allows ${limitBytes}`,
      { limit: 'version board', capacityBytes: this.capacityBytes, neededBytes, tables: version.tableCount },
    );
  }

  private encode(version: Version, versionNumber: number, length: number): Uint8Array {
    const total = HALF_TABLES_AT + length;
    if (this.scratch.length < total) this.scratch = new Uint8Array(total * 2);
    const bytes = this.scratch.subarray(0, total);
    const view = new DataView(bytes.buffer);
    let at = HALF_TABLES_AT;
    for (const { tables } of version.runsNewestFirst()) {
      for (const table of tables) {
        const encoded = this.bytesOf(table);
        view.setUint32(at, encoded.length, true);
        bytes.set(encoded, at + TABLE_PREFIX_BYTES);
        at += TABLE_PREFIX_BYTES + encoded.length;
      }
    }
    view.setUint32(HALF_LENGTH_AT, length, true);
    view.setUint32(HALF_NUMBER_AT, lowWord(versionNumber), true);
    view.setUint32(HALF_NUMBER_AT + 4, highWord(versionNumber), true);
    view.setUint32(HALF_CRC_AT, crc32(bytes.subarray(HALF_CRC_FROM)), true);
    return bytes;
  }

  private bytesOf(table: TableInfo): Uint8Array {
    let bytes = this.encoded.get(table);
    if (bytes === undefined) {
      this.encoder.clear();
      encodeTable(table, this.encoder);
      bytes = this.encoder.written().slice();
      this.encoded.set(table, bytes);
    }
    return bytes;
  }
}
