/**
 * `lumadb wal archive`: copies old segments of the write-ahead log elsewhere and then removes them from the log.
 *
 * What may go, oldest first, up to the first segment of which one of these is not true:
 * - it is finished: the segment behind it is there, follows it, and knows where it ends;
 * - all its operations are in tables, so recovery never reads it again;
 * - it was finished longer ago than asked for, so that nothing younger than that leaves the log. (The wall clock of the
 *   header behind it says when; it is a label, and a wrong clock only moves the moment.)
 *
 * A segment is removed only when its copy is durable and was read back. A copy ends where the segment's records end.
 */
import { crc32 } from 'node:zlib';
import type { SegmentNumber } from '../base/brand.js';
import { DbError } from '../base/errors.js';
import { parentOf, unlinkQuietly } from '../vfs/transfer.js';
import type { Vfs, VfsFile } from '../vfs/vfs.js';
import { SEGMENT_HEADER_BYTES } from '../wal/format.js';
import { SegmentReader } from '../wal/reader.js';
import { segmentName } from '../wal/segment-names.js';
import { type SurveyedSegment, surveyWal } from '../wal/survey.js';
import { type ShardPlace, shardName } from './shard-place.js';

export interface WalArchiveOptions {
  readonly place: ShardPlace;
  /** Absolute, outside of the data directory. Copies go to `<destination>/shard-NNNN/`. */
  readonly destination: string;
  readonly olderThanMs: number;
  /** Wall clock, ms since 1970. */
  readonly nowMs: number;
  /** All operations of the shard up to it are in tables, durably. */
  readonly flushedSeqno: number;
  /**
   * Removes the oldest segment of the log, durably: removeSegment() when no server runs. In a server the compactor copies, and
   * the shard then releases what was copied (WalWriter.releaseOldest()).
   */
  readonly remove: (segment: ArchivableSegment) => void;
  /** Segments to archive in this call; all of them without it. */
  readonly segmentsMax?: number;
  readonly onProgress?: (bytes: number) => void;
}

export interface ArchivableSegment {
  readonly number: SegmentNumber;
  readonly path: string;
  /** Where its records end. */
  readonly endOffset: number;
  readonly firstSeqno: number;
  readonly lastSeqno: number;
  /** Wall clock at which the next segment was begun. */
  readonly finishedMs: number;
}

export interface ArchivedSegment extends ArchivableSegment {
  readonly shard: number;
  /** The copy. */
  readonly archive: string;
}

/** An archived segment as commands and the server's answer print it. */
export interface SegmentReport {
  readonly shard: number;
  readonly segment: number;
  readonly bytes: number;
  readonly first_seqno: number;
  readonly last_seqno: number;
  readonly archive: string;
}

export function segmentReport(archived: ArchivedSegment): SegmentReport {
  const { shard, number, endOffset, firstSeqno, lastSeqno, archive } = archived;
  return {
    shard,
    segment: number,
    bytes: endOffset,
    first_seqno: firstSeqno,
    last_seqno: lastSeqno,
    archive,
  };
}

/** The segments that archiveWal would copy and remove, oldest first. Reads only. */
export function archivableSegments(
  options: Pick<WalArchiveOptions, 'place' | 'olderThanMs' | 'nowMs' | 'flushedSeqno'>,
): ArchivableSegment[] {
  const { place, olderThanMs, nowMs, flushedSeqno } = options;
  const { segments } = surveyWal(place.vfs, place.walDirectory, place.shard);
  const found: ArchivableSegment[] = [];
  for (let index = 0; index + 1 < segments.length; index++) {
    const finished = finishedSegment(segments[index], segments[index + 1]);
    if (finished === undefined) break;
    if (finished.lastSeqno > flushedSeqno || finished.finishedMs > nowMs - olderThanMs) break;
    found.push(finished);
  }
  return found;
}

function finishedSegment(
  { number, path, header }: SurveyedSegment,
  { header: next }: SurveyedSegment,
): ArchivableSegment | undefined {
  if (header === undefined || next === undefined || next.previousSegment !== number) return undefined;
  return {
    number,
    path,
    endOffset: next.previousEnd,
    firstSeqno: header.firstSeqno,
    lastSeqno: next.firstSeqno - 1,
    finishedMs: next.createdWallMs,
  };
}

/**
 * Copies and removes one segment after the other. Throws DbError: CORRUPT_WAL (a record is damaged; the segment stays),
 * CONFLICT (another file has the copy's name), IO. What was removed before is in the archive; a second call goes on.
 */
export function archiveWal(options: WalArchiveOptions): ArchivedSegment[] {
  const { place, destination, remove, onProgress } = options;
  const directory = `${destination}/${shardName(place.shard)}`;
  return archivableSegments(options)
    .slice(0, options.segmentsMax)
    .map((segment) => {
      place.vfs.makeDirectory(directory);
      const archive = `${directory}/${segmentName(segment.number)}`;
      copySegment(place.vfs, segment, archive);
      remove(segment);
      onProgress?.(segment.endOffset);
      return { ...segment, shard: place.shard, archive };
    });
}

/** For a log that nobody writes to. Durable when it returns, so that a crash leaves no gap in front of an older one. */
export function removeSegment({ vfs, walDirectory }: ShardPlace, { path }: ArchivableSegment): void {
  vfs.unlink(path);
  vfs.syncDirectory(walDirectory);
}

function copySegment(vfs: Vfs, segment: ArchivableSegment, archive: string): void {
  const source = vfs.open(segment.path, 'read');
  try {
    requireWhole(source, segment);
    const checksum = checksumOf(source, segment.endOffset);
    if (vfs.exists(archive)) {
      // Of a run that was killed, perhaps before its syncs.
      requireSame(vfs, archive, segment, checksum);
      syncFile(vfs, archive);
      vfs.syncDirectory(parentOf(archive));
      return;
    }
    const temporary = `${archive}.tmp`;
    if (vfs.exists(temporary)) vfs.unlink(temporary);
    try {
      writeCopy(vfs, source, segment.endOffset, temporary);
      requireSame(vfs, temporary, segment, checksum);
      vfs.rename(temporary, archive);
    } catch (error) {
      unlinkQuietly(vfs, temporary);
      throw error;
    }
    vfs.syncDirectory(parentOf(archive));
  } finally {
    source.close();
  }
}

/** Every record up to the end must be valid: an archive of damage would be found out when it is needed. */
function requireWhole(source: VfsFile, { number, path, endOffset, firstSeqno }: ArchivableSegment): void {
  const reader = new SegmentReader();
  reader.attach(source, number, endOffset);
  const order = { lastSeqno: firstSeqno - 1, lastEpoch: 0 };
  for (let offset = SEGMENT_HEADER_BYTES; offset < endOffset; offset += reader.span) {
    const verdict = reader.inspect(offset, order);
    if (verdict !== 'valid') {
      const message = `${path} is damaged at offset ${offset} and was not archived: ${verdict}`;
      throw new DbError('CORRUPT_WAL', message, { file: path, offset, reason: verdict });
    }
    order.lastSeqno = reader.lastSeqno;
    order.lastEpoch = reader.epoch;
  }
}

const CHUNK_BYTES = 1024 * 1024;

function writeCopy(vfs: Vfs, source: VfsFile, length: number, path: string): void {
  const copy = vfs.open(path, 'create');
  try {
    forEachChunk(source, length, (chunk, count, offset) => copy.pwrite(chunk, 0, count, offset));
    copy.fsync();
  } finally {
    copy.close();
  }
}

function syncFile(vfs: Vfs, path: string): void {
  const file = vfs.open(path, 'readwrite');
  try {
    file.fsync();
  } finally {
    file.close();
  }
}

function requireSame(vfs: Vfs, path: string, segment: ArchivableSegment, checksum: number): void {
  const copy = vfs.open(path, 'read');
  try {
    const got = copy.size() === segment.endOffset ? checksumOf(copy, segment.endOffset) : -1;
    if (got === checksum) return;
    throw new DbError(
      'CONFLICT',
      `${path} is not a copy of ${segment.path}: move it away, or choose another destination`,
      { file: path, segment: segment.path },
    );
  } finally {
    copy.close();
  }
}

function checksumOf(file: VfsFile, length: number): number {
  let sum = 0;
  forEachChunk(file, length, (chunk, count) => {
    sum = crc32(chunk.subarray(0, count), sum);
  });
  return sum;
}

function forEachChunk(
  file: VfsFile,
  length: number,
  use: (chunk: Uint8Array, count: number, offset: number) => void,
): void {
  const chunk = new Uint8Array(Math.min(CHUNK_BYTES, length));
  for (let offset = 0; offset < length; ) {
    const count = file.pread(chunk, 0, Math.min(chunk.length, length - offset), offset);
    if (count === 0) {
      const message = `${file.path} ends at ${offset}, before the end of its records at ${length}`;
      throw new DbError('CORRUPT_WAL', message, { file: file.path, offset });
    }
    use(chunk, count, offset);
    offset += count;
  }
}
