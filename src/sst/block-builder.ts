/** Builds the payload of one data block after the other (data-block-format.ts). Owned by a TableWriter. */
import { assert } from '../base/assert.js';
import { copyBytes, highWord } from '../base/bytes.js';
import { ENTRY_EXPIRED, type Entry } from '../iter/entry-cursor.js';
import { writeU32, writeVarint } from './coding.js';
import {
  ENTRY_HEADER_BYTES_MAX,
  isEntryKind,
  RESTART_BYTES,
  RESTART_COUNT_BYTES,
  TAG_EXPIRES,
} from './data-block-format.js';

export class BlockBuilder {
  private bytes: Uint8Array;
  private length = 0;
  private readonly restarts: number[] = [];
  private entriesSinceRestart = 0;

  constructor(
    sizeBytes: number,
    private readonly restartInterval: number,
  ) {
    this.bytes = new Uint8Array(2 * sizeBytes);
  }

  get isEmpty(): boolean {
    return this.restarts.length === 0;
  }

  /** Bytes of the payload if it were finished now. */
  get payloadBytes(): number {
    return this.length + this.restarts.length * RESTART_BYTES + RESTART_COUNT_BYTES;
  }

  /** What `add` would make the payload at most. */
  payloadBytesWith(internalKeyLength: number, valueLength: number): number {
    return this.payloadBytes + ENTRY_HEADER_BYTES_MAX + internalKeyLength + valueLength + RESTART_BYTES;
  }

  /** Adds an entry; its internal key has the first `shared` bytes in common with the one before. */
  add(entry: Entry, internalKey: Uint8Array, internalKeyLength: number, sharedLength: number): void {
    assert(isEntryKind(entry.kind), () => `${entry.kind} is not a kind of entry`);
    const needed = this.length + ENTRY_HEADER_BYTES_MAX + internalKeyLength + entry.valueLength;
    if (needed > this.bytes.length) this.grow(needed);
    let shared = sharedLength;
    if (this.isEmpty || this.entriesSinceRestart === this.restartInterval) {
      this.restarts.push(this.length);
      this.entriesSinceRestart = 0;
      shared = 0;
    }
    this.entriesSinceRestart++;
    const keyAt = this.addHeader(entry, shared, internalKeyLength - shared);
    copyBytes(internalKey, shared, this.bytes, keyAt, internalKeyLength - shared);
    const valueAt = keyAt + internalKeyLength - shared;
    copyBytes(entry.value, entry.valueOffset, this.bytes, valueAt, entry.valueLength);
    this.length = valueAt + entry.valueLength;
  }

  /** The payload, valid until the next add; the builder starts over. */
  finish(): Uint8Array {
    const payloadBytes = this.payloadBytes;
    if (payloadBytes > this.bytes.length) this.grow(payloadBytes);
    let at = this.length;
    for (const restart of this.restarts) {
      writeU32(this.bytes, at, restart);
      at += RESTART_BYTES;
    }
    writeU32(this.bytes, at, this.restarts.length);
    this.length = 0;
    this.restarts.length = 0;
    return this.bytes.subarray(0, payloadBytes);
  }

  private addHeader(entry: Entry, shared: number, rest: number): number {
    const { bytes } = this;
    const { kind, seqno, expiresAt } = entry;
    let at = this.length;
    bytes[at++] = expiresAt === 0 ? kind : kind | TAG_EXPIRES;
    at = writeVarint(bytes, at, shared);
    at = writeVarint(bytes, at, rest);
    at = writeVarint(bytes, at, entry.valueLength);
    writeU32(bytes, at, seqno >>> 0);
    at = writeVarint(bytes, at + 4, highWord(seqno));
    if (expiresAt !== 0) {
      writeU32(bytes, at, expiresAt);
      at += 4;
    }
    return kind === ENTRY_EXPIRED ? writeVarint(bytes, at, entry.originalLength) : at;
  }

  private grow(needed: number): void {
    const larger = new Uint8Array(Math.max(needed, 2 * this.bytes.length));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }
}
