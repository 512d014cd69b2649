/**
 * Carries out one compaction in slices, so that the thread can flush a memtable, obey a rate limit or give up in between.
 *
 *   const compaction = new Compaction(job, { vfs, clock });
 *   while (!compaction.step(budgetMs)) {
 *     // Flush a memtable, pause for a RateLimit, cancel() ...
 *   }
 *   send(compaction.result());
 *
 * Inputs are only read. Every block's checksum is verified, and the number of entries is compared with what the
 * manifest says: damage stops the job with DbError('CORRUPT_TABLE') and leaves the inputs where they are.
 */
import { assert } from '../base/assert.js';
import type { Clock } from '../base/clock.js';
import { DbError } from '../base/errors.js';
import { NO_BLOCK_CACHE } from '../cache/block-cache.js';
import type { EntryCursor } from '../iter/entry-cursor.js';
import { MergingCursor } from '../iter/merging-cursor.js';
import { RunCursor } from '../iter/run-cursor.js';
import type { TableInfo } from '../manifest/table-info.js';
import { tableName } from '../sst/table-names.js';
import { TableReader } from '../sst/table-reader.js';
import type { Vfs } from '../vfs/vfs.js';
import { BaseLevel, GrandparentOverlap } from './deeper-tables.js';
import type { CompactionJob, CompactionResult } from './job-types.js';
import type { InputRun } from './picker-state.js';
import { TableSeries } from './table-series.js';
import { VersionCopier } from './version-copier.js';
import { RetentionRules } from './version-retention.js';

export interface CompactionEnvironment {
  readonly vfs: Vfs;
  readonly clock: Clock;
}

/** Between two looks at the clock, whichever comes first: a millisecond of work or so, or one large document. */
const ENTRIES_PER_SLICE = 256;
const BYTES_PER_SLICE = 256 * 1024;

export class Compaction {
  private readonly output: TableSeries;
  private readonly source: EntryCursor;
  private readonly merge: MergingCursor | undefined;
  private readonly copier: VersionCopier;
  /** Inputs that are open now, by file number. */
  private readonly open = new Map<number, TableReader>();
  private added: readonly TableInfo[] | undefined;
  private state: 'new' | 'running' | 'done' | 'ended' = 'new';
  private workedMs = 0;

  /** Bytes of the input files opened so far. */
  bytesRead = 0;

  /** Touches no file yet. */
  constructor(
    private readonly job: CompactionJob,
    private readonly environment: CompactionEnvironment,
  ) {
    const { directory, fileNumbers, outputLevel: level, options } = job;
    const codec = job.isLastLevel ? options.lastCodec : options.upperCodec;
    const { vfs } = environment;
    this.output = new TableSeries({ vfs, directory, fileNumbers, level, run: 0, codec, tables: options });
    const runs = job.inputs.map((input) => this.runCursor(input));
    this.merge = runs.length > 1 ? new MergingCursor(runs) : undefined;
    this.source = this.merge ?? runs[0];
    this.copier = new VersionCopier(
      this.source,
      new RetentionRules(job.snapshots, job.nowSeconds, job.droppedCollections),
      new BaseLevel(job.deeper),
      new GrandparentOverlap(job.deeper[0] ?? [], options.grandparentOverlapBytesMax),
      this.output,
    );
  }

  /** Bytes that went to files so far. */
  get bytesWritten(): number {
    return this.output.bytesWritten;
  }

  /**
   * Works for about `budgetMs`, however little on at least one slice (the last step also syncs, which takes its time). True when the job is done.
   * An error ends the job: outputs are removed, inputs closed, and it is not to be stepped again.
   */
  step(budgetMs: number): boolean {
    assert(
      this.state === 'new' || this.state === 'running',
      () => `step of a compaction that is ${this.state}`,
    );
    const { clock } = this.environment;
    const startMs = clock.monotonicMs();
    try {
      if (this.state === 'new') this.source.seekToFirst();
      this.state = 'running';
      let isMore: boolean;
      do isMore = this.copier.copy(ENTRIES_PER_SLICE, BYTES_PER_SLICE);
      while (isMore && clock.monotonicMs() - startMs < budgetMs);
      if (!isMore) this.finish();
    } catch (error) {
      this.cancel();
      throw error;
    }
    this.workedMs += clock.monotonicMs() - startMs;
    return this.added !== undefined;
  }

  /** After step() returned true. */
  result(): CompactionResult {
    const { added, job, output } = this;
    assert(added !== undefined, 'the compaction is not done');
    return {
      added,
      removed: job.inputs.flatMap(({ tables }) => tables.map(({ fileNumber }) => fileNumber)),
      bytesRead: this.bytesRead,
      bytesWritten: output.bytesWritten,
      entriesWritten: output.entriesWritten,
      ...this.copier.counts,
      durationMs: this.workedMs,
    };
  }

  /** Gives up: closes the inputs and removes the outputs, also those of a finished job. Never throws. */
  cancel(): void {
    if (this.state === 'ended') return;
    this.state = 'ended';
    this.added = undefined;
    try {
      this.closeInputs();
    } catch {
      // Nothing was written through these handles; what made the job end is the error to report.
    }
    this.output.abandon();
  }

  private finish(): void {
    this.requireAllEntries();
    this.closeInputs();
    this.added = this.output.finish();
    this.state = 'done';
  }

  /** An input that ends early without any bad checksum would be a loss that nobody notices. */
  private requireAllEntries(): void {
    const got = this.copier.counts.entriesRead + (this.merge?.duplicatesSkipped ?? 0);
    let expected = 0;
    for (const { tables } of this.job.inputs) for (const { entries } of tables) expected += entries;
    if (got === expected) return;
    const numbers = this.job.inputs.flatMap(({ tables }) => tables.map(({ fileNumber }) => fileNumber));
    throw new DbError(
      'CORRUPT_TABLE',
      `compaction of tables ${numbers.join(', ')} in ${this.job.directory}: ${got} entries, ${expected} in the manifest`,
      { file: this.job.directory, expected, got },
    );
  }

  private closeInputs(): void {
    this.source.close();
    for (const reader of this.open.values()) reader.close();
    this.open.clear();
  }

  private runCursor({ tables }: InputRun): RunCursor<TableInfo> {
    return new RunCursor(
      tables,
      (table) => this.openInput(table),
      ({ fileNumber }) => {
        this.open.get(fileNumber)?.close();
        this.open.delete(fileNumber);
      },
    );
  }

  private openInput({ fileNumber, sizeBytes }: TableInfo): EntryCursor {
    const { directory, shard } = this.job;
    const reader = TableReader.open({
      vfs: this.environment.vfs,
      path: `${directory}/${tableName(fileNumber)}`,
      shard,
      fileNumber,
      // Blocks that are about to be replaced would only push out those that readers use.
      cache: NO_BLOCK_CACHE,
    });
    this.open.set(fileNumber, reader);
    this.bytesRead += sizeBytes;
    return reader.cursor({ fillCache: false });
  }
}
