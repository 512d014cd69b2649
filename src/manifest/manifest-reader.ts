/**
 * Reads one manifest from its bytes: all its edits, where it ends, and whether that end is a clean one. Damage is a
 * CORRUPT_MANIFEST; the rules are in manifest-format.ts. Touches no file; any thread.
 */
import { AssertionError } from '../base/assert.js';
import type { ShardId } from '../base/brand.js';
import { DbError } from '../base/errors.js';
import { ManifestContents } from './manifest-contents.js';
import {
  checksumsAt,
  type HeaderProblem,
  isSealAt,
  MANIFEST_HEADER_BYTES,
  problemOfHeader,
  RECORD_ALIGNMENT,
  RECORD_HEADER_BYTES,
  recordAt,
  recordSpan,
  SEAL_BYTES,
} from './manifest-format.js';
import { VersionBuilder } from './version-builder.js';
import { decodeVersionEdit } from './version-edit-decoder.js';

export interface ReadManifest {
  readonly contents: ManifestContents;
  readonly records: number;
  /** Sequence number of the last record. */
  readonly sequence: number;
  /** Where the last record ends. */
  readonly end: number;
  /** Where the first one ends. */
  readonly snapshotEnd: number;
  /**
   * - `sealed`: all of it was synced.
   * - `unsealed`: whole, but the last record may be in the page cache only.
   * - `torn`: behind the last record stands one whose sync never returned.
   */
  readonly tail: 'sealed' | 'unsealed' | 'torn';
  /** From the end of the last record to the last byte of a torn manifest that is not zero; 0 otherwise. */
  readonly tornBytes: number;
  /** Tables that were in some version of this manifest, or of one before, and are in its last one no more. */
  readonly obsoleteTables: ReadonlySet<number>;
}

export interface ManifestSource {
  readonly bytes: Uint8Array;
  /** Path, for messages. */
  readonly file: string;
  readonly shard: ShardId;
  readonly number: number;
}

export function readManifest(source: ManifestSource): ReadManifest {
  return new Reading(source).run();
}

class Reading {
  private readonly source: ManifestSource;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly contents = new ManifestContents();
  private readonly tables = new VersionBuilder();
  private records = 0;
  private sequence = 0;
  private end = MANIFEST_HEADER_BYTES;
  private snapshotEnd = MANIFEST_HEADER_BYTES;

  constructor(source: ManifestSource) {
    this.source = source;
    this.bytes = source.bytes;
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
  }

  run(): ReadManifest {
    const { shard, number } = this.source;
    const problem = problemOfHeader(this.bytes, shard, number);
    if (problem !== undefined) throw this.damage(problem, '');
    while (this.takeRecord());
    if (this.records === 0) {
      // Synced before the file got its name: there is no innocent way to lose it.
      throw this.damage(checksumsAt(this.bytes, this.view, this.end), '; it is the first one, the snapshot');
    }
    this.requireNothingBehind();
    this.requireFit(this.end, () => this.contents.adoptVersion(this.tables.build()));
    return {
      contents: this.contents,
      records: this.records,
      sequence: this.sequence,
      end: this.end,
      snapshotEnd: this.snapshotEnd,
      ...this.tail(),
      obsoleteTables: this.contents.obsoleteTables,
    };
  }

  /** Applies the record at `end` and moves behind it; false if there is none. */
  private takeRecord(): boolean {
    const offset = this.end;
    const header = recordAt(this.bytes, this.view, { manifest: this.source.number, offset });
    if (header === undefined) return false;
    if (this.records > 0 && header.sequence !== this.sequence + 1) return false;
    const payloadAt = offset + RECORD_HEADER_BYTES;
    const payload = this.bytes.subarray(payloadAt, payloadAt + header.payloadLength);
    const edit = decodeVersionEdit(payload, { file: this.source.file, offset: payloadAt });
    this.requireFit(offset, () => {
      this.tables.add(edit);
      this.contents.applyState(edit);
    });
    this.sequence = header.sequence;
    this.end = offset + recordSpan(header.payloadLength);
    if (this.records === 0) this.snapshotEnd = this.end;
    this.records++;
    return true;
  }

  /** What a writer would be wrong to do is damage where the bytes come from outside. */
  private requireFit(offset: number, action: () => void): void {
    try {
      action();
    } catch (error) {
      if (!(error instanceof AssertionError)) throw error;
      const reason = `the checksums are right, but the edits make no version: ${error.message}`;
      throw this.damage({ offset, reason, expected: 'edits that follow each other', got: error.message }, '');
    }
  }

  /** A whole record or a seal behind the end is a witness: what is missing here was synced once. */
  private requireNothingBehind(): void {
    const manifest = this.source.number;
    let lost = 0;
    let witness: number | undefined;
    for (let offset = this.end + RECORD_ALIGNMENT; offset < this.bytes.length; offset += RECORD_ALIGNMENT) {
      const place = { manifest, offset };
      const isRecord = recordAt(this.bytes, this.view, place) !== undefined;
      if (!isRecord && !isSealAt(this.bytes, this.view, place)) continue;
      witness ??= offset;
      if (isRecord) lost++;
    }
    if (witness === undefined) return;
    const behind = `; bytes ${this.end} to ${witness} were synced once, ${lost} good records stand behind them`;
    throw this.damage(checksumsAt(this.bytes, this.view, this.end), behind);
  }

  private tail(): Pick<ReadManifest, 'tail' | 'tornBytes'> {
    const isSealed = isSealAt(this.bytes, this.view, { manifest: this.source.number, offset: this.end });
    const cleanEnd = isSealed ? this.end + SEAL_BYTES : this.end;
    let last = this.bytes.length - 1;
    while (last >= cleanEnd && this.bytes[last] === 0) last--;
    // Sectors arrive in any order: behind a seal that a torn record did not reach there can be a later part of it.
    if (last >= cleanEnd) return { tail: 'torn', tornBytes: last + 1 - this.end };
    return { tail: isSealed ? 'sealed' : 'unsealed', tornBytes: 0 };
  }

  private damage({ offset, reason, expected, got }: HeaderProblem, addition: string): DbError {
    const { file } = this.source;
    return new DbError(
      'CORRUPT_MANIFEST',
      `${file} is damaged at offset ${offset}: ${reason}${addition}; 'lumadb repair' builds a new manifest from the tables`,
      { file, offset, expected, got },
    );
  }
}
