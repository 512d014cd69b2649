/** The answer of GET /admin/compaction: what runs, what is due, how the levels stand, and what it all has cost. Pure. */
import { type LevelBacklog, spaceAmplification } from '../compaction/backlog.js';
import {
  COMPACTOR_READ_BYTES,
  COMPACTOR_WRITTEN_BYTES,
  SHARD_COMPACTION_READ_BYTES,
  SHARD_COMPACTION_WRITTEN_BYTES,
  SHARD_COMPACTIONS,
  SHARD_FLUSH_BYTES,
  SHARD_FLUSHES,
  SHARD_JOB_FAILURES,
  SHARD_WAL_BYTES,
  SHARD_WAL_RECORD_BYTES,
} from '../shm/stats-format.js';
import type { RunningJob, ShardStorageState } from './shard-storage.js';

export interface CompactionReportShard {
  readonly shard: number;
  /** As in ShardSlot. */
  readonly state: string;
  /** SHARD_* cells. */
  readonly cells: Float64Array;
  /** COMPACTOR_* cells. */
  readonly compactor: Float64Array;
  readonly levels: readonly LevelBacklog[];
  /** Bytes a second; 0 = no limit. */
  readonly rateLimitBytes: number;
  /** Undefined while it does not answer. */
  readonly storage: ShardStorageState | undefined;
}

const SPACE_METHOD = 'all table bytes / bytes of the deepest level, summed over shards';

export function compactionReport(shards: readonly CompactionReportShard[]): Record<string, unknown> {
  return {
    running: shards.flatMap((shard) => (shard.storage?.running ?? []).map((job) => runningJob(shard, job))),
    pending: {
      bytes: sum(shards, pendingBytes),
      levels: shards.flatMap(pendingLevels),
      memtables: shards
        .filter(({ storage }) => (storage?.waitingMemtables ?? 0) > 0)
        .map(({ shard, storage }) => ({
          shard,
          waiting: storage?.waitingMemtables,
          flush_error: storage?.flushError?.message ?? null,
        })),
      manual: shards.flatMap(({ shard, storage }) =>
        (storage?.manual ?? []).map(({ task, doneBytes, totalBytes, waitsFor }) => ({
          shard,
          task,
          done_bytes: doneBytes,
          total_bytes: totalBytes,
          waits_for: waitsFor ?? null,
        })),
      ),
    },
    shards: shards.map(shardLevels),
    totals: totals(shards),
  };
}

function runningJob({ shard, compactor }: CompactionReportShard, job: RunningJob): Record<string, unknown> {
  const { kind, reason, fromLevels, toLevel, inputBytes, elapsedMs } = job;
  const isMerge = kind === 'compaction';
  return {
    shard,
    kind,
    reason,
    from_levels: fromLevels,
    to_level: toLevel,
    input_bytes: inputBytes,
    elapsed_ms: Math.round(elapsedMs),
    // A flush is one step: it has no progress.
    progress_bytes: isMerge ? compactor[COMPACTOR_READ_BYTES] : null,
    written_bytes: isMerge ? compactor[COMPACTOR_WRITTEN_BYTES] : null,
  };
}

function pendingBytes({ levels }: CompactionReportShard): number {
  return levels.reduce((bytes, level) => bytes + level.pendingBytes, 0);
}

function pendingLevels({ shard, levels }: CompactionReportShard): Record<string, unknown>[] {
  return levels
    .filter(({ score }) => score >= 1)
    .map(({ level, score, pendingBytes: bytes }) => ({ shard, level, score: rounded(score), bytes }));
}

function shardLevels(report: CompactionReportShard): Record<string, unknown> {
  const { shard, state, levels, rateLimitBytes } = report;
  const deepest = levels.findLastIndex(({ tables }) => tables > 0);
  return {
    shard,
    state,
    rate_limit_bytes_per_second: rateLimitBytes === 0 ? null : rateLimitBytes,
    pending_bytes: pendingBytes(report),
    space_amplification: orNull(spaceAmplification(levels)),
    levels: levels
      .slice(0, deepest + 1)
      .map(({ level, tables, runs, bytes, targetBytes, score, entries, tombstones }) => ({
        level,
        tables,
        runs,
        bytes,
        target_bytes: targetBytes ?? null,
        score: rounded(score),
        entries,
        tombstones,
      })),
  };
}

function totals(shards: readonly CompactionReportShard[]): Record<string, unknown> {
  const cell = (index: number): number => sum(shards, ({ cells }) => cells[index]);
  const payload = cell(SHARD_WAL_BYTES);
  const tablesWritten = cell(SHARD_FLUSH_BYTES) + cell(SHARD_COMPACTION_WRITTEN_BYTES);
  // Records are counted a few times a second, payload with every commit: a record is never smaller than what it holds.
  const walWritten = Math.max(payload, cell(SHARD_WAL_RECORD_BYTES));
  return {
    since: 'server start',
    wal_payload_bytes: payload,
    wal_bytes: walWritten,
    flushes: cell(SHARD_FLUSHES),
    flush_bytes: cell(SHARD_FLUSH_BYTES),
    compactions: cell(SHARD_COMPACTIONS),
    compaction_read_bytes: cell(SHARD_COMPACTION_READ_BYTES),
    compaction_written_bytes: cell(SHARD_COMPACTION_WRITTEN_BYTES),
    job_failures: cell(SHARD_JOB_FAILURES),
    write_amplification: {
      // (WAL + flushes + compactions) / WAL payload.
      with_wal: payload === 0 ? null : rounded((walWritten + tablesWritten) / payload),
      // (flushes + compactions) / WAL payload.
      tables_only: payload === 0 ? null : rounded(tablesWritten / payload),
    },
    space_amplification: {
      estimate: orNull(spaceAmplification(summedLevels(shards))),
      table_bytes: sum(shards, ({ levels }) => levels.reduce((bytes, level) => bytes + level.bytes, 0)),
      method: SPACE_METHOD,
    },
  };
}

function summedLevels(
  shards: readonly CompactionReportShard[],
): Array<Pick<LevelBacklog, 'level' | 'bytes'>> {
  const depth = Math.max(0, ...shards.map(({ levels }) => levels.length));
  return Array.from({ length: depth }, (_, level) => ({
    level,
    bytes: sum(shards, ({ levels }) => levels[level]?.bytes ?? 0),
  }));
}

function sum<T>(items: readonly T[], figure: (item: T) => number): number {
  return items.reduce((total, item) => total + figure(item), 0);
}

const rounded = (value: number): number => Math.round(value * 1000) / 1000;
const orNull = (value: number | undefined): number | null => (value === undefined ? null : rounded(value));
