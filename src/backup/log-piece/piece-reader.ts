/** Reads a piece of a log (piece-format.ts) from the raw bytes of its object, and checks all of it. Any thread. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { asSeqno } from '../../base/brand.js';
import { DbError } from '../../base/errors.js';
import { readU32, readU64 } from '../../sst/coding.js';
import { RECORD_PAYLOAD_BYTES_MAX, seqnosTaken } from '../../wal/format.js';
import { StreamBuffer } from '../object/stream-buffer.js';
import {
  CHAIN_BYTES,
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

export interface ReadPieceOptions {
  /** For messages. */
  readonly name: string;
  readonly onStart?: (start: PieceStart) => void;
  /** A record as soon as its own checksum was found right; that it is in its place is known when readPiece resolves. */
  readonly onRecord?: (record: PieceRecord) => void | Promise<void>;
}

/** Resolves with how it begins and ends. Throws CORRUPT_BACKUP with {file, offset}, and what `raw` and the callbacks throw. */
export async function readPiece(
  raw: AsyncIterable<Uint8Array>,
  options: ReadPieceOptions,
): Promise<PieceStart & PieceEnd> {
  const input = new StreamBuffer(raw);
  try {
    return await new PieceReader(input, options).read();
  } finally {
    await input.close();
  }
}

class PieceReader {
  private readonly hash = createHash('sha256');
  private records = 0;
  private lastWallClockMs = 0;
  private lastSeqno = 0;

  constructor(
    private readonly input: StreamBuffer,
    private readonly options: ReadPieceOptions,
  ) {}

  async read(): Promise<PieceStart & PieceEnd> {
    const { input, options } = this;
    const start = this.start(await input.take(PIECE_HEADER_BYTES));
    this.lastSeqno = start.after;
    options.onStart?.(start);
    for (;;) {
      const offset = input.offset;
      const head = await input.take(RECORD_HEADER_BYTES);
      if (head === undefined) return this.fail(offset, 'it ends before its end record');
      const marker = readU32(head, 0);
      if (marker === MARKER_END) return { ...start, ...(await this.end(head, offset)) };
      if (marker !== MARKER_RECORD) return this.fail(offset, `there is no record of kind ${marker}`);
      const record = await this.record(head, offset);
      await options.onRecord?.(record);
    }
  }

  private start(bytes: Uint8Array | undefined): PieceStart {
    if (bytes === undefined) return this.fail(0, 'it ends in its header');
    if (Buffer.from(bytes.subarray(0, 8)).toString('latin1') !== PIECE_MAGIC)
      return this.fail(0, 'it does not begin like a piece of a log');
    const checked = bytes.subarray(0, PIECE_HEADER_CHECKED_BYTES);
    if (readU32(bytes, PIECE_HEADER_CHECKED_BYTES) !== crc32(checked))
      return this.fail(0, 'the checksum of its header is wrong');
    this.hash.update(bytes.subarray(0, PIECE_HEADER_HASHED_BYTES));
    return {
      shard: readU32(bytes, 8),
      after: readU64(bytes, 16),
      previousChain: bytes.slice(24, 24 + CHAIN_BYTES),
    };
  }

  private async record(head: Uint8Array, offset: number): Promise<PieceRecord> {
    const length = readU32(head, 4);
    if (length > RECORD_PAYLOAD_BYTES_MAX) this.fail(offset, `a record of ${length} bytes cannot be`);
    const body = await this.input.take(paddedLength(length));
    if (body === undefined) return this.fail(offset, 'it ends in a record');
    const checkedHead = head.subarray(RECORD_CHECKED_FROM);
    if (readU32(head, 8) !== crc32(body, crc32(checkedHead)))
      this.fail(offset, 'the checksum of a record is wrong');
    this.hash.update(checkedHead).update(body);
    const record = {
      firstSeqno: asSeqno(readU64(head, 16)),
      operationCount: readU32(head, 12),
      wallClockMs: readU64(head, 24),
      epoch: readU64(head, 32),
      payload: body.subarray(0, length),
    };
    if (record.firstSeqno <= this.lastSeqno)
      this.fail(offset, `seqno ${record.firstSeqno} does not follow ${this.lastSeqno}`);
    this.lastSeqno = record.firstSeqno + seqnosTaken(record.operationCount) - 1;
    this.records++;
    this.lastWallClockMs = record.wallClockMs;
    return record;
  }

  private async end(head: Uint8Array, offset: number): Promise<PieceEnd> {
    const rest = await this.input.take(PIECE_END_BYTES - RECORD_HEADER_BYTES);
    if (rest === undefined) return this.fail(offset, 'it ends in its end record');
    const bytes = Buffer.concat([head, rest]);
    if (readU32(bytes, 4) !== 0 || readU32(bytes, 8) !== crc32(bytes.subarray(RECORD_CHECKED_FROM)))
      return this.fail(offset, 'the checksum of its end record is wrong');
    if (!(await this.input.isAtEnd())) return this.fail(offset, 'there are bytes behind its end record');
    const chain = this.hash.update(bytes.subarray(END_HASHED_FROM, END_HASHED_TO)).digest();
    const end = {
      through: readU64(bytes, 16),
      records: readU64(bytes, 24),
      lastWallClockMs: readU64(bytes, 32),
      chain: bytes.subarray(END_HASHED_TO),
    };
    const isSame =
      chain.equals(end.chain) &&
      end.records === this.records &&
      end.lastWallClockMs === this.lastWallClockMs &&
      end.through >= this.lastSeqno;
    return isSame ? end : this.fail(offset, 'its end does not agree with its records');
  }

  private fail(offset: number, reason: string): never {
    const { name } = this.options;
    throw new DbError('CORRUPT_BACKUP', `${name} is damaged: ${reason} (at ${offset} of its raw bytes)`, {
      file: name,
      offset,
      reason,
    });
  }
}
