/** A commit log in an array, which fails when told to. */
import { asEpoch, asSegmentNumber } from '../../src/base/brand.js';
import { DbError } from '../../src/base/errors.js';
import {
  asSegmentOffset,
  type CommitLog,
  comparePositions,
  type RecordInfo,
  type WalPosition,
  type WalRecord,
} from '../../src/wal/commit-log.js';

export class ArrayLog implements CommitLog {
  /** What was called, in order. */
  readonly calls: Array<'append' | 'write' | 'sync'> = [];
  failNextWrite = false;
  failNextSync = false;
  /** The next batch finds the segment full, and the rotation fails. */
  failNextRoom = false;
  /** ENOSPC for every batch until it is false again. */
  isDiskFull = false;
  private staged: WalRecord[] = [];
  private written: WalRecord[] = [];
  private readonly durable: WalRecord[] = [];
  private poison: DbError | undefined;
  private nextOffset = 0;

  ensureRoom(payloadBytes: number): void {
    this.failIf(this.failNextRoom, 'rotation: EIO');
    if (this.isDiskFull)
      throw new DbError('IO', `no room for ${payloadBytes} bytes: ENOSPC`, { errno: 'ENOSPC' });
  }

  append(batch: Uint8Array, info: RecordInfo): WalPosition {
    this.calls.push('append');
    const position = { segment: asSegmentNumber(1), offset: asSegmentOffset(this.nextOffset) };
    this.nextOffset += batch.length + 32;
    this.staged.push({ ...info, payload: batch.slice(), epoch: asEpoch(1), position });
    return position;
  }

  write(): void {
    this.calls.push('write');
    this.failIf(this.failNextWrite, 'write: EIO');
    this.written.push(...this.staged);
    this.staged = [];
  }

  sync(): void {
    this.calls.push('sync');
    this.failIf(this.failNextSync, 'fdatasync: EIO');
    this.durable.push(...this.written);
    this.written = [];
  }

  *read(from: WalPosition): Iterable<WalRecord> {
    for (const record of this.durable) if (comparePositions(record.position, from) >= 0) yield record;
  }

  poisonedBy(): DbError | undefined {
    return this.poison;
  }

  close(): void {
    this.staged = [];
  }

  /** All durable records. */
  records(): readonly WalRecord[] {
    return this.durable;
  }
  /** Records written or staged that a power cut would lose. */
  get volatileCount(): number {
    return this.staged.length + this.written.length;
  }
  callCount(call: 'append' | 'write' | 'sync'): number {
    return this.calls.filter((each) => each === call).length;
  }

  private failIf(fails: boolean, what: string): void {
    if (fails) this.poison = new DbError('IO', what, { file: 'array' });
    if (this.poison !== undefined) throw this.poison;
  }
}
