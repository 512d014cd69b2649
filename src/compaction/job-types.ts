/**
 * Jobs of flush and compaction and what comes of them: plain data that crosses threads by structured clone. The shard
 * thread decides a job, the compactor thread carries it out, and the shard thread renames the result's files, appends the
 * version edit and publishes. Until then nothing of a job counts: its files have temporary names.
 */
import type { KeyBound, TableInfo } from '../manifest/table-info.js';
import type { CodecName } from '../sst/codec.js';
import type { InputRun } from './picker-state.js';

/** How tables are written. */
export interface TableOptions {
  /** File size at which a table ends, at the next key. */
  readonly tableSizeBytes: number;
  readonly blockSizeBytes: number;
  /** 0 = no bloom filter. */
  readonly bloomBitsPerKey: number;
  /** Of all tables except those of the last level. */
  readonly upperCodec: CodecName;
  readonly lastCodec: CodecName;
  /** A table also ends when it overlaps this many bytes of the level below its own, so that it can go down cheaply. */
  readonly grandparentOverlapBytesMax: number;
}

/** Numbers first to first + count - 1, reserved for one job; what it does not use stays unused. */
export interface FileNumberRange {
  readonly first: number;
  readonly count: number;
}

/** What decides which versions are kept; see version-retention.ts. */
export interface RetentionInput {
  /** Seqnos of registered snapshots, in any order. */
  readonly snapshots: readonly number[];
  /** Database time. */
  readonly nowSeconds: number;
  readonly droppedCollections: readonly number[];
}

export interface FlushJob extends RetentionInput {
  readonly kind: 'flush';
  /** Slot of an immutable memtable, which stays as it is until the job has ended. */
  readonly memtable: SharedArrayBuffer;
  /** The shard's `sst` directory. */
  readonly directory: string;
  readonly fileNumbers: FileNumberRange;
  /** The run of level 0 that the tables make up. */
  readonly run: number;
  readonly options: TableOptions;
}

export interface FlushResult {
  /** In key order; empty when nothing of the memtable is kept. Their files have temporary names. */
  readonly tables: readonly TableInfo[];
  readonly bytesWritten: number;
  /** Versions written. */
  readonly entries: number;
  readonly durationMs: number;
}

/** What an output must know of a table below its level. */
export interface DeeperTable {
  readonly smallest: KeyBound;
  readonly largest: KeyBound;
  readonly sizeBytes: number;
}

export interface CompactionJob extends RetentionInput {
  readonly kind: 'compact';
  readonly shard: number;
  readonly directory: string;
  /** Newest run first. */
  readonly inputs: readonly InputRun[];
  readonly outputLevel: number;
  /** No deeper level has a table. */
  readonly isLastLevel: boolean;
  /** Per level from outputLevel + 1 on: the tables that the inputs' keys overlap, in key order. */
  readonly deeper: ReadonlyArray<readonly DeeperTable[]>;
  readonly fileNumbers: FileNumberRange;
  readonly options: TableOptions;
}

export interface CompactionResult {
  /** In key order. Their files have temporary names. */
  readonly added: readonly TableInfo[];
  /** File numbers of all inputs. */
  readonly removed: readonly number[];
  /** Of input files. */
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Versions in the inputs, and in the outputs. */
  readonly entriesRead: number;
  readonly entriesWritten: number;
  /** Versions left out because nobody sees them, tombstones not among them; those of dropped collections are. */
  readonly droppedVersions: number;
  readonly droppedTombstones: number;
  /** Documents of which only a husk was kept. */
  readonly strippedExpired: number;
  readonly durationMs: number;
}
