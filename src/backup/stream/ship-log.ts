/**
 * Copies what a shard has appended to its log since the last time to a store, in pieces (log-piece/). Reads segments that the
 * shard goes on writing to, up to where they are known to be durable. Any thread but that of a shard.
 */
import type { ShardId } from '../../base/brand.js';
import { DbError } from '../../base/errors.js';
import type { CodecName } from '../../sst/codec.js';
import type { Vfs } from '../../vfs/vfs.js';
import { asSegmentOffset, type WalPosition, type WalRecord } from '../../wal/commit-log.js';
import { SEGMENT_HEADER_BYTES, seqnosTaken } from '../../wal/format.js';
import { readLog } from '../../wal/reader.js';
import { surveyWal } from '../../wal/survey.js';
import type { PieceRecord } from '../log-piece/piece-format.js';
import { PieceWriter } from '../log-piece/piece-writer.js';
import { encodeObject } from '../object/object-writer.js';
import type { ObjectStore } from '../store/object-store.js';
import { pieceName } from './stream-names.js';

/** Payload bytes of a piece: with as many again for its copy, what shipping keeps in memory. */
export const PIECE_PAYLOAD_BYTES_MAX = 32 * 1024 * 1024;

/** Plain data: it goes to another thread. */
export interface ShipJob {
  readonly shard: number;
  readonly walDirectory: string;
  /** Everything up to this seqno has been shipped. */
  readonly after: number;
  /** Everything up to this one is to be: all operations up to it lie in front of `end`. */
  readonly through: number;
  /** In front of the record behind `after`; null: there is no log yet. */
  readonly from: WalPosition | null;
  /** Where the durable log ends; null: there is nothing behind `after` in it. */
  readonly end: WalPosition | null;
  /** Of the last piece; zeros for the first. */
  readonly chain: Uint8Array;
  readonly compression: CodecName;
  readonly key?: Uint8Array;
}

/** Plain data. What has arrived, also when an error ended it before all had. */
export interface Shipped {
  readonly through: number;
  readonly chain: Uint8Array;
  /** Where the next job begins. */
  readonly position: WalPosition | null;
  readonly pieces: number;
  readonly records: number;
  /** As stored. */
  readonly bytes: number;
}

/** `onPiece` is told after each piece has arrived. Throws NOT_FOUND when the log does not reach back to `after`, and what the store throws. */
export async function shipLog(
  vfs: Vfs,
  store: ObjectStore,
  job: ShipJob,
  onPiece: (shipped: Shipped) => void = () => {},
): Promise<Shipped> {
  let shipped: Shipped = {
    through: job.after,
    chain: job.chain,
    position: job.from,
    pieces: 0,
    records: 0,
    bytes: 0,
  };
  const records = new LogRecords(vfs, job);
  try {
    do {
      const batch = records.take();
      const through = batch.isLast ? job.through : batch.lastSeqno;
      const piece = encodePiece(job, shipped, batch.records, through);
      const name = pieceName(job.shard, { after: shipped.through, through });
      const { sizeBytes } = await store.put(
        name,
        encodeObject(piece.parts, { compression: job.compression, ...(job.key && { key: job.key }) }),
      );
      shipped = {
        through,
        chain: piece.chain,
        position: batch.position ?? shipped.position,
        pieces: shipped.pieces + 1,
        records: shipped.records + batch.records.length,
        bytes: shipped.bytes + sizeBytes,
      };
      onPiece(shipped);
    } while (shipped.through < job.through);
  } finally {
    records.close();
  }
  return shipped;
}

function encodePiece(
  { shard }: ShipJob,
  { through: after, chain: previousChain }: Shipped,
  records: readonly PieceRecord[],
  through: number,
): { readonly parts: readonly Uint8Array[]; readonly chain: Uint8Array } {
  const writer = new PieceWriter({ shard, after, previousChain });
  const parts = [writer.header(), ...records.map((record) => writer.record(record))];
  const { bytes, end } = writer.end(through);
  return { parts: [...parts, bytes], chain: end.chain };
}

interface TakenRecords {
  readonly records: readonly PieceRecord[];
  readonly lastSeqno: number;
  /** Of the last record that was looked at; undefined when there was none. */
  readonly position: WalPosition | undefined;
  readonly isLast: boolean;
}

/** The records of a job, a piece's worth at a time. */
class LogRecords {
  private readonly source: Iterator<WalRecord>;
  private next: WalRecord | undefined;

  constructor(
    vfs: Vfs,
    private readonly job: ShipJob,
  ) {
    this.source = this.open(vfs)[Symbol.iterator]();
    this.advance();
  }

  take(): TakenRecords {
    const records: PieceRecord[] = [];
    let bytes = 0;
    let lastSeqno = this.job.after;
    let position: WalPosition | undefined;
    for (; this.next !== undefined && bytes < PIECE_PAYLOAD_BYTES_MAX; this.advance()) {
      const { firstSeqno, operationCount, wallClockMs, epoch, payload } = this.next;
      const end = firstSeqno + seqnosTaken(operationCount) - 1;
      position = this.next.position;
      // Of a group behind the seqno that all shards have agreed on: it is for the next job.
      if (firstSeqno > this.job.through) return { records, lastSeqno, position, isLast: true };
      if (end <= this.job.after) continue;
      // The reader's buffer is used again.
      records.push({ firstSeqno, operationCount, wallClockMs, epoch, payload: payload.slice() });
      bytes += payload.length;
      lastSeqno = end;
    }
    return { records, lastSeqno, position, isLast: this.next === undefined };
  }

  close(): void {
    this.source.return?.();
  }

  private advance(): void {
    const { value, done } = this.source.next();
    this.next = done === true ? undefined : value;
  }

  private open(vfs: Vfs): Iterable<WalRecord> {
    const { walDirectory: directory, from, end } = this.job;
    if (end === null || from === null) return [];
    return readLog({ vfs, directory, from, until: end });
  }
}

/** Where a row of pieces begins anew: in front of everything that the log still has. Undefined when it has nothing. */
export function startOfLog(
  vfs: Vfs,
  walDirectory: string,
  shard: ShardId,
): { readonly after: number; readonly from: WalPosition } | undefined {
  const first = surveyWal(vfs, walDirectory, shard).segments.find(({ blank }) => !blank);
  if (first === undefined) return undefined;
  if (first.header === undefined) {
    throw new DbError('CORRUPT_WAL', `${first.path}: ${first.problem ?? 'it has no header'}`, {
      file: first.path,
    });
  }
  return {
    after: first.header.firstSeqno - 1,
    from: { segment: first.number, offset: asSegmentOffset(SEGMENT_HEADER_BYTES) },
  };
}
