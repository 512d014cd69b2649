/** The WAL archive of a whole data directory that no server holds: shard by shard. */
import { openManifest } from '../manifest/open-manifest.js';
import type { Vfs } from '../vfs/vfs.js';
import { ByteProgress, type OnProgress } from './byte-progress.js';
import { manifestPlace, shardPlaces } from './shard-place.js';
import { type ArchivedSegment, archivableSegments, archiveWal, removeSegment } from './wal-archive.js';

export interface ArchiveAllOptions {
  readonly vfs: Vfs;
  readonly dataDirectory: string;
  readonly shards: number;
  /** Absolute, outside of the data directory. */
  readonly destination: string;
  readonly olderThanMs: number;
  /** Wall clock, ms since 1970. */
  readonly nowMs: number;
  readonly onProgress?: OnProgress;
}

/** Throws what archiveWal throws, and CORRUPT_MANIFEST: without a manifest nobody knows what recovery needs. */
export function archiveShards(options: ArchiveAllOptions): ArchivedSegment[] {
  const { vfs, dataDirectory, shards, destination, olderThanMs, nowMs, onProgress } = options;
  const jobs = shardPlaces(vfs, dataDirectory, shards).map((place) => {
    const { state } = openManifest({ ...manifestPlace(place), mode: 'read-only' });
    return { place, destination, olderThanMs, nowMs, flushedSeqno: state.flushedSeqno };
  });
  const total = jobs
    .flatMap((job) => archivableSegments(job))
    .reduce((sum, { endOffset }) => sum + endOffset, 0);
  const progress = new ByteProgress(total, onProgress);
  return jobs.flatMap((job) =>
    archiveWal({
      ...job,
      remove: (segment) => removeSegment(job.place, segment),
      onProgress: (bytes) => progress.add(bytes),
    }),
  );
}
