/**
 * Opens a shard for reading only, whatever state it is in (`lumadb start --recovery-mode`): reads what can be read, writes
 * nothing at all, and says what is missing. Shard thread, instead of shard-recovery.ts.
 *
 * - A manifest that cannot be read is replaced, in memory, by what the tables say about themselves.
 * - Tables that are missing or cannot be opened are left out; blocks that are damaged fail the reads that need them.
 * - Records of the log behind damage are replayed as far as they are good.
 */
import { threadId } from 'node:worker_threads';
import { asSeqno, asShardId } from '../base/brand.js';
import { systemClock } from '../base/clock.js';
import { DbError } from '../base/errors.js';
import { WriteBatchView } from '../batch/write-batch-view.js';
import { NO_BLOCK_CACHE } from '../cache/block-cache.js';
import { openSharedBlockCache } from '../cache/shared-block-cache.js';
import { ShardEngine } from '../engine/shard-engine.js';
import { TableCache } from '../engine/table-cache.js';
import { findInTables } from '../engine/table-lookup.js';
import type { TablesBelow } from '../engine/tables-below.js';
import { SharedWriteGate } from '../engine/write-gate.js';
import { ManifestContents, type ManifestState } from '../manifest/manifest-contents.js';
import { listDirectory, surveyNames } from '../manifest/manifest-survey.js';
import type { TableInfo } from '../manifest/table-info.js';
import { Version } from '../manifest/version.js';
import { VersionPublisher } from '../manifest/version-publisher.js';
import type { MemtablePool } from '../memtable/pool.js';
import { SeqnoBoard } from '../shm/seqno-board.js';
import { tableName } from '../sst/table-names.js';
import { TableReader } from '../sst/table-reader.js';
import { flushedThrough, halfNamedFlush } from '../tools/replay-start.js';
import type { Vfs } from '../vfs/vfs.js';
import type { CommitLog } from '../wal/commit-log.js';
import { recoverWal } from '../wal/recovery.js';
import type { RecoveryReport } from '../wal/recovery-report.js';
import { indexesInUse } from './index-extractors.js';
import type { ShardMeter } from './shard-meter.js';
import type { ShardThreadData } from './shard-thread.js';

/** Memtables on top of those that the configuration asks for: nothing can be flushed while the log is replayed. */
export const RECOVERY_MEMTABLES = 16;

export interface OpenForReadingOptions {
  readonly data: ShardThreadData;
  readonly vfs: Vfs;
  readonly memtables: MemtablePool;
  readonly meter: ShardMeter;
  readonly onReadError: (error: unknown) => void;
}

export interface ShardForReading {
  readonly engine: ShardEngine;
  readonly tables: TableCache;
  readonly version: Version;
  readonly walReport: RecoveryReport;
  /** What could not be read, a sentence each. */
  readonly problems: readonly string[];
}

export function openForReading(options: OpenForReadingOptions): ShardForReading {
  const { data, vfs, meter } = options;
  const problems: string[] = [];
  const { version, state } = readableVersion(data, vfs, problems);
  const tables = new TableCache({
    vfs,
    directory: data.tableDirectory,
    shard: data.shard,
    cache: openSharedBlockCache(data.blockCache, threadId + 1),
  });
  const engine = createEngine(options, version, tables);
  engine.setIndexes(indexesInUse(data.indexes));
  engine.restore({
    lastSeqno: state.flushedSeqno,
    stats: state.collectionStats,
    operationIds: state.operationIds,
  });
  const walReport = replay(options, engine, state.flushedSeqno, problems);
  const lastSeqno = Math.max(walReport.lastSeqno, state.flushedSeqno, maxSeqnoOf(version));
  new SeqnoBoard(data.seqnos).raiseTo(lastSeqno);
  engine.attachLog(refusingLog());
  new VersionPublisher(data.versions).publish(version, 1);
  meter.onVersion(version);
  return { engine, tables, version, walReport, problems };
}

function readableVersion(
  data: ShardThreadData,
  vfs: Vfs,
  problems: string[],
): { version: Version; state: ManifestState } {
  const { shard, tableDirectory } = data;
  const place = { vfs, directory: tableDirectory, shard: asShardId(shard) };
  try {
    const contents = surveyNames(place).current?.read.contents ?? new ManifestContents();
    const unreadable = contents.version
      .tables()
      .filter((table) => !isReadable(vfs, tableDirectory, shard, table, problems));
    const removedTables = unreadable.map(({ fileNumber }) => fileNumber);
    return { version: contents.version.apply({ addedTables: [], removedTables }), state: contents.state() };
  } catch (error) {
    if (!(error instanceof DbError)) throw error;
    problems.push(`${error.message}: using what the tables say about themselves`);
    const surviving = survivingTables(vfs, tableDirectory, shard, listDirectory(place).tables, problems);
    const replayPlace = { vfs, shard: place.shard, tableDirectory, walDirectory: data.walDirectory };
    const halfNamed = halfNamedFlush(replayPlace, surviving);
    const addedTables = surviving.filter((table) => !halfNamed.includes(table));
    const tablesSeqno = addedTables.reduce((max, { maxSeqno }) => Math.max(max, maxSeqno), 0);
    return {
      version: Version.empty().apply({ addedTables, removedTables: [] }),
      // What tables hold is not replayed: conditions would be judged by what was written after them.
      state: { ...new ManifestContents().state(), flushedSeqno: flushedThrough(replayPlace, tablesSeqno) },
    };
  }
}

function isReadable(
  vfs: Vfs,
  directory: string,
  shard: number,
  table: TableInfo,
  problems: string[],
): boolean {
  return propertiesOf(vfs, directory, shard, table.fileNumber, problems) !== undefined;
}

/** Each a run of its own, the newest first; lookups in recovery mode do not rely on that order. */
function survivingTables(
  vfs: Vfs,
  directory: string,
  shard: number,
  fileNumbers: readonly number[],
  problems: string[],
): TableInfo[] {
  return fileNumbers
    .flatMap((fileNumber) => {
      const properties = propertiesOf(vfs, directory, shard, fileNumber, problems);
      return properties === undefined ? [] : [{ ...properties, fileNumber, level: 0, run: 0 }];
    })
    .sort((a, b) => a.maxSeqno - b.maxSeqno)
    .map((table, index) => ({ ...table, run: index + 1 }));
}

function propertiesOf(vfs: Vfs, directory: string, shard: number, fileNumber: number, problems: string[]) {
  const path = `${directory}/${tableName(fileNumber)}`;
  try {
    const reader = TableReader.open({ vfs, path, shard, fileNumber, cache: NO_BLOCK_CACHE });
    reader.close();
    return reader.properties;
  } catch (error) {
    if (!(error instanceof DbError)) throw error;
    problems.push(`table left out: ${error.message}`);
    return undefined;
  }
}

function createEngine(
  { data, memtables, meter, onReadError }: OpenForReadingOptions,
  version: Version,
  tables: TableCache,
): ShardEngine {
  const board = new SeqnoBoard(data.seqnos);
  const below: TablesBelow = {
    find: (hash, collection, key, keyOffset, keyLength, out, part) =>
      findInTables(
        version,
        tables,
        hash,
        collection,
        key,
        keyOffset,
        keyLength,
        Number.MAX_SAFE_INTEGER,
        out,
        part,
        true,
      ),
    onReadError,
    onFrozen: () => {},
    flushNow: () => false,
    stall: () => undefined,
    poisonedBy: () => undefined,
    flushError: undefined,
  };
  return new ShardEngine({
    shard: data.shard,
    memtables,
    seqnos: { take: (count) => board.take(count), groupBegins: () => {}, groupEnds: () => {} },
    tables: below,
    gate: new SharedWriteGate(data.readOnly),
    clock: systemClock,
    meter,
    defaultDurability: data.defaultDurability,
    groupIntervalMs: data.groupIntervalMs,
    isReplayLenient: true,
  });
}

function replay(
  { data, vfs }: OpenForReadingOptions,
  engine: ShardEngine,
  flushedSeqno: number,
  problems: string[],
): RecoveryReport {
  const view = new WriteBatchView();
  let left = 0;
  const report = recoverWal({
    vfs,
    directory: data.walDirectory,
    shard: asShardId(data.shard),
    fromSeqno: asSeqno(flushedSeqno + 1),
    onDamage: 'report',
    onRecord: (record) => {
      try {
        engine.replay(view.open(record.payload.slice()), record.firstSeqno);
      } catch (error) {
        if (!(error instanceof DbError)) throw error;
        left++;
      }
    },
  });
  for (const { file, offset, reason } of report.damage)
    problems.push(`the log is damaged: ${file} at offset ${offset}: ${reason}`);
  if (left > 0) problems.push(`${left} records of the log are not shown: they do not fit into the memtables`);
  return report;
}

function maxSeqnoOf(version: Version): number {
  return version.tables().reduce((max, { maxSeqno }) => Math.max(max, maxSeqno), 0);
}

/** The gate refuses writes before the log is asked; this is what stands behind it. */
function refusingLog(): CommitLog {
  const refusal = new DbError('READ_ONLY', 'the server runs in recovery mode and takes no writes');
  const refuse = (): never => {
    throw refusal;
  };
  return {
    ensureRoom: refuse,
    append: refuse,
    write: refuse,
    sync: () => {},
    read: () => [],
    poisonedBy: () => refusal,
    close: () => {},
  };
}
