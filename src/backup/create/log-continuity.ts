/**
 * Whether the log of a database still says what its last backup has of it. After a crash a database may have lost writes that
 * were never synced, which a backup had seen, and given their seqnos to others: then nothing may be built upon that backup.
 */
import type { Vfs } from '../../vfs/vfs.js';
import type { CheckpointShard } from '../checkpoint/checkpoint-file.js';
import type { BackedUpPiece } from '../manifest/backup-manifest.js';
import { logRecords } from './log-records.js';

/** `piece`: the last one of this shard. `directory`: of the segments. Reads the log up to the end of the piece. */
export function isSameLog(
  vfs: Vfs,
  directory: string,
  { flushed_seqno, log }: CheckpointShard,
  piece: BackedUpPiece,
): boolean {
  // All of the piece is in tables now, and tables are compared one by one.
  if (flushed_seqno >= piece.through) return true;
  const after = Math.max(flushed_seqno, piece.after);
  const isWhole = after === piece.after;
  let records = 0;
  let lastWallClockMs = 0;
  for (const record of logRecords({ vfs, directory, range: log, after, through: piece.through })) {
    records++;
    lastWallClockMs = record.wallClockMs;
  }
  if (records === 0) return !isWhole || piece.records === 0;
  return lastWallClockMs === piece.last_wall_clock_ms && (!isWhole || records === piece.records);
}
