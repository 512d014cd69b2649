/**
 * The WAL archive of one shard that is serving: its compactor copies one segment at a time, so that a flush never waits for
 * more than one copy, and the shard lets go of each before the next is looked for. Main thread.
 */
import { assert } from '../base/assert.js';
import { fromWireError } from '../base/errors.js';
import type { ArchivedSegment } from '../tools/wal-archive.js';
import type { ArchiveSegmentJob } from './compactor-thread.js';
import type { ShardIncarnation, ShardSlot } from './shard-slot.js';

export interface ArchiveShardOptions extends Omit<ArchiveSegmentJob, 'shard' | 'flushedSeqno'> {
  readonly onArchived: (segment: ArchivedSegment) => void;
}

/** Resolves with the segments, oldest first. What was archived before an error stays archived and is not in the log any more. */
export async function archiveShard(
  { shard, compactor }: ShardSlot,
  thread: ShardIncarnation['thread'],
  { onArchived, ...job }: ArchiveShardOptions,
): Promise<ArchivedSegment[]> {
  const archived: ArchivedSegment[] = [];
  for (;;) {
    // What is in tables can only become more.
    const { flushedSeqno } = await thread.call(thread.control.storage.state());
    const { result, error } = await compactor.archiveSegment({ ...job, shard, flushedSeqno });
    if (error !== undefined) throw fromWireError(error);
    if (result === null) return archived;
    assert(
      result.number !== archived.at(-1)?.number,
      () => `segment ${result.number} of shard ${shard} stays in the log`,
    );
    await thread.call(thread.control.storage.releaseArchived(result.number));
    archived.push(result);
    onArchived(result);
  }
}
