/** Writes a piece of a log (piece-format.ts), part by part: header(), record() for each batch, end(). Any thread. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { assert } from '../../base/assert.js';
import { writeU32, writeU64 } from '../../sst/coding.js';
import { seqnosTaken } from '../../wal/format.js';
import {
  END_HASHED_FROM,
  END_HASHED_TO,
  MARKER_END,
  MARKER_RECORD,
  PIECE_END_BYTES,
  PIECE_HEADER_BYTES,
  PIECE_HEADER_CHECKED_BYTES,
  PIECE_HEADER_HASHED_BYTES,
  PIECE_MAGIC,
  type PieceEnd,
  type PieceRecord,
  type PieceStart,
  paddedLength,
  RECORD_CHECKED_FROM,
  RECORD_HEADER_BYTES,
} from './piece-format.js';

export class PieceWriter {
  private readonly hash = createHash('sha256');
  private records = 0;
  private lastSeqno: number;
  private lastWallClockMs = 0;

  constructor(private readonly start: PieceStart) {
    this.lastSeqno = start.after;
  }

  header(): Buffer {
    const { shard, after, previousChain } = this.start;
    const bytes = Buffer.alloc(PIECE_HEADER_BYTES);
    bytes.write(PIECE_MAGIC, 0, 'latin1');
    writeU32(bytes, 8, shard);
    writeU64(bytes, 16, after);
    bytes.set(previousChain, 24);
    writeU32(bytes, PIECE_HEADER_CHECKED_BYTES, crc32(bytes.subarray(0, PIECE_HEADER_CHECKED_BYTES)));
    this.hash.update(bytes.subarray(0, PIECE_HEADER_HASHED_BYTES));
    return bytes;
  }

  /** Copies the payload. */
  record({ firstSeqno, operationCount, wallClockMs, epoch, payload }: PieceRecord): Buffer {
    assert(firstSeqno > this.lastSeqno, () => `seqno ${firstSeqno} is not above ${this.lastSeqno}`);
    const bytes = Buffer.alloc(RECORD_HEADER_BYTES + paddedLength(payload.length));
    writeU32(bytes, 0, MARKER_RECORD);
    writeU32(bytes, 4, payload.length);
    writeU32(bytes, 12, operationCount);
    writeU64(bytes, 16, firstSeqno);
    writeU64(bytes, 24, wallClockMs);
    writeU64(bytes, 32, epoch);
    bytes.set(payload, RECORD_HEADER_BYTES);
    const checked = bytes.subarray(RECORD_CHECKED_FROM);
    writeU32(bytes, 8, crc32(checked));
    this.hash.update(checked);
    this.records++;
    this.lastSeqno = firstSeqno + seqnosTaken(operationCount) - 1;
    this.lastWallClockMs = wallClockMs;
    return bytes;
  }

  end(through: number): { readonly bytes: Buffer; readonly end: PieceEnd } {
    assert(through >= this.lastSeqno, () => `a piece through ${through} has seqno ${this.lastSeqno}`);
    const bytes = Buffer.alloc(PIECE_END_BYTES);
    writeU32(bytes, 0, MARKER_END);
    writeU64(bytes, 16, through);
    writeU64(bytes, 24, this.records);
    writeU64(bytes, 32, this.lastWallClockMs);
    const chain = this.hash.update(bytes.subarray(END_HASHED_FROM, END_HASHED_TO)).digest();
    bytes.set(chain, END_HASHED_TO);
    writeU32(bytes, 8, crc32(bytes.subarray(RECORD_CHECKED_FROM)));
    const { records, lastWallClockMs } = this;
    return { bytes, end: { through, records, lastWallClockMs, chain } };
  }
}
