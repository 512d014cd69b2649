/**
 * What a shard does for a checkpoint, in two steps: first its tables are linked, then, once the seqno was chosen that all
 * shards agree on, the part of its log that is not in those tables. In between the log lets go of nothing. Shard thread only.
 */

import { CHECKPOINT_MANIFEST, type CheckpointShard } from '../backup/checkpoint/checkpoint-file.js';
import { linkSegments, linkTables } from '../backup/checkpoint/link-files.js';
import { asSeqno, asShardId } from '../base/brand.js';
import { DbError, toWireError } from '../base/errors.js';
import type { JobOutcome } from '../engine/store-scheduler.js';
import { encodeManifest } from '../manifest/manifest-file.js';
import { type ShardPlace, shardPlace } from '../tools/shard-place.js';
import type { RecoveredShard } from './shard-recovery.js';

/** A shard whose log is held this long was forgotten: the main thread would have ended it. */
const HOLD_MS_MAX = 120_000;

export interface CheckpointedTables {
  readonly flushedSeqno: number;
  readonly tables: CheckpointShard['tables'];
  /** Bytes of a manifest that names them. */
  readonly manifest: Uint8Array;
  readonly databaseSeconds: number;
}

export class ShardCheckpoint {
  private release: (() => void) | undefined;
  private timer: NodeJS.Timeout | undefined;
  private flushedSeqno = 0;

  constructor(
    private readonly shard: RecoveredShard,
    private readonly from: Pick<ShardPlace, 'vfs' | 'shard' | 'tableDirectory' | 'walDirectory'>,
  ) {}

  /** `directory`: of the checkpoint; the directories of the shard are there. */
  linkTables(directory: string): JobOutcome<CheckpointedTables> {
    const { store, log } = this.shard;
    const { vfs, shard } = this.from;
    try {
      if (this.release !== undefined) throw new DbError('CONFLICT', 'another checkpoint is being made');
      const snapshot = store.snapshot();
      linkTables(this.from, shardPlace(vfs, directory, shard), snapshot.addedTables);
      const manifest = encodeManifest(asShardId(shard), CHECKPOINT_MANIFEST, 1, snapshot).all;
      this.flushedSeqno = store.flushedSeqno;
      this.release = log.hold();
      this.timer = setTimeout(() => this.end(), HOLD_MS_MAX);
      return {
        result: {
          flushedSeqno: store.flushedSeqno,
          tables: snapshot.addedTables.map(({ fileNumber, sizeBytes }) => ({
            file_number: fileNumber,
            size_bytes: sizeBytes,
          })),
          manifest,
          databaseSeconds: snapshot.databaseSeconds ?? 0,
        },
      };
    } catch (error) {
      return { error: toWireError(error) };
    }
  }

  /** Makes all that was appended so far durable and links it. */
  linkLog(directory: string): JobOutcome<CheckpointShard['log']> {
    const { engine, log } = this.shard;
    const { vfs, shard } = this.from;
    try {
      if (this.release === undefined)
        throw new DbError('CONFLICT', 'the checkpoint was given up: it took too long');
      engine.flush();
      const poison = log.poisonedBy();
      if (poison !== undefined) throw poison;
      const interval = log.intervalAbove(asSeqno(this.flushedSeqno));
      if (interval === undefined) return { result: null };
      const { first, end } = interval;
      linkSegments(this.from, shardPlace(vfs, directory, shard), first, end.segment);
      return { result: { first_segment: first, last_segment: end.segment, end_offset: end.offset } };
    } catch (error) {
      return { error: toWireError(error) };
    } finally {
      this.end();
    }
  }

  /** The log may let go again. Idempotent. */
  end(): void {
    clearTimeout(this.timer);
    this.release?.();
    this.release = undefined;
  }
}
