/**
 * Writes one immutable memtable as a run of level 0. Runs on the compactor thread, or on the shard thread when there is
 * none; reads the memtable's buffer in place. A flush is never cut short: memory waits for it.
 */
import type { Clock } from '../base/clock.js';
import { MemtableCursor } from '../memtable/memtable-cursor.js';
import { MemtableReader } from '../memtable/reader.js';
import type { Vfs } from '../vfs/vfs.js';
import type { FlushJob, FlushResult } from './job-types.js';
import { TableSeries } from './table-series.js';
import { VersionCopier } from './version-copier.js';
import { RetentionRules } from './version-retention.js';

/**
 * The result's files and their temporary names are durable. On an error (IO) the files are removed again, as far as that
 * is possible, and the memtable is as it was: the flush can be tried again, with other file numbers.
 */
export function runFlush(job: FlushJob, { vfs, clock }: { vfs: Vfs; clock: Clock }): FlushResult {
  const startMs = clock.monotonicMs();
  const { directory, fileNumbers, run, options } = job;
  const codec = options.upperCodec;
  const output = new TableSeries({ vfs, directory, fileNumbers, level: 0, run, codec, tables: options });
  const rules = new RetentionRules(job.snapshots, job.nowSeconds, job.droppedCollections);
  const source = new MemtableCursor(new MemtableReader(job.memtable));
  try {
    source.seekToFirst();
    new VersionCopier(source, rules, undefined, undefined, output).copy(
      Number.POSITIVE_INFINITY,
      Number.POSITIVE_INFINITY,
    );
    const tables = output.finish();
    return {
      tables,
      bytesWritten: output.bytesWritten,
      entries: output.entriesWritten,
      durationMs: clock.monotonicMs() - startMs,
    };
  } catch (error) {
    output.abandon();
    throw error;
  }
}

/** File numbers to reserve for a flush: keys and values before compression bound the size of the files. */
export function flushFileNumbers(arenaUsedBytes: number, tableSizeBytes: number): number {
  return 1 + Math.ceil(arenaUsedBytes / tableSizeBytes);
}
