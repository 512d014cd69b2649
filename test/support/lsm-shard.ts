/**
 * The storage of one shard in a test: a memtable, tables on any Vfs, and a version, put together as the shard thread
 * will do it, but on one thread and without WAL and manifest. Every version ever written is remembered beside it.
 */
import { ManualClock } from '../../src/base/clock.js';
import { createPrng } from '../../src/base/prng.js';
import { NO_BLOCK_CACHE } from '../../src/cache/block-cache.js';
import { Compaction } from '../../src/compaction/compaction-job.js';
import { flushFileNumbers, runFlush } from '../../src/compaction/flush-job.js';
import type {
  CompactionJob,
  CompactionResult,
  FlushJob,
  TableOptions,
} from '../../src/compaction/job-types.js';
import { type CompactionChoice, inputTables, type PickerState } from '../../src/compaction/picker-state.js';
import { compactionFileNumbers, planJob } from '../../src/compaction/plan-job.js';
import { ENTRY_DOCUMENT, type Entry, type EntryCursor } from '../../src/iter/entry-cursor.js';
import { keyRange } from '../../src/iter/key-range.js';
import { MergingCursor } from '../../src/iter/merging-cursor.js';
import { RunCursor } from '../../src/iter/run-cursor.js';
import { STEP_DOCUMENT, VisibleCursor } from '../../src/iter/visible-cursor.js';
import type { TableInfo } from '../../src/manifest/table-info.js';
import { Version } from '../../src/manifest/version.js';
import { MemtableCursor } from '../../src/memtable/memtable-cursor.js';
import type { MemtableWriter } from '../../src/memtable/writer.js';
import { tableName, temporaryTableName } from '../../src/sst/table-names.js';
import { TableReader } from '../../src/sst/table-reader.js';
import type { Vfs } from '../../src/vfs/vfs.js';
import { copyOf } from './entries.js';
import { putBytes, singleMemtable } from './memtables.js';
import { textOf, utf8 } from './text.js';
import { PICKER_OPTIONS, pickerState } from './versions.js';

export const LSM_DIRECTORY = '/data/shard-0000/sst';

/** Tables of a few KiB, so that a small history makes many. */
export const SMALL_TABLES: TableOptions = {
  tableSizeBytes: 4096,
  blockSizeBytes: 512,
  bloomBitsPerKey: 10,
  upperCodec: 'lz4',
  lastCodec: 'zstd',
  grandparentOverlapBytesMax: 16 * 1024,
};

const SMALL_LEVELS: PickerState['options'] = {
  ...PICKER_OPTIONS,
  levelBaseBytes: 12 * 1024,
  levelMultiplier: 3,
  maxJobBytes: 48 * 1024,
  expiredGraceSeconds: 3,
};

/** Eighty bytes or so that hardly compress, so that sizes of files are what one expects. */
export function hardText(seed: number): string {
  const prng = createPrng(seed);
  return Array.from({ length: 12 }, () => prng.nextUint32().toString(36)).join('');
}

interface RememberedVersion {
  readonly collection: number;
  readonly key: string;
  readonly seqno: number;
  /** Undefined: a deletion. */
  readonly value: string | undefined;
  readonly expiresAt: number;
}

export class LsmShard {
  version = Version.empty();
  memtable: MemtableWriter = singleMemtable(256 * 1024);
  seqno = 0;
  nowSeconds = 1000;
  readonly snapshots = new Set<number>();
  readonly droppedCollections: number[] = [];
  readonly history: RememberedVersion[] = [];
  private cursors: PickerState['cursors'] = [];
  private readonly writtenAtSeconds = new Map<number, number>();
  private nextFileNumber = 1;
  private nextRun = 1;

  /** The directory exists already. */
  constructor(
    private readonly vfs: Vfs,
    private readonly directory = LSM_DIRECTORY,
    private readonly options = SMALL_TABLES,
  ) {}

  put(collection: number, key: string, value: string | undefined, expiresAt = 0): void {
    const seqno = ++this.seqno;
    const bytes = value === undefined ? undefined : utf8(value);
    putBytes(this.memtable, collection, utf8(key), seqno, bytes, expiresAt);
    this.history.push({ collection, key, seqno, value, expiresAt });
  }

  state(): PickerState {
    return pickerState(this.version, {
      options: SMALL_LEVELS,
      cursors: this.cursors,
      nowSeconds: this.nowSeconds,
      writtenAtSeconds: this.writtenAtSeconds,
      dropped: new Set(this.droppedCollections),
      oldestSnapshot: this.snapshots.size === 0 ? undefined : Math.min(...this.snapshots),
    });
  }

  flushJob(): FlushJob {
    const { directory, options } = this;
    const count = flushFileNumbers(this.memtable.reader.arenaUsedBytes(), options.tableSizeBytes);
    const fileNumbers = this.reserve(count);
    const memtable = this.memtable.reader.buffer;
    return {
      kind: 'flush',
      memtable,
      directory,
      fileNumbers,
      run: this.nextRun++,
      options,
      ...this.retention(),
    };
  }

  compactionJob(choice: CompactionChoice): CompactionJob {
    const { directory, options, version } = this;
    const fileNumbers = this.reserve(compactionFileNumbers(version, choice, options));
    return planJob(version, choice, { shard: 0, directory, fileNumbers, options, ...this.retention() });
  }

  /** Flushes the memtable and starts an empty one. */
  flush(): void {
    const { tables } = runFlush(this.flushJob(), { vfs: this.vfs, clock: new ManualClock() });
    this.install(tables, []);
    this.memtable = singleMemtable(256 * 1024);
  }

  /** Carries out a choice. Undefined for a move. */
  compact(choice: CompactionChoice, entriesSeen?: () => void): CompactionResult | undefined {
    if (choice.cursor !== undefined) {
      const { cursor } = choice;
      this.cursors = [...this.cursors.filter(({ level }) => level !== cursor.level), cursor];
    }
    if (choice.kind === 'move') {
      const [table] = inputTables(choice);
      const addedTables = [{ ...table, level: choice.outputLevel, run: 0 }];
      this.version = this.version.apply({ addedTables, removedTables: [table.fileNumber] });
      return undefined;
    }
    const result = this.run(this.compactionJob(choice), entriesSeen);
    this.install(result.added, result.removed);
    return result;
  }

  run(job: CompactionJob, betweenSteps: () => void = () => {}): CompactionResult {
    const compaction = new Compaction(job, { vfs: this.vfs, clock: new ManualClock() });
    while (!compaction.step(0)) betweenSteps();
    return compaction.result();
  }

  /** What the shard thread does with a result. */
  install(added: readonly TableInfo[], removed: readonly number[]): void {
    const { vfs, directory } = this;
    for (const { fileNumber } of added) {
      vfs.rename(`${directory}/${temporaryTableName(fileNumber)}`, `${directory}/${tableName(fileNumber)}`);
      this.writtenAtSeconds.set(fileNumber, this.nowSeconds);
    }
    vfs.syncDirectory(directory);
    this.version = this.version.apply({ addedTables: added, removedTables: removed });
    for (const fileNumber of removed) vfs.unlink(`${directory}/${tableName(fileNumber)}`);
  }

  /** All versions of the shard, memtable included. */
  cursor(): MergingCursor {
    const runs = this.version.runsNewestFirst().map(({ tables }) => this.runCursor(tables));
    return new MergingCursor([new MemtableCursor(this.memtable.reader), ...runs]);
  }

  /** What a reader sees: `key=value@seqno` in key order. */
  read(collection: number, seqno: number, backward = false): string[] {
    const cursor = new VisibleCursor(this.cursor(), keyRange({ collection }), seqno, this.nowSeconds);
    const found: string[] = [];
    const move = backward ? 'previous' : 'next';
    while (cursor[move]() === STEP_DOCUMENT) found.push(lineOf(cursor.entry));
    cursor.close();
    return backward ? found.reverse() : found;
  }

  /** What a reader should see, from the history alone. */
  expected(collection: number, seqno: number): string[] {
    const newest = new Map<string, RememberedVersion>();
    for (const version of this.history) {
      if (version.collection === collection && version.seqno <= seqno) newest.set(version.key, version);
    }
    return [...newest.values()]
      .filter(
        ({ value, expiresAt }) => value !== undefined && (expiresAt === 0 || expiresAt > this.nowSeconds),
      )
      .sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)))
      .map(({ key, value, seqno: at }) => `${key}=${value}@${at}`);
  }

  /** Copies of everything in the tables, newest run first. */
  tableEntries(): Entry[] {
    return this.version.runsNewestFirst().flatMap(({ tables }) => {
      const cursor = this.runCursor(tables);
      const found: Entry[] = [];
      for (cursor.seekToFirst(); cursor.isValid; cursor.next()) found.push(copyOf(cursor));
      cursor.close();
      return found;
    });
  }

  private runCursor(tables: readonly TableInfo[]): RunCursor<TableInfo> {
    const open = new Map<number, TableReader>();
    return new RunCursor(
      tables,
      ({ fileNumber }): EntryCursor => {
        const path = `${this.directory}/${tableName(fileNumber)}`;
        const reader = TableReader.open({ vfs: this.vfs, path, shard: 0, fileNumber, cache: NO_BLOCK_CACHE });
        open.set(fileNumber, reader);
        return reader.cursor({ fillCache: false });
      },
      ({ fileNumber }) => {
        open.get(fileNumber)?.close();
        open.delete(fileNumber);
      },
    );
  }

  private reserve(count: number) {
    const first = this.nextFileNumber;
    this.nextFileNumber += count;
    return { first, count };
  }

  private retention() {
    const { nowSeconds, droppedCollections } = this;
    return { snapshots: [...this.snapshots], nowSeconds, droppedCollections };
  }
}

function lineOf(entry: Entry): string {
  const key = textOf(entry.key, entry.keyOffset, entry.keyLength);
  const value =
    entry.kind === ENTRY_DOCUMENT ? textOf(entry.value, entry.valueOffset, entry.valueLength) : '?';
  return `${key}=${value}@${entry.seqno}`;
}
